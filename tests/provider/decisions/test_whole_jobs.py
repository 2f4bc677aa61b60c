"""Whole jobs, through anything that may happen: never beside themselves, never another's end (A6, A8, A9, B9).

What is carried out is what the operator does: submit, watch, and submit again what is lost.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from emr_dr_airflow.decisions.ending import end_earlier
from emr_dr_airflow.decisions.names import TaskTry, batch_name, earlier_names
from emr_dr_airflow.decisions.submitting import Submitted, submit
from emr_dr_airflow.decisions.watching import Ended, Lost, watch
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

TASK = TaskTry(dag_id="etl", run_id="r", run_started="", task_id="load", map_index=-1, number=1)
FAULTS = (FINE, FINE, FINE, FINE, LOST, DROPPED, BAD_GATEWAY, PAGE, REFUSED, UNAVAILABLE)
RESUBMISSIONS = 1


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


def job(scene: Scene, task: TaskTry = TASK) -> object:
    """What the operator does in one try."""
    limits = LIMITS
    if earlier := earlier_names(task, RESUBMISSIONS):
        reason = carry_out(end_earlier(earlier, limits), scene.door)
        if reason:
            return reason
    outcome: object = None
    for resubmission in range(RESUBMISSIONS + 1):
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
    job(scene, TaskTry(dag_id="etl", run_id="r", run_started="", task_id="load", map_index=-1, number=2))

    assert scene.doubled == []


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
