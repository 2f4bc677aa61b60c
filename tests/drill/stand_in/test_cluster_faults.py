"""What can be done to running clusters, and what EMR makes of it (A11, A13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.errors import DrillError
from emr_drill.ports import Service
from emr_drill.stand_in.cluster_faults import RESTART_SECONDS
from emr_drill.timing import Event, Timing

from .emr_world import FakeFactory, emr_world, step, until

NOTICES = Timing(seed=1).draw(Event.EMR_NOTICES_DEAD_PRIMARY, "a-g1")


def test_a_service_is_frozen_and_thawed(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.freeze_service(cluster_id, Service.LIVY)
        assert factory.made[0].frozen == {Service.LIVY}

        world.clusters.thaw_service(cluster_id, Service.LIVY)
        assert factory.made[0].frozen == set()


def test_emr_does_not_notice_frozen_services_and_runs_steps_there(tmp_path: Path) -> None:
    """The pessimistic reading: nobody but the product ends a cluster that hangs."""
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.freeze_primary(cluster_id)
        assert factory.made[0].frozen == set(Service)
        world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])
        until(lambda: world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"] == "COMPLETED")
        world.stand_in.clock.sleep(2 * NOTICES)
        assert world.clusters.history(cluster_id)[-1][0] == "WAITING"

        world.clusters.thaw_primary(cluster_id)
        assert factory.made[0].frozen == set()


def test_a_cluster_without_machines_cannot_be_frozen(tmp_path: Path) -> None:
    with emr_world(tmp_path, speed=100) as world:
        cluster_id = world.launch()

        with pytest.raises(DrillError, match="STARTING and has no primary yet"):
            world.clusters.freeze_primary(cluster_id)


def test_a_restart_of_livy_takes_as_long_as_systemd_pauses(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        world.clusters.restart_livy(world.waiting())
        primary = factory.made[0]
        until(lambda: Service.LIVY in primary.revived_at)

        # What the primary noted: five seconds are a few milliseconds here, in which a test may sleep.
        assert primary.revived_at[Service.LIVY] - primary.killed_at[Service.LIVY] >= RESTART_SECONDS


def test_livy_stays_dead_on_a_machine_that_is_gone(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.restart_livy(cluster_id)
        factory.made[0].terminate()
        world.stand_in.clock.sleep(3 * RESTART_SECONDS)

        assert not factory.made[0].running()[Service.LIVY]


def test_a_resource_manager_is_started_again_at_once(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.kill_service(cluster_id, Service.LIVY)
        world.clusters.kill_service(cluster_id, Service.NAME_NODE)
        world.clusters.restart_resource_manager(cluster_id)

        alive = {service: service is Service.RESOURCE_MANAGER for service in Service}
        assert factory.made[0].running() == alive


def test_one_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        factory.made[0].terminate()

        with pytest.raises(DrillError, match="did not come back: it is terminated"):
            world.clusters.restart_resource_manager(cluster_id)


def test_the_primary_is_told_of_the_other_faults(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.set_safe_mode(cluster_id, True)
        world.clusters.set_safe_mode(cluster_id, False)
        world.clusters.stop_nodes(cluster_id)
        world.clusters.slow_services(cluster_id, 2)

        assert factory.made[0].asked == ["safe mode True", "safe mode False", "stop nodes", "slow 2"]


def test_a_dead_name_node_is_told_to_whoever_wants_safe_mode(tmp_path: Path) -> None:
    with emr_world(tmp_path) as world:
        cluster_id = world.waiting()
        world.clusters.kill_service(cluster_id, Service.NAME_NODE)

        with pytest.raises(DrillError, match="the NameNode is dead; a NameNode that answers is needed"):
            world.clusters.set_safe_mode(cluster_id, True)


def test_a_held_cluster_stays_terminating_with_its_machines_until_it_is_released(tmp_path: Path) -> None:
    """The old one that comes back while nobody has confirmed its end (A13)."""
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.hold_termination(cluster_id)
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])
        world.stand_in.clock.sleep(500)
        assert world.clusters.history(cluster_id)[-1][0] == "TERMINATING"
        assert factory.made[0].terminated_at is None

        world.clusters.release_termination(cluster_id)
        assert world.ended(cluster_id) == "TERMINATED"


def test_a_held_cluster_does_not_keep_the_drill_from_ending(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        world.clusters.hold_termination(cluster_id)
        world.emr.terminate_job_flows(JobFlowIds=[cluster_id])

    assert factory.made[0].terminated_at is not None


def test_a_cluster_whose_zone_is_gone_is_noticed_and_runs_no_step(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory) as world:
        cluster_id = world.waiting()
        lost = world.stand_in.clock.now()
        world.clusters.life(cluster_id).lose()
        world.clusters.life(cluster_id).lose()
        assert factory.made[0].frozen == set(Service)
        world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"
        (_, noticed), _ = world.clusters.history(cluster_id)[-2:]
        assert noticed >= lost + NOTICES
        assert factory.made[0].scripts == []


def test_a_cluster_whose_zone_is_back_before_emr_noticed_works_on(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory, speed=500) as world:
        cluster_id = world.waiting()
        life = world.clusters.life(cluster_id)
        life.regain()
        life.lose()
        world.emr.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])
        life.regain()
        assert factory.made[0].frozen == set()
        until(lambda: world.emr.list_steps(ClusterId=cluster_id)["Steps"][0]["Status"]["State"] == "COMPLETED")
        world.stand_in.clock.sleep(2 * NOTICES)

        assert world.clusters.history(cluster_id)[-1][0] == "WAITING"


def test_a_primary_that_was_dead_before_is_dead_when_its_zone_is_back(tmp_path: Path) -> None:
    with emr_world(tmp_path, speed=500) as world:
        cluster_id = world.waiting()
        world.clusters.kill_primary(cluster_id)
        world.clusters.life(cluster_id).lose()
        world.clusters.life(cluster_id).regain()

        assert world.ended(cluster_id) == "TERMINATED_WITH_ERRORS"


def test_services_that_start_while_the_zone_is_gone_are_frozen(tmp_path: Path) -> None:
    factory = FakeFactory()
    with emr_world(tmp_path, primaries=factory, speed=1000) as world:
        cluster_id = world.launch()
        world.wait(cluster_id, "BOOTSTRAPPING")
        world.clusters.life(cluster_id).lose()
        world.ended(cluster_id)

        assert all(made.frozen == set(Service) for made in factory.made)
        assert "WAITING" not in [state for state, _ in world.clusters.history(cluster_id)]
