"""The life of a cluster on the drill's clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.ports import Service, StepResult
from emr_drill.timing import Event, Timing
from tests.drill.stand_in.emr_world import FakeFactory, emr_world, step, until

ORDER = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


def test_a_cluster_goes_through_emrs_states(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting(steps=[step()])

        assert [state for state, _ in world.clusters.history(cluster_id)] == ORDER


def test_a_cluster_is_waiting_when_its_drawn_launch_time_is_over_and_not_before(tmp_path: Path) -> None:
    lasts = Timing(seed=1).draw(Event.EMR_LAUNCH, "a-g1")
    with emr_world(tmp_path) as world:
        history = world.clusters.history(world.waiting(steps=[step(), step()]))

    assert history[-1][1] - history[0][1] >= lasts


def test_nobody_has_to_look_for_time_to_pass(tmp_path: Path) -> None:
    """The journal has every state, although nobody read the API in between."""
    with emr_world(tmp_path) as world:
        cluster_id = world.launch()
        until(lambda: [one["state"] for one in world.stand_in.journal if one["kind"] == "cluster"] == ORDER)

        assert {one["cluster"] for one in world.stand_in.journal} == {cluster_id}


def test_steps_run_on_the_primary_in_order(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory, scripts={"other.sh": b"echo other\n"}) as world:
        world.waiting(steps=[step(), step("two", script="other.sh")])

        assert factory.made[0].scripts == [(b"echo hello\n", ("argument",)), (b"echo other\n", ("argument",))]


def test_a_step_takes_its_drawn_time(tmp_path: Path) -> None:
    lasts = Timing(seed=1).draw(Event.EMR_STEP, "a-g1")
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting(steps=[step()])
        times = world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["Timeline"]

    assert times["EndDateTime"] - times["StartDateTime"] >= lasts - 0.01


def test_a_step_that_is_added_later_runs_and_the_cluster_waits_again(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])
        until(lambda: [state for state, _ in world.clusters.history(cluster_id)] == [*ORDER, "RUNNING", "WAITING"])

        (found,) = world.emr.list_steps(ClusterId=cluster_id)["Steps"]
        assert found["Status"]["State"] == "COMPLETED"


@pytest.mark.parametrize(
    ("action", "state", "code"),
    [
        ("CONTINUE", "WAITING", None),
        ("CANCEL_AND_WAIT", "WAITING", None),
        ("TERMINATE_CLUSTER", "TERMINATED_WITH_ERRORS", "STEP_FAILURE"),
    ],
)
def test_a_failed_step_does_what_was_asked_for(tmp_path: Path, action: str, state: str, code: str | None) -> None:
    factory = FakeFactory(result=StepResult(exit_code=2, output="no such file\n"))
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.launch(steps=[step(action=action), step("two")])
        world.wait(cluster_id, state)

        assert world.describe(cluster_id)["Status"]["StateChangeReason"].get("Code") == code
        assert len(factory.made[0].scripts) == (2 if action == "CONTINUE" else 1)


def test_a_failed_step_says_why(tmp_path: Path) -> None:
    factory = FakeFactory(result=StepResult(exit_code=2, output="no such file\n"))
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting(steps=[step()])

        status = world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]
        assert (status["State"], status["FailureDetails"]["Message"]) == ("FAILED", "no such file\n")


@pytest.mark.parametrize(
    ("jar", "arguments", "expected"),
    [
        ("s3://x/script-runner.jar", ["s3://scripts/missing.sh"], "FAILED"),
        ("other.jar", ["x"], "FAILED"),
        ("command-runner.jar", ["echo", "x"], "COMPLETED"),
    ],
)
def test_only_what_the_stand_in_can_run_completes(
    tmp_path: Path, jar: str, arguments: list[str], expected: str
) -> None:
    asked = {"Name": "one", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": jar, "Args": arguments}}
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting(steps=[asked])

        assert world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"] == expected


def test_a_dead_primary_is_noticed_after_a_while_and_ends_the_cluster(tmp_path: Path) -> None:
    """Termination protection does not help against it (A13)."""
    timing = Timing(seed=1)
    notices, ends = (timing.draw(event, "a-g1") for event in (Event.EMR_NOTICES_DEAD_PRIMARY, Event.EMR_TERMINATION))
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting(instances={"TerminationProtected": True})
        killed = world.stand_in.clock.now()
        world.clusters.kill_primary(cluster_id)

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        (_, noticed), (_, ended) = world.clusters.history(cluster_id)[-2:]
        assert world.describe(cluster_id)["Status"]["StateChangeReason"]["Code"] == "INSTANCE_FAILURE"
    assert noticed >= killed + notices
    assert ended >= noticed + ends


def test_a_primary_with_a_service_left_is_not_noticed(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        world.clusters.kill_service(cluster_id, Service.RESOURCE_MANAGER)
        world.stand_in.clock.sleep(300)

        assert world.clusters.history(cluster_id)[-1][0] == "WAITING"


def test_a_step_on_a_dead_primary_never_runs(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.kill_primary(cluster_id)
        world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])
        world.ended(cluster_id)

        assert factory.made[0].scripts == []
        assert world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"] == "CANCELLED"


def test_machines_are_gone_before_the_cluster_is_called_terminated(tmp_path: Path) -> None:
    """What the fence relies on: TERMINATED proves that no container writes any more."""
    factory = FakeFactory()
    lasts = Timing(seed=1).draw(Event.EMR_TERMINATION, "a-g1")
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

        assert world.ended(cluster_id) == "TERMINATED"
        (_, asked), (_, ended) = world.clusters.history(cluster_id)[-2:]
        gone = factory.made[0].terminated_at
        assert gone is not None
        assert asked + lasts <= gone <= ended


def test_a_cluster_can_be_ended_while_it_starts(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory, speed=200) as world:
        cluster_id = world.launch()
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

        assert world.ended(cluster_id) == "TERMINATED"
        assert [state for state, _ in world.clusters.history(cluster_id)] == ["STARTING", "TERMINATING", "TERMINATED"]
        assert factory.made == []


def test_services_that_do_not_start_end_the_cluster(tmp_path: Path) -> None:
    with emr_world(tmp_path, primaries=FakeFactory(broken="livy does not start")) as world:
        cluster_id = world.launch()

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        reason = world.describe(cluster_id)["Status"]["StateChangeReason"]
        assert reason == {"Code": "BOOTSTRAP_FAILURE", "Message": "livy does not start"}


def test_a_fault_of_the_stand_in_itself_ends_the_cluster_and_is_told(tmp_path: Path) -> None:
    class Broken(FakeFactory):
        def create(self, plan: object) -> object:  # type: ignore[override]
            raise KeyError("oops")

    with emr_world(tmp_path, primaries=Broken()) as world:  # type: ignore[arg-type]
        cluster_id = world.launch()

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        assert "KeyError('oops')" in world.describe(cluster_id)["Status"]["StateChangeReason"]["Message"]


def test_a_cluster_that_is_not_kept_ends_after_its_steps(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.launch(steps=[step()], instances={"KeepJobFlowAliveWhenNoSteps": False})

        assert world.ended(cluster_id) == "TERMINATED"
        assert world.describe(cluster_id)["Status"]["StateChangeReason"]["Code"] == "ALL_STEPS_COMPLETED"


def test_the_end_of_the_stand_in_ends_the_machines(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        world.waiting()
        world.launch(zone="us-east-1b")

    assert all(primary.terminated_at is not None for primary in factory.made)
