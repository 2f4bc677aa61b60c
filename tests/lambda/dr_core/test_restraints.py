"""A11, A12, A14: what keeps automatic operations back, and what ends that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.config import Policy
from dr_core.controls import Controls, Turn
from dr_core.evidence import Service, Verdict
from dr_core.launch_plan import DAY_SECONDS
from dr_core.record import (
    Incarnation,
    IncarnationState,
    Incident,
    IncidentState,
    ManagedCluster,
    Operation,
    Outcome,
)
from dr_core.restraints import (
    START_SECONDS,
    DeploymentView,
    Judged,
    KeptBack,
    Restraint,
    common_cause,
    in_order,
    kept_back,
    turn_taken,
    view_of,
)
from dr_core.verdicts import Judgement

NOW = 1_795_230_625.0  # 2026-11-21 03:10:25 UTC
POLICY = Policy()  # 2 failovers within 7200 s, 8 launches a day
WINDOW, BUDGET = POLICY.block_window_seconds, POLICY.launches_per_day

ACKNOWLEDGED = Controls(acknowledged_at=NOW - 30)
PAUSED = Controls(paused=True, paused_at=NOW - 60, paused_because="a game day", paused_by="ann")


def view(*failovers: float, launches: tuple[float, ...] = (), controls: Controls | None = None) -> DeploymentView:
    """Of a deployment whose failovers and launches were so many seconds ago."""
    return DeploymentView(
        controls=controls or Controls(),
        automatic_failovers=tuple(NOW - age for age in failovers),
        automatic_launches=tuple(NOW - age for age in launches),
    )


@pytest.mark.parametrize(
    ("rule", "seen", "restraint"),
    [
        ("nothing happened yet", view(), None),
        ("a first failover is followed by a second", view(60), None),
        ("two within the window wait for a person", view(60, 120), Restraint.BLOCKED),
        ("more than two all the more", view(60, 120, 180), Restraint.BLOCKED),
        ("it arms itself again when the window has passed", view(60, WINDOW), None),
        ("not a moment earlier", view(60, WINDOW - 1), Restraint.BLOCKED),
        ("a person's word arms it again", view(60, 120, controls=ACKNOWLEDGED), None),
        ("failovers after that word count anew", view(10, 20, controls=ACKNOWLEDGED), Restraint.BLOCKED),
        ("one before it and one after are one", view(10, 60, controls=ACKNOWLEDGED), None),
        (
            "the one that was acknowledged does not count",
            view(10, 30, controls=ACKNOWLEDGED),
            None,
        ),
        (
            "a word of long ago does not shorten the window",
            view(60, 120, controls=Controls(acknowledged_at=1)),
            "blocked",
        ),
        ("paused", view(controls=PAUSED), Restraint.PAUSED),
        ("paused comes first", view(60, 120, controls=PAUSED), Restraint.PAUSED),
        ("resumed", view(controls=replace(PAUSED, paused=False)), None),
        ("fewer launches than a day's budget", view(launches=(5,) * (BUDGET - 1)), None),
        ("the budget is used up", view(launches=(5,) * BUDGET), Restraint.BUDGET),
        ("a launch of yesterday does not count", view(launches=(5,) * (BUDGET - 1) + (DAY_SECONDS,)), None),
        ("one of nearly a day ago does", view(launches=(5,) * (BUDGET - 1) + (DAY_SECONDS - 1,)), Restraint.BUDGET),
        ("a block comes before the budget", view(60, 120, launches=(5,) * BUDGET), Restraint.BLOCKED),
        (
            "a word does not give a new budget",
            view(launches=(60,) * BUDGET, controls=Controls(acknowledged_at=NOW)),
            Restraint.BUDGET,
        ),
    ],
)
def test_an_automatic_operation_is_kept_back_when(rule: str, seen: DeploymentView, restraint: str | None) -> None:
    held = kept_back(seen, now=NOW, policy=POLICY)

    assert (held.restraint if held else None) == restraint, rule


SPENT = view(launches=(5,) * BUDGET)


@pytest.mark.parametrize(
    ("rule", "seen", "first_attempt", "restraint"),
    [
        ("what can be taken need not be launched", replace(SPENT, standbys_proved_at=NOW - 899), True, None),
        (
            "one that is too long unproved is not taken",
            replace(SPENT, standbys_proved_at=NOW - 900),
            True,
            "launch budget",
        ),
        ("one that was not taken saves no launch", replace(SPENT, standbys_proved_at=NOW), False, "launch budget"),
        ("without one it holds", SPENT, True, "launch budget"),
        ("it is no word against a pause", replace(view(controls=PAUSED), standbys_proved_at=NOW), True, "paused"),
        ("nor against the block", replace(view(60, 120), standbys_proved_at=NOW), True, "blocked"),
    ],
)
def test_the_launch_budget_keeps_back_launches_alone(
    rule: str, seen: DeploymentView, first_attempt: bool, restraint: str | None
) -> None:
    """A12, B7: eight launches of the day must not make a standby useless that is there."""
    held = kept_back(seen, now=NOW, policy=POLICY, first_attempt=first_attempt)

    assert (held.restraint if held else None) == restraint, rule


def test_the_numbers_are_the_policys() -> None:
    strict = replace(POLICY, failovers_before_block=1, block_window_seconds=100, launches_per_day=1)

    for seen, restraint in (
        (view(99), Restraint.BLOCKED),
        (view(100), None),
        (view(launches=(5,)), Restraint.BUDGET),
    ):
        held = kept_back(seen, now=NOW, policy=strict)
        assert (held.restraint if held else None) == restraint


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            view(controls=PAUSED),
            "automatic operations are paused by ann (a game day) until somebody resumes them",
        ),
        (
            view(controls=Controls(paused=True)),
            "automatic operations are paused by a person (no reason given) until somebody resumes them",
        ),
        (
            view(25, 3600, 625),
            "3 automatic failovers within 7200 s: the next waits until a person acknowledges them, or until "
            "2026-11-21 05:00:00 UTC",
        ),
        (
            view(launches=(25, 25, 25, 25, 25, 25, 25, 25, 625)),
            "automatic operations launched 9 clusters in 24 hours, 8 are allowed: the next waits until a person asks "
            "for a failover, or until 2026-11-22 03:10:00 UTC",
        ),
    ],
)
def test_what_keeps_it_back_says_what_ends_it(seen: DeploymentView, reason: str) -> None:
    held = kept_back(seen, now=NOW, policy=POLICY)

    assert held is not None
    assert held.reason == reason


@pytest.mark.parametrize("ages", [(25, 3600, 625), (625, 25, 3600)])
def test_the_end_that_is_named_is_the_end(ages: tuple[float, ...]) -> None:
    """The rule and the text must not drift apart."""
    ends = NOW - 625 + WINDOW
    assert kept_back(view(*ages), now=ends - 1, policy=POLICY) is not None
    assert kept_back(view(*ages), now=ends, policy=POLICY) is None


def test_which_restraints_page() -> None:
    """A pause was somebody's wish, and another operation ends by itself."""
    assert [each for each in Restraint if each.needs_a_person] == [Restraint.BLOCKED, Restraint.BUDGET]
    assert [str(each) for each in Restraint] == ["paused", "blocked", "launch budget", "turn"]


OPERATION = Operation(id="b-1-1", request="{}", managed_cluster="b", execution="arn:execution")
TURN = Turn(operation="b-1-1", managed_cluster="b", since=NOW - START_SECONDS)


@pytest.mark.parametrize(
    ("rule", "turn", "operation", "closed", "waits"),
    [
        ("nobody had a turn yet", None, None, False, False),
        ("another managed cluster's operation runs", TURN, OPERATION, False, True),
        ("it ended without a word", TURN, OPERATION, True, False),
        ("it came to its end", TURN, replace(OPERATION, outcome=Outcome.FAILED), False, False),
        ("my own turn does not hinder me", replace(TURN, managed_cluster="a"), OPERATION, False, False),
        ("the turn was just taken", replace(TURN, since=NOW - START_SECONDS + 1), None, False, True),
        ("nobody started it in time", TURN, None, False, False),
        (
            "written down a moment ago, not known to run",
            replace(TURN, since=NOW - START_SECONDS + 1),
            replace(OPERATION, execution=None),
            False,
            True,
        ),
        ("written down, never started", TURN, replace(OPERATION, execution=None), False, False),
        (
            "it was called off before it was known to run",
            replace(TURN, since=NOW),
            replace(OPERATION, execution=None, outcome=Outcome.CANCELLED),
            False,
            False,
        ),
    ],
)
def test_one_automatic_operation_at_a_time(
    rule: str, turn: Turn | None, operation: Operation | None, closed: bool, waits: bool
) -> None:
    held = turn_taken(turn, managed_cluster="a", operation=operation, operation_closed=closed, now=NOW)

    assert (held is not None) == waits, rule


def test_how_long_a_start_may_be_owed() -> None:
    """A monitor runs every minute, so that a second one has come by then."""
    assert START_SECONDS == 120


def test_whose_turn_it_is_is_said() -> None:
    assert turn_taken(TURN, managed_cluster="a", operation=OPERATION, operation_closed=False, now=NOW) == KeptBack(
        restraint=Restraint.TURN, reason="b-1-1 works on managed cluster b: one automatic operation at a time"
    )


def test_the_view_counts_over_all_managed_clusters() -> None:
    managed_clusters = [
        ManagedCluster(name="a", automatic_failovers=(NOW - 10, NOW - 5)),
        ManagedCluster(name="b", automatic_failovers=(NOW - 7,)),
        ManagedCluster(name="c"),
    ]

    assert view_of(PAUSED, managed_clusters, []) == DeploymentView(
        controls=PAUSED, automatic_failovers=(NOW - 10, NOW - 7, NOW - 5), automatic_launches=()
    )


def test_only_launches_of_automatic_operations_use_the_budget() -> None:
    """Planned and manual operations are never kept back, and keep nothing back."""
    one = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.RETIRED, created_at=NOW - 5)
    incarnations = [
        replace(one, generation=4, reason="unhealthy", created_at=NOW - 3),
        replace(one, generation=5, reason="unhealthy", state=IncarnationState.ABANDONED),
        replace(one, generation=6, reason="unhealthy", created_at=None),
        one,
        replace(one, generation=2, reason="upgrade"),
        replace(one, generation=3, reason="manual"),
    ]

    seen = view_of(Controls(), [], incarnations)

    assert seen.automatic_launches == (NOW - 5, NOW - 3)
    assert seen.launches_today(now=NOW) == 2
    assert seen.launches_today(now=NOW - 5 + DAY_SECONDS) == 1


def test_an_empty_view() -> None:
    assert DeploymentView() == DeploymentView(controls=Controls(), automatic_failovers=(), automatic_launches=())


SICK = Judgement(verdict=Verdict.UNHEALTHY, reason="bad", actionable=True)
WELL = Judgement(verdict=Verdict.HEALTHY, reason="good")
OPEN = Judgement(verdict=Verdict.UNKNOWN, reason="who knows")


def judged(**verdicts: Judgement) -> list[Judged]:
    """Managed clusters by the last letter of their AZ; ``b2`` is a second one in AZ b."""
    return [
        Judged(managed_cluster=name, availability_zone=f"us-east-1{name[0]}", judgement=judgement)
        for name, judgement in verdicts.items()
    ]


@pytest.mark.parametrize(
    ("rule", "seen", "expected"),
    [
        ("all unhealthy at once, in two AZs", judged(a=SICK, b=SICK), True),
        ("all of three", judged(a=SICK, b=SICK, b2=SICK), True),
        ("one of them is well", judged(a=SICK, b=WELL), False),
        ("nobody can tell of one of them", judged(a=SICK, b=OPEN), False),
        ("there is only one: a cluster may fail", judged(a=SICK), False),
        ("none is in service", [], False),
        ("both in one AZ: it is the AZ", judged(b=SICK, b2=SICK), False),
        ("a person ended one of them", judged(a=SICK, b=replace(SICK, terminated_by_a_person=True)), False),
        ("all are well", judged(a=WELL, b=WELL), False),
    ],
)
def test_a_common_cause_is_suspected_when(rule: str, seen: list[Judged], expected: bool) -> None:
    assert common_cause(seen) is expected, rule


def sick(name: str, *services: Service) -> Judged:
    judgement = Judgement(verdict=Verdict.UNHEALTHY, reason="r", bad_services=frozenset(services))
    return Judged(managed_cluster=name, availability_zone="1a", judgement=judgement)


def tried(name: str, attempts: int, state: IncidentState = IncidentState.OPEN) -> Incident:
    return Incident(managed_cluster=name, incident="i", state=state, since=1, first_bad_at=1, attempts=attempts)


@pytest.mark.parametrize(
    ("rule", "judged", "incidents", "order"),
    [
        ("as the deployment has them", [sick("a"), sick("b")], [], "ab"),
        ("who had fewer attempts", [sick("a"), sick("b")], [tried("a", 1)], "ba"),
        ("an old incident counts for nothing", [sick("a"), sick("b")], [tried("a", 3, IncidentState.CLOSED)], "ab"),
        ("who only needs Livy", [sick("a", *Service), sick("b", Service.LIVY)], [], "ba"),
        ("attempts before Livy", [sick("a", *Service), sick("b", Service.LIVY)], [tried("b", 1)], "ab"),
    ],
)
def test_whose_turn_it_is(rule: str, judged: list[Judged], incidents: list[Incident], order: str) -> None:
    """A2: one that cannot be mended does not keep the other from its turn."""
    found = in_order(judged, {each.managed_cluster: each for each in incidents})

    assert "".join(each.managed_cluster for each in found) == order, rule
