"""What a person builds for the recipe (A4, A10), in the stand-in's load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emr_dr.incarnation_template import STATE_DIRECTORY, classifications
from emr_dr.settings import Settings
from emr_drill.baseline import site
from emr_drill.baseline.site import PORTS, PREFIX, Built, build, request
from tests.drill.stand_in.load_balancer_world import FakeStandIn, stand_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeStandIn]:
    with stand_in(tmp_path) as made:
        yield made


@pytest.fixture
def built(world: FakeStandIn) -> Built:
    return build(ec2=world.client("ec2"), balancer=world.client("elbv2"), region=world.region)


def test_a_subnet_in_each_of_three_azs(built: Built) -> None:
    assert list(built.site.subnets) == ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_one_plain_tcp_balancer_with_a_group_of_addresses_for_each_port(world: FakeStandIn, built: Built) -> None:
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    groups = world.client("elbv2").describe_target_groups()["TargetGroups"]

    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal")
    assert list(built.site.groups) == list(PORTS) == [8998, 8088, 9870]
    assert {(one["Protocol"], one["TargetType"], one["Port"]) for one in groups} == {
        ("TCP", "ip", port) for port in PORTS
    }


def test_the_balancer_uses_every_az_and_targets_of_all_of_them(world: FakeStandIn, built: Built) -> None:
    """The kindest reading."""
    assert [address.split(".")[2] for address in world.load_balancers.dns_names()[built.host]] == ["1", "2", "3"]
    attributes = world.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=built.balancer_arn)
    found = {one["Key"]: one["Value"] for one in attributes["Attributes"]}
    assert found["load_balancing.cross_zone.enabled"] == "true"


def test_health_checks_are_as_quick_as_they_can_be(world: FakeStandIn, built: Built) -> None:
    groups = world.client("elbv2").describe_target_groups()["TargetGroups"]

    assert {(one["HealthCheckIntervalSeconds"], one["HealthyThresholdCount"]) for one in groups} == {(5, 2)}


def test_no_step_seeds_livys_ids() -> None:
    assert "Steps" not in request()


def test_a_cluster_lives_on_without_steps_and_is_protected() -> None:
    assert request()["Instances"]["KeepJobFlowAliveWhenNoSteps"] is True
    assert request()["Instances"]["TerminationProtected"] is True


def test_livy_has_the_settings_that_the_product_gives_its_own() -> None:
    """Else the comparison would be one of Livy's settings."""
    (known,) = request()["Configurations"]

    assert known["Properties"] == classifications(Settings())["livy-conf"]
    assert site.STATE_DIRECTORY == STATE_DIRECTORY


def test_clusters_are_called_like_the_products() -> None:
    """Their launches then take the same times, which are drawn by name."""
    assert f"{Settings().name}-active-passive-a-g" == PREFIX
