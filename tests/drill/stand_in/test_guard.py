"""IAM in the stand-in: functions may do what the policies of their roles say, and nothing else (B8)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from emr_drill.addresses import Addresses
from emr_drill.authorization.needs import run_job_flow_needs
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.guard import CALL_REFUSED, parameters_of
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .fakes import ACCOUNT, package

CODE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["call"])(**event["with"])
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/writer"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/record"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:ConditionCheckItem"], "Resource": TABLE},
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:Query"],
            "Resource": TABLE,
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["1"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        },
        {
            "Effect": "Allow",
            "Action": "elasticmapreduce:TerminateJobFlows",
            "Resource": f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/emr-dr:deployment": "ours"}},
        },
    ],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    stand_in = StandIn(
        clock=Clock.start(speed=500),
        timing=Timing(seed=1),
        addresses=Addresses(block=22),
        workdir=tmp_path_factory.mktemp("stand-in"),
        primaries=cast(PrimaryFactory, None),
        parts=("functions",),
    )
    with stand_in:
        for role in ("writer", "without"):
            stand_in.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument="{}")
            stand_in.client("lambda").create_function(
                FunctionName=role,
                Runtime="python3.13",
                Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
                Handler="handler.handler",
                Timeout=900,
                Code={"ZipFile": package({"handler.py": CODE})},
            )
        stand_in.client("iam").put_role_policy(RoleName="writer", PolicyName="own", PolicyDocument=json.dumps(POLICY))
        for table in ("record", "other"):
            stand_in.client("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        yield stand_in


@pytest.fixture
def stand_in(running: StandIn) -> StandIn:
    running.journal.clear()
    return running


def call(stand_in: StandIn, service: str, name: str, *, function: str = "writer", **arguments: Any) -> Any:
    """What a function gets for a call: ``done``, or the error's code."""
    event = {"service": service, "call": name, "with": arguments}
    answer = stand_in.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.load(answer["Payload"])


def refused(stand_in: StandIn) -> list[tuple[str, str, str]]:
    return [
        (entry["role"], entry["action"], entry["resource"])
        for entry in stand_in.journal
        if entry["kind"] == CALL_REFUSED
    ]


ITEM = {"id": {"S": "1"}}


def test_a_function_does_what_its_role_allows(stand_in: StandIn) -> None:
    assert call(stand_in, "dynamodb", "put_item", TableName="record", Item=ITEM) == "done"
    assert refused(stand_in) == []


def test_another_table_is_refused_and_told(stand_in: StandIn) -> None:
    assert call(stand_in, "dynamodb", "put_item", TableName="other", Item=ITEM) == "AccessDeniedException"
    assert refused(stand_in) == [("writer", "dynamodb:PutItem", TABLE.replace("record", "other"))]


def test_each_part_of_a_transaction_is_asked_for(stand_in: StandIn) -> None:
    items = [{"Put": {"TableName": "record", "Item": ITEM}}, {"Delete": {"TableName": "record", "Key": ITEM}}]

    assert call(stand_in, "dynamodb", "transact_write_items", TransactItems=items) == "AccessDeniedException"
    assert refused(stand_in) == [("writer", "dynamodb:DeleteItem", TABLE)]


def test_items_of_another_partition_are_refused(stand_in: StandIn) -> None:
    """B8: a role that is held to partitions of a table is so in a drill."""
    theirs = {"id": {"S": "theirs"}}
    query: dict[str, Any] = {
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": theirs["id"]},
    }

    assert call(stand_in, "dynamodb", "get_item", TableName="record", Key=ITEM) == "done"
    assert call(stand_in, "dynamodb", "get_item", TableName="record", Key=theirs) == "AccessDeniedException"
    assert call(stand_in, "dynamodb", "query", TableName="record", **query) == "AccessDeniedException"
    assert stand_in.guard.partition_key("record") == "id"
    assert stand_in.guard.partition_key("nobody's") is None


def test_a_boundary_limits_what_a_role_may(stand_in: StandIn) -> None:
    """B8: `security.permissions_boundary` counts in a drill; one that is not there allows nothing."""
    iam, arn = stand_in.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"},
    }
    iam.put_role_permissions_boundary(RoleName="writer", PermissionsBoundary=arn)
    try:
        assert call(stand_in, "dynamodb", "put_item", TableName="record", Item=ITEM) == "AccessDeniedException"
        iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))
        assert call(stand_in, "dynamodb", "put_item", TableName="record", Item=ITEM) == "done"
        assert call(stand_in, "dynamodb", "get_item", TableName="record", Key=ITEM) == "AccessDeniedException"
    finally:
        iam.delete_role_permissions_boundary(RoleName="writer")
    assert call(stand_in, "dynamodb", "get_item", TableName="record", Key=ITEM) == "done"


def test_a_cluster_without_our_tag_is_refused(stand_in: StandIn) -> None:
    assert call(stand_in, "emr", "terminate_job_flows", JobFlowIds=["j-THEIRS"]) == "AccessDeniedException"


def test_a_call_that_nobody_wrote_down_is_refused(stand_in: StandIn) -> None:
    assert call(stand_in, "ec2", "describe_images", Owners=["self"]) == "UnauthorizedOperation"
    assert refused(stand_in) == [("writer", "ec2:DescribeImages", "*")]


def test_a_role_without_policies_is_of_a_test_and_free(stand_in: StandIn) -> None:
    assert call(stand_in, "dynamodb", "put_item", function="without", TableName="other", Item=ITEM) == "done"


def test_the_drills_own_calls_are_free(stand_in: StandIn) -> None:
    stand_in.client("dynamodb").put_item(TableName="other", Item=ITEM)

    assert refused(stand_in) == []


def test_an_encrypted_topic_takes_its_key(stand_in: StandIn) -> None:
    """The rights to the topic and to its key are asked for one by one."""
    key = stand_in.client("kms").create_key()["KeyMetadata"]["KeyId"]
    topic = stand_in.client("sns").create_topic(Name="t", Attributes={"KmsMasterKeyId": key})["TopicArn"]

    assert stand_in.guard.topic_key(topic) == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    assert stand_in.guard.topic_key(f"{topic}2") is None


def test_a_launch_without_the_right_to_pass_roles_is_refused(stand_in: StandIn) -> None:
    request = {"ServiceRole": "service", "JobFlowRole": "machines"}
    needs = run_job_flow_needs(request, stand_in.guard)

    with pytest.raises(Exception, match="not authorized to perform elasticmapreduce:RunJobFlow"):
        stand_in.guard.check(ROLE, "elasticmapreduce:RunJobFlow", needs)


def test_parameters_of_a_form_with_lists() -> None:
    body = b"Action=CreateStack&StackName=a&Tags.member.1.Key=k&Tags.member.1.Value=v&Names.member.2=y&Names.member.1=x"
    environ = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8",
    }

    assert parameters_of(environ) == {
        "Action": "CreateStack",
        "StackName": "a",
        "Tags": [{"Key": "k", "Value": "v"}],
        "Names": ["x", "y"],
    }
    assert cast(io.BytesIO, environ["wsgi.input"]).read() == body


def test_parameters_of_an_object() -> None:
    environ = {
        "wsgi.input": io.BytesIO(b""),
        "PATH_INFO": "/bucket/dags/a.py",
        "HTTP_X_AMZ_COPY_SOURCE": "assets/1%2B.py",
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=key/20261129/us-east-1/s3/aws4_request, SignedHeaders=host",
    }

    assert parameters_of(environ) == {"Bucket": "bucket", "Key": "dags/a.py", "CopySource": "assets/1+.py"}
