"""What templates ask for is there afterwards, by the services' own words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emr_drill.stand_in.load_balancers_cloudformation import HOSTED_ZONES
from emr_drill.stand_in.resource_recipes import RECIPES

from .stack_world import StackWorld, stack_world

FUNCTION = "worker"
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "heartbeat",
                "ComparisonOperator": "LessThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "Rounds",
                "Namespace": "EmrDr",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 1,
                "TreatMissingData": "breaching",
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "TableName": "records",
                "AttributeDefinitions": [{"AttributeName": "kind", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Replicas": [{"Region": {"Ref": "AWS::Region"}}],
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            },
        },
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"},
        },
        "RouteTable": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "RouteTableOfSubnet": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": "RouteTable"}, "SubnetId": {"Ref": "Subnet"}},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "livy", "VpcId": {"Ref": "Vpc"}, "SecurityGroupEgress": []},
        },
        "Egress": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 8998,
                "ToPort": 8998,
                "CidrIp": "10.0.0.0/16",
                "Description": "Livy",
            },
        },
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
                "EnableKeyRotation": True,
                "Tags": [{"Key": "emr-dr:stack", "Value": "recipes"}],
            },
        },
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": FUNCTION}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": FUNCTION,
                "Name": "live",
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            },
        },
        "Retries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {"FunctionName": FUNCTION, "MaximumRetryAttempts": 1, "Qualifier": "$LATEST"},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Version": "2012-10-17", "Id": "ours"}},
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "letters"}},
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sns.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    ],
                },
            },
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
        "ScheduleGroup": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "rounds"}},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "monitor",
                "GroupName": {"Ref": "ScheduleGroup"},
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "ScheduleExpression": "rate(1 minute)",
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "RoleArn": "arn:aws:iam::123456789012:role/any",
                    "RetryPolicy": {"MaximumRetryAttempts": "0"},
                },
            },
        },
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Name": "livy",
                "GenerateSecretString": {"SecretStringTemplate": '{"user": "x"}', "GenerateStringKey": "password"},
            },
        },
        "SecretPolicy": {
            "Type": "AWS::SecretsManager::ResourcePolicy",
            "Properties": {
                "SecretId": {"Ref": "Secret"},
                "BlockPublicPolicy": True,
                "ResourcePolicy": {"Version": "2012-10-17", "Id": "readers", "Statement": []},
            },
        },
    }
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackWorld]:
    with stack_world(Path(tmp_path_factory.mktemp("world"))) as running:
        running.function(FUNCTION, lambda event: None)
        stack = running.create("recipes", TEMPLATE)
        assert running.settled(stack) == "CREATE_COMPLETE", running.client("cloudformation").describe_stack_events(
            StackName=stack
        )
        yield running


def physical(world: StackWorld, resource: str) -> str:
    detail = world.client("cloudformation").describe_stack_resource(StackName="recipes", LogicalResourceId=resource)
    return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def test_every_recipe_is_tried_here() -> None:
    tried = {resource["Type"] for resource in TEMPLATE["Resources"].values()}

    assert {recipe.type for recipe in RECIPES} - tried == {"AWS::Route53::RecordSet"}, "which the next test tries"


def test_an_alias_leads_to_a_network_load_balancer_that_is_there() -> None:
    names: dict[str, str | None] = {}
    balancers = SimpleNamespace(dns_names=lambda: {"door.elb.amazonaws.com"}, alias=names.__setitem__)
    stand_in: Any = SimpleNamespace(load_balancers=balancers)
    (recipe,) = [each for each in RECIPES if each.type == "AWS::Route53::RecordSet"]
    target = {"DNSName": "Door.elb.amazonaws.com", "HostedZoneId": HOSTED_ZONES["network"]}

    made = recipe.create(stand_in, {"Name": "livy.example.com", "AliasTarget": target}, "any")

    assert names == {"livy.example.com": "door.elb.amazonaws.com"}
    for wrong in ({"DNSName": "other.elb.amazonaws.com"}, {"HostedZoneId": HOSTED_ZONES["application"]}):
        with pytest.raises(ValueError, match="names no network load balancer"):
            recipe.create(stand_in, {"Name": "x", "AliasTarget": {**target, **wrong}}, "any")
    assert recipe.delete is not None
    recipe.delete(stand_in, made.id)
    assert names == {"livy.example.com": None}


def test_alarm(world: StackWorld) -> None:
    alarm = world.client("cloudwatch").describe_alarms(AlarmNames=["heartbeat"])["MetricAlarms"][0]

    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1.0, "breaching")


def test_global_table(world: StackWorld) -> None:
    ttl = world.client("dynamodb").describe_time_to_live(TableName="records")["TimeToLiveDescription"]

    assert ttl["AttributeName"] == "expires_at"


def test_egress_rule(world: StackWorld) -> None:
    rules = world.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[physical(world, "Egress")])

    rule = rules["SecurityGroupRules"][0]
    assert (rule["IsEgress"], rule["FromPort"], rule["CidrIpv4"]) == (True, 8998, "10.0.0.0/16")


def test_route_table_of_a_subnet(world: StackWorld) -> None:
    """Who asks for route tables finds it, which moto's own model of the type leaves out."""
    filters = [{"Name": "association.subnet-id", "Values": [physical(world, "Subnet")]}]
    (table,) = world.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]

    assert table["RouteTableId"] == physical(world, "RouteTable")


def test_key(world: StackWorld) -> None:
    client, key = world.client("kms"), physical(world, "Key")

    assert client.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    assert client.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "emr-dr:stack", "TagValue": "recipes"}]
    assert '"Statement": []' in client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


def test_alias_points_at_the_version(world: StackWorld) -> None:
    assert world.client("lambda").get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"] == "1"


def test_retries_of_a_function(world: StackWorld) -> None:
    settings = world.client("lambda").get_function_event_invoke_config(FunctionName=FUNCTION)

    assert settings["MaximumRetryAttempts"] == 1


def test_topic_policy(world: StackWorld) -> None:
    attributes = world.client("sns").get_topic_attributes(TopicArn=physical(world, "Topic"))["Attributes"]

    assert '"ours"' in attributes["Policy"]


def test_queue_policy(world: StackWorld) -> None:
    answer = world.client("sqs").get_queue_attributes(QueueUrl=physical(world, "Queue"), AttributeNames=["Policy"])

    assert "sns.amazonaws.com" in answer["Attributes"]["Policy"]


def test_subscription(world: StackWorld) -> None:
    subscriptions = world.client("sns").list_subscriptions_by_topic(TopicArn=physical(world, "Topic"))["Subscriptions"]

    assert subscriptions[0]["SubscriptionArn"] == physical(world, "Subscription")


def test_policy_of_a_secret(world: StackWorld) -> None:
    policy = world.client("secretsmanager").get_resource_policy(SecretId="livy")["ResourcePolicy"]

    assert '"readers"' in policy


def test_schedule(world: StackWorld) -> None:
    schedule = world.client("scheduler").get_schedule(Name="monitor", GroupName="rounds")

    assert (schedule["ScheduleExpression"], schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"]) == (
        "rate(1 minute)",
        0,
    )


def test_secret(world: StackWorld) -> None:
    value = world.client("secretsmanager").get_secret_value(SecretId="livy")["SecretString"]

    assert ('"user": "x"' in value, "password" in value) == (True, True)


def test_everything_goes_with_the_stack(world: StackWorld) -> None:
    """Last in this file: nothing of it is left."""
    stack = world.stack("recipes")["StackId"]
    world.client("cloudformation").delete_stack(StackName=stack)

    assert world.settled(stack) == "DELETE_COMPLETE"
    assert world.client("scheduler").list_schedules()["Schedules"] == []
