"""Canaries for ``event_bus``, ``schedules`` and ``notifications`` of ``emr_drill.stand_in``.

A failure means that another moto is installed: read the new source, fit the replacement, then the hash here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventsBackend, Rule
from moto.events.utils import EventTemplateParser
from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.sns.models import SNSBackend

from .canary import fingerprint


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (Rule, "send_to_targets", "82e819230f34"),  # no functions, machines or topics; disabled rules, too
        (EventsBackend, "put_events", "1b8bc624872a"),  # the machine's date
        (EventBridgeSchedulerBackend, "create_schedule", "69bba1bc8539"),  # nothing fires
        (EventBridgeSchedulerBackend, "delete_schedule", "90e7395ed4ee"),
        (SNSBackend, "publish", "83a339509428"),
    ],
)
def test_what_is_replaced_is_as_it_was(owner: type, name: str, expected: str) -> None:
    assert fingerprint(owner, name) == expected


def test_motos_templates_do_not_quote_text() -> None:
    """EventBridge does, which is why the drill fills templates itself."""
    event: Any = {"detail": {"status": "FAILED"}, "ingestion-time": 0.0}
    with pytest.raises(json.JSONDecodeError):
        EventTemplateParser.parse('{"status": <status>}', {"status": "$.detail.status"}, event)
