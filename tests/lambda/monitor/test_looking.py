"""A11, A12: what a monitor sees of one incarnation, and the verdict on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import EndpointConnectionError

from dr_core import metrics
from dr_core.evidence import LOAD_BALANCER, Evidence, Service, healthy, unhealthy, unknown
from dr_core.record import Incarnation
from dr_core.verdicts import Termination

from .world import INCARNATION, NOW, World, emitted


def test_what_a_person_ended_is_not_replaced(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.dies()
    world.cloud.ending = Termination(code="USER_REQUEST", message="Terminated by user request")

    world.round()

    assert world.started == []
    assert emitted(capsys)[metrics.TERMINATED_BY_A_PERSON] == 1


def test_what_failed_by_itself_is_replaced(world: World) -> None:
    world.dies()
    world.cloud.ending = Termination(code="INSTANCE_FAILURE", message="lost")

    world.round()

    assert len(world.started) == 1


def test_an_end_that_the_controller_asked_for_is_not_a_persons(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put(replace(INCARNATION, terminate_requested_at=NOW - 5))
    world.dies()
    world.cloud.ending = Termination(code="USER_REQUEST", message="Terminated by user request")

    world.round()

    assert metrics.TERMINATED_BY_A_PERSON not in emitted(capsys)


def test_an_end_that_the_controller_asked_for_during_the_round_is_not_a_persons(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A14: the record that the round began with is older than what EMR says; nobody is told of a person."""
    world.dies()
    ask = world.cloud.termination

    def fenced_meanwhile(cluster_id: str) -> Termination | None:
        world.put(replace(INCARNATION, terminate_requested_at=NOW))
        return ask(cluster_id)

    monkeypatch.setattr(world.cloud, "termination", fenced_meanwhile)
    world.cloud.ending = Termination(code="USER_REQUEST", message="Terminated by user request")

    world.round()

    assert metrics.TERMINATED_BY_A_PERSON not in emitted(capsys)


def test_nothing_is_done_while_emr_does_not_say_whether_a_person_ended_it(world: World) -> None:
    """A14: an error of our own call never leads to an action."""
    world.dies()
    world.cloud.ending = EndpointConnectionError(endpoint_url="https://example.com")

    world.round()

    assert world.started == []


def test_an_incarnation_whose_cluster_is_not_known_is_judged_by_evidence_alone(world: World) -> None:
    world.put(replace(INCARNATION, cluster_id=None))
    world.cloud.ending = EndpointConnectionError(endpoint_url="https://example.com")
    world.dies()

    world.round()

    assert len(world.started) == 1


def test_the_load_balancer_is_a_vantage_point_beside_one_prober(world: World) -> None:
    """Two of the three probers are lost with their zones."""
    for _ in range(3):
        world.looks(unhealthy("connection refused"), zones="a")
        world.cloud.health = dict.fromkeys(("balanced", "rm", "nn"), unhealthy("target unhealthy"))
        world.round()
        world.now += 10

    assert len(world.started) == 1


def test_each_service_has_its_target_group(world: World) -> None:
    world.cloud.health = {"rm": unhealthy("target unhealthy"), "nn": unknown("target draining")}

    world.round()

    (evidence,) = world.store.evidence("g000001", since=0)
    assert evidence.observer == LOAD_BALANCER
    assert evidence.services == {
        Service.LIVY: healthy("target healthy"),
        Service.RESOURCE_MANAGER: unhealthy("target unhealthy"),
        Service.NAME_NODE: unknown("target draining"),
    }
    assert set(world.cloud.asked) == {
        (("balanced",), "10.0.0.7"),
        (("rm",), "10.0.0.7"),
        (("nn",), "10.0.0.7"),
    }


@pytest.mark.parametrize(
    ("rule", "incarnation", "groups"),
    [
        ("no slot", INCARNATION, ("balanced",)),
        ("in service, with a slot beside", replace(INCARNATION, slot=2), ("balanced", "slot-2")),
        ("isolated: its slot's word", replace(INCARNATION, slot=2, isolated_at=NOW - 60), ("slot-2",)),
        ("isolated without a slot: nobody else could tell", replace(INCARNATION, isolated_at=NOW - 60), ("balanced",)),
        ("a slot that is not of this deployment", replace(INCARNATION, slot=9), ("balanced",)),
    ],
)
def test_whose_word_counts_for_livy(world: World, rule: str, incarnation: Incarnation, groups: tuple[str, ...]) -> None:
    """A sick incarnation that was taken out of the balanced group is judged all the same: it may be well again."""
    world.put(incarnation)

    world.round()

    livy = [asked for asked, _ in world.cloud.asked if asked[0] not in ("rm", "nn")]
    assert livy == [groups], rule


def test_an_isolated_incarnation_is_healthy_by_its_slot(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One prober and the slot's group are two vantage points; the balanced group does not know it any more."""
    world.put(replace(INCARNATION, slot=2, isolated_at=NOW - 60))
    world.cloud.health = {"balanced": unknown("not a target"), "slot-2": healthy("target healthy")}
    for _ in range(3):
        world.looks(healthy("fine"), zones="a")
        world.round()
        world.now += 10

    assert emitted(capsys)[metrics.VERDICT_UNKNOWN] == 0


def test_evidence_that_came_while_it_was_read_is_not_from_the_future(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that is retried takes seconds; what was seen meanwhile counts."""
    read = world.store.evidence

    def slowly(incarnation: str, *, since: float) -> list[Evidence]:
        world.now += 8
        world.dies()
        return read(incarnation, since=since)

    monkeypatch.setattr(world.store, "evidence", slowly)

    world.round()

    assert len(world.started) == 1


def test_a_young_incarnation_is_not_judged(world: World) -> None:
    world.put(replace(INCARNATION, serving_from=NOW - 20))
    world.dies()

    world.round()

    assert world.started == []


def test_what_was_seen_before_a_repair_does_not_count(world: World) -> None:
    """A11: the restart of Livy answered it; another operation would launch a cluster for a fault that is mended."""
    world.put(replace(INCARNATION, repaired_at=NOW - 20))
    world.dies()

    world.round()

    assert world.started == []
