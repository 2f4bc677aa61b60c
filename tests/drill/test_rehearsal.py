"""The story of a drill: its acts, what it waits for, and when it ends."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from emr_drill import rehearsal
from emr_drill.clock import Clock
from emr_drill.faults.model import (
    Act,
    Expectation,
    Fault,
    Moment,
    Old,
    Outcome,
    Page,
    cancel,
    failover,
    nothing,
    page,
    repair,
)
from emr_drill.faults.scene import Scene
from emr_drill.jobs import plan
from emr_drill.jobs.stream import Stream
from emr_drill.progress import Progress
from emr_drill.rehearsal import Rehearsal, Timeline
from emr_drill.report import Report
from emr_drill.survivors import Survivor

from .drill_world import World

TOLD = Page(metric="TerminatedByAPerson")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(rehearsal, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(rehearsal, "OwnerWatch", made.watch)
    return made


class Told:
    """A rehearsal of a world, with what came of it."""

    def __init__(
        self,
        world: World,
        expect: Expectation,
        *acts: Act,
        services: str = "simulated",
        stream: bool = False,
        waves: plan.Plan | None = None,
        load: plan.Load | None = None,
        standby: bool = False,
        **more: Any,
    ) -> None:
        self.report = Report(services=services, fault="f", speed=2e4, seed=1)
        self.console = Console(file=io.StringIO(), width=200)
        clock = Clock.start(speed=2e4)
        self.rehearsal = Rehearsal(
            services=services,
            seed=1,
            fault=Fault(name="f", acts=acts, expect=expect, must="it must", notices="nobody", load=load),
            report=self.report,
            stand_in=cast(Any, world),
            clock=clock,
            progress=Progress(console=self.console, clock=clock),
            deployment=cast(Any, world),
            submitter=cast(Any, world),
            stream=Stream(clock=clock, jobs=plan.stream(seed=1), add=world.add) if stream else None,
            plan=waves,
            standby=standby,
            **more,
        )

    def run(self) -> Timeline:
        return self.rehearsal.run()


def act(do: Callable[[], None], **when: Any) -> Act:
    return Act(what="something is done", do=lambda scene: do(), **when)


def ends(world: World, outcome: str, **more: Any) -> Callable[[], None]:
    """An operation ends."""
    return lambda: world.outcomes.append({"id": f"o-{len(world.outcomes)}", "outcome": outcome, **more})


def taken_over(world: World) -> Callable[[], None]:
    return lambda: world.kill_primary("j-1")


def test_a_failover_ends_with_the_old_one_retired(world: World) -> None:
    told = Told(world, failover(), act(taken_over(world)))
    timeline = told.run()

    assert told.report.problem == ""
    assert Moment.CUT_OVER in timeline.moments and Moment.LAUNCH in timeline.moments
    assert timeline.acts_left == []


@pytest.mark.parametrize(("grows", "looks"), [(True, 3), (False, 0)])
def test_where_the_other_half_may_grow_its_limits_are_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, grows: bool, looks: int
) -> None:
    """A9: it gives the room back after both serve again."""
    maxima = [20, 20, 10]
    asked: list[str] = []

    def most_instances(cluster_id: str) -> int:
        asked.append(cluster_id)
        return maxima.pop(0)

    monkeypatch.setattr(world, "most_instances", most_instances, raising=False)
    monkeypatch.setattr(rehearsal, "survivor", lambda *_: Survivor(cluster_id="j-9", before=10, alone=20))
    told = Told(world, failover(survivor_grows=grows), act(taken_over(world)))
    told.run()

    assert (told.report.problem, asked) == ("", ["j-9"] * looks)


def test_jobs_come_before_during_and_after(world: World) -> None:
    Told(world, failover(), act(taken_over(world))).run()

    assert world.added == [15, 4, 8]


def test_a_stream_comes_from_the_fault_on_and_is_waited_for(world: World) -> None:
    before: list[int] = []
    told = Told(world, failover(), act(lambda: before.append(len(world.jobs))), act(taken_over(world)), stream=True)
    told.run()

    keys = [one.job.key.partition("-")[0] for one in world.jobs]
    assert before == [15]
    assert keys.count("stream") == 30
    assert told.report.problem == ""


def test_a_plan_that_is_given_is_the_plan(world: World) -> None:
    waves = plan.make(seed=1, long=3, short=2, during=1, after=4)
    Told(world, failover(), act(taken_over(world)), waves=waves).run()

    assert world.added == [5, 1, 4]


def test_real_services_get_fewer_jobs_at_once(world: World) -> None:
    Told(world, failover(), act(taken_over(world)), services="real").run()

    assert world.added == [7, 3, 10]


def test_the_scene_is_the_incarnation_in_service(world: World) -> None:
    seen: list[Scene] = []
    timeline = Told(world, nothing(), Act(what="looks", do=seen.append)).run()

    assert timeline.scene is seen[0]
    assert (seen[0].cluster_id, seen[0].generation, seen[0].managed_cluster, seen[0].availability_zone) == (
        *("j-1", 1, "a", "us-east-1a"),
    )


def test_what_there_was_before_is_known(world: World) -> None:
    world.journal = [{"kind": "notification", "subject": "before"}]
    timeline = Told(world, nothing(), act(lambda: None)).run()

    assert timeline.clusters_before == {"j-1"}
    assert timeline.operations_before == {"a-launch"}
    assert timeline.journal_before == 1


def test_a_repair_is_waited_for(world: World) -> None:
    told = Told(world, repair(), act(ends(world, "repaired")))
    told.run()

    assert told.report.problem == ""


def test_a_failover_in_place_of_a_repair_ends_the_waiting(world: World) -> None:
    """The row is judged afterwards; nothing else is waited for in vain."""
    told = Told(world, repair(), act(taken_over(world)))
    told.run()

    assert told.report.problem == ""
    assert world.added == [15, 4, 8]


def test_a_cancelled_operation_is_waited_for(world: World) -> None:
    told = Told(world, cancel(), act(ends(world, "cancelled")))
    told.run()

    assert told.report.problem == ""


@pytest.mark.parametrize(
    ("expect", "what"),
    [
        (failover(), "another incarnation in service"),
        (repair(), "Livy to be repaired in place"),
        (cancel(), "the failover to be called off"),
        (page(TOLD), "a person to be told"),
    ],
)
def test_what_does_not_come_is_told(world: World, expect: Expectation, what: str) -> None:
    told = Told(world, expect, act(lambda: None))
    told.run()

    assert told.report.problem == f"waited 3600 s for {what}, in vain"


def test_the_incarnation_that_was_broken_is_no_recovery(world: World) -> None:
    told = Told(world, failover(), act(ends(world, "failed over")))
    told.run()

    assert "another incarnation in service, in vain" in told.report.problem


def test_a_failed_operation_ends_the_waiting_too(world: World) -> None:
    """What becomes of the jobs is seen to the end all the same."""
    told = Told(world, failover(), act(ends(world, "failed", message="no AZ is left")))
    told.run()

    assert told.report.problem == ""
    assert world.added == [15, 4, 8]


def test_a_failure_that_the_row_allows_is_waited_out(world: World) -> None:
    told = Told(world, failover(failed=(1, 1)), act(ends(world, "failed")), act(taken_over(world), seconds=500.0))
    told.run()

    assert told.report.problem == ""


def test_operations_from_before_the_fault_do_not_count(world: World) -> None:
    world.operation_before["outcome"] = "failed"
    told = Told(world, nothing(), act(lambda: None))
    told.run()

    assert told.report.problem == ""


def test_where_nothing_must_happen_it_is_watched_for_a_while(world: World) -> None:
    told = Told(world, nothing(), act(lambda: None), act(lambda: None, seconds=100.0))
    timeline = told.run()

    assert told.report.problem == ""
    assert timeline.acts_left == []
    assert world.added == [15, 4, 8]


def test_acts_come_in_their_order_and_not_before_their_time(world: World) -> None:
    done: list[str] = []
    started: list[float] = []
    clock: list[float] = []

    def note(word: str) -> Callable[[], None]:
        def do() -> None:
            done.append(word)
            clock.append(told.rehearsal._clock.now())

        return do

    told = Told(world, nothing(), act(note("first")), act(note("later"), seconds=200.0), act(note("second")))
    started.append(told.run().fault_at)

    assert done == ["first", "second", "later"]
    assert clock[2] - started[0] >= 200


def test_an_act_that_waits_for_the_cut_over_comes_after_it(world: World) -> None:
    seen: list[bool] = []
    told = Told(
        world,
        failover(),
        act(taken_over(world)),
        act(lambda: seen.append(2 in world.incarnation_states), after=Moment.CUT_OVER),
    )
    timeline = told.run()

    assert seen == [True]
    assert timeline.acts_left == []


def test_an_act_that_waits_for_a_page_comes_when_all_of_it_came(world: World) -> None:
    def tell() -> None:
        world.journal.append({"kind": "metric", "name": TOLD.metric, "value": 1})

    def by_hand() -> None:
        world.kill_primary("j-1")
        world.outcomes[-1]["id"] = "by-hand-1"

    told = Told(world, page(TOLD), act(tell), act(by_hand, after=Moment.PAGE))
    timeline = told.run()

    assert timeline.moments[Moment.PAGE] <= timeline.moments[Moment.CUT_OVER]


def test_an_act_whose_moment_never_comes_is_left(world: World) -> None:
    timeline = Told(world, page(TOLD), act(lambda: None), act(lambda: None, after=Moment.PAGE)).run()

    assert [one.after for one in timeline.acts_left] == [Moment.PAGE]


def test_what_a_person_asked_for_is_no_operation_of_the_controller(world: World) -> None:
    def by_hand() -> None:
        world.kill_primary("j-1")
        world.outcomes[-1]["id"] = "by-hand-1"
        world.journal.append({"kind": "metric", "name": TOLD.metric, "value": 1})

    told = Told(world, page(TOLD), act(by_hand))
    told.run()

    assert told.report.problem == ""


@pytest.mark.parametrize(
    "left",
    [
        {1: "retiring", 2: "serving"},
        {1: "retired", 2: "serving", 3: "abandoned"},
    ],
)
def test_the_end_is_when_nothing_is_left_over(world: World, left: dict[int, str]) -> None:
    def leave() -> None:
        world.kill_primary("j-1")
        world.incarnation_states = left

    told = Told(world, failover(), act(leave))
    told.run()

    assert told.report.problem == "waited 6000 s for the end of everything that is not in service, in vain"


def test_the_end_waits_for_operations_that_run(world: World) -> None:
    def begin() -> None:
        world.kill_primary("j-1")
        world.outcomes.append({"id": "o-9"})

    told = Told(world, failover(), act(begin))
    told.run()

    assert "the end of everything" in told.report.problem


def test_a_machine_that_wakes_the_drill_too_late_is_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 100_000, 2))
    monkeypatch.setattr(rehearsal, "time", SimpleNamespace(sleep=time.sleep, monotonic=lambda: float(next(moments))))
    told = Told(world, nothing(), act(lambda: None))
    told.run()

    assert told.report.machine_late_seconds == 2.0


def test_too_few_jobs_running_is_told_and_nothing_is_broken(world: World) -> None:
    world.running = 4
    told = Told(world, failover(), act(taken_over(world)))
    timeline = told.run()

    assert "5 jobs running and 3 polls open, in vain" in told.report.problem
    assert timeline.scene is None and timeline.fault_at > 0


def test_nothing_in_service_is_told(world: World) -> None:
    world.incarnation_states = {1: "verifying"}
    told = Told(world, failover(), act(taken_over(world)))
    told.run()

    assert "no incarnation is in service" in told.report.problem


def test_ids_of_canaries_are_watched_once_they_are_public(world: World) -> None:
    world.incarnation_states = {1: "retired", 2: "verifying"}
    Told(world, nothing(), act(lambda: None)).rehearsal.owner_watch()

    assert [one.id for one in world.watching["issued"]()] == [100]


def test_a_410_is_right_when_the_owner_runs_nothing(world: World) -> None:
    Told(world, nothing(), act(lambda: None)).rehearsal.owner_watch()
    gone = world.watching["may_be_gone"]

    assert [gone(100), gone(200), gone(900)] == [True, False, False]


def test_a_cluster_that_is_known_dead_stays_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ResourceManager is stopped next, and answers nobody any more."""
    Told(world, nothing(), act(lambda: None)).rehearsal.owner_watch()
    gone = world.watching["may_be_gone"]
    assert gone(100)

    monkeypatch.setattr(world, "applications_running", lambda owner: True)
    assert gone(100)


def test_a_resource_manager_that_is_silent_for_a_moment_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False])
    monkeypatch.setattr(world, "applications_running", lambda owner: next(answers))
    Told(world, nothing(), act(lambda: None)).rehearsal.owner_watch()

    assert world.watching["may_be_gone"](100)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_410_is_right_after_the_fence_limit_where_the_row_allows_that(world: World, allowed: bool) -> None:
    world.journal = [{"kind": "metric", "name": "FenceOverdue", "value": 1}]
    Told(world, failover(fence_bound=allowed), act(lambda: None)).rehearsal.owner_watch()

    assert world.watching["may_be_gone"](200) is allowed


def test_the_az_to_strike_can_be_named(world: World) -> None:
    told = Told(world, failover(), act(taken_over(world)), zone="us-east-1a")
    timeline = told.run()

    assert timeline.scene is not None
    assert timeline.scene.availability_zone == "us-east-1a"


def test_an_az_in_which_nothing_serves_is_told_with_those_in_which_something_does(world: World) -> None:
    told = Told(world, failover(), act(taken_over(world)), zone="us-east-1c")
    told.run()

    assert told.report.problem == "nothing is in service in us-east-1c, only in us-east-1a: name one of these"


PLANNED = Expectation(
    outcome=Outcome.PLANNED, operations={"switched over": (2, 2)}, launches=(2, 2), old=Old.ENDED, jobs_lost=True
)


def switched_over(world: World) -> Callable[[], None]:
    """Two operations end, and another incarnation serves."""

    def do() -> None:
        world.kill_primary("j-1")
        world.outcomes = [{"id": f"o-{number}", "outcome": "switched over"} for number in range(2)]

    return do


def test_a_planned_change_waits_for_every_operation_and_the_end_of_its_deploy(world: World) -> None:
    """B13: a deploy that is under way is not over, whatever its first operations did."""
    looks: list[bool] = []

    class Slow:
        @property
        def under_way(self) -> bool:
            looks.append(len(looks) < 3)
            return looks[-1]

    told = Told(world, PLANNED, act(switched_over(world)), deploys=Slow())
    told.run()

    assert told.report.problem == ""
    assert looks == [True, True, True, False]


def test_under_load_as_many_jobs_must_run_as_the_row_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "READY_LIMIT_SECONDS", 1.0)
    told = Told(world, PLANNED, act(switched_over(world)), load=plan.Load(running=20))
    told.run()

    assert "20 jobs running" in told.report.problem, "six run in this world"


def test_what_comes_all_the_time_comes_no_more_when_the_change_is_over(world: World) -> None:
    told = Told(world, PLANNED, act(switched_over(world)), load=plan.Load(running=5), stream=True)
    told.run()

    assert told.report.problem == ""
    assert len([job for job in world.jobs if job.job.key.startswith("stream")]) < plan.STREAM_JOBS


def test_a_standby_is_waited_for_before_the_fault_and_again_at_the_end(world: World) -> None:
    """Else the drill would show what happens without one."""
    struck: list[Scene] = []
    looks = iter(range(10**9))
    incarnations = world.incarnations

    def with_standby() -> list[dict[str, Any]]:
        known = incarnations()
        if next(looks) < 3:
            return known
        return [*known, {**known[0], "generation": 9, "state": "standby", "cluster_id": "j-9"}]

    world.incarnations = with_standby  # type: ignore[method-assign]
    told = Told(world, nothing(), Act(what="nothing", do=struck.append), standby=True)
    told.run()

    assert not told.report.problem
    assert [scene.standby for scene in struck] == ["j-9"]


def test_without_a_standby_nothing_is_broken(world: World) -> None:
    """The drill fails with a sentence instead."""
    struck: list[Scene] = []
    told = Told(world, nothing(), Act(what="nothing", do=struck.append), standby=True)
    told.run()

    assert "a standby, in vain" in told.report.problem
    assert struck == []


IN_A_ROW = Expectation(
    outcome=Outcome.IN_A_ROW, operations={"failed over": (2, 2)}, launches=(2, 2), old=Old.ENDED, jobs_lost=True
)


def replaces(world: World, old: int, new: int) -> Callable[[], None]:
    """An operation ends, *new* serves and *old* is retired."""

    def do() -> None:
        world.incarnation_states |= {old: "retired", new: "serving"}
        ends(world, "failed over")()

    return do


def test_what_comes_in_a_row_is_done_to_what_serves_then(world: World) -> None:
    struck: list[int] = []

    def replace_it(scene: Scene) -> None:
        struck.append(scene.generation)
        replaces(world, scene.generation, scene.generation + 1)()

    told = Told(world, IN_A_ROW, *(Act(what="w", do=replace_it, after=one) for one in (Moment.FAULT, Moment.REST)))
    timeline = told.run()

    assert (told.report.problem, struck, timeline.acts_left) == ("", [1, 2], [])
    assert timeline.scene is not None
    assert timeline.scene.generation == 1, "the row is judged by what was struck first"


def test_each_thing_in_a_row_waits_for_the_end_of_the_one_before(world: World) -> None:
    """Two that wait for rest are not done at once."""
    struck: list[Scene] = []
    told = Told(
        world,
        IN_A_ROW,
        act(replaces(world, 1, 2)),
        *(Act(what="something that leads to no cut-over", do=struck.append, after=Moment.REST) for _ in range(2)),
    )
    timeline = told.run()

    assert [scene.generation for scene in struck] == [2]
    assert len(timeline.acts_left) == 1
    assert told.report.problem == "waited 3600 s for the end of what the last act began, in vain"


def test_the_one_that_comes_later_is_not_done_before_the_one_that_comes_first(world: World) -> None:
    done: list[str] = []

    def first() -> None:
        done.append("first")
        replaces(world, 2, 3)()

    told = Told(
        world,
        IN_A_ROW,
        act(replaces(world, 1, 2)),
        act(first, after=Moment.REST, seconds=500.0),
        act(lambda: done.append("second"), after=Moment.REST),
    )
    told.run()

    assert done == ["first", "second"]


@pytest.mark.parametrize(
    ("states", "more"),
    [
        ({1: "retiring", 2: "serving"}, {}),
        ({1: "retired", 2: "serving", 3: "abandoned"}, {}),
        ({1: "retired", 2: "serving"}, {"id": "o-9"}),
        ({1: "serving"}, {}),
    ],
    ids=["a retirement runs", "something is given up", "an operation runs", "no cut-over"],
)
def test_there_is_no_rest_while_something_moves(world: World, states: dict[int, str], more: dict[str, Any]) -> None:
    def leave() -> None:
        world.incarnation_states = states
        if more:
            world.outcomes.append(more)

    timeline = Told(world, IN_A_ROW, act(leave), act(lambda: None, after=Moment.REST)).run()

    assert len(timeline.acts_left) == 1


def test_there_is_no_rest_while_a_deploy_runs(world: World) -> None:
    """Between the two managed clusters nothing may move, and yet it is not over."""
    looks: list[int] = []
    seen: list[int] = []

    class Slow:
        @property
        def under_way(self) -> bool:
            looks.append(1)
            return len(looks) < 3

    def next_one() -> None:
        seen.append(len(looks))
        replaces(world, 2, 3)()

    told = Told(world, IN_A_ROW, act(replaces(world, 1, 2)), act(next_one, after=Moment.REST), deploys=Slow())
    told.run()

    assert (told.report.problem, seen) == ("", [3])


def test_a_cluster_that_still_runs_is_no_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its incarnation may be retired by the record: it costs money until EMR says that it has ended."""
    monkeypatch.setattr(world, "states", lambda: [("j-1", "g1", "us-east-1a", None, "TERMINATING")])
    timeline = Told(world, IN_A_ROW, act(replaces(world, 1, 2)), act(lambda: None, after=Moment.REST)).run()

    assert len(timeline.acts_left) == 1


def test_the_last_thing_in_a_row_is_waited_for_too(world: World) -> None:
    """The jobs that come afterwards show that it works, and the stack is deleted next."""
    told = Told(world, IN_A_ROW, act(replaces(world, 1, 2)), act(ends(world, "failed over"), after=Moment.REST))
    told.run()

    assert told.report.problem == "waited 3600 s for the end of what the last act began, in vain"
