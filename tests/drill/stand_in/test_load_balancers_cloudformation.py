"""Load balancers as resources of a stack, with what moto's own models of them lose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from emr_drill.stand_in import load_balancers_cloudformation
from tests.drill.front_door.world import free_port

from .load_balancer_world import FakeStandIn, deploy, stand_in, template

PRIMARY = "127.98.1.10"


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


def test_stack_gives_every_attribute(outputs: dict[str, str]) -> None:
    """What templates of the front door ask for with GetAtt and Ref."""
    assert outputs["DoorArn"].split(":loadbalancer/")[1] == outputs["DoorFullName"]
    assert outputs["DoorFullName"].startswith("net/")
    assert outputs["RouterArn"].split(":loadbalancer/")[1].startswith("app/")
    assert outputs["RouterName"].startswith("internal-")
    assert outputs["BalancedFullName"].startswith("targetgroup/")
    assert ":listener-rule/app/" in outputs["IdRule"]
    assert outputs["DoorZone"]


def test_stack_keeps_kind_and_attributes(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """The idle time-out above all."""
    client = fake.client("elbv2")
    door = client.describe_load_balancers(LoadBalancerArns=[outputs["DoorArn"]])["LoadBalancers"][0]
    assert (door["Type"], door["Scheme"], len(door["SecurityGroups"])) == ("network", "internal", 1)
    attributes = client.describe_load_balancer_attributes(LoadBalancerArn=outputs["RouterArn"])["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "25"} in attributes
    group = client.describe_target_group_attributes(TargetGroupArn=outputs["Slot"])["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in group


def tags(fake: FakeStandIn, arn: str) -> dict[str, str]:
    described = fake.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {tag["Key"]: tag["Value"] for tag in described[0]["Tags"]}


def test_target_group_keeps_its_health_check(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    group = fake.client("elbv2").describe_target_groups(TargetGroupArns=[outputs["Slot"]])["TargetGroups"][0]

    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["Matcher"]) == (
        "/healthy",
        5,
        {"HttpCode": "200"},
    )
    assert (group["HealthCheckTimeoutSeconds"], group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (
        3,
        2,
        2,
    )


def test_targets_of_a_template_are_registered(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """The application load balancer behind the stable name."""
    health = fake.client("elbv2").describe_target_health(TargetGroupArn=outputs["Doorway"])

    targets = [entry["Target"] for entry in health["TargetHealthDescriptions"]]
    assert [(target["Id"], target["Port"]) for target in targets] == [(outputs["RouterArn"], port)]


def test_rules_keep_priority_conditions_and_fixed_response(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    rules = fake.client("elbv2").describe_rules(ListenerArn=outputs["Listener"])["Rules"]
    by_priority = {rule["Priority"]: rule for rule in rules}

    assert set(by_priority) == {"1", "101", "201", "900", "default"}
    assert by_priority["900"]["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "410"
    assert by_priority["101"]["RuleArn"] == outputs["IdRule"]


@pytest.fixture
def second(fake: FakeStandIn, outputs: dict[str, str]) -> str:
    """Name of another front door's stack."""
    wanted = template(free_port(PRIMARY))
    wanted["Resources"]["Slot"]["Properties"]["Tags"] = [{"Key": "k", "Value": "v"}]
    fake.client("cloudformation").create_stack(StackName="second", TemplateBody=json.dumps(wanted))
    return "second"


def arns(fake: FakeStandIn) -> set[str]:
    """Every load balancer and target group that there is."""
    client = fake.client("elbv2")
    balancers = client.describe_load_balancers()["LoadBalancers"]
    groups = client.describe_target_groups()["TargetGroups"]
    return {balancer["LoadBalancerArn"] for balancer in balancers} | {group["TargetGroupArn"] for group in groups}


def test_tags_last_as_long_as_the_stack_which_leaves_nothing(fake: FakeStandIn, second: str) -> None:
    """moto loses the tags, and cannot delete listeners, rules and groups."""
    formation = fake.client("cloudformation")
    stack = formation.describe_stacks(StackName=second)["Stacks"][0]
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    tagged = tags(fake, made["Slot"])
    formation.delete_stack(StackName=second)

    assert tagged["k"] == "v"
    assert {made[name] for name in ("Slot", "Balanced", "Doorway", "DoorArn", "RouterArn")} & arns(fake) == set()


def test_applying_twice_changes_nothing() -> None:
    """One process runs one stand-in after the other."""
    with mock_aws():
        load_balancers_cloudformation.apply()
        once = creators()
        load_balancers_cloudformation.apply()

    assert [getattr(each, "__name__", "") for each in creators()] == [getattr(each, "__name__", "") for each in once]


def creators() -> list[Any]:
    return [
        vars(owner)["create_from_cloudformation_json"].__func__ for owner in load_balancers_cloudformation.DELETED_BY
    ]
