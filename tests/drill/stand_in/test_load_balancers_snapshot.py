"""What the data path reads of moto's state: nothing lost, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.elbv2.models import elbv2_backends

from dr_core import routing
from emr_drill.front_door.model import FixedResponse, Forward, HealthCheck, Listener, LoadBalancer, Target
from emr_drill.front_door.rules import parse_conditions
from emr_drill.stand_in.load_balancers_snapshot import snapshot
from tests.drill.front_door.world import free_port

from .load_balancer_world import REGION, FakeStandIn, deploy, stand_in

ACCOUNT, PRIMARY = "123456789012", "127.98.1.10"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStandIn]:
    """One for all tests, which leave it as it was."""
    with stand_in(tmp_path_factory.mktemp("front-door")) as made:
        yield made


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(PRIMARY)


@pytest.fixture(scope="module")
def outputs(fake: FakeStandIn, port: int) -> dict[str, str]:
    """The deployed front door."""
    return deploy(fake, port)


def read() -> dict[str, LoadBalancer]:
    """Kind to load balancer, of which there is one each."""
    return {balancer.kind: balancer for balancer in snapshot(elbv2_backends[ACCOUNT][REGION])}


@pytest.fixture(scope="module")
def router(outputs: dict[str, str]) -> LoadBalancer:
    return read()["application"]


@pytest.fixture(scope="module")
def door(outputs: dict[str, str]) -> LoadBalancer:
    return read()["network"]


@pytest.fixture
def slot(fake: FakeStandIn, outputs: dict[str, str]) -> Iterator[str]:
    """ARN of the slot's group, which has its attributes again afterwards."""
    client = fake.client("elbv2")
    before = client.describe_target_group_attributes(TargetGroupArn=outputs["Slot"])["Attributes"]
    yield outputs["Slot"]
    client.modify_target_group_attributes(TargetGroupArn=outputs["Slot"], Attributes=before)


def listener_of(balancer: LoadBalancer, port: int) -> Listener:
    found = balancer.listener(port)
    assert found is not None
    return found


def test_identity(router: LoadBalancer, door: LoadBalancer, outputs: dict[str, str]) -> None:
    assert (router.arn, router.dns_name) == (outputs["RouterArn"], outputs["RouterName"])
    assert (door.arn, door.dns_name) == (outputs["DoorArn"], outputs["DoorName"])


def test_a_node_for_each_zone_of_the_subnets(router: LoadBalancer) -> None:
    assert router.zones == ("us-east-1a", "us-east-1b")


def test_idle_time_out_is_the_attributes(router: LoadBalancer, door: LoadBalancer) -> None:
    """AWS's own default of 60 s where there is none."""
    assert (router.idle_timeout_seconds, door.idle_timeout_seconds) == (25, 60)


def test_rules_are_in_order_of_evaluation(router: LoadBalancer, port: int) -> None:
    assert [rule.label for rule in listener_of(router, port).rules] == ["1", "101", "201", "900", "default"]


def test_conditions_are_parsed(router: LoadBalancer, port: int) -> None:
    rules = {rule.label: rule.conditions for rule in listener_of(router, port).rules}

    assert rules["101"] == parse_conditions(routing.unused_id_conditions(1))
    assert rules["default"] == ()


def test_actions_are_what_the_api_was_told(router: LoadBalancer, port: int, outputs: dict[str, str]) -> None:
    actions = {rule.label: rule.action for rule in listener_of(router, port).rules}

    assert actions["900"] == FixedResponse(status=410, content_type="application/json", body=routing.GONE_BODY)
    assert actions["101"] == Forward(groups=((outputs["Slot"], 1),))
    assert actions["default"] == Forward(groups=((outputs["Balanced"], 1),))


def test_groups_are_those_of_the_rules_once_each(
    router: LoadBalancer, door: LoadBalancer, outputs: dict[str, str]
) -> None:
    """Two rules name the slot's."""
    assert sorted(group.arn for group in router.groups) == sorted([outputs["Slot"], outputs["Balanced"]])
    assert [group.arn for group in door.groups] == [outputs["Doorway"]]


def test_targets_are_read(door: LoadBalancer, outputs: dict[str, str], port: int) -> None:
    (group,) = door.groups

    assert (group.target_type, group.targets) == ("alb", (Target(id=outputs["RouterArn"], port=port),))


def test_health_check_is_read(router: LoadBalancer, outputs: dict[str, str]) -> None:
    group = router.group(outputs["Slot"])

    assert group is not None
    assert group.deregistration_delay_seconds == 30
    assert group.health_check == HealthCheck(
        protocol="HTTP",
        port=None,
        path="/healthy",
        matcher="200",
        interval_seconds=5,
        timeout_seconds=3,
        healthy_threshold=2,
        unhealthy_threshold=2,
    )


def test_unchanged_configuration_reads_equal(router: LoadBalancer) -> None:
    """Else every look would be a change that spreads for seconds."""
    assert read()["application"] == router


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("false", False), ("use_load_balancer_configuration", None)]
)
def test_cross_zone_setting_of_a_group(fake: FakeStandIn, slot: str, value: str, expected: bool | None) -> None:
    attribute = {"Key": "load_balancing.cross_zone.enabled", "Value": value}
    fake.client("elbv2").modify_target_group_attributes(TargetGroupArn=slot, Attributes=[attribute])

    group = read()["application"].group(slot)
    assert group is not None and group.cross_zone is expected


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False)])
def test_cross_zone_setting_of_load_balancers(
    fake: FakeStandIn, outputs: dict[str, str], value: str, expected: bool
) -> None:
    """Always on for application load balancers."""
    attribute = {"Key": "load_balancing.cross_zone.enabled", "Value": value}
    fake.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=outputs["DoorArn"], Attributes=[attribute])

    found = read()
    assert (found["network"].cross_zone, found["application"].cross_zone) == (expected, True)


def test_weights_are_read(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    weights: list[Any] = [
        {"TargetGroupArn": outputs["Slot"], "Weight": 0},
        {"TargetGroupArn": outputs["Balanced"], "Weight": 3},
    ]
    client = fake.client("elbv2")
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    rule = client.create_rule(
        ListenerArn=outputs["Listener"],
        Priority=500,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}}],
        Actions=[forward],
    )["Rules"][0]
    actions = {each.label: each.action for each in listener_of(read()["application"], port).rules}
    client.delete_rule(RuleArn=rule["RuleArn"])

    assert actions["500"] == Forward(groups=((outputs["Slot"], 0), (outputs["Balanced"], 3)))
