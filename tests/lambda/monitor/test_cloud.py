from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from dr_core.evidence import Verdict, healthy, unhealthy, unknown
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.verdicts import Termination
from monitor.cloud import Cloud

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_stepfunctions import SFNClient

REQUEST = OperationRequest(
    operation="a-1-1", kind=Kind.FAILOVER, reason=Reason.UNHEALTHY, managed_cluster="a", incident="a-1"
)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(scope="module")
def load_balancing(aws: None) -> ElasticLoadBalancingv2Client:
    return boto3.client("elbv2", region_name="us-east-1")


@pytest.fixture(scope="module")
def emr(aws: None) -> EMRClient:
    return boto3.client("emr", region_name="us-east-1")


@pytest.fixture(scope="module")
def step_functions(aws: None) -> SFNClient:
    return boto3.client("stepfunctions", region_name="us-east-1")


@pytest.fixture(scope="module")
def cloud(load_balancing: ElasticLoadBalancingv2Client, emr: EMRClient, step_functions: SFNClient) -> Cloud:
    return Cloud(load_balancing=load_balancing, emr=emr, step_functions=step_functions)


@pytest.fixture
def state_machine(step_functions: SFNClient, request: pytest.FixtureRequest) -> str:
    made = step_functions.create_state_machine(
        name=request.node.name[:80],
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
    return made["stateMachineArn"]


def targets(*described: tuple[str, dict[str, str]]) -> dict[str, Any]:
    return {
        "TargetHealthDescriptions": [{"Target": {"Id": each}, "TargetHealth": health} for each, health in described]
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (targets(("10.0.0.7", {"State": "healthy"})), healthy("target healthy")),
        (
            targets(("10.0.0.7", {"State": "unhealthy", "Description": "Request timed out"})),
            unhealthy("target unhealthy: Request timed out"),
        ),
        (
            targets(("10.0.0.7", {"State": "unhealthy", "Reason": "Target.Timeout"})),
            unhealthy("target unhealthy: Target.Timeout"),
        ),
        # A11: an error of the load balancer's own is no word on the service.
        (
            targets(
                ("10.0.0.7", {"State": "unhealthy", "Reason": "Elb.InternalError", "Description": "Internal error"})
            ),
            unknown("the load balancer cannot tell: Internal error"),
        ),
        (
            targets(("10.0.0.7", {"State": "unhealthy", "Reason": "Elb.InternalError"})),
            unknown("the load balancer cannot tell: Elb.InternalError"),
        ),
        (targets(("10.0.0.7", {"State": "initial"})), unknown("target initial")),
        (targets(("10.0.0.7", {"State": "draining"})), unknown("target draining")),
        (targets(("10.0.0.7", {"State": "unused"})), unknown("target unused")),
        (targets(("10.0.0.8", {"State": "unhealthy"})), unknown("not a target")),
        (
            targets(("10.0.0.8", {"State": "unhealthy"}), ("10.0.0.7", {"State": "healthy"})),
            healthy("target healthy"),
        ),
        (targets(), unknown("not a target")),
    ],
)
def test_target_health_is_a_vantage_point(
    cloud: Cloud, load_balancing: ElasticLoadBalancingv2Client, answer: dict[str, Any], expected: object
) -> None:
    """A12: what the load balancer reports of the target."""
    with Stubber(load_balancing) as stubber:
        stubber.add_response("describe_target_health", answer, {"TargetGroupArn": "group"})

        assert cloud.target_health(["group"], "10.0.0.7") == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"State": "healthy"}, None, healthy("target healthy")),
        ({"State": "unhealthy", "Description": "Refused"}, None, unhealthy("target unhealthy: Refused")),
        ({"State": "initial"}, None, unknown("target initial")),
        ({"State": "draining"}, targets(("10.0.0.7", {"State": "healthy"})), healthy("target healthy")),
        ({"State": "draining"}, targets(), unknown("target draining")),
        (None, targets(("10.0.0.7", {"State": "unhealthy", "Reason": "x"})), unhealthy("target unhealthy: x")),
        (None, targets(), unknown("not a target")),
    ],
)
def test_the_first_group_that_the_target_is_registered_with_speaks(
    cloud: Cloud,
    load_balancing: ElasticLoadBalancingv2Client,
    first: dict[str, str] | None,
    second: dict[str, Any] | None,
    expected: object,
) -> None:
    """Outside the balanced group the slot's group still looks at it."""
    with Stubber(load_balancing) as stubber:
        answer = targets(("10.0.0.7", first)) if first else targets()
        stubber.add_response("describe_target_health", answer, {"TargetGroupArn": "balanced"})
        if second is not None:
            stubber.add_response("describe_target_health", second, {"TargetGroupArn": "slot"})

        assert cloud.target_health(["balanced", "slot"], "10.0.0.7") == expected
        stubber.assert_no_pending_responses()


def test_a_refused_call_says_nothing_of_the_target(cloud: Cloud, load_balancing: ElasticLoadBalancingv2Client) -> None:
    """A14."""
    with Stubber(load_balancing) as stubber:
        stubber.add_client_error("describe_target_health", "Throttling", "slow down")

        reading = cloud.target_health(["group"], "10.0.0.7")

    assert reading.verdict is Verdict.UNKNOWN
    assert "slow down" in reading.detail


def test_a_call_that_does_not_arrive_says_nothing_of_the_target(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://example.com")

    monkeypatch.setattr(cloud.load_balancing, "describe_target_health", fail)

    assert cloud.target_health(["group"], "10.0.0.7").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"State": "WAITING"}, None),
        ({"State": "RUNNING", "StateChangeReason": {"Code": "USER_REQUEST"}}, None),
        (
            {"State": "TERMINATING", "StateChangeReason": {"Code": "USER_REQUEST", "Message": "by user"}},
            Termination(code="USER_REQUEST", message="by user"),
        ),
        (
            {"State": "TERMINATED", "StateChangeReason": {"Code": "USER_REQUEST", "Message": "by user"}},
            Termination(code="USER_REQUEST", message="by user"),
        ),
        (
            {"State": "TERMINATED_WITH_ERRORS", "StateChangeReason": {"Code": "INSTANCE_FAILURE", "Message": "lost"}},
            Termination(code="INSTANCE_FAILURE", message="lost"),
        ),
        (
            {"State": "TERMINATED", "Timeline": {"EndDateTime": datetime(2027, 1, 15, 8, tzinfo=UTC)}},
            Termination(code="", message="", ended_at=1_800_000_000.0),
        ),
    ],
)
def test_why_a_cluster_ends(cloud: Cloud, emr: EMRClient, status: dict[str, Any], expected: Termination | None) -> None:
    with Stubber(emr) as stubber:
        stubber.add_response("describe_cluster", {"Cluster": {"Status": status}}, {"ClusterId": "j-1"})

        assert cloud.termination("j-1") == expected


@pytest.mark.parametrize(
    ("status", "running"),
    [("RUNNING", True), ("SUCCEEDED", False), ("FAILED", False), ("TIMED_OUT", False), ("ABORTED", False)],
)
def test_whether_an_execution_runs(cloud: Cloud, step_functions: SFNClient, status: str, running: bool) -> None:
    answer = {
        "executionArn": "arn:execution",
        "stateMachineArn": "arn:machine",
        "status": status,
        "startDate": 1_000_000,
    }
    with Stubber(step_functions) as stubber:
        stubber.add_response("describe_execution", answer)

        assert cloud.is_running("arn:execution", since=time.time()) is running


def test_a_forgotten_execution_does_not_run(cloud: Cloud, step_functions: SFNClient) -> None:
    with Stubber(step_functions) as stubber:
        stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")

        assert not cloud.is_running("arn:execution", since=None)


@pytest.mark.parametrize(("ago", "running"), [(30, True), (90, False)])
def test_an_execution_that_is_not_known_yet_runs(
    cloud: Cloud, step_functions: SFNClient, ago: float, running: bool
) -> None:
    """A14: DescribeExecution is eventually consistent; a second operation would be started beside it."""
    with Stubber(step_functions) as stubber:
        stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")

        assert cloud.is_running("arn:execution", since=time.time() - ago) is running


def test_an_operation_is_started_by_its_name(cloud: Cloud, step_functions: SFNClient, state_machine: str) -> None:
    execution = cloud.start(state_machine, REQUEST)

    assert execution is not None
    described = step_functions.describe_execution(executionArn=execution)
    assert described["name"] == "a-1-1"
    assert json.loads(described["input"]) == {"request": REQUEST.to_dict()}


def test_an_operation_that_was_started_before_is_found(
    cloud: Cloud, step_functions: SFNClient, state_machine: str
) -> None:
    execution = cloud.start(state_machine, REQUEST)
    assert execution is not None
    described = step_functions.describe_execution(executionArn=execution)
    with Stubber(step_functions) as stubber:
        stubber.add_client_error("start_execution", "ExecutionAlreadyExists")
        answer = {name: described[name] for name in ("executionArn", "stateMachineArn", "status", "startDate", "input")}
        stubber.add_response("describe_execution", answer, {"executionArn": execution})

        assert cloud.start(state_machine, REQUEST) == execution


@pytest.mark.parametrize("text", [json.dumps({"request": {**REQUEST.to_dict(), "incident": "a-0"}}), None])
def test_an_execution_of_another_request_is_not_taken_for_ours(
    cloud: Cloud, step_functions: SFNClient, text: str | None
) -> None:
    """A14: the name was taken in an earlier life of the deployment; nothing was started."""
    answer: dict[str, Any] = {
        "executionArn": "arn:execution",
        "stateMachineArn": "arn:machine",
        "status": "SUCCEEDED",
        "startDate": 1_000_000,
    }
    with Stubber(step_functions) as stubber:
        stubber.add_client_error("start_execution", "ExecutionAlreadyExists")
        stubber.add_response(
            "describe_execution",
            answer if text is None else {**answer, "input": text},
            {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:dep-operation:a-1-1"},
        )

        assert cloud.start("arn:aws:states:us-east-1:123456789012:stateMachine:dep-operation", REQUEST) is None
