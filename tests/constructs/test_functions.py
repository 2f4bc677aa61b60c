"""What our functions have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from dr_core.config import (
    ENVIRONMENT_VARIABLE,
    Canary,
    FunctionConfig,
    ManagedClusterResources,
    Policy,
    ProberFunction,
    Scripts,
    ServicePorts,
    SlotResources,
    SubnetChoice,
)
from emr_dr.functions import environment_text

from ..synthesis import new_app, resources, statements

FUNCTION = "AWS::Lambda::Function"
# Lambda quotas, "Environment variables": 4 KB for all of a function together.
ENVIRONMENT_LIMIT = 4096

# As long as such names get: the longest region, CloudFormation's names at their limits.
REGION = "ap-southeast-2"
BALANCING = f"arn:aws-cn:elasticloadbalancing:{REGION}:123456789012:"
LISTENER = f"app/{'l' * 32}/0123456789abcdef/0123456789abcdef"
BUCKET = f"s3://cdk-hnb659fds-assets-123456789012-{REGION}"
DEPLOYMENT = f"{'d' * 20}-active-passive"


def group(number: int) -> str:
    return f"{BALANCING}targetgroup/{'g' * 29}{number:03}/0123456789abcdef"


def rule(number: int) -> str:
    return f"{BALANCING}listener-rule/{LISTENER}/{number:016x}"


def configuration(*, managed_clusters: int, slots: int) -> FunctionConfig:
    """A configuration with names as long as they get and no number that is a default."""
    return FunctionConfig(
        deployment=DEPLOYMENT,
        record_table="r" * 60,
        evidence_table="e" * 60,
        managed_clusters=tuple(
            ManagedClusterResources(
                name="ab"[number],
                resource_manager_target_group=group(100 + number),
                name_node_target_group=group(200 + number),
            )
            for number in range(managed_clusters)
        ),
        subnets=tuple(
            SubnetChoice(availability_zone=f"{REGION}{zone}", subnet_id="subnet-0123456789abcdef0") for zone in "abc"
        ),
        slots=tuple(
            SlotResources(
                number=number, target_group=group(number), id_rule=rule(number), header_rule=rule(100 + number)
            )
            for number in range(1, slots + 1)
        ),
        balanced_target_group=group(0),
        front_door_host=f"internal-{'n' * 32}-0123456789abcdef.elb.{REGION}.amazonaws.com",
        load_balancer_host=f"internal-{'l' * 32}-1234567890.{REGION}.elb.amazonaws.com",
        front_door_port=18998,
        probers=tuple(
            ProberFunction(availability_zone=f"{REGION}{zone}", function_name=f"{DEPLOYMENT}-prober-{number}")
            for number, zone in enumerate("abc", start=1)
        ),
        operation_state_machine=f"arn:aws-cn:states:{REGION}:123456789012:stateMachine:{DEPLOYMENT}-operation",
        retirement_state_machine=f"arn:aws-cn:states:{REGION}:123456789012:stateMachine:{DEPLOYMENT}-retirement",
        incarnation_role=f"arn:aws-cn:iam::123456789012:role/{'i' * 64}",
        alert_topic=f"arn:aws-cn:sns:{REGION}:123456789012:{'t' * 40}",
        ports=ServicePorts(livy=18998, resource_manager=18088, name_node=19870),
        canary=Canary(file="s3://a-bucket/" + "c" * 100, class_name="com.example.Canary", limit_seconds=1200),
        scripts=Scripts(
            seed=f"{BUCKET}/{'a' * 64}.sh", restart=f"{BUCKET}/{'b' * 64}.sh", state_directory=f"/{'s' * 40}"
        ),
        policy=Policy(
            round_seconds=20,
            rounds=10,
            bad_rounds=9,
            vantage_points=4,
            read_limit_seconds=10,
            launch_limit_seconds=2000,
            total_launch_limit_seconds=2600,
            fence_limit_seconds=900,
            repair_limit_seconds=300,
            drain_limit_seconds=80_000,
            linger_seconds=3_000,
            failovers_before_block=10,
            block_window_seconds=80_000,
            launches_per_day=20,
            orphan_seconds=3_000,
            bake_seconds=600,
            bake_alarms=tuple(str(number) * 128 for number in range(3)),
            share_availability_zone=False,
        ),
    )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(new_app(tmp_path), "Stack")


def text_of(stack: Stack, config: FunctionConfig) -> str:
    """The text as the function finds it, with the partition, region and account of the ARNs above."""
    resolved = stack.resolve(environment_text(stack, config))
    if isinstance(resolved, str):
        return resolved
    known = {"AWS::Partition": "aws-cn", "AWS::Region": REGION, "AWS::AccountId": "123456789012"}
    separator, parts = resolved["Fn::Join"]
    return str(separator).join(part if isinstance(part, str) else known[part["Ref"]] for part in parts)


def test_function_reads_what_the_stack_wrote(stack: Stack) -> None:
    config = configuration(managed_clusters=1, slots=5)

    assert FunctionConfig.from_json(text_of(stack, config)) == config


def test_defaults_are_read_back_as_defaults(stack: Stack) -> None:
    config = replace(configuration(managed_clusters=1, slots=5), ports=ServicePorts(), policy=Policy())

    assert FunctionConfig.from_json(text_of(stack, config)) == config


@pytest.mark.parametrize(("managed_clusters", "slots"), [(1, 5), (2, 7)])
def test_longest_configuration_leaves_room_for_other_variables(stack: Stack, managed_clusters: int, slots: int) -> None:
    """Lambda refuses a function whose variables are longer, at deploy and not before."""
    text = text_of(stack, configuration(managed_clusters=managed_clusters, slots=slots))

    assert len(ENVIRONMENT_VARIABLE) + len(text) <= ENVIRONMENT_LIMIT - 256


def test_every_function_has_its_configuration(active_passive: dict[str, Any]) -> None:
    for properties in resources(active_passive, FUNCTION).values():
        variables = properties["Environment"]["Variables"]
        assert ENVIRONMENT_VARIABLE in variables
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "EmrDr"


def test_functions_have_the_names_that_others_form_arns_from(active_passive: dict[str, Any]) -> None:
    names = {properties["FunctionName"] for properties in resources(active_passive, FUNCTION).values()}

    assert names == {
        f"emr-dr-active-passive-{name}"
        for name in (
            "failover",
            "managed-cluster",
            "execution-ended",
            "control",
            "reconcile",
            "monitor",
            "prober-1",
            "prober-2",
            "prober-3",
        )
    }


def test_functions_use_the_public_powertools_layer(active_passive: dict[str, Any]) -> None:
    for properties in resources(active_passive, FUNCTION).values():
        assert properties["Runtime"] == "python3.14"
        assert len(properties["Layers"]) == 1
        assert "017000801446:layer:AWSLambdaPowertoolsPythonV3-python314-x86_64:" in str(properties["Layers"][0])


def test_no_role_has_a_managed_policy(active_passive: dict[str, Any]) -> None:
    """A14: no default roles."""
    for properties in resources(active_passive, "AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in properties


def test_functions_log_to_groups_of_their_own_that_do_not_grow_for_ever(active_passive: dict[str, Any]) -> None:
    groups = resources(active_passive, "AWS::Logs::LogGroup")

    for properties in resources(active_passive, FUNCTION).values():
        log_group = groups[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        assert log_group["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}"
        assert log_group["RetentionInDays"] == 90


def test_function_is_made_after_the_policy_of_its_role(active_passive: dict[str, Any]) -> None:
    policies = {
        policy["Roles"][0].get("Ref"): logical_id
        for logical_id, policy in resources(active_passive, "AWS::IAM::Policy").items()
    }

    for resource in active_passive["Resources"].values():
        if resource["Type"] == FUNCTION:
            assert policies[resource["Properties"]["Role"]["Fn::GetAtt"][0]] in resource["DependsOn"]


def test_code_of_a_function_in_the_network_cannot_use_the_rights_on_interfaces(
    active_passive: dict[str, Any],
) -> None:
    found = statements(active_passive, role="ProbersProber1Role")

    allowed = next(
        each for each in found if "ec2:CreateNetworkInterface" in each["Action"] and each["Effect"] == "Allow"
    )
    denied = next(each for each in found if each["Effect"] == "Deny")
    assert set(denied["Action"]) == set(allowed["Action"])
    assert "lambda:SourceFunctionArn" in denied["Condition"]["ArnEquals"]


def test_function_outside_the_network_has_no_rights_in_it(active_passive: dict[str, Any]) -> None:
    """But to look, as RegisterTargets needs."""
    found = statements(active_passive, role="ControllerFailoverRole")
    actions = {
        action for each in found for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert all(action.startswith("ec2:Describe") for action in actions if action.startswith("ec2:"))


@pytest.mark.parametrize(
    ("name", "queue", "role"),
    [
        ("execution-ended", "ControllerDeadLetters", "ControllerExecutionEndedRole"),
        ("monitor", "SchedulesDeadLetters", "MonitorRole"),
        ("prober-1", "SchedulesDeadLetters", "ProbersProber1Role"),
        ("prober-2", "SchedulesDeadLetters", "ProbersProber2Role"),
        ("prober-3", "SchedulesDeadLetters", "ProbersProber3Role"),
    ],
)
def test_event_that_a_function_could_not_handle_is_kept(
    active_passive: dict[str, Any], name: str, queue: str, role: str
) -> None:
    """Nobody waits for these functions: without a queue Lambda drops the event when the last invocation failed."""
    functions = resources(active_passive, FUNCTION).values()
    target = next(each for each in functions if each["FunctionName"].endswith(f"-{name}"))["DeadLetterConfig"]
    sending = [each for each in statements(active_passive, role=role) if each["Action"] == "sqs:SendMessage"]

    assert target["TargetArn"]["Fn::GetAtt"][0].startswith(queue)
    assert [each["Resource"] for each in sending] == [target["TargetArn"]]
