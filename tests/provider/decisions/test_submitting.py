"""A submit is safe to repeat: one batch, whatever becomes of requests and answers (A6, A9, B9)."""

from __future__ import annotations

from typing import Any

import pytest

from emr_dr_airflow.decisions.submitting import Kind, NotSubmitted, Submission, Submitted, kind_of, submit
from emr_dr_airflow.decisions.wire import Answer
from tests.provider.decisions.front_door import (
    BAD_GATEWAY,
    DROPPED,
    LIMITS,
    LOST,
    NAME,
    PAGE,
    REFUSED,
    UNAVAILABLE,
    Entry,
    FrontDoor,
    Generation,
    carry_out,
    scripted,
)

BODY = {"file": "s3://bucket/job.py"}


def submitted(door: FrontDoor) -> Submission:
    return carry_out(submit(NAME, BODY, LIMITS), door)


def names(door: FrontDoor) -> list[str]:
    return [entry.name for one in door.generations for entry in one.entries]


def two() -> FrontDoor:
    return FrontDoor(generations=[Generation(number=3), Generation(number=4)])


def test_a_submit_that_is_answered_is_one_request() -> None:
    door = two()
    found = submitted(door)

    assert isinstance(found, Submitted) and not found.adopted
    assert [one.body for one in door.asked] == [{**BODY, "name": NAME}]


@pytest.mark.parametrize("fault", [LOST, BAD_GATEWAY])
def test_an_answer_that_was_lost_is_found_by_its_name(fault: str) -> None:
    door = two()
    door.fault = scripted({"POST": [fault]})
    found = submitted(door)

    assert isinstance(found, Submitted) and found.adopted
    assert names(door) == [NAME]
    assert len(door.paths("POST")) == 1


@pytest.mark.parametrize("fault", [DROPPED, PAGE])
def test_a_request_that_nobody_took_is_posted_again_once_everyone_was_asked(fault: str) -> None:
    door = two()
    door.fault = scripted({"POST": [fault]})
    found = submitted(door)

    assert isinstance(found, Submitted) and not found.adopted
    assert names(door) == [NAME]
    headers = {one.headers["X-Emr-Id-Prefix"] for one in door.asked if one.headers}
    assert headers == {"1021", "1031"}


@pytest.mark.parametrize("fault", [REFUSED, UNAVAILABLE])
def test_a_front_door_that_takes_nothing_is_waited_for(fault: str) -> None:
    """For certain nobody has the job: nobody is asked for it."""
    door = two()
    door.fault = scripted({"POST": [fault] * 10})
    found = submitted(door)

    assert isinstance(found, Submitted)
    assert door.paths("GET") == []
    assert door.now - 1000 > 60


def test_a_front_door_that_stays_away_ends_the_try() -> None:
    door = two()
    door.fault = lambda ask: REFUSED
    found = submitted(door)

    assert isinstance(found, NotSubmitted)
    assert not found.refused and not found.may_run
    assert LIMITS.outage_seconds < door.now - 1000 < LIMITS.outage_seconds + 60


def test_a_job_that_may_be_on_a_dead_cluster_waits_until_nothing_runs_there() -> None:
    """It took the job and died before its answer; only its fence makes a second batch safe."""
    first, second = Generation(number=3, died_at=1000.001, fenced_at=1600), Generation(number=4, in_service=False)

    def change(now: float) -> None:
        second.in_service = now > 1500
        first.in_service = now < 1500

    door = FrontDoor(generations=[first, second], change=change)
    found = submitted(door)

    assert isinstance(found, Submitted)
    assert found.at > 1600
    assert found.batch.id == 1031000000


def test_a_job_that_may_be_where_nobody_answers_is_not_posted_again() -> None:
    door = FrontDoor(generations=[Generation(number=3, died_at=0, in_service=True), Generation(number=4)])
    door.turn = 1  # the next one goes to the dead one
    found = submitted(door)

    assert isinstance(found, NotSubmitted) and found.may_run
    assert "prefix 1021" in found.reason
    assert names(door) == []


def test_a_duplicate_name_is_the_own_job() -> None:
    """The same try is carried out twice, by two workers."""
    door = two()
    first, second = submitted(door), submitted(door)

    assert isinstance(first, Submitted) and isinstance(second, Submitted)
    # The second POST may come to the other cluster, where the name is free; so the worker of a try is one at a time.
    door = FrontDoor(generations=[Generation(number=3)])
    first, second = submitted(door), submitted(door)
    assert isinstance(first, Submitted) and isinstance(second, Submitted)
    assert first.batch.id == second.batch.id and second.adopted


@pytest.mark.parametrize("state", ["success", "dead"])
def test_a_job_that_has_ended_meanwhile_is_taken_over_with_its_end(state: str) -> None:
    door = FrontDoor(
        generations=[Generation(number=3)],
        new=lambda number, name, at: Entry(id=number, name=name, at=at, ends=state, seconds=1),
        fault=scripted({"POST": [LOST]}),
    )
    found = submitted(door)

    assert isinstance(found, Submitted) and found.adopted and found.batch.state == state


@pytest.mark.parametrize("state", ["success", "dead"])
def test_a_batch_that_had_ended_before_anything_was_posted_is_not_taken_over(state: str) -> None:
    """It may be of a DAG run that was deleted and made again: on Airflow 3 it has the same name."""
    entry = Entry(id=1021000000, name=NAME, at=0, ends=state)
    door = FrontDoor(generations=[Generation(number=3, entries=[entry], issued=1)])
    found = submitted(door)

    assert isinstance(found, NotSubmitted) and found.over and not found.may_run
    assert "clear the task" in found.reason and f"as {state}" in found.reason
    assert names(door) == [NAME]


def test_a_ghost_that_stays_without_an_application_is_cleared() -> None:
    ghost = Entry(id=1021000000, name=NAME, at=0, ghost=True)
    door = FrontDoor(generations=[Generation(number=3, entries=[ghost], issued=1)])
    found = submitted(door)

    assert isinstance(found, Submitted) and not found.adopted
    assert door.paths("DELETE") == ["/batches/1021000000"]
    assert found.batch.id == 1021000002
    assert door.now - 1000 > LIMITS.ghost_seconds


def test_a_ghost_that_died_before_it_had_an_application_is_cleared_at_once() -> None:
    ghost = Entry(id=1021000000, name=NAME, at=0, ghost=True, state="dead")
    door = FrontDoor(generations=[Generation(number=3, entries=[ghost], issued=1)])
    found = submitted(door)

    assert isinstance(found, Submitted) and found.batch.id == 1021000002
    assert door.now - 1000 < 30


def test_a_slow_start_is_no_ghost() -> None:
    """It gets its application within the time that Livy gives it."""
    slow = Entry(id=1021000000, name=NAME, at=1000, ghost=True)
    door = FrontDoor(generations=[Generation(number=3, entries=[slow], issued=1)])

    def change(now: float) -> None:
        slow.ghost = now < 1100

    door.change = change
    found = submitted(door)

    assert isinstance(found, Submitted) and found.adopted and found.batch.id == 1021000000
    assert door.paths("DELETE") == []


def test_a_name_that_ghosts_take_again_and_again_is_given_up() -> None:
    door = FrontDoor(
        generations=[Generation(number=3)],
        new=lambda number, name, at: Entry(id=number, name=name, at=at, ghost=True, state="dead"),
    )
    door.fault = lambda ask: LOST if ask.method == "POST" else "fine"
    found = submitted(door)

    assert isinstance(found, NotSubmitted) and "never ran" in found.reason


def test_a_job_that_livy_refuses_is_not_repeated_and_leaves_no_ghost() -> None:
    """Livy keeps an entry of a job that it refuses while starting it."""

    class Refusing(Generation):
        def answer(self, ask, now, new):  # type: ignore[no-untyped-def]
            status, body = super().answer(ask, now, new)
            if ask.method == "POST" and status == 201:
                self.entries[-1].ghost = True
                return 400, {"msg": "requirement failed: File is required."}
            return status, body

    door = FrontDoor(generations=[Refusing(number=3)])
    found = submitted(door)

    assert isinstance(found, NotSubmitted) and found.refused
    assert len(door.paths("POST")) == 1
    assert names(door) == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (201, {"id": 1, "state": "starting", "name": NAME}, Kind.TAKEN),
        (201, {"id": 1, "state": "starting", "name": "somebody-elses"}, Kind.UNCLEAR),
        (201, {"id": 1, "state": "starting"}, Kind.UNCLEAR),
        (200, None, Kind.UNCLEAR),
        (201, {"state": "starting"}, Kind.UNCLEAR),
        (400, {"msg": "Duplicate session name: Some(x) for session 1"}, Kind.DUPLICATE),
        (400, {"msg": "Rejected, Reason: Duplicate session name: Some(x) for session 1"}, Kind.DUPLICATE),
        (400, {"msg": "Rejected, too many sessions are being created!"}, Kind.NOT_TAKEN),
        (400, {"msg": "requirement failed: File is required."}, Kind.REFUSED),
        (400, None, Kind.REFUSED),
        (401, None, Kind.REFUSED),
        (403, None, Kind.REFUSED),
        (404, None, Kind.REFUSED),
        (429, None, Kind.NOT_TAKEN),
        (500, {"msg": "x"}, Kind.UNCLEAR),
        (502, None, Kind.UNCLEAR),
        (503, None, Kind.NOT_TAKEN),
        (504, None, Kind.UNCLEAR),
        (0, None, Kind.UNCLEAR),
    ],
)
def test_what_answers_mean(status: int, body: Any, kind: Kind) -> None:
    assert kind_of(Answer(at=0, status=status, body=body), NAME) is kind


def test_a_connection_that_was_refused_brought_nothing() -> None:
    assert kind_of(Answer(at=0, delivered=False), NAME) is Kind.NOT_TAKEN
