"""A2, A14: new jobs are kept from what is sick while somebody else gets them, and never from everybody."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.evidence import Verdict
from dr_core.requests import Reason
from failover.isolation import (
    end_isolation,
    healthy_others,
    isolate_while_others_serve,
    known_of,
    others_serve,
)

from .scenarios import launched, second_half
from .world import World


@pytest.fixture
def two(world: World) -> World:
    """Generation 1 of ``a`` and generation 90 of ``b``, both healthy in service."""
    launched(world)
    second_half(world)
    return world


def balanced(world: World) -> list[str]:
    return sorted(world.targets["balanced"])


def test_somebody_else_serves_who_is_healthy_and_stays(two: World) -> None:
    health = two.health("balanced")
    assert healthy_others(two.deployment, two.incarnation(1), health) == ["g000090"]


@pytest.mark.parametrize(
    "change",
    [{"isolated_at": 1}, {"terminate_requested_at": 1}, {"state": "retiring"}, {"managed_cluster": "a"}],
    ids=str,
)
def test_who_does_not_stay_is_nobody_to_rest_on(two: World, change: dict[str, Any]) -> None:
    """A14: a Livy answers for a while after the end of its cluster was requested."""
    two.put({**two.incarnation(90).to_item(), **change})
    assert healthy_others(two.deployment, two.incarnation(1), two.health("balanced")) == []
    assert "stays in it" in isolate_while_others_serve(two.deployment, two.incarnation(1))
    assert balanced(two) == ["10.0.1.1", "10.0.3.90"]


def test_two_are_not_isolated_each_because_the_other_serves(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: two steps at the same moment; never zero by our own act."""
    front_door = type(two.deployment.front_door)
    leave = front_door.leave_balanced_group

    def leave_and_lose_the_other(door: Any, address: str) -> None:
        leave(door, address)
        two.put({**two.incarnation(90).to_item(), "isolated_at": 1})

    monkeypatch.setattr(front_door, "leave_balanced_group", leave_and_lose_the_other)

    message = isolate_while_others_serve(two.deployment, two.incarnation(1))

    assert message == "nobody else serves any more: g000001 gets new jobs again"
    assert "10.0.1.1" in balanced(two)
    assert two.incarnation(1).isolated_at is None


@pytest.mark.parametrize(
    ("seen", "out"), [(Verdict.UNHEALTHY, True), (Verdict.UNKNOWN, True), (Verdict.HEALTHY, False)]
)
def test_what_the_operation_has_seen_goes_first(two: World, seen: Verdict, out: bool) -> None:
    """A2: it has asked probers, whose rounds may not show as much yet."""
    isolate_while_others_serve(two.deployment, two.incarnation(1))
    two.see_evidence(1, Verdict.HEALTHY if out else Verdict.UNHEALTHY)

    assert end_isolation(two.deployment, 1, verdict=seen) is not out

    assert ("10.0.1.1" not in balanced(two)) is out


@pytest.mark.parametrize(
    ("reason", "known"),
    [(Reason.UNHEALTHY, Verdict.UNHEALTHY), (Reason.UPGRADE, Verdict.UNHEALTHY), (Reason.MANUAL, None)],
)
def test_what_an_operation_knows_depends_on_why_it_runs(reason: Reason, known: Verdict | None) -> None:
    """A2: a change may have superseded the failover that found it sick."""
    assert known_of(reason) is known


@pytest.mark.parametrize(
    ("verdict", "out"), [(Verdict.UNHEALTHY, True), (Verdict.UNKNOWN, True), (None, True), (Verdict.HEALTHY, False)]
)
def test_only_what_is_known_to_be_well_gets_new_jobs_at_the_end_of_an_operation(
    two: World, verdict: Verdict | None, out: bool
) -> None:
    """A2, A12: it was known to be sick when it was isolated, and another one serves."""
    isolate_while_others_serve(two.deployment, two.incarnation(1))
    if verdict is not None:
        two.see_evidence(1, verdict)

    assert end_isolation(two.deployment, 1, verdict=None) is not out

    assert ("10.0.1.1" not in balanced(two)) is out


def test_what_is_sick_and_alone_gets_new_jobs(two: World) -> None:
    isolate_while_others_serve(two.deployment, two.incarnation(1))
    two.unhealthy.add("10.0.3.90")

    end_isolation(two.deployment, 1, verdict=Verdict.UNHEALTHY)

    assert "10.0.1.1" in balanced(two)


@pytest.mark.parametrize("generation", [None, 1, 7])
def test_what_was_not_isolated_is_left_alone(two: World, generation: int | None) -> None:
    before = balanced(two)
    end_isolation(two.deployment, generation, verdict=Verdict.UNHEALTHY)
    assert balanced(two) == before


def test_another_half_serves_that_is_healthy(two: World) -> None:
    """A2: whoever stops a failover asks."""
    assert others_serve(two.deployment, "a")
    two.targets["balanced"].pop("10.0.3.90")
    assert not others_serve(two.deployment, "a")


@pytest.mark.parametrize("name", ["a", "unheard-of"])
def test_beside_nothing_nobody_else_is_counted(world: World, name: str) -> None:
    assert not others_serve(world.deployment, name)
