"""Which action a request is for, and errors as AWS sends them (A12)."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from emr_drill.stand_in.api_actions import Refusal, action_of, encoded, protocol_of, refused

CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("emr", "describe_cluster", {"ClusterId": "j-1"}, "elasticmapreduce:DescribeCluster"),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "v"}}}, "dynamodb:GetItem"),
    ("stepfunctions", "list_state_machines", {}, "states:ListStateMachines"),
    ("cloudformation", "describe_stacks", {}, "cloudformation:DescribeStacks"),
    ("elbv2", "describe_rules", {}, "elasticloadbalancing:DescribeRules"),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": "m"}, "sns:Publish"),
    ("ec2", "describe_subnets", {}, "ec2:DescribeSubnets"),
    ("lambda", "invoke", {"FunctionName": "f"}, "lambda:Invoke"),
    (
        "lambda",
        "get_function",
        {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:f"},
        "lambda:GetFunction",
    ),
    ("lambda", "list_functions", {}, "lambda:ListFunctions"),
    ("scheduler", "get_schedule", {"Name": "s"}, "scheduler:GetSchedule"),
    ("s3", "get_object", {"Bucket": "b", "Key": "a/b c.json"}, "s3:GetObject"),
    ("s3", "get_object_tagging", {"Bucket": "b", "Key": "k"}, "s3:GetObjectTagging"),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}, "s3:PutObject"),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": []}, "monitoring:PutMetricData"),
]


def sent(service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment of a request that boto3 makes."""
    client: Any = boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://127.0.0.1:9",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    seen: list[AWSRequest] = []

    class Stop(Exception):
        pass

    def keep(request: AWSRequest, **_: Any) -> None:
        seen.append(request)
        raise Stop

    client.meta.events.register("before-send", keep)
    with pytest.raises(Stop):
        getattr(client, operation)(**arguments)
    (request,) = seen
    path, _, query = str(request.url).removeprefix("http://127.0.0.1:9").partition("?")
    body: Any = request.body or b""
    body = body.read() if hasattr(body, "read") else body.encode() if isinstance(body, str) else body
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value.decode() if isinstance(value, bytes) else value
        for name, value in request.headers.items()
    }
    return {
        **headers,
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path.replace("%20", " ").replace("%3A", ":"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


@pytest.mark.parametrize(("service", "operation", "arguments", "action"), CALLS, ids=[call[3] for call in CALLS])
def test_the_action_of_what_boto3_sends_is_found_and_the_body_is_left(
    service: str, operation: str, arguments: dict[str, Any], action: str
) -> None:
    environ = sent(service, operation, arguments)
    before = environ["wsgi.input"].getvalue()

    assert action_of(environ) == action
    assert environ["wsgi.input"].read() == before


def test_a_request_without_a_signature_is_for_no_action() -> None:
    assert action_of({"PATH_INFO": "/", "REQUEST_METHOD": "PUT"}) is None


def test_a_request_that_nobody_knows_is_for_no_action() -> None:
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, Signature=1"
    for service in ("scheduler", "no-such-service"):
        environ = {"HTTP_AUTHORIZATION": signed.format(service), "PATH_INFO": "/x/y/z", "REQUEST_METHOD": "PATCH"}
        assert action_of(environ) is None


@pytest.mark.parametrize(
    ("action", "throttled", "denied"),
    [
        ("elasticmapreduce:RunJobFlow", ("ThrottlingException", 400), ("AccessDeniedException", 400)),
        ("cloudformation:CreateStack", ("Throttling", 400), ("AccessDenied", 403)),
        ("sns:Publish", ("Throttling", 400), ("AuthorizationError", 403)),
        ("ec2:DescribeSubnets", ("RequestLimitExceeded", 503), ("UnauthorizedOperation", 403)),
        ("lambda:Invoke", ("TooManyRequestsException", 429), ("AccessDeniedException", 403)),
        ("scheduler:GetSchedule", ("ThrottlingException", 429), ("AccessDeniedException", 403)),
        ("s3:GetObject", ("SlowDown", 503), ("AccessDenied", 403)),
    ],
)
def test_each_service_refuses_in_its_own_words(
    action: str, throttled: tuple[str, int], denied: tuple[str, int]
) -> None:
    errors = [refused(kind, action) for kind in (Refusal.THROTTLED, Refusal.DENIED)]

    assert [(error.code, error.status) for error in errors] == [throttled, denied]
    assert action in errors[1].message


def test_json_errors_carry_type_and_message() -> None:
    headers, body = encoded(refused(Refusal.THROTTLED, "dynamodb:PutItem"), "dynamodb")

    assert json.loads(body)["__type"] == headers["x-amzn-ErrorType"] == "ThrottlingException"


def test_a_service_has_the_protocol_of_its_model() -> None:
    assert [protocol_of(name) for name in ("states", "elasticloadbalancing", "ec2")] == ["json", "query", "ec2"]
