"""Recipes for resource types that moto 5.2.5 has no model of, or one that drops what matters here."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from emr_drill.stand_in.load_balancers_cloudformation import HOSTED_ZONES
from emr_drill.stand_in.resource_types import Made, Properties, Recipe

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


def _arn(stand_in: StandIn, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{stand_in.region}:{stand_in.account}:{rest}"


def _alarm(stand_in: StandIn, properties: Properties, name: str) -> Made:
    request = {"AlarmName": name, **properties}
    if "Threshold" in request:
        request["Threshold"] = float(request["Threshold"])
    stand_in.client("cloudwatch").put_metric_alarm(**request)
    return Made(name, {"Arn": _arn(stand_in, "cloudwatch", f"alarm:{name}")})


def _delete_alarm(stand_in: StandIn, name: str) -> None:
    stand_in.client("cloudwatch").delete_alarms(AlarmNames=[name])


def _secret(stand_in: StandIn, properties: Properties, name: str) -> Made:
    value = properties.get("SecretString")
    if value is None:
        value = _generated(properties.get("GenerateSecretString", {}))
    arn = stand_in.client("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
    return Made(arn, {"Id": arn})


def _generated(wanted: dict[str, Any]) -> str:
    password = uuid.uuid4().hex
    if key := wanted.get("GenerateStringKey"):
        return json.dumps({**json.loads(wanted.get("SecretStringTemplate", "{}")), key: password})
    return password


def _delete_secret(stand_in: StandIn, arn: str) -> None:
    stand_in.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def _secret_policy(stand_in: StandIn, properties: Properties, name: str) -> Made:
    secret = properties["SecretId"]
    stand_in.client("secretsmanager").put_resource_policy(
        SecretId=secret, ResourcePolicy=json.dumps(properties["ResourcePolicy"])
    )
    return Made(secret, {"Id": secret})


def _record_set(stand_in: StandIn, properties: Properties, name: str) -> Made:
    """An alias of a load balancer.  Whether the zone is there, and whose it is, is not looked at."""
    alias = properties["AliasTarget"]
    wanted = alias["DNSName"].lower()
    if wanted not in stand_in.load_balancers.dns_names() or alias["HostedZoneId"] != HOSTED_ZONES["network"]:
        raise ValueError(f"the alias {properties['Name']} names no network load balancer here with its zone: {alias}")
    stand_in.load_balancers.alias(properties["Name"], wanted)
    return Made(properties["Name"], {})


def _delete_record_set(stand_in: StandIn, name: str) -> None:
    stand_in.load_balancers.alias(name, None)


def _delete_secret_policy(stand_in: StandIn, secret: str) -> None:
    stand_in.client("secretsmanager").delete_resource_policy(SecretId=secret)


def _schedule(stand_in: StandIn, properties: Properties, name: str) -> Made:
    request = {"Name": name, **properties}
    retries = request["Target"].get("RetryPolicy")
    if retries:
        request["Target"] = {**request["Target"], "RetryPolicy": {key: int(value) for key, value in retries.items()}}
    arn = stand_in.client("scheduler").create_schedule(**request)["ScheduleArn"]
    # `Ref` is the name alone; deleting needs the group, too, which the ARN has.
    return Made(name, {"Arn": arn})


def _delete_schedule(stand_in: StandIn, name: str) -> None:
    client = stand_in.client("scheduler")
    for page in client.get_paginator("list_schedules").paginate(NamePrefix=name):
        for schedule in page["Schedules"]:
            if schedule["Name"] == name:
                client.delete_schedule(Name=name, GroupName=schedule["GroupName"])


def _schedule_group(stand_in: StandIn, properties: Properties, name: str) -> Made:
    arn = stand_in.client("scheduler").create_schedule_group(**{"Name": name, **properties})["ScheduleGroupArn"]
    return Made(name, {"Arn": arn})


def _delete_schedule_group(stand_in: StandIn, name: str) -> None:
    stand_in.client("scheduler").delete_schedule_group(Name=name)


def _key(stand_in: StandIn, properties: Properties, name: str) -> Made:
    """With its tags, which moto's own model hands on by the template's names (``Key``) and not by the API's."""
    client = stand_in.client("kms")
    made = client.create_key(
        Policy=json.dumps(properties["KeyPolicy"]),
        Description=properties.get("Description", ""),
        Tags=[{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])],
    )["KeyMetadata"]
    if str(properties.get("EnableKeyRotation", False)).lower() == "true":
        client.enable_key_rotation(KeyId=made["KeyId"])
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _delete_key(stand_in: StandIn, key: str) -> None:
    stand_in.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _function_version(stand_in: StandIn, properties: Properties, name: str) -> Made:
    made = stand_in.client("lambda").publish_version(FunctionName=properties["FunctionName"])
    return Made(made["FunctionArn"], {"Version": made["Version"], "FunctionArn": made["FunctionArn"]})


def _function_alias(stand_in: StandIn, properties: Properties, name: str) -> Made:
    made = stand_in.client("lambda").create_alias(
        FunctionName=properties["FunctionName"],
        Name=properties["Name"],
        FunctionVersion=properties["FunctionVersion"].split(":")[-1],
    )
    return Made(made["AliasArn"], {"AliasArn": made["AliasArn"]})


def _delete_function_alias(stand_in: StandIn, arn: str) -> None:
    function, _, alias = arn.rpartition(":")
    stand_in.client("lambda").delete_alias(FunctionName=function, Name=alias)


def _invocation_settings(stand_in: StandIn, properties: Properties, name: str) -> Made:
    request = {key: value for key, value in properties.items() if key != "Qualifier"}
    for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"):
        if key in request:
            request[key] = int(request[key])
    stand_in.client("lambda").put_function_event_invoke_config(**request)
    return Made(name, {})


def _global_table(stand_in: StandIn, properties: Properties, name: str) -> Made:
    kept = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    client = stand_in.client("dynamodb")
    table = client.create_table(TableName=name, **{key: properties[key] for key in kept if key in properties})
    if ttl := properties.get("TimeToLiveSpecification"):
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    description = table["TableDescription"]
    return Made(name, {"Arn": description["TableArn"], "TableId": description.get("TableId", name)})


def _delete_global_table(stand_in: StandIn, name: str) -> None:
    stand_in.client("dynamodb").delete_table(TableName=name)


def _subscription(stand_in: StandIn, properties: Properties, name: str) -> Made:
    answer = stand_in.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        ReturnSubscriptionArn=True,
    )
    return Made(answer["SubscriptionArn"], {"Arn": answer["SubscriptionArn"]})


def _delete_subscription(stand_in: StandIn, arn: str) -> None:
    stand_in.client("sns").unsubscribe(SubscriptionArn=arn)


def _topic_policy(stand_in: StandIn, properties: Properties, name: str) -> Made:
    for topic in properties["Topics"]:
        stand_in.client("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(properties["PolicyDocument"])
        )
    return Made(name, {"Id": name})


def _queue_policy(stand_in: StandIn, properties: Properties, name: str) -> Made:
    for queue in properties["Queues"]:
        stand_in.client("sqs").set_queue_attributes(
            QueueUrl=queue, Attributes={"Policy": json.dumps(properties["PolicyDocument"])}
        )
    return Made(name, {"Id": name})


def _egress_rule(stand_in: StandIn, properties: Properties, name: str) -> Made:
    permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    permission |= {key: int(properties[key]) for key in ("FromPort", "ToPort") if key in properties}
    described = {"Description": properties["Description"]} if "Description" in properties else {}
    for key, member, field in (
        ("CidrIp", "IpRanges", "CidrIp"),
        ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
    ):
        if key in properties:
            permission[member] = [{field: properties[key], **described}]
    rules = stand_in.client("ec2").authorize_security_group_egress(
        GroupId=properties["GroupId"], IpPermissions=[permission]
    )["SecurityGroupRules"]
    return Made(rules[0]["SecurityGroupRuleId"], {"Id": rules[0]["SecurityGroupRuleId"]})


def _delete_egress_rule(stand_in: StandIn, rule: str) -> None:
    client = stand_in.client("ec2")
    found = client.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    for item in found:
        client.revoke_security_group_egress(GroupId=item["GroupId"], SecurityGroupRuleIds=[rule])


def _route_table_association(stand_in: StandIn, properties: Properties, name: str) -> Made:
    """By the API, which alone makes moto answer with it for route tables; its own model of the type does not."""
    association = stand_in.client("ec2").associate_route_table(
        RouteTableId=properties["RouteTableId"], SubnetId=properties["SubnetId"]
    )["AssociationId"]
    return Made(association, {"Id": association})


def _delete_route_table_association(stand_in: StandIn, association: str) -> None:
    stand_in.client("ec2").disassociate_route_table(AssociationId=association)


RECIPES = (
    Recipe(type="AWS::CloudWatch::Alarm", create=_alarm, delete=_delete_alarm, name_property="AlarmName"),
    Recipe(
        type="AWS::DynamoDB::GlobalTable", create=_global_table, delete=_delete_global_table, name_property="TableName"
    ),
    Recipe(type="AWS::EC2::SecurityGroupEgress", create=_egress_rule, delete=_delete_egress_rule),
    Recipe(
        type="AWS::EC2::SubnetRouteTableAssociation",
        create=_route_table_association,
        delete=_delete_route_table_association,
    ),
    Recipe(type="AWS::KMS::Key", create=_key, delete=_delete_key),
    Recipe(type="AWS::Lambda::Alias", create=_function_alias, delete=_delete_function_alias),
    Recipe(type="AWS::Lambda::EventInvokeConfig", create=_invocation_settings),
    Recipe(type="AWS::Lambda::Version", create=_function_version),
    Recipe(type="AWS::Route53::RecordSet", create=_record_set, delete=_delete_record_set),
    Recipe(type="AWS::SNS::Subscription", create=_subscription, delete=_delete_subscription),
    Recipe(type="AWS::SNS::TopicPolicy", create=_topic_policy),
    Recipe(type="AWS::SQS::QueuePolicy", create=_queue_policy),
    Recipe(type="AWS::Scheduler::Schedule", create=_schedule, delete=_delete_schedule, name_property="Name"),
    Recipe(
        type="AWS::Scheduler::ScheduleGroup",
        create=_schedule_group,
        delete=_delete_schedule_group,
        name_property="Name",
    ),
    Recipe(type="AWS::SecretsManager::ResourcePolicy", create=_secret_policy, delete=_delete_secret_policy),
    Recipe(type="AWS::SecretsManager::Secret", create=_secret, delete=_delete_secret, name_property="Name"),
)
