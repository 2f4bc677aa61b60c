"""Calls of the product that are refused, slow or lost, as botocore sees them (A12)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.api_faults import ApiFaults
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

SPEED = 1000.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    stand_in = StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=21),
        workdir=tmp_path_factory.mktemp("stand-in"),
        primaries=cast(PrimaryFactory, None),
        parts=(),
    )
    with stand_in:
        yield stand_in


@pytest.fixture
def stand_in(running: StandIn) -> Iterator[StandIn]:
    running.journal.clear()
    yield running
    running.api_faults.clear()


def product(stand_in: StandIn, service: str, *, attempts: int = 1) -> Any:
    """A client as a function has it."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        endpoint_url=stand_in.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, s3={"addressing_style": "path"}),
    )


def code(call: Callable[[], object]) -> str:
    """The code of the error that *call* raises."""
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response.get("Error", {}).get("Code"))


CALLS: list[tuple[str, str, str, dict[str, Any], str, str]] = [
    ("emr", "elasticmapreduce:ListClusters", "list_clusters", {}, "ThrottlingException", "AccessDeniedException"),
    ("cloudformation", "cloudformation:ListStacks", "list_stacks", {}, "Throttling", "AccessDenied"),
    ("elbv2", "elasticloadbalancing:DescribeRules", "describe_rules", {}, "Throttling", "AccessDenied"),
    ("dynamodb", "dynamodb:ListTables", "list_tables", {}, "ThrottlingException", "AccessDeniedException"),
    ("stepfunctions", "states:ListActivities", "list_activities", {}, "ThrottlingException", "AccessDeniedException"),
    ("lambda", "lambda:ListFunctions", "list_functions", {}, "TooManyRequestsException", "AccessDeniedException"),
    ("sns", "sns:ListTopics", "list_topics", {}, "Throttling", "AuthorizationError"),
    ("ec2", "ec2:DescribeVpcs", "describe_vpcs", {}, "RequestLimitExceeded", "UnauthorizedOperation"),
    ("cloudwatch", "monitoring:ListMetrics", "list_metrics", {}, "ThrottlingException", "AccessDeniedException"),
    ("s3", "s3:ListBuckets", "list_buckets", {}, "SlowDown", "AccessDenied"),
    ("scheduler", "scheduler:ListSchedules", "list_schedules", {}, "ThrottlingException", "AccessDeniedException"),
]


@pytest.mark.parametrize(
    ("service", "action", "operation", "arguments", "throttled", "denied"), CALLS, ids=[call[0] for call in CALLS]
)
def test_a_client_reads_the_error_of_each_protocol(
    stand_in: StandIn,
    service: str,
    action: str,
    operation: str,
    arguments: dict[str, Any],
    throttled: str,
    denied: str,
) -> None:
    client = product(stand_in, service)
    stand_in.api_faults.throttle(action)
    assert code(lambda: getattr(client, operation)(**arguments)) == throttled

    stand_in.api_faults.clear()
    stand_in.api_faults.deny(action)
    assert code(lambda: getattr(client, operation)(**arguments)) == denied


def test_the_drills_own_calls_are_never_hit(stand_in: StandIn) -> None:
    stand_in.api_faults.deny("dynamodb:*")
    stand_in.api_faults.away("sqs")

    assert stand_in.client("dynamodb").list_tables()["TableNames"] == []
    stand_in.client("sqs").list_queues()


def test_only_the_actions_that_are_named_are_hit(stand_in: StandIn) -> None:
    stand_in.api_faults.throttle(["dynamodb:Put*", "sqs:ListQueues"])

    assert product(stand_in, "dynamodb").list_tables()["TableNames"] == []


def test_faults_end_when_they_are_cleared(stand_in: StandIn) -> None:
    stand_in.api_faults.deny("dynamodb:*")
    stand_in.api_faults.clear()

    assert product(stand_in, "dynamodb").list_tables()["TableNames"] == []


def test_a_client_that_tries_again_gets_through_a_share(stand_in: StandIn) -> None:
    """botocore takes the error for what it is, and repeats the call."""
    stand_in.api_faults.throttle("dynamodb:ListTables", share=0.5)
    client = product(stand_in, "dynamodb", attempts=10)

    assert client.list_tables()["TableNames"] == []
    assert client.list_tables()["TableNames"] == []


def test_a_share_of_the_calls_is_hit(stand_in: StandIn) -> None:
    stand_in.api_faults.throttle("dynamodb:ListTables", share=0.5)

    hits = [stand_in.api_faults.hits("dynamodb:ListTables") for _ in range(200)]

    assert 60 < sum(bool(hit) for hit in hits) < 140


@pytest.mark.parametrize("how", ["connection", "500"])
def test_a_lost_answer_leaves_the_deed_done(stand_in: StandIn, how: str) -> None:
    client = product(stand_in, "sqs")
    stand_in.api_faults.lose_answer("sqs:CreateQueue", how=how)

    with pytest.raises((ConnectionClosedError, ClientError)) as caught:
        client.create_queue(QueueName=f"queue-{how}")

    assert isinstance(caught.value, ClientError) == (how == "500")
    assert client.get_queue_url(QueueName=f"queue-{how}")["QueueUrl"]
    client.create_queue(QueueName="another")


def test_so_many_answers_are_lost(stand_in: StandIn) -> None:
    client = product(stand_in, "sqs")
    stand_in.api_faults.lose_answer("sqs:ListQueues", count=2)

    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            client.list_queues()
    client.list_queues()


def test_a_service_that_is_away_does_nothing_and_says_nothing(stand_in: StandIn) -> None:
    client = product(stand_in, "sqs")
    stand_in.api_faults.away("sqs")

    with pytest.raises(ConnectionClosedError):
        client.create_queue(QueueName="never")
    stand_in.api_faults.clear()
    with pytest.raises(client.exceptions.QueueDoesNotExist):
        client.get_queue_url(QueueName="never")


def test_a_delayed_call_takes_longer_and_succeeds(stand_in: StandIn) -> None:
    stand_in.api_faults.delay("sqs:ListQueues", 200)
    client = product(stand_in, "sqs")
    began = stand_in.clock.now()

    client.list_queues()

    assert stand_in.clock.now() - began >= 200


def test_what_was_hit_is_in_the_journal(stand_in: StandIn) -> None:
    stand_in.api_faults.throttle("sqs:ListQueues")
    stand_in.api_faults.delay("sqs:*", 1)
    code(product(stand_in, "sqs").list_queues)

    assert [(entry["kind"], entry["action"], entry["what"]) for entry in stand_in.journal] == [
        ("api fault", "sqs:ListQueues", "throttled"),
        ("api fault", "sqs:ListQueues", "late"),
    ]


def test_a_call_that_is_refused_loses_no_answer(stand_in: StandIn) -> None:
    stand_in.api_faults.lose_answer("sqs:ListQueues")
    stand_in.api_faults.deny("sqs:ListQueues")
    code(product(stand_in, "sqs").list_queues)
    stand_in.api_faults._faults.pop()

    with pytest.raises(ConnectionClosedError):
        product(stand_in, "sqs").list_queues()


# Calls without HTTP: those of state machines and of CloudFormation.


@pytest.fixture
def faults() -> ApiFaults:
    return ApiFaults(clock=Clock.start(speed=SPEED), journal=[], seed=1)


def test_a_call_without_a_fault_is_done(faults: ApiFaults) -> None:
    assert faults.call("lambda:Invoke", lambda: 1) == 1


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (lambda faults: faults.throttle("lambda:*"), "TooManyRequestsException", False),
        (lambda faults: faults.deny("lambda:*"), "AccessDeniedException", False),
        (lambda faults: faults.away("lambda"), EndpointConnectionError, False),
        (lambda faults: faults.lose_answer("lambda:Invoke"), ConnectionClosedError, True),
        (lambda faults: faults.lose_answer("lambda:Invoke", how="500"), "500", True),
    ],
)
def test_a_call_that_is_hit_raises_what_a_client_would(
    faults: ApiFaults, fault: Callable[[ApiFaults], None], error: str | type[Exception], done: bool
) -> None:
    deeds: list[int] = []
    fault(faults)

    with pytest.raises(ClientError if isinstance(error, str) else error) as caught:
        faults.call("lambda:Invoke", lambda: deeds.append(1))

    assert bool(deeds) == done
    if isinstance(caught.value, ClientError):
        assert caught.value.response.get("Error", {}).get("Code") == error


def test_a_late_call_is_done(faults: ApiFaults) -> None:
    faults.delay("lambda:Invoke", 10)

    assert faults.call("lambda:Invoke", lambda: 1) == 1


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda faults: faults.throttle("dynamodb:PutItem", share=0), "above 0 and at most 1, got 0"),
        (lambda faults: faults.deny("PutItem"), "<service>:<operation>, for example dynamodb:PutItem, got 'PutItem'"),
        (lambda faults: faults.deny("dynamodb:"), "got 'dynamodb:'"),
        (lambda faults: faults.lose_answer("a:b", how="mail"), "by 'connection' or by '500', got 'mail'"),
    ],
)
def test_what_makes_no_sense_is_refused(faults: ApiFaults, ask: Callable[[ApiFaults], None], text: str) -> None:
    with pytest.raises(DrillError, match=text):
        ask(faults)


def test_the_server_gives_the_connection_that_is_broken(stand_in: StandIn) -> None:
    """werkzeug's environment has the socket; without it no connection could be broken."""
    seen: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["werkzeug.socket"])
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    from emr_drill.stand_in.http_server import HttpServer

    server = HttpServer(application)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    server.stop()

    assert isinstance(seen[0], socket.socket)
