"""What is told to the judgement of a fault's row."""

from __future__ import annotations

from typing import Any, cast

import pytest

from emr_drill.facts import facts
from emr_drill.faults.judging import Found
from emr_drill.faults.model import Act, Moment
from emr_drill.faults.scene import Scene
from emr_drill.jobs.submitter import Submission
from emr_drill.observe import Execution
from emr_drill.rehearsal import Timeline
from emr_drill.report import Report

CUT_OVER_AT = 1000.0


class World:
    """A deployment after a failover; a test changes it."""

    def __init__(self) -> None:
        self.clusters = self
        self.items: list[dict[str, Any]] = [
            {"generation": 1, "state": "retired", "operation": "a-launch"},
            {"generation": 2, "state": "serving", "operation": "o-1"},
        ]
        self.operations: list[dict[str, Any]] = [
            {"id": "a-launch", "outcome": "launched"},
            {"id": "o-1", "outcome": "failed over", "message": "m"},
        ]
        self.states_of = {1: "TERMINATED", 2: "WAITING"}
        self.executions = [execution("a-launch"), execution("o-1")]
        self.submissions: list[Submission] = []
        self.left: list[Act] = []

    def states(self) -> list[tuple[str, str, str, str | None, str]]:
        return [(f"j-{n}", f"dep-a-g{n}", "us-east-1a", None, state) for n, state in self.states_of.items()]

    def incarnations(self) -> list[dict[str, Any]]:
        return [
            {"stack_name": f"dep-a-g{item['generation']}", "availability_zone": "us-east-1a", **item}
            for item in self.items
        ]

    def records(self, kind: str) -> list[dict[str, Any]]:
        return self.operations

    def owner(self, batch_id: int) -> str:
        return f"dep-a-g{batch_id // 1_000_000 - 1000}"

    def found(self, **report: Any) -> Found:
        scene = Scene(
            stand_in=cast(Any, self),
            deployment=cast(Any, self),
            cluster_id="j-1",
            generation=1,
            managed_cluster="a",
            availability_zone="us-east-1a",
        )
        return facts(
            Report(services="simulated", fault="kill-primary", speed=1, seed=1, **report),
            timeline=Timeline(
                scene=scene,
                moments={Moment.CUT_OVER: CUT_OVER_AT},
                clusters_before=frozenset({"j-1"}),
                operations_before=frozenset({"a-launch"}),
                acts_left=self.left,
            ),
            deployment=cast(Any, self),
            submissions=self.submissions,
            executions=self.executions,
            told=(["dep: a failed over"], {"Repaired": 1.0}),
        )


def execution(name: str, status: str = "SUCCEEDED") -> Execution:
    return Execution(arn=name, name=name, status=status, started=0, stopped=1, states=[])


def submission(at: float, batch_id: int | None) -> Submission:
    return Submission(at=at, answered=at, accepted=batch_id is not None, status=201, id=batch_id)


@pytest.fixture
def world() -> World:
    return World()


def test_operations_are_those_since_the_fault(world: World) -> None:
    assert world.found().operations == [("failed over", "m")]


def test_an_operation_without_an_outcome_is_told_by_its_execution(world: World) -> None:
    world.operations[1] = {"id": "o-1"}
    world.executions[1] = execution("o-1", "TIMED_OUT")

    assert world.found().operations == [("TIMED_OUT", "")]


def test_launched_are_clusters_that_were_not_there(world: World) -> None:
    assert world.found().launched == ["dep-a-g2"]


def test_what_was_done_by_hand_is_left_out(world: World) -> None:
    world.items[1]["operation"] = "by-hand-1"
    world.executions[1] = execution("by-hand-1")

    assert (world.found().operations, world.found().launched) == ([], [])


def test_what_people_were_told_and_jobs_are_passed_on(world: World) -> None:
    found = world.found(recovered=True, jobs={"lost": 2})

    assert (found.subjects, found.metrics, found.jobs, found.recovered) == (
        ["dep: a failed over"],
        {"Repaired": 1.0},
        {"lost": 2},
        True,
    )


def test_the_old_one_is_told_by_record_and_by_emr(world: World) -> None:
    assert (world.found().old_serves, world.found().old_state) == (False, "TERMINATED")

    world.items[0]["state"] = "serving"
    world.states_of[1] = "WAITING"
    assert (world.found().old_serves, world.found().old_state) == (True, "WAITING")


def test_alive_is_what_has_not_ended(world: World) -> None:
    world.states_of |= {3: "TERMINATED_WITH_ERRORS", 4: "STARTING"}

    assert (world.found().alive, world.found().serving) == (["dep-a-g2", "dep-a-g4"], ["dep-a-g2"])


def test_leftovers_are_told_with_generation_and_state(world: World) -> None:
    world.items.append({"generation": 3, "state": "abandoned"})

    assert world.found().unretired == ["generation 3 in us-east-1a is abandoned"]


@pytest.mark.parametrize(
    ("at", "batch_id", "count"),
    [
        (CUT_OVER_AT + 16, 1001000001, 1),
        (CUT_OVER_AT + 14, 1001000001, 0),  # the change of targets was on its way
        (CUT_OVER_AT + 16, 1002000001, 0),
        (CUT_OVER_AT + 16, None, 0),
    ],
)
def test_jobs_that_the_old_one_took_too_late_are_counted(
    world: World, at: float, batch_id: int | None, count: int
) -> None:
    world.submissions = [submission(at, batch_id)]

    assert world.found().submits_to_old == count


def test_acts_that_were_not_done_are_told(world: World) -> None:
    world.left = [Act(what="it heals", do=lambda scene: None, after=Moment.PAGE)]

    assert world.found().acts_left == ["after the page: it heals"]
