"""Launches in trouble: what EMR says, and that the trouble ends when it shall (A12)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .emr_world import EmrWorld, FakeFactory, FakePrimary, emr_world, step

ZONE = "us-east-1a"


@pytest.fixture
def factory() -> FakeFactory:
    return FakeFactory()


@pytest.fixture
def world(tmp_path: Path, factory: FakeFactory) -> Iterator[EmrWorld]:
    with emr_world(tmp_path, primaries=factory) as made:
        yield made


def states(world: EmrWorld, cluster_id: str) -> list[str]:
    """States of the steps, first to last."""
    found = world.emr.list_steps(ClusterId=cluster_id)["Steps"]
    return [one["Status"]["State"] for one in reversed(found)]


def scripts(primary: FakePrimary) -> list[str]:
    """What ran there."""
    return [script.decode() for script, _ in primary.scripts]


def test_a_zone_without_machines_fails_launches_until_it_has_some(world: EmrWorld) -> None:
    world.clusters.fail_capacity(ZONE)
    assert world.ended(world.launch()) == "TERMINATED_WITH_ERRORS"

    world.clusters.restore_capacity(ZONE)
    world.waiting()


def test_the_reason_of_a_failed_launch_names_instance_type_and_zone(world: EmrWorld) -> None:
    world.clusters.fail_capacity(ZONE, message="none left")
    cluster_id = world.launch()
    world.ended(cluster_id)

    status = world.describe(cluster_id)["Status"]
    assert status["StateChangeReason"]["Message"] == "none left"
    assert status["ErrorDetails"][0]["ErrorData"] == [{"instance-type": "m5.xlarge", "availability-zone": ZONE}]


def test_a_launch_that_is_stuck_stays_starting_and_goes_on_when_it_may(world: EmrWorld) -> None:
    world.clusters.stick_in_starting(ZONE)
    cluster_id = world.launch()
    world.stand_in.clock.sleep(2000)
    assert world.clusters.history(cluster_id)[-1][0] == "STARTING"

    world.clusters.unstick(ZONE)
    world.wait(cluster_id, "WAITING")


def test_a_stuck_launch_can_be_ended(world: EmrWorld) -> None:
    world.clusters.stick_in_starting(ZONE)
    cluster_id = world.launch()
    world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert world.ended(cluster_id) == "TERMINATED"


def test_only_launches_of_that_zone_are_stuck(world: EmrWorld) -> None:
    world.clusters.stick_in_starting(ZONE)

    world.waiting(zone="us-east-1b")


def test_machines_that_cannot_be_set_up_end_the_cluster(world: EmrWorld, factory: FakeFactory) -> None:
    world.clusters.fail_bootstrap(ZONE)
    cluster_id = world.launch()

    assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
    assert world.describe(cluster_id)["Status"]["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"
    assert factory.made == []
    world.clusters.restore_bootstrap(ZONE)
    world.waiting()


def test_a_step_fails_so_many_times_and_does_nothing(world: EmrWorld, factory: FakeFactory) -> None:
    world.clusters.fail_step("seed-livy", times=2)

    cluster_id = world.waiting(steps=[step("seed-livy"), step("other"), step("emr-dr-seed-livy-x"), step("seed-livy")])

    assert states(world, cluster_id) == ["FAILED", "COMPLETED", "FAILED", "COMPLETED"]
    assert len(factory.made[0].scripts) == 2


def test_a_failing_step_can_be_mended(world: EmrWorld) -> None:
    world.clusters.fail_step("seed-livy")
    world.clusters.fail_step("seed-livy", times=0)

    assert states(world, world.waiting(steps=[step("seed-livy")])) == ["COMPLETED"]


def test_a_bad_seed_says_success_and_runs_something_else(world: EmrWorld, factory: FakeFactory) -> None:
    world.clusters.bad_seed()

    cluster_id = world.waiting(steps=[step("other"), step("seed-livy", arguments=["5", "/store"]), step("seed-livy")])

    assert states(world, cluster_id) == ["COMPLETED"] * 3
    assert ["garbled" in script for script in scripts(factory.made[0])] == [False, True, False]
    assert factory.made[0].scripts[1][1] == ("5", "/store")


def test_the_canary_is_broken_after_it_was_installed_on_the_next_clusters(
    world: EmrWorld, factory: FakeFactory
) -> None:
    world.clusters.fail_canary(times=1)
    steps = [step("install-canary", arguments=["hdfs:///canary.py"]), step("other")]

    for _ in range(2):
        world.waiting(steps=steps)

    first, second = (scripts(primary) for primary in factory.made)
    assert ["SystemExit" in script for script in first] == [False, True, False]
    assert not any("SystemExit" in script for script in second)
    assert factory.made[0].scripts[1][1] == ("hdfs:///canary.py",)


def test_canaries_stay_broken_until_that_is_ended(world: EmrWorld, factory: FakeFactory) -> None:
    steps = [step("install-canary", arguments=["hdfs:///canary.py"])]
    world.clusters.fail_canary()
    for _ in range(2):
        world.waiting(steps=steps)
    world.clusters.fail_canary(times=0)
    world.waiting(steps=steps)

    assert [len(primary.scripts) for primary in factory.made] == [2, 2, 1]


def test_a_broken_release_cannot_be_set_up_anywhere_and_no_other_is_concerned(world: EmrWorld) -> None:
    """B13: what a deploy of it meets."""
    world.clusters.break_release("emr-7.12.0")
    broken = world.launch(ReleaseLabel="emr-7.12.0")

    assert world.ended(broken) == "TERMINATED_WITH_ERRORS"
    assert world.describe(broken)["Status"]["StateChangeReason"]["Code"] == "BOOTSTRAP_FAILURE"
    world.waiting()
