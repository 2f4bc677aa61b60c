"""Machines on the drill's time, and the words in which states, errors and dates are told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.stand_in.interpreter import client_error, simulated_date

from .fakes import FakeStandIn, wait_until
from .machine_world import calls, history, machine, machine_stand_in, states


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStandIn]:
    with machine_stand_in(tmp_path_factory.mktemp("machines")) as made:
        yield made


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


def test_back_off_lasts_in_the_drills_time(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 50, "BackoffRate": 2, "MaxAttempts": 3}]
    execution = stand_in.start(machine(retry=retry), data={"request": {"Launch": {"failures": 2}}})
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"
    first, second, third = (call["at"] for call in calls(stand_in, execution, "Launch"))
    assert second - first >= 50 and third - second >= 100


def test_retry_matches_lambdas_service_errors(stand_in: FakeStandIn) -> None:
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 50, "MaxAttempts": 9, "BackoffRate": 1}]
    stand_in.functions.block("failover")
    execution = stand_in.start(machine(retry=retry), data={"request": {}})
    wait_until(lambda: "TaskFailed" in json.dumps(history(stand_in, execution), default=str))
    stand_in.functions.unblock("failover")
    assert stand_in.finished(execution)["status"] == "SUCCEEDED"


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


def test_dates_of_the_api_are_the_drills(stand_in: FakeStandIn) -> None:
    before = stand_in.clock.now()
    execution = stand_in.start(machine(wait_seconds=100), data={"request": {"Launch": {"waits": 1}}})
    described = stand_in.finished(execution)
    last = history(stand_in, execution)[-1]["timestamp"].timestamp()
    after = stand_in.clock.now()
    assert before - 1 <= described["startDate"].timestamp() <= described["stopDate"].timestamp() - 100
    assert described["stopDate"].timestamp() <= after
    assert last <= after and last - described["startDate"].timestamp() >= 100


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


def test_a_wait_ends_with_its_execution(stand_in: FakeStandIn) -> None:
    """A stop does not wait for a minute of the drill, let alone for a year."""
    execution = stand_in.start(machine(wait_seconds=30_000_000), data={"request": {"Launch": {"waits": 9}}})
    wait_until(lambda: "LaunchWait" in states(stand_in, execution))
    stand_in.client("stepfunctions").stop_execution(executionArn=execution)
    wait_until(lambda: history(stand_in, execution)[-1]["type"] == "ExecutionAborted")


def test_a_path_that_may_name_several_gives_a_list(stand_in: FakeStandIn) -> None:
    definition = {
        "StartAt": "Pick",
        "States": {"Pick": {"Type": "Pass", "Parameters": {"picked.$": "$.a[*].b"}, "End": True}},
    }
    execution = stand_in.start(definition, data={"a": [{"b": "x"}]})
    assert json.loads(stand_in.finished(execution)["output"]) == {"picked": ["x"]}


def test_an_error_of_lambda_is_named_by_its_code() -> None:
    response: Any = client_error("ServiceException", "Internal Server Error", 500).response
    assert response["Error"]["Code"] == "ServiceException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_dates_are_written_as_step_functions_writes_them() -> None:
    clock = Clock.start(speed=1)
    text = simulated_date(clock).isoformat()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)


def test_a_machine_may_end_with_a_cause_of_its_data(stand_in: FakeStandIn) -> None:
    """A request by hand is refused in the function's words."""
    definition = {
        "StartAt": "HasRequest",
        "States": {
            "HasRequest": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.request", "IsPresent": True, "Next": "Refused"}],
                "Default": "NoRequest",
            },
            "Refused": {"Type": "Fail", "Error": "Refused", "CausePath": "$.request.message"},
            "NoRequest": {"Type": "Fail", "Error": "Refused", "Cause": "no request"},
        },
    }
    refused = stand_in.finished(stand_in.start(definition, data={"request": {"message": 'kind must be "x"'}}))
    nothing = stand_in.finished(stand_in.start(definition, data={"requests": {}}))
    assert (refused["status"], refused["error"], refused["cause"]) == ("FAILED", "Refused", 'kind must be "x"')
    assert (nothing["status"], nothing["error"], nothing["cause"]) == ("FAILED", "Refused", "no request")
