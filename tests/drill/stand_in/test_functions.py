"""Functions that are deployed into moto: created, refused, invoked, and failing in sight of everybody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends

from emr_drill.stand_in import functions

from .fakes import ACCOUNT, REGION, fake_stand_in, wait_until
from .stack_world import stack_world


def test_no_retry_where_the_function_wants_none(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path, speed=1000) as stand_in:
        marks = tmp_path / "marks"
        code = f"def handler(event, context): open({str(marks)!r}, 'a').write('x'); raise ValueError"
        stand_in.deploy("f", code, Timeout=6000)
        client = stand_in.client("lambda")
        client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
        client.invoke(FunctionName="f", InvocationType="Event")
        wait_until(lambda: stand_in.journal)
        stand_in.clock.sleep(200)
        assert marks.read_text() == "x"


def test_a_failure_is_in_the_journal(tmp_path: Path) -> None:
    """A13: nothing fails unseen."""
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): raise ValueError('no')")
        stand_in.client("lambda").invoke(FunctionName="f")
        (entry,) = stand_in.journal
    assert (entry["kind"], entry["function"], entry["error"]) == ("function failed", "f", "ValueError")


def test_moto_runs_a_deployed_function(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): return [context.invoked_function_arn, event]")
        answer = stand_in.client("lambda").invoke(FunctionName="f", Payload=b'{"a": 1}')
        assert json.load(answer["Payload"]) == ["arn:aws:lambda:us-east-1:123456789012:function:f", {"a": 1}]
        assert "FunctionError" not in answer


def test_moto_reports_an_error_as_lambda_does(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): raise ValueError('no')")
        answer = stand_in.client("lambda").invoke(FunctionName="f")
        assert (answer["FunctionError"], json.load(answer["Payload"])["errorType"]) == ("Unhandled", "ValueError")


def test_an_event_invocation_does_not_wait(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        mark = tmp_path / "mark"
        stand_in.deploy("f", f"import time\ndef handler(event, context): time.sleep(30); open({str(mark)!r}, 'w')")
        answer = stand_in.client("lambda").invoke(FunctionName="f", InvocationType="Event")
        assert (answer["StatusCode"], mark.exists()) == (202, False)
        wait_until(mark.exists)


def test_a_blocked_function_is_a_service_error_to_its_caller(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): pass")
        stand_in.functions.block("f")
        with pytest.raises(ClientError, match="ServiceException"):
            stand_in.client("lambda").invoke(FunctionName="f")


def test_a_function_reaches_the_stand_in(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        code = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Account']"
        stand_in.deploy("f", code, Timeout=600)
        assert json.load(stand_in.client("lambda").invoke(FunctionName="f")["Payload"]) == "123456789012"


def test_what_moto_keeps_of_a_function_is_what_runs(tmp_path: Path) -> None:
    """Limits and settings of the deployment, not defaults."""
    with fake_stand_in(tmp_path) as stand_in:
        settings: dict[str, Any] = {"Timeout": 7, "MemorySize": 256, "Environment": {"Variables": {"A": "1"}}}
        stand_in.deploy("f", "", **settings)
        client = stand_in.client("lambda")
        client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1, MaximumEventAgeInSeconds=90)
        found = functions.function_of(lambda_backends[ACCOUNT][REGION].get_function("f"))
    assert (found.name, found.handler, found.version) == ("f", "handler.handler", "$LATEST")
    assert (found.timeout, found.memory, found.environment) == (7, 256, {"A": "1"})
    assert (found.concurrency, found.attempts, found.event_age) == (1, 1, 90)


def test_a_dry_run_runs_nothing(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): pass")
        stand_in.client("lambda").invoke(FunctionName="f", InvocationType="DryRun")
        assert stand_in.functions.process_ids() == []


def test_a_templates_function_with_the_public_layer_is_made(tmp_path: Path) -> None:
    assert made_with(tmp_path, layer("python314")) == ("CREATE_COMPLETE", None)


def test_a_templates_function_without_layer_is_made(tmp_path: Path) -> None:
    assert made_with(tmp_path) == ("CREATE_COMPLETE", None)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (["python313"], r"Layer 'arn:aws:lambda:us-east-1:.*' is for Python 'python3\.13'"),
        (["python314", "python312"], r"is for Python 'python3\.12'"),
    ],
)
def test_a_wrong_layer_fails_the_stack_and_says_why(tmp_path: Path, wrong: list[str], reason: str) -> None:
    """A13: moto never looks at layers, so a function that AWS could not load would run here."""
    status, told = made_with(tmp_path, *map(layer, wrong))

    assert status == "ROLLBACK_COMPLETE"
    assert told is not None and re.search(reason, told)


def layer(python: str) -> dict[str, Any]:
    """The public layer as a synthesized template names it."""
    name = f":017000801446:layer:AWSLambdaPowertoolsPythonV3-{python}-x86_64:38"
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":lambda:", {"Ref": "AWS::Region"}, name]]}


def made_with(workdir: Path, *layers: Any) -> tuple[str, str | None]:
    """How a stack with one function ends, and why the function could not be made."""
    properties = {
        "FunctionName": "f",
        "Runtime": "python3.14",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handler(event, context): pass"},
        **({"Layers": list(layers)} if layers else {}),
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "F": {"Type": "AWS::Lambda::Function", "Properties": properties},
    }
    with stack_world(workdir, parts=("functions",)) as world:
        stack = world.create("s", {"Resources": resources})
        status = world.settled(stack)
        events = world.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return status, next(
        (event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"), None
    )


def test_an_event_that_is_given_up_goes_to_the_dead_letters(tmp_path: Path) -> None:
    """A13: nothing is lost without a word.  What an EventInvokeConfig of a template says is kept."""
    template = {
        "Resources": {
            "Letters": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "letters"}},
            "Broken": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "broken",
                    "Runtime": "python3.14",
                    "Handler": "index.handler",
                    "Role": "arn:aws:iam::123456789012:role/any",
                    "Code": {"ZipFile": "def handler(event, context): raise ValueError"},
                    "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Letters", "Arn"]}},
                },
            },
            "Settings": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "Broken"},
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": 0,
                    "MaximumEventAgeInSeconds": 60,
                },
            },
        }
    }
    with stack_world(tmp_path, parts=("functions",)) as world:
        functions.use(functions.runtime())
        world.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        assert world.settled(world.create("stack", template)) == "CREATE_COMPLETE"
        deployed = functions.function_of(lambda_backends[ACCOUNT][REGION].get_function("broken"))
        assert (deployed.event_age, deployed.attempts) == (60.0, 0)
        world.client("lambda").invoke(FunctionName="broken", InvocationType="Event", Payload=b'{"a": 1}')
        wait_until(lambda: [one for one in world.stand_in.journal if one["kind"] == "event dropped"])
        (message,) = world.client("sqs").receive_message(QueueUrl="letters")["Messages"]

    assert message["Body"] == '{"a": 1}'


def test_dead_letters_may_be_a_topic(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        arn = stand_in.client("sns").create_topic(Name="letters")["TopicArn"]
        functions.send_to_dead_letters(arn, "lost")

        assert [one["message"] for one in stand_in.journal if one["kind"] == "notification"] == ["lost"]


@pytest.mark.parametrize("service", ["sqs", "sns"])
def test_dead_letters_that_went_with_their_stack_take_nothing_and_disturb_nobody(tmp_path: Path, service: str) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        functions.send_to_dead_letters(f"arn:aws:{service}:us-east-1:123456789012:letters", "lost")

        assert [one for one in stand_in.journal if one["kind"] == "notification"] == []
