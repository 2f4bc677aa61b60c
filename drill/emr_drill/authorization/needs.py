"""Which permissions a call of an AWS API takes.

By the Service Authorization Reference: the name of an action is mostly that of the operation, its resource what a
parameter names, and some calls take permissions of other services besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from emr_drill.authorization import leading_keys
from emr_drill.authorization.conditions import Context

Parameters = Mapping[str, Any]


class UnknownCallError(LookupError):
    """It is not known which permissions a call takes."""


class Place(Protocol):
    """What a call's parameters refer to."""

    @property
    def account(self) -> str:
        """The account."""
        ...

    @property
    def region(self) -> str:
        """The region."""
        ...

    def cluster_tags(self, cluster_id: str) -> Mapping[str, str]:
        """Tags of an EMR cluster; none if there is no such cluster."""
        ...

    def interface_context(self, interface_id: str) -> Context:
        """What conditions may look at of a network interface; nothing if there is no such interface."""
        ...

    def topic_key(self, topic_arn: str) -> str | None:
        """ARN of the key that encrypts a topic; None for none."""
        ...

    def partition_key(self, table: str) -> str | None:
        """Name of the partition key of a DynamoDB table, by the table's name; None if there is no such table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One permission: an action, what it is done to, and what conditions may look at."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def needs_of(action: str, parameters: Parameters, place: Place) -> list[Need]:
    """The permissions that a call takes.

    Args:
        action: ``<signing name>:<operation>``, as ``dynamodb:PutItem``.
        parameters: of the operation, by the names of the API.
        place: where what they refer to is found.

    Raises:
        UnknownCallError: nobody wrote down what this operation takes.
    """
    rule = _RULES.get(action)
    if rule is None:
        raise UnknownCallError(f"what {action} takes is not known: add it to emr_drill.authorization.needs")
    return list(rule(action, parameters, place))


def run_job_flow_needs(request: Parameters, place: Place) -> list[Need]:
    """What CloudFormation takes to launch a cluster with a role (EMR Management Guide, "IAM service roles")."""
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in request.get("Tags", [])}
    context = _tag_context(tags)
    instances = str(request["JobFlowRole"])
    return [
        Need(action="elasticmapreduce:RunJobFlow", context=context),
        # Tags of a launch are checked as this action on the cluster that comes to be.
        *(
            [Need(action="elasticmapreduce:AddTags", resource=_cluster(place, "j-NEW"), context=context)]
            if tags
            else []
        ),
        _pass(_role(place, str(request["ServiceRole"])), "elasticmapreduce.amazonaws.com"),
        _pass(_role(place, instances), "ec2.amazonaws.com"),
    ]


def _on(*names: str) -> Callable[[str, Parameters, Place], Iterable[Need]]:
    """The operation on the ARNs that the parameters *names* hold."""

    def needs(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
        for name in names:
            yield Need(action=action, resource=str(parameters[name]))

    return needs


def _anywhere(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    yield Need(action=action)


def _table(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    yield _on_items(action, parameters, place)


def _batch(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    for table, request in parameters["RequestItems"].items():
        keys = leading_keys.of_items(request.get("Keys", ()), partition_key=place.partition_key(_table_name(table)))
        yield Need(action=action, resource=_table_arn(place, table), context=keys)


def _transaction(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    """A transaction takes the right to each of its parts (DynamoDB developer guide, "Using IAM with transactions")."""
    parts = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
    for item in parameters["TransactItems"]:
        for kind, body in item.items():
            yield _on_items(f"dynamodb:{parts[kind]}", body, place)


def _on_items(action: str, parameters: Parameters, place: Place) -> Need:
    """The action on the items of one table that *parameters* name."""
    table = str(parameters["TableName"])
    keys = leading_keys.of_request(parameters, partition_key=place.partition_key(_table_name(table)))
    return Need(action=action, resource=_table_arn(place, table), context=keys)


def _clusters(name: str) -> Callable[[str, Parameters, Place], Iterable[Need]]:
    """The operation on the clusters whose id, or ids, the parameter *name* holds."""

    def needs(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
        found = parameters[name]
        given = parameters.get("Tags", [])
        keys = [
            str(tag["Key"]) if isinstance(tag, Mapping) else str(tag)
            for tag in [*given, *parameters.get("TagKeys", [])]
        ]
        for cluster in [found] if isinstance(found, str) else found:
            tags = {f"aws:ResourceTag/{key}": value for key, value in place.cluster_tags(cluster).items()}
            context: dict[str, Any] = {**tags, **({"aws:TagKeys": keys} if keys else {})}
            yield Need(action=action, resource=_cluster(place, cluster), context=context)

    return needs


def _alarms(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    """The alarms that are named; without names every alarm, and a composite one takes that too."""
    of = f"arn:aws:cloudwatch:{place.region}:{place.account}:alarm:"
    composite = "CompositeAlarm" in parameters.get("AlarmTypes", ())
    for name in ["*"] if composite else parameters.get("AlarmNames") or ["*"]:
        yield Need(action="cloudwatch:DescribeAlarms", resource=f"{of}{name}")


def _create_stack(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    resource = _stack(place, parameters["StackName"])
    tags = {tag["Key"]: tag["Value"] for tag in parameters.get("Tags", [])}
    context = dict(_tag_context(tags))
    for parameter, key in (("RoleARN", "cloudformation:RoleArn"), ("TemplateURL", "cloudformation:TemplateUrl")):
        if parameter in parameters:
            context[key] = parameters[parameter]
    yield Need(action=action, resource=resource, context=context)
    if tags:
        yield Need(action="cloudformation:TagResource", resource=resource, context=context)
    if "RoleARN" in parameters:
        yield _pass(parameters["RoleARN"], "cloudformation.amazonaws.com")
    if "TemplateURL" in parameters:
        # https://s3.<region>.<suffix>/<bucket>/<key>; read with the rights of who calls.
        bucket_and_key = str(parameters["TemplateURL"]).split("/", 3)[3]
        yield Need(action="s3:GetObject", resource=f"arn:aws:s3:::{bucket_and_key}")


def _existing_stack(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    name = parameters.get("StackName")
    yield Need(action=action, resource=_stack(place, name) if name else "*")


def _register(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    """Elastic Load Balancing asks EC2 as who calls it (user guide, "API permissions")."""
    yield Need(action=action, resource=parameters["TargetGroupArn"])
    for reading in ("DescribeInstances", "DescribeInternetGateways", "DescribeSubnets", "DescribeVpcs"):
        yield Need(action=f"ec2:{reading}")


def _invoke(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    name = str(parameters["FunctionName"])
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{place.region}:{place.account}:function:{name}"
    yield Need(action="lambda:InvokeFunction", resource=arn)


def _publish(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    topic = str(parameters["TopicArn"])
    yield Need(action=action, resource=topic)
    if key := place.topic_key(topic):
        # SNS developer guide, "Configure AWS KMS permissions": who publishes uses the key.
        for use in ("Decrypt", "GenerateDataKey"):
            yield Need(
                action=f"kms:{use}", resource=key, context={"kms:ViaService": f"sns.{place.region}.amazonaws.com"}
            )


def _head_object(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    """To look at an object takes the right to read it; that it is not there is told to who may list alone."""
    yield Need(action="s3:GetObject", resource=_object(parameters))
    yield Need(action="s3:ListBucket", resource=f"arn:aws:s3:::{parameters['Bucket']}")


def _copy_object(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    yield Need(action="s3:GetObject", resource=f"arn:aws:s3:::{parameters['CopySource']}")
    yield Need(action="s3:PutObject", resource=_object(parameters))


def _delete_object(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    yield Need(action=action, resource=_object(parameters))


def _object(parameters: Parameters) -> str:
    return f"arn:aws:s3:::{parameters['Bucket']}/{parameters['Key']}"


def _security_group(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    yield Need(action=action, resource=_ec2(place, "security-group", parameters["GroupId"]))


def _interface(action: str, parameters: Parameters, place: Place) -> Iterable[Need]:
    interface = str(parameters["NetworkInterfaceId"])
    yield Need(
        action=action,
        resource=_ec2(place, "network-interface", interface),
        context=place.interface_context(interface),
    )


_OF_CLUSTERS: Final = {
    "AddJobFlowSteps": "JobFlowId",
    "AddTags": "ResourceId",
    "CancelSteps": "ClusterId",
    "DescribeCluster": "ClusterId",
    "DescribeStep": "ClusterId",
    "GetManagedScalingPolicy": "ClusterId",
    "ListInstanceFleets": "ClusterId",
    "ListInstances": "ClusterId",
    "ListSteps": "ClusterId",
    "PutManagedScalingPolicy": "ClusterId",
    "RemoveTags": "ResourceId",
    "SetTerminationProtection": "JobFlowIds",
    "TerminateJobFlows": "JobFlowIds",
}
_RULES: Final[dict[str, Callable[[str, Parameters, Place], Iterable[Need]]]] = {
    **{f"dynamodb:{name}": _table for name in ("DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")},
    "dynamodb:BatchGetItem": _batch,
    "dynamodb:TransactWriteItems": _transaction,
    **{f"elasticmapreduce:{name}": _clusters(parameter) for name, parameter in _OF_CLUSTERS.items()},
    "elasticmapreduce:ListClusters": _anywhere,
    "monitoring:DescribeAlarms": _alarms,
    "cloudformation:CreateStack": _create_stack,
    **{
        f"cloudformation:{name}": _existing_stack
        for name in ("DeleteStack", "DescribeStackEvents", "DescribeStackResource", "DescribeStacks", "ListStacks")
    },
    **{f"ec2:{name}": _anywhere for name in ("DescribeRouteTables", "DescribeSubnets", "DescribeVpcEndpoints")},
    "elasticloadbalancing:RegisterTargets": _register,
    "elasticloadbalancing:DeregisterTargets": _on("TargetGroupArn"),
    "elasticloadbalancing:ModifyRule": _on("RuleArn"),
    "elasticloadbalancing:DescribeTargetHealth": _anywhere,
    "elasticloadbalancing:DescribeRules": _anywhere,
    "s3:HeadObject": _head_object,
    "s3:CopyObject": _copy_object,
    "s3:DeleteObject": _delete_object,
    "ec2:DeleteNetworkInterface": _interface,
    "ec2:DescribeNetworkInterfaces": _anywhere,
    "ec2:DescribeSecurityGroups": _anywhere,
    "ec2:RevokeSecurityGroupEgress": _security_group,
    "ec2:RevokeSecurityGroupIngress": _security_group,
    "lambda:Invoke": _invoke,
    "states:StartExecution": _on("stateMachineArn"),
    "states:ListExecutions": _on("stateMachineArn"),
    "states:DescribeExecution": _on("executionArn"),
    "states:StopExecution": _on("executionArn"),
    "sns:Publish": _publish,
}


def _tag_context(tags: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**found, "aws:TagKeys": list(tags)} if tags else found


def _pass(role_arn: str, service: str) -> Need:
    return Need(action="iam:PassRole", resource=role_arn, context={"iam:PassedToService": service})


def _role(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:iam::{place.account}:role/{name}"


def _table_arn(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{place.region}:{place.account}:table/{name}"


def _table_name(name: str) -> str:
    """A table's name, also where a call gives its ARN."""
    return name.rpartition("/")[2]


def _cluster(place: Place, cluster_id: str) -> str:
    return f"arn:aws:elasticmapreduce:{place.region}:{place.account}:cluster/{cluster_id}"


def _ec2(place: Place, kind: str, name: str) -> str:
    return f"arn:aws:ec2:{place.region}:{place.account}:{kind}/{name}"


def _stack(place: Place, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:cloudformation:{place.region}:{place.account}:stack/{name}/0"
