"""What people would be told: messages to SNS topics and metrics of functions, in the drill's journal.

Entries of the journal:

* ``{"at", "kind": "notification", "topic": ARN, "subject": str, "message": str}``
* ``{"at", "kind": "metric", "function", "namespace", "name", "value", "unit", "dimensions": {name: value}}``

``at`` is in seconds since 1970, in the drill's time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import moto.sns.models as sns_models

from emr_drill.stand_in.patching import original, replace

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


class Journal(Protocol):
    """Where entries go."""

    def append(self, entry: dict[str, Any], /) -> None: ...


def install(stand_in: StandIn) -> None:
    """Write every message to a topic into the journal of *stand_in*."""
    record(stand_in.clock.now, stand_in.journal)


def record(now: Callable[[], float], journal: Journal) -> None:
    """Write every message that moto's topics accept into *journal*."""

    accept = original(sns_models.SNSBackend, "publish")

    def publish(
        self: sns_models.SNSBackend,
        message: str,
        arn: str | None,
        phone_number: str | None = None,
        subject: str | None = None,
        *arguments: Any,
        **named: Any,
    ) -> str:
        message_id: str = accept(self, message, arn, phone_number, subject, *arguments, **named)
        journal.append(
            {"at": now(), "kind": "notification", "topic": arn or "", "subject": subject or "", "message": message}
        )
        return message_id

    replace(sns_models.SNSBackend, "publish", publish)


def metric_recorder(journal: Journal) -> Callable[[str, str], None]:
    """What writes the metrics in a function's output into *journal*; takes function name and line."""

    def take(function: str, line: str) -> None:
        for entry in metrics(function, line):
            journal.append(entry)

    return take


def metrics(function: str, line: str) -> Iterator[dict[str, Any]]:
    """The metrics in one line of a function's output, as entries of the journal.

    CloudWatch makes metrics of lines in the embedded metric format, which is how functions publish them:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in line:
        return
    try:
        content = json.loads(line)
        at = content["_aws"]["Timestamp"] / 1000
        directives = content["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):  # a line of the log that merely looks like metrics
        return
    for directive in directives:
        names = {name for group in directive.get("Dimensions", []) for name in group}
        dimensions = {name: content[name] for name in sorted(names) if name in content}
        for metric in directive.get("Metrics", []):
            values = content.get(metric["Name"], [])
            for value in values if isinstance(values, list) else [values]:
                yield {
                    "at": at,
                    "kind": "metric",
                    "function": function,
                    "namespace": directive.get("Namespace", ""),
                    "name": metric["Name"],
                    "value": value,
                    "unit": metric.get("Unit", "None"),
                    "dimensions": dimensions,
                }
