"""Which permissions a call takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest

from emr_drill.authorization import needs
from emr_drill.authorization.needs import Need, UnknownCallError, needs_of, run_job_flow_needs
from emr_drill.stand_in.api_actions import BOTO_NAMES

KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"


class Here:
    account = "111122223333"
    region = "us-east-1"

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]:
        return {"emr-dr:deployment": "ours"} if cluster_id == "j-OURS" else {}

    def interface_context(self, interface_id: str) -> Mapping[str, str]:
        return {"ec2:Subnet": "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1"}

    def topic_key(self, topic_arn: str) -> str | None:
        return KEY if topic_arn == TOPIC else None

    def partition_key(self, table: str) -> str | None:
        return "kind" if table == "record" else None


def of(action: str, **parameters: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = needs_of(action, parameters, Here())
    assert all(isinstance(each, Need) for each in found)
    return {(each.action, each.resource): dict(each.context) for each in found}


def test_a_call_that_nobody_wrote_down_is_an_error() -> None:
    with pytest.raises(UnknownCallError, match="ec2:RunInstances"):
        needs_of("ec2:RunInstances", {}, Here())


def test_every_rule_is_about_an_operation_that_exists() -> None:
    session = botocore.session.get_session()
    for action in needs._RULES:
        service, _, operation = action.partition(":")
        assert operation in session.get_service_model(BOTO_NAMES.get(service, service)).operation_names


def test_rules_are_of_their_group() -> None:
    assert set(of("ec2:RevokeSecurityGroupIngress", GroupId="sg-1")) == {
        ("ec2:RevokeSecurityGroupIngress", "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1")
    }


def test_an_interface_is_deleted_by_who_may_do_that_in_its_subnet() -> None:
    need = ("ec2:DeleteNetworkInterface", "arn:aws:ec2:us-east-1:111122223333:network-interface/eni-1")

    assert of("ec2:DeleteNetworkInterface", NetworkInterfaceId="eni-1") == {
        need: {"ec2:Subnet": "arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1"}
    }


def test_items_are_of_their_table() -> None:
    table = "arn:aws:dynamodb:us-east-1:111122223333:table/record"

    assert set(of("dynamodb:PutItem", TableName="record")) == {("dynamodb:PutItem", table)}
    assert set(of("dynamodb:BatchGetItem", RequestItems={"record": {}})) == {("dynamodb:BatchGetItem", table)}


@pytest.mark.parametrize("table", ["record", "arn:aws:dynamodb:us-east-1:111122223333:table/record"])
def test_items_name_their_partition(table: str) -> None:
    key = {"kind": {"S": "slot"}, "id": {"S": "1"}}
    asked = [
        of("dynamodb:GetItem", TableName=table, Key=key),
        of("dynamodb:UpdateItem", TableName=table, Key=key, UpdateExpression="SET a = :a"),
        of("dynamodb:PutItem", TableName=table, Item={**key, "generation": {"N": "1"}}),
        of("dynamodb:BatchGetItem", RequestItems={table: {"Keys": [key]}}),
        of("dynamodb:TransactWriteItems", TransactItems=[{"Update": {"TableName": table, "Key": key}}]),
    ]

    assert [context for each in asked for context in each.values()] == [{"dynamodb:LeadingKeys": ["slot"]}] * 5


def test_a_transaction_takes_the_right_to_each_part() -> None:
    parts = [{"Put": {"TableName": "a"}}, {"ConditionCheck": {"TableName": "b"}}]

    assert set(of("dynamodb:TransactWriteItems", TransactItems=parts)) == {
        ("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111122223333:table/a"),
        ("dynamodb:ConditionCheckItem", "arn:aws:dynamodb:us-east-1:111122223333:table/b"),
    }


def test_a_cluster_shows_its_tags() -> None:
    ours = "arn:aws:elasticmapreduce:us-east-1:111122223333:cluster/j-OURS"
    found = of("elasticmapreduce:TerminateJobFlows", JobFlowIds=["j-OURS", "j-THEIRS"])

    assert found["elasticmapreduce:TerminateJobFlows", ours] == {"aws:ResourceTag/emr-dr:deployment": "ours"}
    assert found["elasticmapreduce:TerminateJobFlows", ours.replace("OURS", "THEIRS")] == {}


@pytest.mark.parametrize(
    ("action", "parameters"),
    [("AddTags", {"Tags": [{"Key": "team", "Value": "x"}]}), ("RemoveTags", {"TagKeys": ["team"]})],
)
def test_tags_that_are_given_or_taken_are_named(action: str, parameters: dict[str, Any]) -> None:
    (context,) = of(f"elasticmapreduce:{action}", ResourceId="j-OURS", **parameters).values()

    assert context["aws:TagKeys"] == ["team"]


def test_creating_a_stack_takes_role_template_and_tags() -> None:
    role, url = "arn:aws:iam::111122223333:role/r", "https://s3.us-east-1.amazonaws.com/assets/ab.json"
    found = of(
        "cloudformation:CreateStack",
        StackName="ours-a-g1",
        RoleARN=role,
        TemplateURL=url,
        Tags=[{"Key": "team", "Value": "x"}],
    )
    stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/ours-a-g1/0"

    assert found["cloudformation:CreateStack", stack]["cloudformation:RoleArn"] == role
    assert found["cloudformation:CreateStack", stack]["cloudformation:TemplateUrl"] == url
    assert found["cloudformation:TagResource", stack]["aws:RequestTag/team"] == "x"
    assert found["iam:PassRole", role] == {"iam:PassedToService": "cloudformation.amazonaws.com"}
    assert ("s3:GetObject", "arn:aws:s3:::assets/ab.json") in found


def test_registering_a_target_asks_ec2_too() -> None:
    """Elastic Load Balancing user guide, API permissions."""
    found = of("elasticloadbalancing:RegisterTargets", TargetGroupArn="arn:group", Targets=[])

    assert ("elasticloadbalancing:RegisterTargets", "arn:group") in found
    assert ("ec2:DescribeInstances", "*") in found


def test_publishing_to_an_encrypted_topic_uses_its_key() -> None:
    assert {action for action, _ in of("sns:Publish", TopicArn=TOPIC)} == {
        "sns:Publish",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }
    assert {action for action, _ in of("sns:Publish", TopicArn=f"{TOPIC}2")} == {"sns:Publish"}


def test_invoking_has_another_name_as_a_permission() -> None:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:prober"

    assert set(of("lambda:Invoke", FunctionName="prober")) == {("lambda:InvokeFunction", arn)}


def test_launching_a_cluster_passes_both_roles_and_tags() -> None:
    found = run_job_flow_needs(
        {"ServiceRole": "service", "JobFlowRole": "machines", "Tags": [{"Key": "emr-dr:deployment", "Value": "ours"}]},
        Here(),
    )
    passed = {each.resource: each.context for each in found if each.action == "iam:PassRole"}

    assert passed == {
        "arn:aws:iam::111122223333:role/service": {"iam:PassedToService": "elasticmapreduce.amazonaws.com"},
        "arn:aws:iam::111122223333:role/machines": {"iam:PassedToService": "ec2.amazonaws.com"},
    }
    tagged = {each.action for each in found if each.context.get("aws:RequestTag/emr-dr:deployment") == "ours"}
    assert tagged == {"elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"}


def test_a_look_at_an_object_takes_the_right_to_read_and_to_list() -> None:
    """That an object is not there is told to who may list alone."""
    assert set(of("s3:HeadObject", Bucket="b", Key="dags/a.py")) == {
        ("s3:GetObject", "arn:aws:s3:::b/dags/a.py"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
    }


def test_a_copy_takes_reading_there_and_writing_here() -> None:
    assert set(of("s3:CopyObject", Bucket="b", Key="dags/a.py", CopySource="assets/1.py")) == {
        ("s3:GetObject", "arn:aws:s3:::assets/1.py"),
        ("s3:PutObject", "arn:aws:s3:::b/dags/a.py"),
    }
    assert set(of("s3:DeleteObject", Bucket="b", Key="k")) == {("s3:DeleteObject", "arn:aws:s3:::b/k")}


@pytest.mark.parametrize("name", ["DescribeRouteTables", "DescribeSubnets", "DescribeVpcEndpoints"])
def test_a_look_at_the_network_knows_no_resource(name: str) -> None:
    assert set(of(f"ec2:{name}", Filters=[])) == {(f"ec2:{name}", "*")}


def test_alarms_are_read_by_name() -> None:
    """CloudWatch API reference, DescribeAlarms: a composite alarm takes the right to all."""
    alarm = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"
    action = "cloudwatch:DescribeAlarms"
    metric = {"AlarmTypes": ["MetricAlarm"]}

    assert of("monitoring:DescribeAlarms", AlarmNames=["x", "y"], **metric) == {
        (action, f"{alarm}x"): {},
        (action, f"{alarm}y"): {},
    }
    assert of("monitoring:DescribeAlarms", **metric) == {(action, f"{alarm}*"): {}}
    assert of("monitoring:DescribeAlarms", AlarmNames=["x"], AlarmTypes=["CompositeAlarm"]) == {
        (action, f"{alarm}*"): {}
    }
