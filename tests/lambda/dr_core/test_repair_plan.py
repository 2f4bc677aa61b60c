"""When Livy is restarted in place instead of replaced with its cluster, and when that counts as done."""

from __future__ import annotations

from typing import Any

import pytest

from dr_core.evidence import Service, Verdict
from dr_core.operation_plan import Next
from dr_core.repair_plan import (
    CANCEL_SECONDS,
    CLUSTER_TAKES_STEPS,
    DOUBT_SECONDS,
    REPAIR_AGAIN_SECONDS,
    STEP_UNDER_WAY,
    Remedy,
    awaits_cancellation,
    choose_remedy,
    fate_of_step,
    judge_repair,
    restart_step_name,
)
from dr_core.requests import Kind, Reason
from dr_core.verdicts import Judgement

NOW = 1_800_000_000.0
LIVY, YARN, HDFS = Service.LIVY, Service.RESOURCE_MANAGER, Service.NAME_NODE


def seen(bad: set[Service], good: set[Service]) -> Judgement:
    """A judgement by which some services are bad and some are good; of the others nobody can tell."""
    verdict = Verdict.UNHEALTHY if bad else Verdict.HEALTHY if good == set(Service) else Verdict.UNKNOWN
    return Judgement(
        verdict=verdict, reason="what was seen", bad_services=frozenset(bad), good_services=frozenset(good)
    )


def chosen(**changes: Any) -> tuple[Remedy, str]:
    """The remedy for a Livy that fails alone, unless *changes* say otherwise."""
    values: dict[str, Any] = {
        "kind": Kind.FAILOVER,
        "reason": Reason.UNHEALTHY,
        "judgement": seen({LIVY}, {YARN, HDFS}),
        "repaired_at": None,
        "unseeded": False,
        "now": NOW,
        "waited": 0,
    }
    return choose_remedy(**{**values, **changes})


def test_a_livy_that_fails_alone_is_restarted() -> None:
    """A14: no job is lost, and no cluster is launched."""
    assert chosen() == (Remedy.REPAIR, "Livy alone fails")


@pytest.mark.parametrize("unseeded", [False, True])
@pytest.mark.parametrize("waited", [0, DOUBT_SECONDS])
def test_what_is_healthy_again_is_left_alone(waited: float, unseeded: bool) -> None:
    """It came back since the look before: no cluster is launched only to be given up again."""
    judgement = seen(set(), set(Service))
    assert chosen(judgement=judgement, waited=waited, unseeded=unseeded) == (Remedy.LEAVE, "what was seen")


@pytest.mark.parametrize(
    ("bad", "good", "why"),
    [
        ({LIVY, YARN}, {HDFS}, "not Livy alone fails: resource_manager not known to be good"),
        ({LIVY, HDFS}, {YARN}, "not Livy alone fails: name_node not known to be good"),
        ({LIVY, YARN}, set(), "not Livy alone fails: name_node, resource_manager not known to be good"),
        ({LIVY, YARN, HDFS}, set(), "not Livy alone fails: name_node, resource_manager not known to be good"),
        ({YARN}, {LIVY, HDFS}, "Livy is not known to be what fails"),
        ({HDFS}, set(), "Livy is not known to be what fails"),
    ],
)
def test_what_is_known_to_have_lost_more_than_livy_is_replaced_at_once(
    bad: set[Service], good: set[Service], why: str
) -> None:
    """A14: jobs may be lost already, and a wait would be added to the recovery."""
    assert chosen(judgement=seen(bad, good)) == (Remedy.REPLACE, why)


@pytest.mark.parametrize(("waited", "remedy"), [(0, Remedy.WAIT), (29.9, Remedy.WAIT), (30, Remedy.REPLACE)])
@pytest.mark.parametrize(
    ("good", "why"),
    [
        ({YARN}, "not Livy alone fails: name_node not known to be good"),
        ({HDFS}, "not Livy alone fails: resource_manager not known to be good"),
        (set(), "not Livy alone fails: name_node, resource_manager not known to be good"),
    ],
)
def test_a_doubt_about_yarn_or_hdfs_is_waited_with(good: set[Service], why: str, waited: float, remedy: Remedy) -> None:
    """A14: a replacement would end every running job, which a restart of Livy keeps."""
    assert chosen(judgement=seen({LIVY}, good), waited=waited) == (remedy, why)


@pytest.mark.parametrize(
    ("waited", "remedy"),
    [
        (29.9, (Remedy.WAIT, "it is not known what fails: what was seen")),
        (30, (Remedy.REPLACE, "Livy is not known to be what fails")),
    ],
)
@pytest.mark.parametrize("good", [set(), {LIVY}, {YARN, HDFS}])
def test_an_unknown_verdict_is_waited_with(good: set[Service], waited: float, remedy: tuple[Remedy, str]) -> None:
    """A14: an unknown verdict leads to no action; the look before this one confirmed what was wrong, though."""
    assert chosen(judgement=seen(set(), good), waited=waited) == remedy


@pytest.mark.parametrize("changes", [{"unseeded": True}, {"repaired_at": NOW - 1}])
def test_nothing_is_waited_for_where_livy_would_not_be_restarted(changes: dict[str, Any]) -> None:
    """Whatever YARN turned out to be, the cluster would be replaced."""
    assert chosen(judgement=seen({LIVY}, set()), **changes)[0] is Remedy.REPLACE


def test_a_livy_that_fails_again_soon_is_replaced() -> None:
    """A restart did not cure it."""
    assert chosen(repaired_at=NOW - REPAIR_AGAIN_SECONDS + 1) == (
        Remedy.REPLACE,
        "Livy was restarted 0:29:59 (h:mm:ss) ago and fails again",
    )
    assert chosen(repaired_at=NOW - REPAIR_AGAIN_SECONDS)[0] is Remedy.REPAIR


@pytest.mark.parametrize("good", [set(), {YARN, HDFS}, set(Service)])
@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.UNHEALTHY])
def test_what_a_person_wants_replaced_is_replaced(reason: Reason, good: set[Service]) -> None:
    """A failover by hand is no request for a restart, and not looked at again."""
    assert chosen(reason=reason, judgement=seen(set(), good)) == (
        Remedy.REPLACE,
        f"a failover was asked for ({reason})",
    )


@pytest.mark.parametrize("kind", [Kind.LAUNCH, Kind.SWITCHOVER])
def test_other_operations_launch(kind: Kind) -> None:
    """Whatever is seen."""
    assert chosen(kind=kind)[0] is Remedy.REPLACE


@pytest.mark.parametrize("bad", [set(), {LIVY}, set(Service)])
def test_a_restart_that_was_asked_for_is_made(bad: set[Service]) -> None:
    """Even of a Livy that looks well or was restarted a moment ago: a person decided."""
    judgement = seen(bad, set(Service) - bad)
    remedy = chosen(kind=Kind.REPAIR, reason=Reason.MANUAL, judgement=judgement, repaired_at=NOW - 1)
    assert remedy == (Remedy.REPAIR, "asked for (manual)")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_livy_that_numbers_outside_its_range_is_not_restarted(kind: Kind) -> None:
    """A13: it could issue an id twice, and a client would read another job's state; not even if a person asks."""
    remedy, why = chosen(kind=kind, unseeded=True)
    assert remedy is Remedy.REPLACE
    assert why == "Livy numbers outside its range, and could issue ids twice after a restart"


def test_steps_run_on_clusters_that_are_up() -> None:
    """EMR API reference, ClusterState."""
    assert {"RUNNING", "WAITING"} == CLUSTER_TAKES_STEPS


def judged(step_state: str, *, seen: int = 0, waited: float = 10) -> tuple[Next, str]:
    """The judgement on a repair that may take 240 s and needs two vantage points."""
    return judge_repair(step_state=step_state, seen_healthy_by=seen, vantage_points=2, waited=waited, limit=240)


@pytest.mark.parametrize("waited", [10, 1000])
@pytest.mark.parametrize("seen", [2, 3])
def test_it_is_mended_when_enough_vantage_points_see_it(seen: int, waited: float) -> None:
    """A11: a restart alone proves nothing; one that came late is there."""
    assert judged("COMPLETED", seen=seen, waited=waited) == (
        Next.GO_ON,
        f"{seen} vantage points see every service healthy",
    )


@pytest.mark.parametrize(("waited", "decision"), [(239.9, Next.WAIT), (240, Next.STOP)])
def test_one_vantage_point_is_waited_with_for_a_second(waited: float, decision: Next) -> None:
    """Up to the limit."""
    assert judged("COMPLETED", seen=1, waited=waited) == (
        decision,
        f"Livy was restarted, and 1 of 2 vantage points see every service healthy after {waited:.0f} s",
    )


@pytest.mark.parametrize("state", sorted(STEP_UNDER_WAY))
@pytest.mark.parametrize(("waited", "decision"), [(239.9, Next.WAIT), (240, Next.STOP)])
def test_the_step_is_waited_for(state: str, waited: float, decision: Next) -> None:
    """EMR runs one step after the other, and a user's own step may last for hours."""
    assert judged(state, seen=3, waited=waited) == (
        decision,
        f"EMR calls the step that restarts Livy {state} after {waited:.0f} s",
    )


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "INTERRUPTED", ""])
def test_a_step_that_ended_badly_mends_nothing(state: str) -> None:
    """Not even when somebody sees a Livy that answers: it may be about to stop."""
    assert judged(state, seen=3) == (Next.STOP, f"EMR calls the step that restarts Livy {state}")


@pytest.mark.parametrize(("waited", "waits"), [(240, True), (269.9, True), (240 + CANCEL_SECONDS, False)])
@pytest.mark.parametrize("state", ["PENDING", "CANCEL_PENDING"])
def test_a_cancellation_is_waited_for(state: str, waited: float, waits: bool) -> None:
    """EMR cancels some time after it was asked to, and promises nothing."""
    assert awaits_cancellation(step_state=state, waited=waited, limit=240) is waits


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED", ""])
def test_nothing_is_waited_for_where_no_step_waits(state: str) -> None:
    """It has begun or has ended."""
    assert not awaits_cancellation(step_state=state, waited=240, limit=240)


@pytest.mark.parametrize(
    ("state", "refusal", "fate"),
    [
        ("CANCELLED", "", "step s-1 was cancelled"),
        ("RUNNING", "", "step s-1 has begun, and may still restart Livy"),
        ("PENDING", "no", "step s-1 still waits and will restart Livy when the steps before it end (no)"),
        *(
            (
                state,
                "",
                "EMR was asked to cancel step s-1 and has not confirmed it: it may restart Livy when the steps before "
                "it end",
            )
            for state in ("PENDING", "CANCEL_PENDING")
        ),
        *((state, "", "") for state in ("COMPLETED", "FAILED", "INTERRUPTED", "")),
    ],
)
def test_what_may_still_come_of_a_step_is_told(state: str, refusal: str, fate: str) -> None:
    """A Livy that restarts unannounced ends jobs in client mode."""
    assert fate_of_step(step_id="s-1", step_state=state, refusal=refusal) == fate


def test_states_of_steps_under_way() -> None:
    """EMR API reference, StepState."""
    assert {"PENDING", "CANCEL_PENDING", "RUNNING"} == STEP_UNDER_WAY


def test_a_restart_has_a_name_of_its_operation() -> None:
    """A14: a step whose answer was lost is found by it."""
    assert restart_step_name("a-20261121t031025-1") == "emr-dr-restart-livy-a-20261121t031025-1"
