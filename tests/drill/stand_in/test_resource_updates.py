"""Resources that an update changes in place do what they were changed to; whatever else is refused (B13)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]
from moto.awslambda.models import lambda_backends

from emr_drill.stand_in import functions
from emr_drill.stand_in.resource_updates import CHANGES
from emr_drill.stand_in.schedules import period_seconds

from .stack_world import StackWorld, stack_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    parts = ("event_bus", "notifications", "functions", "step_functions", "schedules")
    with stack_world(Path(tmp_path_factory.mktemp("world")), parts=parts, speed=100) as running:
        running.client("s3").create_bucket(Bucket="code")
        yield running


def schema(kind: str) -> dict[str, Any]:
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_what_is_changed_in_place_is_never_replaced(kind: str) -> None:
    """By CloudFormation's own schema: a property that it replaces a resource for must not be changed in place here."""
    known = schema(kind)
    replaced = {path.rpartition("/")[2] for path in known.get("createOnlyProperties") or []}

    assert CHANGES[kind].properties <= known["properties"].keys() - replaced


def code(world: StackWorld, key: str, text: str) -> dict[str, str]:
    """Code of a function, in a bucket."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", text)
    world.client("s3").put_object(Bucket="code", Key=key, Body=content.getvalue())
    return {"S3Bucket": "code", "S3Key": key}


def role(name: str) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x"}}]}
    return {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": trust}}


def function(name: str, zipped: dict[str, str], **properties: Any) -> dict[str, Any]:
    """A template with one function."""
    return {
        "Resources": {
            "Role": role(name),
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Handler": "index.handler",
                    "Runtime": "python3.14",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": zipped,
                    **properties,
                },
            },
        }
    }


def says(name: str) -> Any:
    """What a function answers now."""
    deployed = lambda_backends["123456789012"]["us-east-1"].get_function(name)
    return json.loads(functions.runtime().invoke(functions.function_of(deployed)).payload)


def updated(world: StackWorld, name: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """The id of a stack that was changed from one template to another."""
    stack = world.create(name, old)
    assert world.settled(stack) == "CREATE_COMPLETE"
    world.update(stack, new)
    assert world.settled(stack) == "UPDATE_COMPLETE", world.events(stack)
    return stack


SAYS = "import os\ndef handler(event, context): return [{!r}, os.environ.get('MOOD')]"


def test_a_function_runs_its_new_code(world: StackWorld) -> None:
    """Also where a process of the old code is warm."""
    old, new = (code(world, text, SAYS.format(text)) for text in ("old", "new"))
    stack = world.create("coded", function("coded", old))
    world.settled(stack)
    before = says("coded")

    world.update(stack, function("coded", new))
    world.settled(stack)

    assert (before, says("coded")) == (["old", None], ["new", None])


def test_a_function_has_its_new_environment(world: StackWorld) -> None:
    zipped = code(world, "mood", SAYS.format("same"))
    stack = world.create("mood", function("mood", zipped, Environment={"Variables": {"MOOD": "calm"}}))
    world.settled(stack)
    before = says("mood")

    world.update(stack, function("mood", zipped, Environment={"Variables": {"MOOD": "busy"}}, Timeout="7"))
    world.settled(stack)

    assert (before[1], says("mood")[1]) == ("calm", "busy")
    assert world.client("lambda").get_function_configuration(FunctionName="mood")["Timeout"] == 7


def test_a_function_is_as_before_when_the_update_is_taken_back(world: StackWorld) -> None:
    """What fails comes after it, as it refers to it."""
    old, new = (code(world, f"back-{text}", SAYS.format(text)) for text in ("old", "new"))

    def template(zipped: dict[str, str], delay: int) -> dict[str, Any]:
        made = function("back", zipped)
        queue = {"QueueName": {"Ref": "Function"}, "DelaySeconds": delay}
        made["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue", "Properties": queue}
        return made

    stack = world.create("back", template(old, 0))
    world.settled(stack)
    world.update(stack, template(new, 5))

    assert (world.settled(stack), says("back")) == ("UPDATE_ROLLBACK_COMPLETE", ["old", None])


def machine(name: str, seconds: int, result: str) -> dict[str, Any]:
    states = {
        "Wait": {"Type": "Wait", "Seconds": seconds, "Next": "Done"},
        "Done": {"Type": "Pass", "Result": {"said": result}, "End": True},
    }
    properties = {
        "StateMachineName": name,
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DefinitionString": json.dumps({"StartAt": "Wait", "States": states}),
    }
    return {
        "Resources": {
            "Role": role(name),
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties},
        }
    }


def test_executions_keep_the_definition_that_they_were_started_with(world: StackWorld) -> None:
    stack = world.create("machine", machine("machine", 100, "old"))
    world.settled(stack)
    client = world.client("stepfunctions")
    arn = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    before = client.start_execution(stateMachineArn=arn)["executionArn"]

    world.update(stack, machine("machine", 1, "new"))
    world.settled(stack)
    after = client.start_execution(stateMachineArn=arn)["executionArn"]

    def output(execution: str) -> Any:
        world.until(lambda: client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
        return json.loads(client.describe_execution(executionArn=execution)["output"])["said"]

    assert (output(after), output(before)) == ("new", "old")


def test_a_policy_of_a_role_says_the_new(world: StackWorld) -> None:
    def template(action: str) -> dict[str, Any]:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        policy = {"PolicyName": "allowed", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]}
        return {"Resources": {"Role": role("allowed"), "Policy": {"Type": "AWS::IAM::Policy", "Properties": policy}}}

    updated(world, "allowed", template("s3:GetObject"), template("s3:PutObject"))

    found = world.client("iam").get_role_policy(RoleName="allowed", PolicyName="allowed")["PolicyDocument"]
    assert found["Statement"][0]["Action"] == "s3:PutObject"


def test_logs_are_kept_for_the_new_time(world: StackWorld) -> None:
    def template(days: int) -> dict[str, Any]:
        properties = {"LogGroupName": "/kept", "RetentionInDays": days}
        return {"Resources": {"Log": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}}

    updated(world, "kept-logs", template(30), template(90))

    found = world.client("logs").describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]
    assert found[0]["retentionInDays"] == 90


def test_an_alarm_rings_at_the_new_threshold(world: StackWorld) -> None:
    def template(threshold: int) -> dict[str, Any]:
        properties = {
            "AlarmName": "rings",
            "MetricName": "m",
            "Namespace": "n",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": threshold,
        }
        return {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}

    updated(world, "rings", template(1), template(3))

    alarms = world.client("cloudwatch").describe_alarms(AlarmNames=["rings"])["MetricAlarms"]
    assert [alarm["Threshold"] for alarm in alarms] == [3]


def test_a_schedule_fires_as_the_new_one_says(world: StackWorld) -> None:
    def template(minutes: int) -> dict[str, Any]:
        zipped = code(world, "fired", "def handler(event, context): pass")
        made = function("fired", zipped)
        made["Resources"]["Schedule"] = {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": f"rate({minutes} minutes)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
        }
        return made

    updated(world, "fired", template(5), template(2))

    client = world.client("scheduler")
    (name,) = [one["Name"] for one in client.list_schedules()["Schedules"]]
    assert period_seconds(client.get_schedule(Name=name)["ScheduleExpression"]) == 120


def test_a_property_that_is_not_known_is_refused_by_name(world: StackWorld) -> None:
    zipped = code(world, "sized", SAYS.format("x"))
    stack = world.create("sized", function("sized", zipped))
    world.settled(stack)

    world.update(stack, function("sized", zipped, EphemeralStorage={"Size": 1024}))

    assert world.settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [
        reason for name, status, reason in world.events(stack) if (name, status) == ("Function", "UPDATE_FAILED")
    ]
    assert "cannot change EphemeralStorage of a AWS::Lambda::Function" in reasons[0]
