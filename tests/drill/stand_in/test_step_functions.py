"""State machines: a machine of the product's shape runs, waits, retries, catches, stops and tells what it did."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .fakes import ROLE, FakeStandIn, fake_stand_in, wait_until

# Answers "wait" until it was called often enough; fails as often as it is told to; keeps a line for each call.
CODE = """
import json, os, pathlib, time

def handler(event, context):
    calls = pathlib.Path(os.environ["CALLS"], event["execution"].split(":")[6], event["step"])
    calls.parent.mkdir(exist_ok=True)
    with calls.open("a") as file:
        file.write(json.dumps({"at": time.time(), "event": event}) + "\\n")
    count = len(calls.read_text().splitlines())
    wanted = event["request"].get(event["step"], {})
    time.sleep(wanted.get("seconds", 0))
    if count <= wanted.get("failures", 0):
        raise type(wanted.get("error", "Broken"), (Exception,), {})("on purpose")
    return {"status": "wait" if count <= wanted.get("waits", 0) else "done", "message": "text"}
"""


def task(step: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": "failover",
            "Payload": {
                "machine": "operation",
                "step": step,
                "request.$": "$.request",
                "execution.$": "$$.Execution.Id",
                "entered.$": "$$.State.EnteredTime",
            },
        },
        "ResultSelector": {"status.$": "$.Payload.status", "message.$": "$.Payload.message"},
        "ResultPath": "$.result",
        **more,
    }


def machine(*, wait_seconds: int = 10, time_limit: int = 3300, retry: Any = None) -> dict[str, Any]:
    """Launch, which may be called again after a wait, then CutOver; RollBack and Failed if Launch fails."""
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RollBack"}]
    return {
        "StartAt": "Launch",
        "TimeoutSeconds": time_limit,
        "States": {
            "Launch": task("Launch", Next="LaunchNext", Retry=retry or [], Catch=catch),
            "LaunchNext": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.result.status", "StringEquals": "wait", "Next": "LaunchWait"},
                    {"Variable": "$.result.status", "StringEquals": "done", "Next": "CutOver"},
                ],
                "Default": "RollBack",
            },
            "LaunchWait": {"Type": "Wait", "Seconds": wait_seconds, "Next": "Launch"},
            "CutOver": task("CutOver", Next="CutOverDone"),
            "CutOverDone": {"Type": "Succeed"},
            "RollBack": task("RollBack", Next="Failed"),
            "Failed": {"Type": "Fail", "Error": "Failed", "Cause": "rolled back"},
        },
    }


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStandIn]:
    workdir = tmp_path_factory.mktemp("machines")
    with fake_stand_in(workdir) as made:
        made.deploy("failover", CODE, Environment={"Variables": {"CALLS": str(workdir)}}, Timeout=3000)
        yield made


def calls(stand_in: FakeStandIn, execution: str, step: str) -> list[dict[str, Any]]:
    file = stand_in.workdir / execution.split(":")[6] / step
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def states(stand_in: FakeStandIn, execution: str) -> list[str]:
    return [visit.name for visit in stand_in.state_machines.history(execution)]


def test_a_machine_runs_to_its_end(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    assert states(stand_in, execution) == ["Launch", "LaunchNext", "CutOver", "CutOverDone"]


def test_a_function_gets_what_the_state_says(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"operation": "o"}})
    stand_in.finished(execution)
    event = calls(stand_in, execution, "Launch")[0]["event"]
    assert (event["request"], event["execution"]) == ({"operation": "o"}, execution)


def test_the_time_a_state_was_entered_is_the_drills(stand_in: FakeStandIn) -> None:
    """In the words of AWS: milliseconds and Z."""
    execution = stand_in.start(machine(wait_seconds=30), data={"request": {"Launch": {"waits": 1}}})
    stand_in.finished(execution)
    first, second = (call["event"]["entered"] for call in calls(stand_in, execution, "Launch"))
    assert len(first) == len("2026-01-01T00:00:00.000Z") and first.endswith("Z")
    entered = [visit.entered for visit in stand_in.state_machines.history(execution) if visit.name == "Launch"]
    assert entered[1] - entered[0] >= 29.99
    assert first < second


def test_wait_lasts_in_the_drills_time(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(wait_seconds=50), data={"request": {"Launch": {"waits": 2}}})
    stand_in.finished(execution)
    waits = [visit for visit in stand_in.state_machines.history(execution) if visit.name == "LaunchWait"]
    assert len(waits) == 2
    assert all(visit.exited is not None and visit.exited - visit.entered >= 49.99 for visit in waits)


def test_wait_may_be_as_long_as_the_data_says(stand_in: FakeStandIn) -> None:
    definition = machine()
    definition["States"]["LaunchWait"] = {"Type": "Wait", "SecondsPath": "$.request.pause", "Next": "Launch"}
    execution = stand_in.start(definition, data={"request": {"pause": 50, "Launch": {"waits": 1}}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    waits = [visit for visit in stand_in.state_machines.history(execution) if visit.name == "LaunchWait"]
    assert [visit.exited is not None and visit.exited - visit.entered >= 49.99 for visit in waits] == [True]


def test_back_off_has_a_longest_wait(stand_in: FakeStandIn) -> None:
    """Without the limit the last wait would be of a year."""
    limited = {"MaxDelaySeconds": 60, "IntervalSeconds": 50, "BackoffRate": 100, "MaxAttempts": 4}
    retry = [{"ErrorEquals": ["States.TaskFailed"], "JitterStrategy": "FULL", **limited}]
    execution = stand_in.start(machine(retry=retry), data={"request": {"Launch": {"failures": 4}}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    assert len(calls(stand_in, execution, "Launch")) == 5


def test_back_off_lasts_in_the_drills_time(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 50, "BackoffRate": 2, "MaxAttempts": 3}]
    execution = stand_in.start(machine(retry=retry), data={"request": {"Launch": {"failures": 2}}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    first, second, third = (call["at"] for call in calls(stand_in, execution, "Launch"))
    assert second - first >= 50 and third - second >= 100


def test_retry_matches_the_errors_own_name(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    request = {"Launch": {"failures": 1, "error": "Throttled"}}
    execution = stand_in.start(machine(retry=retry), data={"request": request})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


def test_retry_matches_lambdas_service_errors(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 50, "MaxAttempts": 9, "BackoffRate": 1}]
    stand_in.functions.block("failover")
    execution = stand_in.start(machine(retry=retry), data={"request": {}})
    wait_until(lambda: "TaskFailed" in json.dumps(history(stand_in, execution), default=str))
    stand_in.functions.unblock("failover")
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


def test_an_error_that_retries_do_not_cure_is_caught(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"failures": 9}}})
    finished = stand_in.finished(execution)
    assert (finished["status"], finished["error"], finished["cause"]) == ("FAILED", "Failed", "rolled back")
    assert states(stand_in, execution) == ["Launch", "RollBack", "Failed"]


def test_a_machines_time_limit_counts_in_the_drills_time(stand_in: FakeStandIn) -> None:
    definition = machine(wait_seconds=9999, time_limit=100)
    execution = stand_in.start(definition, data={"request": {"Launch": {"waits": 9}}})
    assert stand_in.finished(execution)["status"] == "TIMED_OUT"
    view = stand_in.execution(execution)
    assert view.stopped is not None and view.stopped - view.started >= 100


def test_a_task_time_limit_counts_in_the_drills_time(stand_in: FakeStandIn) -> None:
    definition = machine()
    definition["States"]["Launch"]["TimeoutSeconds"] = 60
    execution = stand_in.start(definition, data={"request": {"Launch": {"seconds": 2000}}})
    stand_in.finished(execution)
    assert states(stand_in, execution) == ["Launch", "RollBack", "Failed"]


def test_a_stopped_execution_is_aborted_at_once(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    wait_until(lambda: calls(stand_in, execution, "Launch"))
    stand_in.client("stepfunctions").stop_execution(executionArn=execution, error="Deleted", cause="why")
    described = stand_in.client("stepfunctions").describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Deleted", "why")


@pytest.mark.parametrize("failures", [0, 9])
def test_a_stopped_execution_does_nothing_more(stand_in: FakeStandIn, failures: int) -> None:
    """A delete during a create must not leak a cluster, so nothing may follow the state that ran."""
    request = {"Launch": {"seconds": 30, "failures": failures}}
    execution = stand_in.start(machine(), data={"request": request})
    wait_until(lambda: calls(stand_in, execution, "Launch"))
    stand_in.client("stepfunctions").stop_execution(executionArn=execution)
    wait_until(lambda: history(stand_in, execution)[-1]["type"] == "ExecutionAborted")
    assert states(stand_in, execution) == ["Launch"]
    assert stand_in.finished(execution)["status"] == "ABORTED"


def test_stopping_right_after_the_start_stops(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(wait_seconds=100), data={"request": {"Launch": {"waits": 99}}})
    stand_in.client("stepfunctions").stop_execution(executionArn=execution)
    wait_until(lambda: history(stand_in, execution)[-1]["type"] == "ExecutionAborted")
    assert len(calls(stand_in, execution, "Launch")) <= 1


def test_stopping_what_has_ended_changes_nothing(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {}})
    stand_in.finished(execution)
    stand_in.client("stepfunctions").stop_execution(executionArn=execution)
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


def test_starting_again_by_the_same_name_and_input_is_the_same_execution(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    again = start_again(stand_in, execution, {"request": {"Launch": {"seconds": 100}}})
    assert again == execution


def test_starting_again_by_the_same_name_and_other_input_is_refused(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start_again(stand_in, execution, {"request": {}})


def test_starting_again_after_the_end_is_refused(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {}})
    stand_in.finished(execution)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start_again(stand_in, execution, {"request": {}})


def test_six_starts_at_once_are_one(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    answers: list[str] = []
    data = {"request": {"other": 1}}

    def start() -> None:
        answers.append(start_again(stand_in, execution, data, name="two"))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert len(stand_in.state_machines.executions(execution.split(":")[6])) == 2


def test_a_start_without_a_name_gets_one(stand_in: FakeStandIn) -> None:
    client = stand_in.client("stepfunctions")
    definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    arn = client.create_state_machine(name="m", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    names = {client.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(2)}
    assert len(names) == 2


def test_the_history_adds_up(stand_in: FakeStandIn) -> None:
    """A10: phases come from the history, so each state begins where the one before it ended."""
    execution = stand_in.start(machine(wait_seconds=20), data={"request": {"Launch": {"waits": 2, "seconds": 10}}})
    stand_in.finished(execution)
    visits = stand_in.state_machines.history(execution)
    view = stand_in.execution(execution)
    times = [view.started, *[time for visit in visits for time in (visit.entered, visit.exited)], view.stopped]
    assert None not in times and times == sorted(time for time in times if time is not None)


def test_dates_of_the_api_are_the_drills(stand_in: FakeStandIn) -> None:
    before = stand_in.clock.now()
    execution = stand_in.start(machine(wait_seconds=100), data={"request": {"Launch": {"waits": 1}}})
    described = stand_in.finished(execution)
    last = history(stand_in, execution)[-1]["timestamp"].timestamp()
    after = stand_in.clock.now()
    assert before - 1 <= described["startDate"].timestamp() <= described["stopDate"].timestamp() - 100
    assert described["stopDate"].timestamp() <= after
    assert last <= after and last - described["startDate"].timestamp() >= 100


@pytest.mark.parametrize(("failures", "status"), [(0, "SUCCEEDED"), (9, "FAILED")])
def test_the_end_of_an_execution_is_an_event(stand_in: FakeStandIn, failures: int, status: str) -> None:
    queue = queue_of_changes(stand_in, [status])
    execution = stand_in.start(machine(), data={"request": {"Launch": {"failures": failures}}})
    event = received(stand_in, queue, execution)
    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.states", "Step Functions Execution Status Change")
    assert event["resources"] == [execution]
    assert (detail["status"], detail["executionArn"], detail["name"]) == (status, execution, "one")
    assert detail["stateMachineArn"] == execution.rsplit(":", 1)[0].replace(":execution:", ":stateMachine:")
    assert json.loads(detail["input"]) == {"request": {"Launch": {"failures": failures}}}


def test_an_abort_is_an_event(stand_in: FakeStandIn) -> None:
    queue = queue_of_changes(stand_in, ["FAILED", "TIMED_OUT", "ABORTED"])
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 50}}})
    stand_in.client("stepfunctions").stop_execution(executionArn=execution)
    assert received(stand_in, queue, execution)["detail"]["status"] == "ABORTED"


def test_a_time_out_is_an_event(stand_in: FakeStandIn) -> None:
    queue = queue_of_changes(stand_in, ["FAILED", "TIMED_OUT", "ABORTED"])
    definition = machine(wait_seconds=300, time_limit=100)
    execution = stand_in.start(definition, data={"request": {"Launch": {"waits": 9}}})
    assert received(stand_in, queue, execution)["detail"]["status"] == "TIMED_OUT"


def test_a_path_through_a_list_names_one_value(stand_in: FakeStandIn) -> None:
    definition = {
        "StartAt": "Pick",
        "States": {"Pick": {"Type": "Pass", "Parameters": {"picked.$": "$.a[0].b"}, "End": True}},
    }
    execution = stand_in.start(definition, data={"a": [{"b": "x"}]})
    assert json.loads(stand_in.finished(execution)["output"]) == {"picked": "x"}


def test_errors_of_other_services_have_the_names_of_aws(stand_in: FakeStandIn) -> None:
    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:elasticloadbalancingv2:describeLoadBalancers",
                "Parameters": {"Names": ["none"]},
                "Catch": [{"ErrorEquals": ["ElasticLoadBalancingV2.LoadBalancerNotFoundException"], "Next": "Caught"}],
                "Next": "Found",
            },
            "Found": {"Type": "Fail"},
            "Caught": {"Type": "Succeed"},
        },
    }
    execution = stand_in.start(definition)
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


def history(stand_in: FakeStandIn, execution: str) -> list[dict[str, Any]]:
    """What GetExecutionHistory says."""
    client = stand_in.client("stepfunctions")
    wait_until(lambda: client.get_execution_history(executionArn=execution)["events"])
    events: list[dict[str, Any]] = client.get_execution_history(executionArn=execution)["events"]
    return events


def start_again(stand_in: FakeStandIn, execution: str, data: Any, *, name: str = "one") -> str:
    arn = execution.rsplit(":", 1)[0].replace(":execution:", ":stateMachine:")
    client = stand_in.client("stepfunctions")
    return str(client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(data))["executionArn"])


def queue_of_changes(stand_in: FakeStandIn, statuses: list[str]) -> str:
    """A queue that a rule fills with the events of executions that come to have one of *statuses*."""
    name = f"changes-{uuid.uuid4()}"
    queue = str(stand_in.client("sqs").create_queue(QueueName=name)["QueueUrl"])
    events = stand_in.client("events")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": statuses},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:123456789012:{name}"}])
    return queue


def received(stand_in: FakeStandIn, queue: str, execution: str) -> dict[str, Any]:
    """The first message of a queue that is about *execution*."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        messages = stand_in.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])
        events = [json.loads(message["Body"]) for message in messages]
        found.extend(event for event in events if event["detail"]["executionArn"] == execution)
        return bool(found)

    wait_until(look)
    return found[0]
