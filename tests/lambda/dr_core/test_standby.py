"""A warm standby: what it is worth, when one is launched, and when it is given up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import Policy
from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.launch_plan import DAY_SECONDS
from dr_core.operation_plan import CanaryState
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation, Outcome
from dr_core.requests import Reason
from dr_core.restraints import DeploymentView, view_of
from dr_core.standby import (
    LATE_CANARY_SECONDS,
    LONGEST_RETRY_SECONDS,
    NEXT_CANARY_SECONDS,
    RETRY_SECONDS,
    VERIFIED_SECONDS,
    StandbyLaunches,
    StandbySituation,
    all_proved_at,
    failures_so_far,
    is_missing,
    is_verified,
    last_zones,
    retry_from,
    spares,
    spec_digest,
    standby_budget,
    standby_zones,
    to_give_up,
    why_no_launch,
    why_not_awaited,
    why_over_budget,
)

NOW = 1_800_000_000.0
SPEC = '{"template_url": "https://bucket/template.json"}'
POLICY = Policy()
A = ManagedCluster(name="a", spec=SPEC, serving_generation=1)
SERVING = Incarnation(
    generation=1,
    managed_cluster="a",
    state=IncarnationState.SERVING,
    availability_zone="us-east-1a",
    reason="bootstrap",
)
STANDBY = Incarnation(
    generation=2,
    managed_cluster="a",
    state=IncarnationState.STANDBY,
    availability_zone="us-east-1b",
    reason=str(Reason.STANDBY),
    spec_digest=spec_digest(SPEC),
    standby_from=NOW - 3600,
    canary_succeeded_at=NOW - 60,
)
LAUNCHING = replace(STANDBY, generation=3, state=IncarnationState.LAUNCHING, standby_from=None)


def situation(*incarnations: Incarnation, **values: Any) -> StandbySituation:
    """Of managed cluster ``a``, in which nothing else goes on."""
    return StandbySituation(
        **{"managed_cluster": A, "incarnations": incarnations or (SERVING,), "view": DeploymentView(), **values}
    )


def launches(outcome: Outcome | None, *, failures: int = 0, runs: bool = False) -> dict[str, Any]:
    """What is known of the latest launch, which was started just now."""
    known = StandbyLaunches(managed_cluster="a", operation="a-standby-1", started_at=NOW, failures=failures)
    operation = Operation(id="a-standby-1", request="{}", managed_cluster="a", outcome=outcome)
    return {"launches": known, "operation": operation, "operation_runs": runs}


@pytest.mark.parametrize(
    ("standby", "verified"),
    [
        (STANDBY, True),
        (replace(STANDBY, canary_succeeded_at=NOW - VERIFIED_SECONDS + 1), True),
        (replace(STANDBY, canary_succeeded_at=NOW - VERIFIED_SECONDS), False),
        (replace(STANDBY, canary_succeeded_at=None), False),
        (replace(STANDBY, state=IncarnationState.VERIFYING), False),
    ],
)
def test_a_standby_is_verified_for_a_quarter_of_an_hour(standby: Incarnation, verified: bool) -> None:
    """B6: while its last canary is less than 15 minutes old."""
    assert is_verified(standby, now=NOW) is verified


def test_a_spec_that_differs_in_what_changes_in_place_replaces_no_standby() -> None:
    """B13: it gets the new limits and tags when it serves."""
    other = json.dumps({**json.loads(SPEC), "scaling": {"minimum_instances": 3}, "tags": {"team": "risk"}})
    assert spec_digest(other) == spec_digest(SPEC)


def test_the_next_canary_ends_before_the_last_one_is_too_old() -> None:
    """B6: begun at one start of what proves it, read at the next, each up to 119 s after the one before."""
    assert NEXT_CANARY_SECONDS + 2 * 119 < VERIFIED_SECONDS <= 900


def test_a_canary_that_fails_by_chance_is_made_good_in_time() -> None:
    """B6: begun and read, begun and read again, by what comes once a minute."""
    assert NEXT_CANARY_SECONDS + 4 * 60 < VERIFIED_SECONDS


def test_a_failover_takes_what_is_verified_before_what_is_on_its_way() -> None:
    verifying = replace(LAUNCHING, generation=4, state=IncarnationState.VERIFYING)
    found = spares((SERVING, LAUNCHING, verifying, STANDBY), managed_cluster=A, avoid="us-east-1a", now=NOW)
    assert [each.generation for each in found] == [2, 4, 3]


@pytest.mark.parametrize(
    "unfit",
    [
        replace(STANDBY, availability_zone="us-east-1a"),
        replace(STANDBY, spec_digest=spec_digest("{}")),
        replace(STANDBY, spec_digest=None),
        replace(STANDBY, canary_succeeded_at=NOW - VERIFIED_SECONDS),
        replace(STANDBY, managed_cluster="b"),
        replace(STANDBY, state=IncarnationState.ABANDONED),
        replace(STANDBY, state=IncarnationState.RETIRING),
        replace(LAUNCHING, reason=str(Reason.UNHEALTHY)),
        replace(LAUNCHING, availability_zone="us-east-1a"),
    ],
)
def test_nothing_is_taken_that_could_not_take_over(unfit: Incarnation) -> None:
    """Not where what failed stands, not of another spec, not too long unproved, not of somebody else."""
    assert spares((SERVING, unfit), managed_cluster=A, avoid="us-east-1a", now=NOW) == []


B = ManagedCluster(name="b", spec=SPEC, serving_generation=5)
SERVING_B = replace(SERVING, generation=5, managed_cluster="b", availability_zone="us-east-1c")
STANDBY_B = replace(STANDBY, generation=6, managed_cluster="b", canary_succeeded_at=NOW - 300)


@pytest.mark.parametrize(
    ("managed_clusters", "incarnations", "proved_at"),
    [
        ((A,), (SERVING, STANDBY), NOW - 60),
        ((A,), (SERVING, STANDBY, replace(STANDBY, generation=4, canary_succeeded_at=NOW - 30)), NOW - 30),
        ((A, B), (SERVING, STANDBY, SERVING_B, STANDBY_B), NOW - 300),
        # one of them has none
        ((A, B), (SERVING, STANDBY, SERVING_B), None),
        ((A,), (SERVING, SERVING_B, STANDBY_B), None),
        ((A,), (SERVING, replace(STANDBY, canary_succeeded_at=None)), None),
        ((A,), (SERVING, replace(STANDBY, state=IncarnationState.VERIFYING)), None),
        ((A,), (SERVING, replace(STANDBY, availability_zone="us-east-1a")), None),
        ((replace(A, spec="{}"),), (SERVING, STANDBY), None),
        # nothing to stand by for
        ((replace(A, serving_generation=None),), (STANDBY,), None),
        ((), (), None),
    ],
)
def test_whether_whatever_fails_has_a_standby(
    managed_clusters: tuple[ManagedCluster, ...], incarnations: tuple[Incarnation, ...], proved_at: float | None
) -> None:
    """B7: a failover of any of them would launch nothing."""
    assert all_proved_at(managed_clusters, incarnations) == proved_at


def test_where_something_was_just_replaced_comes_last() -> None:
    """What ended it may be there still; and what stands by and was not taken may be sick of its AZ."""
    left = replace(SERVING, generation=4, state=IncarnationState.RETIRED, availability_zone="us-east-1c")
    zones = last_zones(
        (SERVING, STANDBY, replace(left, serving_to=NOW - 60), replace(left, serving_to=NOW - DAY_SECONDS)),
        managed_cluster="a",
        now=NOW,
    )
    assert zones == {"us-east-1b", "us-east-1c"}


def test_a_standby_is_launched_where_something_serves_and_none_stands_by() -> None:
    assert why_no_launch(situation(), now=NOW, policy=POLICY) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (situation(managed_cluster=replace(A, tombstone=True)), "being deleted"),
        (situation(managed_cluster=replace(A, serving_generation=None)), "nothing is in service"),
        (situation(replace(SERVING, terminate_requested_at=NOW)), "nothing is in service"),
        (situation(busy=True), "an operation works"),
        (situation(incident_open=True), "being mended"),
        (situation(view=DeploymentView(controls=Controls(paused=True))), "paused"),
        (situation(SERVING, STANDBY), "generation 2 of managed cluster a stands by"),
        (situation(**launches(None, runs=True)), "a-standby-1 launches one"),
        (situation(**launches(Outcome.FAILED)), "the last launch failed"),
        (situation(view=DeploymentView(automatic_launches=(NOW,) * 4)), "standbys may use half of the 8"),
    ],
)
def test_no_standby_is_launched(found: StandbySituation, why: str) -> None:
    assert why in why_no_launch(found, now=NOW, policy=POLICY)


@pytest.mark.parametrize(
    ("begun", "goes_on"),
    [
        (LAUNCHING, True),
        (replace(LAUNCHING, managed_cluster="b"), False),
        (replace(LAUNCHING, spec_digest="other"), False),
        (replace(LAUNCHING, availability_zone=SERVING.availability_zone), False),
        (replace(LAUNCHING, reason="upgrade"), False),
        (replace(LAUNCHING, state=IncarnationState.ABANDONED), False),
    ],
)
def test_what_is_on_its_way_is_brought_to_its_end_whatever_the_budget_is(begun: Incarnation, goes_on: bool) -> None:
    """It was counted when its stack was asked for; given up it would have cost as much and be worth nothing."""
    found = situation(SERVING, begun, view=DeploymentView(automatic_launches=(NOW,) * 4))
    assert (why_no_launch(found, now=NOW, policy=POLICY) == "") is goes_on


@pytest.mark.parametrize("launched", range(4))
def test_half_of_the_budget_is_left_to_failovers(launched: int) -> None:
    """A standby that cannot be launched must not use up what mends what serves."""
    view = DeploymentView(automatic_launches=(NOW,) * launched)
    assert why_over_budget(view, now=NOW, policy=POLICY) == ""
    assert standby_budget(POLICY) == 4


def test_the_budget_comes_back_after_a_day() -> None:
    view = DeploymentView(automatic_launches=(NOW - DAY_SECONDS,) * 8)
    assert why_over_budget(view, now=NOW, policy=POLICY) == ""


def test_a_standby_counts_for_the_launch_budget() -> None:
    """A bill that nobody asked for."""
    view = view_of(Controls(), (), (SERVING, replace(STANDBY, created_at=NOW)))
    assert view.automatic_launches == (NOW,)


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(0, RETRY_SECONDS), (1, 2 * RETRY_SECONDS), (2, 4 * RETRY_SECONDS), (9, LONGEST_RETRY_SECONDS)],
)
def test_each_launch_that_fails_makes_the_next_one_wait_longer(failures: int, wait: float) -> None:
    found = situation(**launches(Outcome.FAILED, failures=failures))
    assert retry_from(found) == NOW + wait


@pytest.mark.parametrize(
    ("known", "failures"),
    [
        (launches(Outcome.STANDS_BY, failures=3), 0),
        (launches(Outcome.CANCELLED, failures=3), 3),
        (launches(Outcome.FAILED, failures=3), 4),
        (launches(None, failures=3), 4),
        ({**launches(None, failures=3), "operation": None}, 4),
        (launches(None, failures=3, runs=True), 0),
        ({}, 0),
    ],
)
def test_which_launches_count_as_failed(known: dict[str, Any], failures: int) -> None:
    """One that gave way to a failover is no failure; one that ended without a word is."""
    assert failures_so_far(situation(**known)) == failures


@pytest.mark.parametrize(
    ("standby", "verdict", "given_up"),
    [
        (STANDBY, Verdict.HEALTHY, None),
        (STANDBY, Verdict.UNKNOWN, None),
        (replace(STANDBY, canary_succeeded_at=NOW - 10 * VERIFIED_SECONDS), Verdict.UNKNOWN, None),
        (replace(STANDBY, canary_failures=1), Verdict.HEALTHY, None),
        (STANDBY, Verdict.UNHEALTHY, ("two vantage points see that it does not do its work", True)),
        (replace(STANDBY, canary_failures=2), Verdict.HEALTHY, ("2 canary jobs failed one after the other", True)),
        (
            replace(STANDBY, spec_digest=spec_digest("{}")),
            Verdict.HEALTHY,
            ("it was launched with another spec than what is in service", False),
        ),
        (
            replace(STANDBY, availability_zone="us-east-1a"),
            Verdict.HEALTHY,
            ("it stands in us-east-1a, as what is in service does", False),
        ),
    ],
)
def test_what_is_given_up(standby: Incarnation, verdict: Verdict, given_up: tuple[str, bool] | None) -> None:
    """UNKNOWN is never UNHEALTHY: one that nobody can prove is kept, and not taken."""
    expected = {} if given_up is None else {2: given_up}
    assert to_give_up(situation(SERVING, standby), {2: verdict}) == expected


@pytest.mark.parametrize(
    ("canary", "ago", "again", "words"),
    [
        (CanaryState.RUNNING, LATE_CANARY_SECONDS, None, None),
        (CanaryState.RUNNING, LATE_CANARY_SECONDS + 1, None, "its canary job had not succeeded after 120 s"),
        (CanaryState.MISSING, LATE_CANARY_SECONDS + 1, None, "its canary job had not succeeded after 120 s"),
        (CanaryState.SUCCEEDED, 3600, None, None),
        (CanaryState.FAILED, 1, None, "its canary job failed"),
        (CanaryState.RUNNING, 3600, LATE_CANARY_SECONDS, None),
    ],
)
def test_for_how_long_a_failover_waits(canary: CanaryState, ago: float, again: float | None, words: str | None) -> None:
    """A launch may be faster than a canary that hangs; one that has succeeded costs nothing."""
    seeded = None if again is None else NOW - again
    begun = replace(LAUNCHING, state=IncarnationState.VERIFYING, waiting_at=NOW - ago, seeded_again_at=seeded)
    why = why_not_awaited(begun, canary=canary, now=NOW)
    assert why is None if words is None else (why or "").startswith(words)


def test_of_two_standbys_the_older_one_stays() -> None:
    found = to_give_up(situation(SERVING, STANDBY, replace(STANDBY, generation=5)), {})
    assert found == {5: ("generation 2 of managed cluster a stands by already", False)}


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (situation(SERVING, STANDBY), False),
        (situation(SERVING), True),
        (situation(SERVING, LAUNCHING), True),
        (situation(SERVING, replace(STANDBY, canary_succeeded_at=NOW - VERIFIED_SECONDS)), True),
        (situation(SERVING, replace(STANDBY, availability_zone="us-east-1a")), True),
        (situation(managed_cluster=replace(A, serving_generation=None)), False),
        (situation(managed_cluster=replace(A, tombstone=True)), False),
    ],
)
def test_whether_a_failover_would_have_to_launch(found: StandbySituation, missing: bool) -> None:
    """What the alarm counts; before anything serves nothing is missing."""
    assert is_missing(found, now=NOW) is missing


def test_the_item_of_the_launches() -> None:
    known = StandbyLaunches(managed_cluster="a", operation="a-standby-1", started_at=NOW, failures=2)
    assert StandbyLaunches.from_item(known.to_item()) == known
    assert known.to_item().items() >= StandbyLaunches.key("a").items()


def test_a_standby_stands_where_one_is_recorded() -> None:
    """A12: of this managed cluster, and where its AZ is known."""
    stands = IncarnationState.STANDBY
    found = standby_zones(
        [
            Incarnation(generation=1, managed_cluster="a", state=stands, availability_zone="1a"),
            Incarnation(generation=2, managed_cluster="b", state=stands, availability_zone="1b"),
            Incarnation(generation=3, managed_cluster="a", state=stands),
            Incarnation(generation=4, managed_cluster="a", state=IncarnationState.SERVING, availability_zone="1c"),
        ],
        managed_cluster="a",
    )

    assert found == {"1a"}
