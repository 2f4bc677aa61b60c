"""B13: a change to what served well before is the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.record import Incarnation, IncarnationState
from dr_core.standby import spec_digest
from dr_core.way_back import UNDONE_SECONDS, is_way_back

OLD, NEW = (json.dumps({"template_url": each}) for each in ("old", "new"))


def served(
    spec: str,
    *,
    name: str = "a",
    serving_from: float | None = 0.0,
    serving_to: float | None = 300.0,
    taken_back: bool = False,
) -> Any:
    return Incarnation(
        taken_back=taken_back,
        generation=1,
        managed_cluster=name,
        state=IncarnationState.SERVING if serving_to is None else IncarnationState.RETIRED,
        spec_digest=spec_digest(spec),
        serving_from=serving_from,
        serving_to=serving_to,
    )


OTHER_HALF = served(NEW, name="b", serving_to=None)
LATER = 1_000_000.0


@pytest.mark.parametrize(
    ("rule", "spec", "incarnations", "back"),
    [
        ("it served for as long as a proof takes", OLD, [served(NEW), served(OLD)], True),
        ("not for that long", OLD, [served(OLD, serving_to=299.0)], False),
        ("nor from some later time on", OLD, [served(OLD, serving_from=200.0, serving_to=300.0)], False),
        ("another one served", OLD, [served(NEW)], False),
        ("it served elsewhere", OLD, [served(OLD, name="b")], False),
        ("it never served", OLD, [served(OLD, serving_from=None)], False),
        ("it serves now: that is no change", OLD, [served(OLD, serving_to=None)], False),
        ("it was taken back", NEW, [served(NEW, taken_back=True)], False),
        ("and had served well before that", NEW, [served(NEW), served(NEW, serving_to=900.0, taken_back=True)], False),
        ("it never left the other half", NEW, [served(NEW, taken_back=True), OTHER_HALF], True),
        (
            "the other half came back to it",
            NEW,
            [served(NEW, taken_back=True), replace(OTHER_HALF, serving_from=301.0)],
            False,
        ),
        ("it was proved since", NEW, [served(NEW, taken_back=True), served(NEW, serving_to=900.0)], True),
        ("nobody says which", None, [served(OLD)], False),
    ],
)
def test_it_is_the_way_back_if(rule: str, spec: str | None, incarnations: list[Incarnation], back: bool) -> None:
    found = is_way_back(spec, managed_cluster="a", incarnations=incarnations, well_seconds=300, now=LATER)

    assert found is back, rule


@pytest.mark.parametrize(("now", "back"), [(300.0 + UNDONE_SECONDS - 1, True), (300.0 + UNDONE_SECONDS, False)])
def test_a_way_back_may_be_taken_back_itself(now: float, back: bool) -> None:
    """Both halves went back, a later part of that deploy failed, and what CloudFormation does then has to work."""
    incarnations = [served(NEW, taken_back=True), served(NEW, name="b", taken_back=True)]

    assert is_way_back(NEW, managed_cluster="a", incarnations=incarnations, well_seconds=300, now=now) is back
