"""A11, A12: what the monitor does about a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_core.evidence import Verdict
from dr_core.incidents import (
    MAXIMUM_ATTEMPTS,
    RELAUNCH_SECONDS,
    RETRY_SECONDS,
    Action,
    Response,
    Situation,
    attempts_used,
    called_off_until,
    is_first_attempt,
    outlook,
    overtaken,
    respond,
)
from dr_core.record import Incident, IncidentState, Lease, ManagedCluster, Operation, Outcome
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
        ("not if all is well again, as nothing of it was started", HEALTHY, situation(ONCE), Action.CLOSE),
        ("not if a person ended the cluster meanwhile", ENDED_BY_A_PERSON, situation(ONCE), Action.NOTHING),
        (
            "one that may run already is started however it looks now",
            HEALTHY,
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
    assert (MAXIMUM_ATTEMPTS, RETRY_SECONDS, RELAUNCH_SECONDS) == (3, 120, 600)


def test_the_words_of_the_log() -> None:
    assert [str(each) for each in Action] == [
        "nothing",
        "open an incident",
        "start an operation",
        "close the incident",
        "page a person",
    ]


CALLED_OFF = replace(RUNNING, outcome=Outcome.CANCELLED, entered={"Claim": NOW - 2, "Reassess": NOW - 1})
AT_FENCE = replace(CALLED_OFF, tried=("us-east-1b",), launched_at=NOW - 1, entered={**CALLED_OFF.entered, "Fence": NOW})


@pytest.mark.parametrize(
    ("rule", "operation", "until"),
    [
        ("at its second look", CALLED_OFF, NOW - 1 + RETRY_SECONDS),
        ("with a cluster launched for it", AT_FENCE, NOW + RELAUNCH_SECONDS),
        ("with what stood by at hand", replace(AT_FENCE, launched_at=None), NOW - 1 + RETRY_SECONDS),
        ("it found another one at work", replace(CALLED_OFF, entered={"Claim": NOW}), None),
        ("it failed", replace(CALLED_OFF, outcome=Outcome.FAILED), None),
        ("it runs", replace(CALLED_OFF, outcome=None), None),
    ],
)
def test_after_a_call_off_the_next_one_waits(rule: str, operation: Operation, until: float | None) -> None:
    """A12: a service that comes and goes must use up neither a person's patience nor the launches of a day."""
    assert called_off_until(operation) == until, rule
    closed = respond(UNHEALTHY, situation(ONCE, operation), now=NOW)
    assert closed.called_off_until == until


@pytest.mark.parametrize(
    ("until", "action"), [(None, Action.START), (NOW, Action.START), (NOW + 1, Action.NOTHING), (0.0, Action.START)]
)
def test_only_what_repeats_is_held_up(until: float | None, action: Action) -> None:
    """A1: the first failover is not."""
    response = respond(UNHEALTHY, situation(replace(OPEN, called_off_until=until)), now=NOW)

    assert response.action is action
    if action is Action.NOTHING:
        assert response.reason == "the last operation was called off: none is started before 13:46:41 UTC"


def test_what_is_well_again_is_closed_though_the_next_one_waits() -> None:
    assert respond(HEALTHY, situation(replace(OPEN, called_off_until=NOW + 1)), now=NOW).action is Action.CLOSE


LEASE = Lease(execution="arn:other", operation="a-upgrade", since=NOW - 60)
LEASED = replace(CLUSTER, lease=LEASE)


@pytest.mark.parametrize(
    ("rule", "judged", "present", "reason"),
    [
        ("nothing has changed", CLUSTER, CLUSTER, None),
        ("a lease that nobody gave back changes nothing", LEASED, LEASED, None),
        ("failovers are counted elsewhere", CLUSTER, replace(CLUSTER, automatic_failovers=(NOW,)), None),
        ("the record lost it", CLUSTER, None, "the managed cluster is being deleted"),
        ("it is being deleted", CLUSTER, DELETED, "the managed cluster is being deleted"),
        (
            "an operation that ran came to its cut-over",
            LEASED,
            replace(CLUSTER, serving_generation=2),
            "generation 1 was judged, and 2 is in service now",
        ),
        ("one began", CLUSTER, LEASED, "an operation began or ended since the verdict was made"),
        ("one ended", LEASED, CLUSTER, "an operation began or ended since the verdict was made"),
        (
            "one followed another",
            LEASED,
            replace(CLUSTER, lease=replace(LEASE, execution="arn:third")),
            "an operation began or ended since the verdict was made",
        ),
    ],
)
def test_a_verdict_is_overtaken_when(
    rule: str, judged: ManagedCluster, present: ManagedCluster | None, reason: str | None
) -> None:
    """A14: right before something is started, it is looked at again."""
    assert overtaken(judged, present) == reason, rule


@pytest.mark.parametrize(
    ("incident", "expected"), [(None, None), (CLOSED, None), (OPEN, "0 of 3"), (replace(OPEN, attempts=2), "2 of 3")]
)
def test_attempts_are_counted_while_an_incident_is_open(incident: Incident | None, expected: str | None) -> None:
    assert attempts_used(incident) == expected


BY_A_PERSON = replace(ENDED_BY_A_PERSON, terminated_by_a_person=True)
EXHAUSTED = replace(OPEN, attempts=MAXIMUM_ATTEMPTS)
LATELY = replace(FAILED, started_at=NOW - RETRY_SECONDS + 60)
WHEN_SICK = "as soon as the monitor calls the cluster unhealthy"


@pytest.mark.parametrize(
    ("judgement", "where", "sentence"),
    [
        (HEALTHY, QUIET, f"attempt 1 of 3, {WHEN_SICK}"),
        (UNKNOWN, QUIET, f"attempt 1 of 3, {WHEN_SICK}"),
        (HEALTHY, situation(CLOSED), f"attempt 1 of 3, {WHEN_SICK}"),
        (UNHEALTHY, QUIET, "attempt 1 of 3, in the monitor's next round"),
        (UNHEALTHY, situation(OPEN), "attempt 1 of 3, in the monitor's next round"),
        # a person has to act
        (HEALTHY, replace(QUIET, managed_cluster=DELETED), "none: the managed cluster is being deleted"),
        (None, QUIET, "none: nothing is in service that could be judged: start a failover by hand"),
        (
            BY_A_PERSON,
            QUIET,
            "none: a person terminated the cluster, so that it is not replaced: if it shall be, start a failover",
        ),
        (
            UNHEALTHY,
            situation(EXHAUSTED, FAILED),
            "none: 3 of 3 attempts are used up: only a person starts the next failover",
        ),
        (HEALTHY, situation(kept_back=HELD), "none: 2 automatic failovers within 7200 s"),
        (
            BY_A_PERSON,
            situation(EXHAUSTED, FAILED, kept_back=HELD),
            "none: a person terminated the cluster, so that it is not replaced: if it shall be, start a failover; "
            "3 of 3 attempts are used up: only a person starts the next failover; 2 automatic failovers within 7200 s",
        ),
        # an operation is there
        (
            UNHEALTHY,
            situation(OPEN, lease_held=True, managed_cluster=LEASED),
            "none: operation a-upgrade works on it",
        ),
        (
            None,
            situation(lease_held=True, managed_cluster=LEASED),
            "none: operation a-upgrade works on it; nothing is in service that could be judged: "
            "start a failover by hand",
        ),
        (UNHEALTHY, situation(OPEN, managed_cluster=LEASED), "attempt 1 of 3, in the monitor's next round"),
        (UNHEALTHY, situation(ONCE, RUNNING), "none: operation a-1-1 runs"),
        (HEALTHY, situation(ONCE, RUNNING), "none: operation a-1-1 runs"),
        (
            UNHEALTHY,
            situation(ONCE, RUNNING, operation_closed=True),
            "attempt 2 of 3, in the monitor's next round",
        ),
        # the last attempt
        (UNHEALTHY, situation(ONCE, FAILED), "attempt 2 of 3, in the monitor's next round"),
        (UNKNOWN, situation(ONCE, FAILED), f"attempt 2 of 3, {WHEN_SICK}"),
        (UNHEALTHY, situation(ONCE, LATELY), "attempt 2 of 3, in the monitor's next round, not before 13:47:40 UTC"),
        (UNHEALTHY, situation(ONCE, replace(FAILED, started_at=None)), "attempt 2 of 3, in the monitor's next round"),
        # what was called off
        (
            UNHEALTHY,
            situation(replace(OPEN, called_off_until=NOW + 60)),
            "attempt 1 of 3, in the monitor's next round, not before 13:47:40 UTC",
        ),
        (HEALTHY, situation(replace(CLOSED, called_off_until=NOW)), f"attempt 1 of 3, {WHEN_SICK}"),
        (
            UNHEALTHY,
            situation(ONCE, CALLED_OFF),
            "attempt 1 of 3, in the monitor's next round, not before 13:48:39 UTC",
        ),
        # what is over begins from nothing
        (HEALTHY, situation(EXHAUSTED, FAILED), f"attempt 1 of 3, {WHEN_SICK}"),
        (HEALTHY, situation(ONCE, LATELY), f"attempt 2 of 3, {WHEN_SICK}, not before 13:47:40 UTC"),
        (
            UNHEALTHY,
            situation(EXHAUSTED, replace(RUNNING, outcome=Outcome.CANCELLED)),
            "attempt 1 of 3, in the monitor's next round",
        ),
        # the last attempt was counted, not started
        (UNKNOWN, situation(EXHAUSTED), "attempt 3 of 3, in the monitor's next round"),
        (HEALTHY, situation(EXHAUSTED), f"attempt 1 of 3, {WHEN_SICK}"),
        (
            HEALTHY,
            situation(ONCE, replace(RUNNING, execution=None)),
            "attempt 1 of 3, in the monitor's next round",
        ),
    ],
)
def test_what_comes_next_is_said(judgement: Judgement | None, where: Situation, sentence: str) -> None:
    """A12: whoever asks at night has to know whether anything starts without a person."""
    assert outlook(judgement, where, now=NOW) == sentence


@pytest.mark.parametrize("incident", [None, CLOSED, OPEN, ONCE, replace(OPEN, attempts=2), EXHAUSTED])
@pytest.mark.parametrize(
    "operation", [None, RUNNING, FAILED, replace(RUNNING, execution=None), replace(RUNNING, outcome=Outcome.CANCELLED)]
)
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kept_back": HELD},
        {"operation_closed": True},
        {"managed_cluster": DELETED},
        {"managed_cluster": LEASED, "lease_held": True},
    ],
)
def test_what_is_said_is_what_is_done(
    incident: Incident | None, operation: Operation | None, values: dict[str, object]
) -> None:
    """The sentence promises a start exactly where the monitor makes one, within a few rounds."""
    where = situation(incident, operation, **values)
    said = outlook(UNHEALTHY, where, now=NOW)

    # Whoever wrote the record follows: an incident that is closed is opened anew, and has no operation yet.
    response = respond(UNHEALTHY, where, now=NOW)
    while response.action in (Action.CLOSE, Action.OPEN) and where.managed_cluster is not DELETED:
        where = replace(where, incident=CLOSED if response.action is Action.CLOSE else OPEN, operation=None)
        response = respond(UNHEALTHY, where, now=NOW)

    # What was counted and not started is started beside another operation too: it may be that one.
    beside = response.reason == "the attempt was counted, not started" and where.lease_held
    assert said.startswith("attempt ") == (response.action is Action.START and not beside)
    if said.startswith("attempt "):
        assert said.startswith(f"attempt {response.attempt} of 3, ")


@pytest.mark.parametrize(
    ("incident", "operation", "first"),
    [
        (None, None, True),
        (CLOSED, FAILED, True),
        (OPEN, None, True),
        # counted, and owed
        (ONCE, None, True),
        (ONCE, replace(RUNNING, execution=None), True),
        (ONCE, RUNNING, False),
        (ONCE, FAILED, False),
        (replace(OPEN, attempts=2), None, False),
    ],
)
def test_which_attempt_is_the_first(incident: Incident | None, operation: Operation | None, first: bool) -> None:
    """B7: one that a monitor counted and died before it could start it is not made yet."""
    assert is_first_attempt(incident, operation) is first
