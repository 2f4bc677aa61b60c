"""State machines: a machine of the product's shape runs, waits, retries, catches, stops and tells what it did."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emr_drill.stand_in.api_faults import ApiFaults

from .fakes import ROLE, FakeStandIn, wait_until
from .machine_world import calls, history, machine, machine_stand_in, states


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStandIn]:
    with machine_stand_in(tmp_path_factory.mktemp("machines")) as made:
        yield made


def test_a_machine_runs_to_its_end(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    assert states(stand_in, execution) == ["Launch", "LaunchNext", "CutOver", "CutOverDone"]


def test_a_function_gets_what_the_state_says(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"operation": "o"}})
    stand_in.finished(execution)
    event = calls(stand_in, execution, "Launch")[0]["event"]
    assert (event["request"], event["execution"]) == ({"operation": "o"}, execution)


def test_retry_matches_the_errors_own_name(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    request = {"Launch": {"failures": 1, "error": "Throttled"}}
    execution = stand_in.start(machine(retry=retry), data={"request": request})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


def test_an_error_that_retries_do_not_cure_is_caught(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"failures": 9}}})
    finished = stand_in.finished(execution)
    assert (finished["status"], finished["error"], finished["cause"]) == ("FAILED", "Failed", "rolled back")
    assert states(stand_in, execution) == ["Launch", "RollBack", "Failed"]


def test_a_stopped_execution_is_aborted_at_once(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    wait_until(lambda: calls(stand_in, execution, "Launch"))
    stand_in.client("stepfunctions").stop_execution(executionArn=execution, error="Deleted", cause="why")
    described = stand_in.client("stepfunctions").describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Deleted", "why")


def test_what_runs_is_known_also_when_its_machine_is_deleted(stand_in: FakeStandIn) -> None:
    """A5: whoever deletes a deployment may leave an execution behind that nobody can list any more."""
    machines = stand_in.state_machines
    execution = stand_in.start(machine(), data={"request": {"Launch": {"seconds": 100}}})
    wait_until(lambda: calls(stand_in, execution, "Launch"))
    client = stand_in.client("stepfunctions")
    described = client.describe_execution(executionArn=execution)
    client.delete_state_machine(stateMachineArn=described["stateMachineArn"])

    assert execution in machines.running()


def test_what_has_ended_does_not_run(stand_in: FakeStandIn) -> None:
    execution = stand_in.start(machine(), data={"request": {}})
    stand_in.finished(execution)

    assert execution not in stand_in.state_machines.running()


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


@pytest.mark.parametrize(
    ("fault", "error", "invoked"),
    [
        (lambda faults: faults.throttle("lambda:Invoke"), "Lambda.TooManyRequestsException", 0),
        (lambda faults: faults.deny("lambda:Invoke"), "Lambda.AWSLambdaException", 0),
        (lambda faults: faults.away("lambda"), "Lambda.SdkClientException", 0),
        (lambda faults: faults.lose_answer("lambda:Invoke"), "Lambda.SdkClientException", 1),
        (lambda faults: faults.lose_answer("lambda:Invoke", how="500"), "Lambda.ServiceException", 1),
    ],
    ids=["throttled", "denied", "away", "lost", "500"],
)
def test_an_invocation_that_a_fault_hits_fails_as_on_aws(
    stand_in: FakeStandIn, fault: Callable[[ApiFaults], None], error: str, invoked: int
) -> None:
    """And an invocation whose answer is lost has happened."""
    retry = [{"ErrorEquals": [error], "IntervalSeconds": 5, "MaxAttempts": 1}]
    fault(stand_in.api_faults)
    execution = stand_in.start(machine(retry=retry), data={"request": {}})
    wait_until(lambda: [one for one in stand_in.journal if one["kind"] == "api fault"])
    stand_in.api_faults.clear()

    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    assert len(calls(stand_in, execution, "Launch")) == 1 + invoked
    stand_in.journal.clear()
