"""A batch is followed to its own end, or said to be lost or unknown; never another's end (A7, A8, A9)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emr_dr_airflow.decisions.watching import Ended, Lost, Outcome, TimedOut, Unknown, watch
from emr_dr_airflow.decisions.wire import Ask
from tests.provider.decisions.front_door import (
    BAD_GATEWAY,
    DROPPED,
    FINE,
    LIMITS,
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

ID = 1021000000


def door_with(*entries: Entry, generation: Generation | None = None) -> FrontDoor:
    own = generation or Generation(number=3)
    own.entries += entries
    return FrontDoor(generations=[own, Generation(number=4)])


def watched(door: FrontDoor, *, deadline: float | None = None) -> Outcome:
    return carry_out(watch(ID, NAME, LIMITS, deadline=deadline), door)


@pytest.mark.parametrize("state", ["success", "dead", "error", "killed"])
def test_the_end_of_the_job_is_told(state: str) -> None:
    found = watched(door_with(Entry(id=ID, name=NAME, at=1000, ends=state)))

    assert isinstance(found, Ended)
    assert found.batch.state == state
    assert found.running_at is not None and 1005 <= found.running_at < 1020 < found.at < 1075


@pytest.mark.parametrize("seconds", [60, 2])
def test_who_did_not_see_a_job_wait_does_not_say_how_long_it_did(seconds: int) -> None:
    """A triggerer that was restarted, or a job that was over before anybody asked (B9)."""
    found = watched(door_with(Entry(id=ID, name=NAME, at=990, seconds=seconds)))

    assert isinstance(found, Ended) and found.running_at is None


def test_a_livy_that_recovers_its_batches_does_not_say_that_they_wait() -> None:
    entry = Entry(id=ID, name=NAME, at=900, seconds=200, state="recovering")
    door = door_with(entry)

    def change(now: float) -> None:
        entry.state = "recovering" if now < 1030 else ""

    door.change = change
    found = watched(door)

    assert isinstance(found, Ended) and found.running_at is None


def test_a_restarted_livy_is_waited_for() -> None:
    """The stock operator does not know the state `recovering` and fails the task."""
    entry = Entry(id=ID, name=NAME, at=1000)
    door = door_with(entry)

    def change(now: float) -> None:
        entry.state = "recovering" if 1010 < now < 1040 else ""

    door.change = change

    assert isinstance(watched(door), Ended)


@pytest.mark.parametrize("fault", [BAD_GATEWAY, DROPPED, PAGE, REFUSED, UNAVAILABLE])
def test_seconds_without_an_answer_are_ridden_out(fault: str) -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    door.fault = scripted({"GET": [FINE, *[fault] * 8]})

    assert isinstance(watched(door), Ended)


@pytest.mark.parametrize("fault", [BAD_GATEWAY, DROPPED, PAGE, REFUSED, UNAVAILABLE])
def test_an_outage_without_an_end_ends_the_patience_and_is_no_verdict(fault: str) -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    door.fault = lambda ask: fault
    found = watched(door)

    assert isinstance(found, Unknown)
    assert "may still run" in found.reason
    assert LIMITS.outage_seconds < found.at - 1000 < LIMITS.outage_seconds + 120


def test_outages_do_not_add_up() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000, seconds=20_000))
    door.fault = lambda ask: REFUSED if door.now % 3000 < 2500 else FINE

    assert isinstance(watched(door), Ended)


def test_a_state_that_nobody_knows_is_no_verdict() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000, state="levitating"))

    assert isinstance(watched(door), Unknown)


def test_a_job_whose_cluster_is_gone_is_lost() -> None:
    """5xx until nothing runs there any more, then 410."""
    found = watched(door_with(Entry(id=ID, name=NAME, at=1000), generation=Generation(number=3, fenced_at=1600)))
    assert isinstance(found, Ended)

    generation = Generation(number=3, died_at=1010, fenced_at=1600)
    found = watched(door_with(Entry(id=ID, name=NAME, at=1000), generation=generation))
    assert isinstance(found, Lost)
    assert 1600 < found.at < 1620


def test_the_application_that_was_seen_is_told_of_a_lost_job() -> None:
    """Whoever looks for what a job did needs it most where Livy cannot be asked any more (B9)."""
    generation = Generation(number=3, died_at=1010, fenced_at=1600)
    found = watched(door_with(Entry(id=ID, name=NAME, at=1000), generation=generation))
    assert isinstance(found, Lost)
    assert found.last is not None and found.last.application == ""

    generation = Generation(number=3, died_at=1025, fenced_at=1600)
    found = watched(door_with(Entry(id=ID, name=NAME, at=1000), generation=generation))
    assert isinstance(found, Lost)
    assert found.last is not None and found.last.application == f"application_1_{ID}"


def test_the_application_that_was_seen_is_told_of_every_other_job() -> None:
    """Also where a Livy that was restarted does not know it yet."""
    entry = Entry(id=ID, name=NAME, at=1000, seconds=1e6)
    door = door_with(entry)
    told = watched(door, deadline=1095.0)
    assert isinstance(told, TimedOut)
    assert told.last is not None and told.last.application == f"application_1_{ID}"

    door = door_with(entry)
    door.fault = lambda ask: FINE if door.now < 1030 else BAD_GATEWAY
    told = watched(door)
    assert isinstance(told, Unknown)
    assert told.last is not None and told.last.application == f"application_1_{ID}"

    entry.seconds = 60.0
    door = door_with(entry)

    def change(now: float) -> None:
        entry.ghost = now > 1025  # no application any more

    door.change = change
    told = watched(door, deadline=1095.0)
    assert isinstance(told, TimedOut)
    assert told.last is not None and told.last.application == f"application_1_{ID}"


def test_an_application_is_shown_once_when_it_shows_up() -> None:
    shown: list[str] = []
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    carry_out(watch(ID, NAME, LIMITS, show=lambda batch: shown.append(f"{batch.application} {batch.state}")), door)

    assert shown == [f"application_1_{ID} running"]


def test_one_410_is_heard_twice_before_it_is_believed() -> None:
    """A load balancer's nodes learn of a rule one after the other."""
    generation = Generation(number=3, fenced_at=1010)
    door = door_with(Entry(id=ID, name=NAME, at=1000), generation=generation)

    def change(now: float) -> None:
        if len(door.asked) > 2:
            generation.fenced_at = float("inf")

    door.change = change

    assert isinstance(watched(door), Ended)


def test_another_ones_batch_is_an_error_and_no_verdict() -> None:
    found = watched(door_with(Entry(id=ID, name="somebody-elses", at=0)))

    assert isinstance(found, Unknown)
    assert "somebody-elses" in found.reason


def test_a_batch_that_its_livy_has_forgotten_has_expired() -> None:
    """Asked again, then by name, then called expired; it is not run again."""
    door = door_with()
    found = watched(door)

    assert isinstance(found, Unknown)
    assert "expired" in found.reason and found.over
    # A Livy that lost what it keeps forgets jobs that run.
    assert "may still run" in found.reason
    assert door.paths("GET")[:3] == [f"/batches/{ID}"] * 3
    assert f"/batches/{NAME}" in door.paths("GET")
    assert door.paths("POST") == []


def test_a_batch_that_is_found_by_its_name_is_followed() -> None:
    door = door_with(Entry(id=ID + 5, name=NAME, at=1000))
    found = watched(door)

    assert isinstance(found, Ended)
    assert found.batch.id == ID + 5


def test_the_id_that_a_job_has_at_last_is_told() -> None:
    """Whoever ends it must not ask for the one that is forgotten."""
    found = watched(door_with(Entry(id=ID + 5, name=NAME, at=1000)), deadline=1030.0)

    assert isinstance(found, TimedOut) and found.last is not None and found.last.id == ID + 5


def test_a_404_that_does_not_last_is_nothing() -> None:
    entry = Entry(id=ID, name=NAME, at=1000)
    generation = Generation(number=3)
    door = FrontDoor(generations=[generation])

    def change(now: float) -> None:
        generation.entries = [] if len(door.asked) in (2, 3) else [entry]

    door.change = change

    assert isinstance(watched(door), Ended)


def test_not_found_where_others_do_not_answer_is_not_expired() -> None:
    door = FrontDoor(generations=[Generation(number=3), Generation(number=4, died_at=0)])
    found = watched(door)

    assert isinstance(found, Unknown)
    assert "expired" not in found.reason and "prefix 1031" in found.reason and not found.over


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_ask_is_told_so(status: int) -> None:
    class Closed(FrontDoor):
        def route(self, ask: Ask) -> tuple[int, None]:
            return status, None

    found = watched(Closed(generations=[]))

    assert isinstance(found, Unknown) and "may not ask" in found.reason


@pytest.mark.parametrize("faults", [[], [BAD_GATEWAY] * 100])
def test_the_deadline_is_kept_whether_somebody_answers_or_not(faults: Sequence[str]) -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000, seconds=1e6))
    door.fault = scripted({"GET": faults})
    found = watched(door, deadline=1095.0)

    assert isinstance(found, TimedOut)
    assert 1095 <= found.at < 1130


def test_an_end_that_was_reached_in_time_is_told_after_the_deadline() -> None:
    assert isinstance(watched(door_with(Entry(id=ID, name=NAME, at=0)), deadline=900.0), Ended)
