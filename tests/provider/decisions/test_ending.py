"""Only the own batch is ever deleted (A8, B9)."""

from __future__ import annotations

import pytest

from emr_dr_airflow.decisions.ending import (
    Earlier,
    Ending,
    doubt,
    end,
    end_by_name,
    end_earlier,
    end_job,
    was_taken_away,
)
from tests.provider.decisions.front_door import (
    BAD_GATEWAY,
    DROPPED,
    FINE,
    LIMITS,
    LOST,
    NAME,
    PAGE,
    Entry,
    FrontDoor,
    Generation,
    carry_out,
    scripted,
)

ID = 1021000000


def door_with(*entries: Entry, number: int = 3) -> FrontDoor:
    return FrontDoor(generations=[Generation(number=number, entries=list(entries))])


@pytest.mark.parametrize("ending", [None, *Ending])
def test_a_job_that_was_not_ended_for_certain_is_said_to_run_perhaps(ending: Ending | None) -> None:
    assert ("may still run" in doubt(ending)) is (ending in (Ending.NOT_FOUND, Ending.NOT_OURS, Ending.UNANSWERED))


def test_the_own_batch_is_deleted() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.ENDED
    assert door.paths("DELETE") == [f"/batches/{ID}"]


def test_another_ones_batch_with_that_id_is_left_alone() -> None:
    door = door_with(Entry(id=ID, name="somebody-elses", at=1000))

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.NOT_OURS
    assert door.paths("DELETE") == []
    assert "left alone" in door.said[0]


@pytest.mark.parametrize(("number", "ending"), [(3, Ending.NOT_FOUND), (4, Ending.OVER)])
def test_one_that_is_gone_needs_no_end(number: int, ending: Ending) -> None:
    """404 by its Livy, and 410 by the front door."""
    assert carry_out(end(ID, NAME, LIMITS), door_with(number=number)) is ending


def test_a_job_that_has_another_id_now_is_ended_by_its_name() -> None:
    door = door_with(Entry(id=ID + 5, name=NAME, at=1000))

    assert carry_out(end_job(ID, NAME, LIMITS), door) is Ending.ENDED
    assert door.paths("DELETE") == [f"/batches/{ID + 5}"]


def test_one_that_has_ended_keeps_its_result() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=0))

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.OVER
    assert door.paths("DELETE") == []


def test_an_answer_that_was_lost_is_asked_for_again() -> None:
    """The load balancer gives up while Livy kills the application, and Livy goes on."""
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    door.fault = scripted({"DELETE": [LOST]})

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.OVER


def test_a_page_of_html_is_no_word_that_it_ended() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    door.fault = scripted({"DELETE": [PAGE]})

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.ENDED
    assert door.generations[0].entries == []


def test_who_is_killed_does_not_ask_for_ever() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))
    door.fault = lambda ask: BAD_GATEWAY

    assert carry_out(end(ID, NAME, LIMITS), door) is Ending.UNANSWERED
    assert len(door.asked) == 4


def test_without_an_id_it_is_found_by_its_name() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000))

    assert carry_out(end_by_name(NAME, LIMITS), door) is Ending.ENDED


def test_what_is_not_found_is_not_called_ended() -> None:
    assert carry_out(end_by_name(NAME, LIMITS), door_with()) is Ending.NOT_FOUND


def test_what_nobody_answers_for_is_not_called_not_found() -> None:
    door = door_with()
    door.fault = scripted({"GET": [FINE] * 14 + [BAD_GATEWAY]})

    assert carry_out(end_by_name(NAME, LIMITS), door) is Ending.UNANSWERED


def test_what_an_earlier_try_left_running_is_ended() -> None:
    """Its worker died; the retry must not run beside it."""
    door = door_with(Entry(id=ID, name=NAME, at=1000))

    assert carry_out(end_earlier([[NAME, "other"]], LIMITS), door) == Earlier()
    assert door.generations[0].entries == []


def test_what_an_earlier_try_finished_is_left_alone() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=0))

    found = carry_out(end_earlier([[NAME]], LIMITS), door)

    assert found.reason == "" and found.succeeded[NAME].id == ID
    assert door.paths("DELETE") == []


def test_what_fails_is_no_success() -> None:
    assert carry_out(end_earlier([[NAME]], LIMITS), door_with(Entry(id=ID, name=NAME, at=0, ends="dead"))) == Earlier()


def test_what_succeeds_right_before_it_is_ended_has_succeeded() -> None:
    entry = Entry(id=ID, name=NAME, at=1000, state="running")
    door = door_with(entry)

    def change(now: float) -> None:
        entry.state = "running" if len(door.asked) < 2 else "success"

    door.change = change

    assert NAME in carry_out(end_earlier([[NAME]], LIMITS), door).succeeded


def test_where_nobody_answers_an_earlier_try_may_run() -> None:
    door = FrontDoor(generations=[Generation(number=3, died_at=0)])

    assert "may still run where nobody answers" in carry_out(end_earlier([[NAME]], LIMITS), door).reason


def test_an_earlier_try_that_cannot_be_ended_is_told() -> None:
    door = door_with(Entry(id=ID, name=NAME, at=1000, seconds=1e9))
    door.fault = lambda ask: DROPPED if ask.method == "DELETE" else "fine"

    assert "may still run" in carry_out(end_earlier([[NAME]], LIMITS), door).reason


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed", "restarting", "upstream_failed", None])
def test_a_task_that_a_person_took_away_ends_its_batch(state: str | None) -> None:
    assert was_taken_away(state, number=1, own_number=1)


@pytest.mark.parametrize("state", ["deferred", "scheduled", "queued", "running", "up_for_reschedule"])
def test_a_trigger_that_only_moves_ends_nothing(state: str) -> None:
    """A triggerer stops, another one takes over, or has fired already."""
    assert not was_taken_away(state, number=1, own_number=1)
    assert not was_taken_away(state, number=None, own_number=1)


def test_a_task_that_is_at_its_next_try_was_taken_away() -> None:
    assert was_taken_away("queued", number=2, own_number=1)
