"""What the controller's functions may do, as statements for their roles; each names what it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from emr_dr.front_door import FrontDoor
from emr_dr.incarnation_role import DEPLOYMENT_TAG, cluster_arns
from emr_dr.network import EMR_TAG
from emr_dr.probers import Probers
from emr_dr.record_kinds import RecordKinds, on_items
from emr_dr.state_machines import executions_arn, machine_arn

# The tags that incarnations have from the product.
OWN_TAGS = "emr-dr:*"


def record_access(
    record: dynamodb.ITable, kinds: RecordKinds, *, puts: bool = True, transactions: bool = False
) -> list[iam.PolicyStatement]:
    """Read and change items of these kinds; nothing deletes one.

    Args:
        puts: whether it writes whole items.  One that is not there comes to be by an update as well.
        transactions: whether it changes several items together, each under conditions on the others.
    """
    changes = ["UpdateItem", *(["PutItem"] if puts else [])]
    # A transaction takes the rights to its parts, of which one only looks.
    changes += ["ConditionCheckItem"] if transactions else []
    return [
        on_items(record, ("BatchGetItem", "GetItem", "Query"), kinds=kinds.reads),
        on_items(record, changes, kinds=kinds.changes),
    ]


def evidence_reading(evidence: dynamodb.ITable) -> list[iam.PolicyStatement]:
    """Read what probers saw."""
    return [iam.PolicyStatement(actions=["dynamodb:Query"], resources=[evidence.table_arn])]


def evidence_writing(evidence: dynamodb.ITable) -> list[iam.PolicyStatement]:
    """Write down what was seen, and that a run has begun; read whether a younger one has."""
    return [
        iam.PolicyStatement(actions=["dynamodb:GetItem", "dynamodb:PutItem"], resources=[evidence.table_arn]),
    ]


def stack_arns(scope: Construct, *, deployment: str, managed_clusters: Iterable[str]) -> list[str]:
    """What the ARNs of incarnation stacks match; their names come from :func:`dr_core.naming.stack_name`."""
    return [
        Stack.of(scope).format_arn(
            service="cloudformation", resource="stack", resource_name=f"{deployment}-{name}-g*/*"
        )
        for name in managed_clusters
    ]


def template_arns(scope: Construct, bucket: str) -> str:
    """What the ARNs of published templates match."""
    return f"arn:{Stack.of(scope).partition}:s3:::{bucket}/*.json"


def incarnation_stacks(
    scope: Construct,
    *,
    deployment: str,
    managed_clusters: Iterable[str],
    incarnation_role: iam.IRole,
    template_bucket: str,
) -> list[iam.PolicyStatement]:
    """Make stacks of the incarnation template with the incarnation role, look at them, delete them.

    Args:
        template_bucket: name of the bucket that templates are published in.  Every template in it is admitted, and
            not the newest only: while a new one is rolled out, and after that was rolled back, a failover launches
            the one that runs.  Only who deploys can write there, and the role can do nothing but run clusters.
    """
    stack = Stack.of(scope)
    stacks = stack_arns(scope, deployment=deployment, managed_clusters=managed_clusters)
    with_role = {"StringEquals": {"cloudformation:RoleArn": incarnation_role.role_arn}}
    template = f"https://s3.{stack.region}.{stack.url_suffix}/{template_bucket}/*.json"
    return [
        iam.PolicyStatement(
            sid="CreateStacks",
            actions=["cloudformation:CreateStack"],
            resources=stacks,
            conditions={**with_role, "StringLike": {"cloudformation:TemplateUrl": template}},
        ),
        iam.PolicyStatement(
            sid="Stacks",
            actions=[
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResource",
                "cloudformation:DescribeStacks",
                "cloudformation:TagResource",
            ],
            resources=stacks,
        ),
        iam.PolicyStatement(sid="FindStacks", actions=["cloudformation:ListStacks"], resources=["*"]),
        # CloudFormation reads a template with the rights of who asks for the stack.
        iam.PolicyStatement(
            sid="ReadTemplates",
            actions=["s3:GetObject"],
            resources=[template_arns(scope, template_bucket)],
        ),
        iam.PolicyStatement(
            sid="PassIncarnationRole",
            actions=["iam:PassRole"],
            resources=[incarnation_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        ),
    ]


def stacks_reading(scope: Construct, *, deployment: str, managed_clusters: Iterable[str]) -> list[iam.PolicyStatement]:
    """Find stacks, and look at those of incarnations."""
    return [
        iam.PolicyStatement(
            sid="Stacks",
            actions=["cloudformation:DescribeStacks"],
            resources=stack_arns(scope, deployment=deployment, managed_clusters=managed_clusters),
        ),
        iam.PolicyStatement(sid="FindStacks", actions=["cloudformation:ListStacks"], resources=["*"]),
    ]


def clusters_listing() -> list[iam.PolicyStatement]:
    """Find clusters by their names; this action knows no resources and no tags."""
    return [iam.PolicyStatement(sid="FindClusters", actions=["elasticmapreduce:ListClusters"], resources=["*"])]


def clusters(scope: Construct, *, deployment: str, actions: Sequence[str]) -> list[iam.PolicyStatement]:
    """*actions* of EMR on clusters with the deployment's tag."""
    return [
        iam.PolicyStatement(
            sid="Clusters",
            actions=[f"elasticmapreduce:{action}" for action in actions],
            resources=[cluster_arns(scope)],
            conditions={"StringEquals": {f"aws:ResourceTag/{DEPLOYMENT_TAG}": deployment}},
        )
    ]


def scaling_changes(scope: Construct, *, deployment: str) -> list[iam.PolicyStatement]:
    """Read and set limits of managed scaling, add and remove tags, on clusters with the deployment's tag.

    The tags that say whose a cluster is, and what may touch it, can be neither given nor taken: no cluster is claimed,
    and none is let go.
    """
    ours = {"StringEquals": {f"aws:ResourceTag/{DEPLOYMENT_TAG}": deployment}}
    own = {"ForAllValues:StringNotLike": {"aws:TagKeys": [OWN_TAGS, EMR_TAG]}}
    return [
        iam.PolicyStatement(
            sid="Scaling",
            actions=[
                "elasticmapreduce:DescribeCluster",
                "elasticmapreduce:GetManagedScalingPolicy",
                "elasticmapreduce:PutManagedScalingPolicy",
            ],
            resources=[cluster_arns(scope)],
            conditions=ours,
        ),
        iam.PolicyStatement(
            sid="ClusterTags",
            actions=["elasticmapreduce:AddTags", "elasticmapreduce:RemoveTags"],
            resources=[cluster_arns(scope)],
            conditions={**ours, **own},
        ),
    ]


def service_changes(front_door: FrontDoor) -> list[iam.PolicyStatement]:
    """Register with and deregister from the groups of what is in service: of new jobs and of web interfaces."""
    return [_targets(_service_groups(front_door)), *_registration_reading(), routing_reading()]


def routing_changes(front_door: FrontDoor) -> list[iam.PolicyStatement]:
    """What :func:`service_changes` allows, with the groups of slots too; change the conditions of our slots' rules."""
    groups = [*_service_groups(front_door), *(slot.target_group for slot in front_door.slots)]
    return [
        _targets(groups),
        iam.PolicyStatement(
            sid="Rules",
            actions=["elasticloadbalancing:ModifyRule"],
            resources=[rule.ref for slot in front_door.slots for rule in (slot.id_rule, slot.header_rule)],
        ),
        *_registration_reading(),
        routing_reading(),
    ]


def _service_groups(front_door: FrontDoor) -> list[elbv2.IApplicationTargetGroup]:
    return [
        front_door.balanced,
        *(group for each in front_door.web_interfaces for group in (each.resource_manager, each.name_node)),
    ]


def _targets(groups: Iterable[elbv2.IApplicationTargetGroup]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="Targets",
        actions=["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
        resources=[group.target_group_arn for group in groups],
    )


def _registration_reading() -> list[iam.PolicyStatement]:
    """What whoever registers an address is asked for besides (Elastic Load Balancing user guide, API permissions).

    These actions know no resources.
    """
    return [
        iam.PolicyStatement(
            sid="Registration",
            actions=[
                "ec2:DescribeInstances",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            resources=["*"],
        )
    ]


def network_reading() -> list[iam.PolicyStatement]:
    """Look at subnets, route tables and endpoints; these actions know no resources."""
    return [
        iam.PolicyStatement(
            sid="Network",
            actions=["ec2:DescribeRouteTables", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"],
            resources=["*"],
        )
    ]


def routing_reading() -> iam.PolicyStatement:
    """Look at targets; this action knows no resources."""
    return iam.PolicyStatement(
        sid="Routing",
        actions=["elasticloadbalancing:DescribeTargetHealth"],
        resources=["*"],
    )


def rules_reading() -> list[iam.PolicyStatement]:
    """Look at rules; this action knows no resources."""
    return [iam.PolicyStatement(sid="RulesReading", actions=["elasticloadbalancing:DescribeRules"], resources=["*"])]


def prober_calls(probers: Probers) -> list[iam.PolicyStatement]:
    """Ask probers."""
    return [
        iam.PolicyStatement(
            sid="Probers",
            actions=["lambda:InvokeFunction"],
            resources=[prober.function.arn for prober in probers.probers],
        )
    ]


def machine_access(
    scope: Construct,
    *,
    starts: Sequence[str] = (),
    describes: Sequence[str] = (),
    lists: Sequence[str] = (),
    stops: Sequence[str] = (),
) -> list[iam.PolicyStatement]:
    """Start, describe, list and stop executions of our machines, each given by its name."""
    by_machine = (("states:StartExecution", starts), ("states:ListExecutions", lists))
    by_execution = (("states:DescribeExecution", describes), ("states:StopExecution", stops))
    return [
        iam.PolicyStatement(actions=[action], resources=[arn(scope, name) for name in names])
        for arn, actions in ((machine_arn, by_machine), (executions_arn, by_execution))
        for action, names in actions
        if names
    ]


def alarm_reading(scope: Construct, names: Sequence[str]) -> list[iam.PolicyStatement]:
    """Read the metric alarms *names*, of this account and region; nothing where there are none."""
    arns = [
        Stack.of(scope).format_arn(
            service="cloudwatch", resource="alarm", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for name in names
    ]
    return (
        [iam.PolicyStatement(sid="BakeAlarms", actions=["cloudwatch:DescribeAlarms"], resources=arns)] if arns else []
    )


def notices(topic: sns.ITopic, key: kms.IKey) -> list[iam.PolicyStatement]:
    """Tell a person; the topic is encrypted with *key*, which opens nothing but messages."""
    return [
        iam.PolicyStatement(sid="Notify", actions=["sns:Publish"], resources=[topic.topic_arn]),
        # The key encrypts logs and artifacts as well: only SNS uses it in the name of who publishes (KMS developer
        # guide, "kms:ViaService").
        iam.PolicyStatement(
            sid="NotifyEncrypted",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.key_arn],
            # The end of the name differs in AWS China.
            conditions={"StringLike": {"kms:ViaService": f"sns.{Stack.of(topic).region}.amazonaws.com*"}},
        ),
    ]
