"""A11, A12: what the monitor does about a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.evidence import Verdict
from dr_core.incidents import MAXIMUM_ATTEMPTS, RETRY_SECONDS, Action, Response, Situation, respond
from dr_core.record import Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.restraints import KeptBack, Restraint
from dr_core.verdicts import Judgement

NOW = 1_000_000.0

HEALTHY = Judgement(verdict=Verdict.HEALTHY, reason="all well")
UNKNOWN = Judgement(verdict=Verdict.UNKNOWN, reason="not enough evidence")
UNHEALTHY = Judgement(verdict=Verdict.UNHEALTHY, reason="livy: bad", first_bad_at=NOW - 30, actionable=True)
ENDED_BY_A_PERSON = replace(UNHEALTHY, reason="terminated by a person", actionable=False)

CLUSTER = ManagedCluster(name="a", serving_generation=1)
OPEN = Incident(
    managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=NOW - 10, first_bad_at=NOW - 30, attempts=0
)
CLOSED = replace(OPEN, state=IncidentState.CLOSED, attempts=1)
ONCE = replace(OPEN, attempts=1)
RUNNING = Operation(
    id="a-1-1", request="{}", managed_cluster="a", execution="arn:execution", started_at=NOW - RETRY_SECONDS
)
FAILED = replace(RUNNING, outcome=Outcome.FAILED)

QUIET = Situation(managed_cluster=CLUSTER)
DELETED = ManagedCluster(name="a", serving_generation=1, tombstone=True)


HELD = KeptBack(restraint=Restraint.BLOCKED, reason="2 automatic failovers within 7200 s")


def situation(incident: Incident | None = None, operation: Operation | None = None, **values: object) -> Situation:
    return replace(QUIET, incident=incident, operation=operation, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "judgement", "where", "action"),
    [
        # no incident
        ("health asks for nothing", HEALTHY, QUIET, Action.NOTHING),
        ("unknown never leads to an action", UNKNOWN, QUIET, Action.NOTHING),
        ("an unhealthy incarnation opens an incident", UNHEALTHY, QUIET, Action.OPEN),
        ("an incident that is over does not hinder the next", UNHEALTHY, situation(CLOSED), Action.OPEN),
        ("what a person ended is left", ENDED_BY_A_PERSON, QUIET, Action.NOTHING),
        ("a managed cluster being deleted is left", UNHEALTHY, replace(QUIET, managed_cluster=DELETED), Action.NOTHING),
        # an open incident, no operation yet
        ("it is answered at once", UNHEALTHY, situation(OPEN), Action.START),
        ("health ends it", HEALTHY, situation(OPEN), Action.CLOSE),
        ("unknown waits", UNKNOWN, situation(OPEN), Action.NOTHING),
        ("a person's end waits", ENDED_BY_A_PERSON, situation(OPEN), Action.NOTHING),
        ("another operation is not disturbed", UNHEALTHY, situation(OPEN, lease_held=True), Action.NOTHING),
        ("health ends it beside another operation", HEALTHY, situation(OPEN, lease_held=True), Action.CLOSE),
        ("deletion ends it", UNHEALTHY, replace(situation(OPEN), managed_cluster=DELETED), Action.CLOSE),
        # an operation was counted
        ("one that was never written down is started", UNKNOWN, situation(ONCE), Action.START),
        (
            "one that is not known to run is started",
            UNKNOWN,
            situation(ONCE, replace(RUNNING, execution=None)),
            Action.START,
        ),
        ("one that runs is waited for", UNHEALTHY, situation(ONCE, RUNNING), Action.NOTHING),
        ("even if all is well again", HEALTHY, situation(ONCE, RUNNING), Action.NOTHING),
        (
            "its success ends the incident",
            UNKNOWN,
            situation(ONCE, replace(RUNNING, outcome=Outcome.FAILED_OVER)),
            Action.CLOSE,
        ),
        ("so does a repair", UNHEALTHY, situation(ONCE, replace(RUNNING, outcome=Outcome.REPAIRED)), Action.CLOSE),
        (
            "so does finding all well",
            UNHEALTHY,
            situation(ONCE, replace(RUNNING, outcome=Outcome.CANCELLED)),
            Action.CLOSE,
        ),
        (
            "an outcome counts without its execution",
            UNHEALTHY,
            situation(ONCE, replace(RUNNING, execution=None, outcome=Outcome.CANCELLED)),
            Action.CLOSE,
        ),
        # something keeps it back
        ("the incident is opened nevertheless", UNHEALTHY, situation(kept_back=HELD), Action.OPEN),
        ("its operation waits", UNHEALTHY, situation(OPEN, kept_back=HELD), Action.NOTHING),
        ("health ends it meanwhile", HEALTHY, situation(OPEN, kept_back=HELD), Action.CLOSE),
        ("so does the next attempt", UNHEALTHY, situation(ONCE, FAILED, kept_back=HELD), Action.NOTHING),
        ("and one that was counted, not started", UNHEALTHY, situation(ONCE, kept_back=HELD), Action.NOTHING),
        ("one that runs is waited for as ever", UNHEALTHY, situation(ONCE, RUNNING, kept_back=HELD), Action.NOTHING),
        (
            "a success ends it as ever",
            UNHEALTHY,
            situation(ONCE, replace(RUNNING, outcome=Outcome.FAILED_OVER), kept_back=HELD),
            Action.CLOSE,
        ),
        (
            "who has no attempt left is paged as ever",
            UNHEALTHY,
            situation(replace(OPEN, attempts=MAXIMUM_ATTEMPTS), FAILED, kept_back=HELD),
            Action.GIVE_UP,
        ),
        # it failed
        ("the next attempt follows", UNHEALTHY, situation(ONCE, FAILED), Action.START),
        ("also if it ended without a word", UNHEALTHY, situation(ONCE, RUNNING, operation_closed=True), Action.START),
        (
            "also if it failed before it was known to run",
            UNHEALTHY,
            situation(ONCE, replace(FAILED, execution=None)),
            Action.START,
        ),
        ("not while another holds the lease", UNHEALTHY, situation(ONCE, FAILED, lease_held=True), Action.NOTHING),
        ("not on a guess", UNKNOWN, situation(ONCE, FAILED), Action.NOTHING),
        ("not if all is well again", HEALTHY, situation(ONCE, FAILED), Action.CLOSE),
        (
            "not at once",
            UNHEALTHY,
            situation(ONCE, replace(FAILED, started_at=NOW - RETRY_SECONDS + 1)),
            Action.NOTHING,
        ),
        (
            "a start without a time is long ago",
            UNHEALTHY,
            situation(ONCE, replace(FAILED, started_at=None)),
            Action.START,
        ),
        (
            "attempts are bounded",
            UNHEALTHY,
            situation(replace(OPEN, attempts=MAXIMUM_ATTEMPTS), FAILED),
            Action.GIVE_UP,
        ),
        ("the last is made", UNHEALTHY, situation(replace(OPEN, attempts=MAXIMUM_ATTEMPTS - 1), FAILED), Action.START),
        (
            "health ends it even then",
            HEALTHY,
            situation(replace(OPEN, attempts=MAXIMUM_ATTEMPTS), FAILED),
            Action.CLOSE,
        ),
    ],
)
def test_the_response_when(rule: str, judgement: Judgement, where: Situation, action: Action) -> None:
    assert respond(judgement, where, now=NOW).action is action, rule


@pytest.mark.parametrize(
    ("judgement", "where", "response"),
    [
        (HEALTHY, QUIET, Response(action=Action.NOTHING, reason="all well")),
        (UNHEALTHY, QUIET, Response(action=Action.OPEN, reason="livy: bad")),
        (
            UNHEALTHY,
            replace(QUIET, managed_cluster=DELETED),
            Response(action=Action.NOTHING, reason="the managed cluster is being deleted"),
        ),
        (
            UNHEALTHY,
            replace(situation(OPEN), managed_cluster=DELETED),
            Response(action=Action.CLOSE, reason="the managed cluster is being deleted"),
        ),
        (UNHEALTHY, situation(OPEN), Response(action=Action.START, reason="livy: bad", attempt=1)),
        (UNKNOWN, situation(OPEN), Response(action=Action.NOTHING, reason="not enough evidence")),
        (HEALTHY, situation(OPEN), Response(action=Action.CLOSE, reason="healthy again: all well")),
        (
            UNHEALTHY,
            situation(OPEN, lease_held=True),
            Response(action=Action.NOTHING, reason="another operation holds the lease"),
        ),
        (
            UNHEALTHY,
            situation(ONCE),
            Response(action=Action.START, reason="the attempt was counted, not started", attempt=1),
        ),
        (UNHEALTHY, situation(ONCE, RUNNING), Response(action=Action.NOTHING, reason="a-1-1 runs")),
        (
            UNHEALTHY,
            situation(ONCE, replace(RUNNING, outcome=Outcome.FAILED_OVER)),
            Response(action=Action.CLOSE, reason="failed over by a-1-1"),
        ),
        (
            UNHEALTHY,
            situation(ONCE, replace(FAILED, started_at=NOW)),
            Response(action=Action.NOTHING, reason=f"a-1-1 failed less than {RETRY_SECONDS} s after its start"),
        ),
        (UNHEALTHY, situation(ONCE, FAILED), Response(action=Action.START, reason="livy: bad", attempt=2)),
        (
            UNHEALTHY,
            situation(OPEN, kept_back=HELD),
            Response(action=Action.NOTHING, reason=HELD.reason, restraint=Restraint.BLOCKED),
        ),
        (
            UNHEALTHY,
            situation(replace(OPEN, attempts=3), FAILED),
            Response(action=Action.GIVE_UP, reason="3 operations did not mend it"),
        ),
    ],
)
def test_what_is_said(judgement: Judgement, where: Situation, response: Response) -> None:
    assert respond(judgement, where, now=NOW) == response


def test_a_situation_is_quiet_unless_told_otherwise() -> None:
    assert Situation(managed_cluster=CLUSTER) == Situation(
        managed_cluster=CLUSTER, incident=None, operation=None, operation_closed=False, lease_held=False, kept_back=None
    )


def test_only_a_start_has_an_attempt() -> None:
    assert respond(HEALTHY, QUIET, now=NOW).attempt == 0


@pytest.mark.parametrize(
    ("judgement", "where"),
    [
        (UNHEALTHY, situation(OPEN)),
        (UNHEALTHY, situation(ONCE, RUNNING, kept_back=HELD)),
        (UNKNOWN, situation(OPEN, kept_back=HELD)),
        (UNHEALTHY, situation(OPEN, kept_back=HELD, lease_held=True)),
    ],
)
def test_only_what_would_start_otherwise_is_kept_back(judgement: Judgement, where: Situation) -> None:
    """The alarm asks a person for a word; without need it must not."""
    assert respond(judgement, where, now=NOW).restraint is None


def test_the_bounds() -> None:
    assert (MAXIMUM_ATTEMPTS, RETRY_SECONDS) == (3, 120)


def test_the_words_of_the_log() -> None:
    assert [str(each) for each in Action] == [
        "nothing",
        "open an incident",
        "start an operation",
        "close the incident",
        "page a person",
    ]
