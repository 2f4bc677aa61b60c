"""Decisions of an operation."""

from __future__ import annotations

import pytest

from dr_core.evidence import Verdict
from dr_core.metrics import PHASE_SECONDS
from dr_core.operation_plan import (
    AUTOMATIC_FAILOVERS_KEPT,
    CanaryState,
    Claim,
    Next,
    Proof,
    failovers_with,
    judge_again,
    judge_before_fence,
    judge_canary,
    judge_claim,
    judge_leftover,
    judge_proof,
    outcome_of,
    phase_seconds,
)
from dr_core.record import Outcome
from dr_core.requests import Kind
from dr_core.steps import PHASES


def claimed(
    *, holder: str = "", holder_runs: bool = False, kind: Kind = Kind.LAUNCH, waited: float = 0, limit: float = 300
) -> Claim:
    """What the execution ``me`` does about the lease."""
    return judge_claim(holder=holder, mine="me", holder_runs=holder_runs, kind=kind, waited=waited, limit=limit)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_free_lease_is_taken(kind: Kind) -> None:
    """By whoever comes first."""
    assert claimed(kind=kind) is Claim.TAKE


@pytest.mark.parametrize("kind", list(Kind))
def test_the_lease_of_a_closed_execution_is_taken(kind: Kind) -> None:
    """A crashed operation frees itself."""
    assert claimed(holder="other", kind=kind) is Claim.TAKE


def test_a_held_lease_is_kept() -> None:
    """The step was repeated."""
    assert claimed(holder="me", holder_runs=True) is Claim.KEEP


def test_a_failover_gives_way_to_a_running_operation() -> None:
    """Whatever runs ends with a proved incarnation in service, or the monitor tries again."""
    assert claimed(holder="other", holder_runs=True, kind=Kind.FAILOVER) is Claim.CANCEL


@pytest.mark.parametrize("kind", [Kind.LAUNCH, Kind.SWITCHOVER, Kind.REPAIR])
@pytest.mark.parametrize(("waited", "claim"), [(299.9, Claim.WAIT), (300, Claim.GIVE_UP)])
def test_others_wait_for_a_while(kind: Kind, waited: float, claim: Claim) -> None:
    """Somebody asked for them and waits for the answer."""
    assert claimed(holder="other", holder_runs=True, kind=kind, waited=waited) is claim


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.STANDBY])
def test_the_launch_of_a_standby_gives_way(kind: Kind) -> None:
    """Nobody waits for it, and a failover least of all."""
    decision = judge_claim(
        holder="other", mine="me", holder_runs=True, holder_yields=True, kind=kind, waited=0, limit=300
    )
    assert decision is Claim.SUPERSEDE


@pytest.mark.parametrize("yields", [True, False])
def test_the_launch_of_a_standby_waits_for_nobody(yields: bool) -> None:
    """The next minute sees what is wanted then."""
    decision = judge_claim(
        holder="other", mine="me", holder_runs=True, holder_yields=yields, kind=Kind.STANDBY, waited=0, limit=300
    )
    assert decision is Claim.CANCEL


@pytest.mark.parametrize("kind", list(Kind))
def test_a_leftover_out_of_service_is_given_up(kind: Kind) -> None:
    """Nothing was changed for it."""
    assert judge_leftover(takes_over=False, kind=kind) is Next.STOP


@pytest.mark.parametrize(
    ("kind", "decision"),
    [(Kind.FAILOVER, Next.GO_ON), (Kind.LAUNCH, Next.WAIT), (Kind.SWITCHOVER, Next.WAIT), (Kind.REPAIR, Next.WAIT)],
)
def test_a_leftover_in_service_is_never_given_up(kind: Kind, decision: Next) -> None:
    """It is proved, and may be the only healthy one; what a switchover launches is something else."""
    assert judge_leftover(takes_over=True, kind=kind) is decision


@pytest.mark.parametrize(
    ("state", "canary"),
    [
        ("", CanaryState.MISSING),
        ("not_started", CanaryState.RUNNING),
        ("starting", CanaryState.RUNNING),
        ("recovering", CanaryState.RUNNING),
        ("running", CanaryState.RUNNING),
        ("success", CanaryState.SUCCEEDED),
        ("dead", CanaryState.FAILED),
        ("error", CanaryState.FAILED),
        ("killed", CanaryState.FAILED),
        ("shutting_down", CanaryState.FAILED),
    ],
)
def test_what_livys_states_mean(state: str, canary: CanaryState) -> None:
    """Livy 0.8.0, SessionState."""
    assert judge_canary(state) is canary


def proved(
    *, canary: CanaryState = CanaryState.SUCCEEDED, id_in_range: bool = True, seen: bool = True, waited: float = 0
) -> tuple[Next, str]:
    """The judgement on a new cluster."""
    return judge_proof(proof=Proof(canary=canary, id_in_range=id_in_range, seen_healthy=seen), waited=waited, limit=300)


def test_a_cluster_is_proved_by_canary_and_vantage_points() -> None:
    """A14: readiness is verified, not assumed."""
    assert proved() == (
        Next.GO_ON,
        "the canary job succeeded and two vantage points see every service healthy",
    )


def test_a_proof_that_came_late_counts() -> None:
    """It is there."""
    assert proved(waited=1000)[0] is Next.GO_ON


def test_a_bad_seed_ends_the_proof() -> None:
    """An id from another range names another owner."""
    decision, why = proved(id_in_range=False)
    assert decision is Next.STOP
    assert "outside the incarnation's range" in why


def test_a_failed_canary_ends_the_proof() -> None:
    """A cluster that cannot run a job must not get traffic."""
    assert proved(canary=CanaryState.FAILED) == (Next.STOP, "the canary job failed")


@pytest.mark.parametrize("canary", [CanaryState.MISSING, CanaryState.RUNNING])
@pytest.mark.parametrize(("waited", "decision"), [(299.9, Next.WAIT), (300, Next.STOP)])
def test_the_canary_is_waited_for(canary: CanaryState, waited: float, decision: Next) -> None:
    """Up to its limit."""
    assert proved(canary=canary, waited=waited) == (decision, "the canary job has not succeeded")


@pytest.mark.parametrize(("waited", "decision"), [(299.9, Next.WAIT), (300, Next.STOP)])
def test_the_vantage_points_are_waited_for(waited: float, decision: Next) -> None:
    """Up to the same limit."""
    assert proved(seen=False, waited=waited) == (
        decision,
        "two vantage points have not seen every service healthy",
    )


def test_everything_that_is_missing_is_named() -> None:
    """The sentence goes to people."""
    assert proved(canary=CanaryState.RUNNING, seen=False)[1] == (
        "the canary job has not succeeded and two vantage points have not seen every service healthy"
    )


ENTERED = {"Claim": 100.0, "Reassess": 101.0, "Launch": 105.0, "Verify": 600.0, "Route": 650.0, "Fence": 655.0}


def test_phases_are_what_lies_between_their_first_states() -> None:
    """They add up to the time from the claim to the end."""
    assert phase_seconds(entered=ENTERED, ended_at=680.0) == {
        "decide": 5.0,
        "launch": 495.0,
        "verify": 55.0,
        "cut_over": 25.0,
    }


@pytest.mark.parametrize(("entered", "seconds"), [({}, {}), ({"Claim": 100.0, "Reassess": 101.0}, {"decide": 10.0})])
def test_a_phase_that_was_not_entered_is_left_out(entered: dict[str, float], seconds: dict[str, float]) -> None:
    """Cancelled before the launch."""
    assert phase_seconds(entered=entered, ended_at=110.0) == seconds


def test_every_phase_has_a_metric() -> None:
    """Alarms and dashboards read them by name."""
    assert set(PHASE_SECONDS) == set(PHASES)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.LAUNCH, Outcome.LAUNCHED),
        (Kind.FAILOVER, Outcome.FAILED_OVER),
        (Kind.SWITCHOVER, Outcome.SWITCHED_OVER),
        (Kind.REPAIR, Outcome.REPAIRED),
    ],
)
def test_every_kind_has_an_outcome(kind: Kind, outcome: Outcome) -> None:
    """Words of the record."""
    assert outcome_of(kind) is outcome


@pytest.mark.parametrize(
    ("verdict", "waited", "decision"),
    [
        (Verdict.UNHEALTHY, 0, Next.GO_ON),
        (Verdict.UNHEALTHY, 1000, Next.GO_ON),
        (Verdict.HEALTHY, 0, Next.STOP),
        (Verdict.UNKNOWN, 59.9, Next.WAIT),
        (Verdict.UNKNOWN, 60, Next.STOP),
    ],
)
def test_the_second_look(verdict: Verdict, waited: float, decision: Next) -> None:
    """A14: unknown never leads to an action."""
    assert judge_again(verdict=verdict, waited=waited, limit=60) is decision


@pytest.mark.parametrize(
    ("verdict", "waited", "decision"),
    [
        (Verdict.UNHEALTHY, 0, Next.GO_ON),
        (Verdict.UNHEALTHY, 1000, Next.GO_ON),
        (Verdict.HEALTHY, 0, Next.STOP),
        (Verdict.UNKNOWN, 119.9, Next.WAIT),
        (Verdict.UNKNOWN, 120, Next.STOP),
    ],
)
def test_the_last_look_before_the_end(verdict: Verdict, waited: float, decision: Next) -> None:
    """A14: what has recovered while its successor was launched is not ended."""
    assert judge_before_fence(verdict=verdict, cluster_ends=False, waited=waited, limit=120) is decision


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_ends_anyway_is_replaced(verdict: Verdict) -> None:
    """Services may answer while EMR takes the machines away."""
    assert judge_before_fence(verdict=verdict, cluster_ends=True, waited=0, limit=120) is Next.GO_ON


def test_the_latest_failovers_are_remembered() -> None:
    """A14: enough for the block, and no list that grows for ever."""
    assert failovers_with((), 5.0) == (5.0,)
    assert failovers_with((1.0, 2.0), 5.0) == (1.0, 2.0, 5.0)
    assert failovers_with(tuple(range(AUTOMATIC_FAILOVERS_KEPT)), 99.0) == (*range(1, AUTOMATIC_FAILOVERS_KEPT), 99.0)
    assert AUTOMATIC_FAILOVERS_KEPT == 10
