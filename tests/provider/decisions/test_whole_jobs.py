"""Whole jobs, through anything that may happen: never beside themselves, never another's end (A6, A8, A9, B9).

What is carried out is what the operator does: submit, watch, and submit again what is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emr_dr_airflow.decisions.ending import Ending, end_job
from emr_dr_airflow.decisions.names import TaskTry, batch_name
from emr_dr_airflow.decisions.retrying import Adopted, Blocked, first_try, settle_earlier
from emr_dr_airflow.decisions.submitting import NotSubmitted, Submitted, submit
from emr_dr_airflow.decisions.watching import Ended, Lost, TimedOut, watch
from emr_dr_airflow.decisions.wire import Ask
from tests.provider.decisions.front_door import (
    BAD_GATEWAY,
    DROPPED,
    FINE,
    LIMITS,
    LOST,
    PAGE,
    REFUSED,
    UNAVAILABLE,
    Entry,
    FrontDoor,
    Generation,
    carry_out,
)

TASK = TaskTry(dag_id="etl", run_id="r", run_key="", task_id="load", map_index=-1, number=1)
FAULTS = (FINE, FINE, FINE, FINE, LOST, DROPPED, BAD_GATEWAY, PAGE, REFUSED, UNAVAILABLE)
RESUBMISSIONS = 1


def try_(number: int) -> TaskTry:
    return replace(TASK, number=number)


class Scene:
    """Two clusters of which any may die and be replaced, and a wire that does what *faults* say."""

    def __init__(self, *, faults: list[str], deaths: list[float], ends: str, seconds: float, mend: float) -> None:
        self.ran: list[tuple[Entry, Generation]] = []
        self.doubled: list[str] = []
        self.ends, self.seconds = ends, seconds
        self.door = FrontDoor(generations=[Generation(number=1), Generation(number=2)])
        self.door.new = self.made
        self.door.change = self.change
        self.faults = list(faults)
        self.door.fault = self.fault
        self.deaths = sorted(deaths)
        self.mend = mend
        self.next = 3

    def fault(self, ask: Ask) -> str:
        return self.faults.pop() if self.faults else FINE

    def made(self, number: int, name: str, at: float) -> Entry:
        entry = Entry(id=number, name=name, at=at, ends=self.ends, seconds=self.seconds)
        owner = next(one for one in self.door.generations if number // 1_000_000 == one.prefix)
        if any(self.runs(other, where, at) for other, where in self.ran):
            self.doubled.append(name)
        self.ran.append((entry, owner))
        return entry

    def runs(self, entry: Entry, where: Generation, now: float) -> bool:
        """Whether its containers live: also on a cluster whose primary is dead, until that is fenced."""
        there = entry in where.entries
        return there and entry.at <= now < entry.at + entry.seconds and now < where.fenced_at

    def change(self, now: float) -> None:
        if self.deaths and now - 1000 >= self.deaths[0]:
            self.deaths.pop(0)
            serving = [one for one in self.door.generations if now < one.died_at]
            if serving:
                serving[0].died_at = now
                serving[0].fenced_at = now + self.mend + 60
                self.door.generations.append(Generation(number=self.next, in_service=False))
                self.next += 1
        for one in self.door.generations:
            started = min((other.fenced_at for other in self.door.generations), default=float("inf"))
            one.in_service = now < one.died_at + 15 and (one.number <= 2 or now >= started - 60)


def job(
    scene: Scene, task: TaskTry = TASK, *, max_tries: int = 9, certain: bool = True, resubmissions: int = RESUBMISSIONS
) -> object:
    """What the operator does in one try of a task that has nine retries."""
    limits = LIMITS
    first = first_try(task.number, max_tries=max_tries, retries=9)
    earlier = carry_out(settle_earlier(task, first, limits, certain=lambda batch: certain), scene.door)
    if earlier is not None:
        return earlier
    outcome: object = None
    for resubmission in range(resubmissions + 1):
        name = batch_name(task, resubmission)
        found = carry_out(submit(name, {"file": "f"}, limits), scene.door)
        if not isinstance(found, Submitted):
            return found
        outcome = carry_out(watch(found.batch.id, name, limits), scene.door)
        if not isinstance(outcome, Lost):
            return outcome
    return outcome


scenes = st.builds(
    Scene,
    faults=st.lists(st.sampled_from(FAULTS), max_size=40),
    deaths=st.lists(st.floats(0, 2000), max_size=3),
    ends=st.sampled_from(["success", "dead"]),
    seconds=st.sampled_from([6.0, 60.0, 900.0]),
    mend=st.sampled_from([60.0, 600.0]),
)
Check = Callable[[Scene], None]


@settings(max_examples=300, deadline=None)
@given(scene=scenes)
def test_a_job_never_runs_beside_itself(scene: Scene) -> None:
    job(scene)

    assert scene.doubled == []


@settings(max_examples=300, deadline=None)
@given(scene=scenes)
def test_the_end_that_is_told_is_the_jobs_own(scene: Scene) -> None:
    outcome = job(scene)

    if isinstance(outcome, Ended):
        entry = next(entry for entry, _ in scene.ran if entry.id == outcome.batch.id)
        assert outcome.batch.state == entry.ends
        assert outcome.at >= entry.at + entry.seconds


@settings(max_examples=200, deadline=None)
@given(scene=scenes)
def test_a_retry_never_runs_beside_the_try_before(scene: Scene) -> None:
    """Whose worker may have died at any moment: the flow that it carried out just stops."""
    name = batch_name(TASK, 0)
    carry_out(submit(name, {"file": "f"}, LIMITS), scene.door)
    job(scene, try_(2))

    assert scene.doubled == []


@settings(max_examples=200, deadline=None)
@given(scene=scenes, worker_dies=st.lists(st.booleans(), min_size=4, max_size=4), certain=st.booleans())
def test_tries_one_after_the_other_never_run_beside_each_other(
    scene: Scene, worker_dies: list[bool], certain: bool
) -> None:
    """Each of which may end before it knows how its job ended; what succeeded is not run again either."""
    for number, dies in enumerate(worker_dies, start=1):
        task = try_(number)
        if dies:
            first = first_try(number, max_tries=9, retries=9)
            settled = carry_out(settle_earlier(task, first, LIMITS, certain=lambda batch: certain), scene.door)
            if settled is None:
                carry_out(submit(batch_name(task, 0), {"file": "f"}, LIMITS), scene.door)
            elif isinstance(settled, Adopted) or settled.over:
                break
        elif not retried(job(scene, task, certain=certain)):
            break

    assert scene.doubled == []


def retried(outcome: object) -> bool:
    """Whether Airflow runs the task again."""
    if isinstance(outcome, Ended):
        return outcome.batch.state != "success"
    return not isinstance(outcome, Adopted) and not getattr(outcome, "over", False)


@settings(max_examples=100, deadline=None)
@given(scene=scenes)
def test_nobody_elses_batch_is_deleted(scene: Scene) -> None:
    for one in scene.door.generations:
        one.entries.append(Entry(id=one.next_id(), name="somebody-elses", at=0, seconds=1e9))
    others = [entry for one in scene.door.generations for entry in one.entries]
    job(scene)

    left = [entry for one in scene.door.generations for entry in one.entries]
    assert [entry for entry in others if entry not in left] == []


@settings(max_examples=100, deadline=None)
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=25), seconds=st.sampled_from([6.0, 60.0]))
def test_a_wire_that_mends_costs_no_job(faults: list[str], seconds: float) -> None:
    """No cluster dies: whatever the wire does for a while, the job's end is told."""
    scene = Scene(faults=faults, deaths=[], ends="success", seconds=seconds, mend=60)
    outcome = job(scene)

    assert isinstance(outcome, Ended) and outcome.batch.state == "success"
    assert len(scene.ran) == 1


def quiet(*, ends: str = "success", seconds: float = 60.0) -> Scene:
    """A scene in which nothing happens by itself."""
    return Scene(faults=[], deaths=[], ends=ends, seconds=seconds, mend=60)


def begin(scene: Scene, number: int, resubmission: int = 0) -> Entry:
    """A try posts its batch and is heard of no more."""
    found = carry_out(submit(batch_name(try_(number), resubmission), {"file": "f"}, LIMITS), scene.door)
    assert isinstance(found, Submitted)
    return next(entry for entry, _ in scene.ran if entry.id == found.batch.id)


def test_a_try_that_ended_before_it_looked_back_hides_nothing_from_the_next() -> None:
    """Try 1 is on a cluster that goes silent, try 2 fails as it cannot end it, the cluster answers again."""
    scene = quiet(seconds=100_000)
    entry = begin(scene, 1)
    where = next(one for one in scene.door.generations if entry in one.entries)
    where.died_at, where.in_service = scene.door.now, False
    second = job(scene, try_(2))
    assert isinstance(second, Blocked) and not second.over and len(scene.ran) == 1
    where.died_at = float("inf")
    job(scene, try_(3))

    assert scene.doubled == []
    assert entry.id in [int(path.rpartition("/")[2]) for path in scene.door.paths("DELETE")]


def test_a_batch_that_was_resubmitted_when_more_was_allowed_is_found() -> None:
    scene = quiet(seconds=100_000)
    begin(scene, 1, resubmission=3)
    job(scene, try_(2), resubmissions=0)

    assert scene.doubled == []


def test_a_retry_does_not_run_again_what_has_succeeded() -> None:
    """The worker of try 1 died after its job had ended."""
    scene = quiet()
    entry = begin(scene, 1)
    scene.door.now += 1000
    found = job(scene, try_(2))

    assert isinstance(found, Adopted)
    assert (found.batch.id, found.number) == (entry.id, 1)
    assert len(scene.ran) == 1


def test_a_success_that_may_be_another_runs_is_for_a_person_to_judge() -> None:
    scene = quiet()
    begin(scene, 1)
    scene.door.now += 1000
    found = job(scene, try_(2), certain=False)

    assert isinstance(found, Blocked) and found.over
    assert "clear the task" in found.reason and "deleted one of its id" in found.reason
    assert len(scene.ran) == 1


def test_what_has_failed_is_run_again() -> None:
    scene = quiet(ends="dead")
    begin(scene, 1)
    scene.door.now += 1000

    assert isinstance(job(scene, try_(2)), Ended)
    assert len(scene.ran) == 2


def test_a_task_that_was_cleared_runs_again() -> None:
    """Cleared after try 1: max_tries is 1 and nine retries now."""
    scene = quiet()
    begin(scene, 1)
    scene.door.now += 1000

    assert isinstance(job(scene, try_(2), max_tries=10), Ended)
    assert len(scene.ran) == 2


def test_a_retry_after_a_clear_adopts_only_what_came_after_it() -> None:
    scene = quiet()
    begin(scene, 1)
    scene.door.now += 1000
    scene.ends = "dead"
    begin(scene, 2)
    scene.door.now += 1000
    job(scene, try_(3), max_tries=10)
    assert len(scene.ran) == 3

    scene.ends = "success"
    fourth = begin(scene, 4)
    scene.door.now += 1000
    found = job(scene, try_(5), max_tries=10)
    assert isinstance(found, Adopted) and found.batch.id == fourth.id


def test_numbers_that_do_not_tell_of_a_clear_are_for_a_person_to_judge() -> None:
    """Try 3 of a task with one retry: Airflow reset it, or it was cleared while it ran."""
    scene = quiet()
    begin(scene, 1)
    scene.door.now += 1000
    first = first_try(3, max_tries=1, retries=1)
    found = carry_out(settle_earlier(try_(3), first, LIMITS, certain=lambda batch: True), scene.door)

    assert first is None
    assert isinstance(found, Blocked) and found.over and "cleared since" in found.reason


def test_a_run_that_was_made_again_does_not_take_the_end_of_the_deleted_one() -> None:
    """On Airflow 3 both have the same names."""
    scene = quiet()
    for one in scene.door.generations:
        name = batch_name(TASK, 0)
        one.entries.append(Entry(id=one.next_id(), name=name, at=0, seconds=1))
    found = job(scene)

    assert isinstance(found, NotSubmitted) and found.over
    assert scene.ran == []


def test_a_job_that_has_another_id_is_followed_and_ended() -> None:
    scene = quiet(seconds=100_000)
    entry = begin(scene, 1)
    old, entry.id = entry.id, entry.id + 50
    outcome = carry_out(watch(old, entry.name, LIMITS, deadline=scene.door.now + 60), scene.door)
    assert isinstance(outcome, TimedOut) and outcome.last is not None and outcome.last.id == entry.id

    assert carry_out(end_job(old, entry.name, LIMITS), scene.door) is Ending.ENDED
    assert all(entry not in one.entries for one in scene.door.generations)


def test_an_answer_with_anothers_batch_is_not_believed() -> None:
    """A submit's answer of another request: also a task that does not poll must not call that its own."""
    scene = quiet()
    route = scene.door.route

    def mixed(ask: Ask) -> tuple[int, Any]:
        status, body = route(ask)
        return (status, {**body, "id": 1001999999, "name": "x"}) if ask.method == "POST" else (status, body)

    scene.door.route = mixed  # type: ignore[method-assign]
    found = carry_out(submit(batch_name(TASK, 0), {"file": "f"}, LIMITS), scene.door)

    assert isinstance(found, Submitted) and found.adopted
    assert found.batch.id == scene.ran[0][0].id and len(scene.ran) == 1
