"""The row in which a certificate ends (A14, B8)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from dr_core.metrics import CERTIFICATE_PROBLEMS
from emr_drill.faults.certificates import ROWS
from emr_drill.faults.model import Outcome


def test_nothing_is_failed_over_and_a_person_is_told() -> None:
    (row,) = ROWS

    assert row.tls
    assert row.expect.outcome is Outcome.NOTHING
    assert [page.metric for page in row.expect.pages] == [CERTIFICATE_PROBLEMS]
    assert (row.expect.launches, row.expect.jobs_lost) == ((0, 0), False)


def test_the_certificate_ends_and_is_renewed() -> None:
    done: list[tuple[str, Any]] = []
    encryption = SimpleNamespace(
        expire=lambda stand_in: done.append(("expire", stand_in)),
        begin=lambda stand_in: done.append(("begin", stand_in)),
    )
    scene: Any = SimpleNamespace(stand_in=SimpleNamespace(encryption=encryption))

    for act in ROWS[0].acts:
        act.do(scene)

    assert done == [("expire", scene.stand_in), ("begin", scene.stand_in)]
