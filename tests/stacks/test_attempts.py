"""What somebody could try who has taken over one of our roles, and what they need to do their work (B8).

Each attempt is decided by the policies of the synthesized templates, evaluated as IAM evaluates them
(:mod:`emr_drill.authorization`), the policies of key, topic and queues included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_dr.network import EMR_TAG
from emr_drill.authorization.decision import Decision, Request, decide
from emr_drill.authorization.documents import parse_policy
from emr_drill.authorization.needs import Need, needs_of, run_job_flow_needs

from ..roles import ACCOUNT, REGION, for_iam, named, resource_statements, role_arn, role_statements
from .test_permissions import Templates, read

FAILOVER = "ActivePassive/ControllerFailoverRole"
MANAGED_CLUSTER = "ActivePassive/ControllerManagedClusterRole"
EXECUTION_ENDED = "ActivePassive/ControllerExecutionEndedRole"
CONTROL = "ActivePassive/ControllerControlRole"
RECONCILE = "ActivePassive/ReconcilerReconcileRole"
MONITOR = "ActivePassive/MonitorRole"
PROBER = "ActivePassive/ProbersProber1Role"
INCARNATION = "ActivePassive/ControllerIncarnationRole"
MACHINE = "ActivePassive/ControllerMachinesOperationRole"
SCHEDULER = "ActivePassive/SchedulesRole"
INSTANCE = "Platform/RolesInstanceRole"
LEFTOVERS = "Platform/EmrLeftoversFunctionRole"
SERVICE = "Platform/RolesServiceRole"

HERE = f"{REGION}:{ACCOUNT}"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
TEMPLATE = f"https://s3.{REGION}.amazonaws.com/{ASSETS}/0123.json"
DEPLOYMENT = "emr-dr-active-passive"
OURS = {"aws:ResourceTag/emr-dr:deployment": DEPLOYMENT}
THEIRS = {"aws:ResourceTag/emr-dr:deployment": "emr-dr-active-active"}
CLUSTER = f"arn:aws:elasticmapreduce:{HERE}:cluster/j-1"
STACK = f"arn:aws:cloudformation:{HERE}:stack/{DEPLOYMENT}-a-g7/0"


@pytest.fixture(scope="module")
def made(assembly: Path) -> Templates:
    return read(assembly)


def arn(made: Templates, stack: str, name: str) -> str:
    """The made-up ARN of the resource with that plain name."""
    logical_id = named(made, stack, name)
    kind = made[stack]["Resources"][logical_id]["Type"]
    referred = kind in ("AWS::SNS::Topic",) or kind.startswith("AWS::ElasticLoadBalancingV2")
    value = {"Ref": logical_id} if referred else {"Fn::GetAtt": [logical_id, "Arn"]}
    return str(for_iam(made)(value, stack=stack))


def attempt(made: Templates, role: str, action: str, resource: str = "*", **context: Any) -> Decision:
    """What becomes of it.  *context* may be given as ``when={...}``."""
    policies = None
    if action.startswith("kms:"):
        policies = resource_statements(made, "Platform", named(made, "Platform", "StorageKey"), "KeyPolicy")
    return decide(
        Request(principal=role_arn(made, role), action=action, resource=resource, context=context.get("when", {})),
        identity=role_statements(made, role),
        resource=policies,
    )


def may(made: Templates, role: str, need: Need) -> bool:
    return attempt(made, role, need.action, need.resource, when=need.context).allowed


class World:
    """One cluster of ours, one of theirs, an encrypted topic; interfaces in the subnet that their ids begin with."""

    account = ACCOUNT
    region = REGION

    def __init__(self, made: Templates) -> None:
        self._made = made

    def cluster_tags(self, cluster_id: str) -> dict[str, str]:
        return {"emr-dr:deployment": DEPLOYMENT} if cluster_id == "j-1" else {"team": "other"}

    def topic_key(self, topic_arn: str) -> str:
        return arn(self._made, "Platform", "StorageKey")

    def partition_key(self, table: str) -> str:
        return "kind"

    def interface_context(self, interface_id: str) -> dict[str, str]:
        subnet, _, maker = interface_id.partition("/")
        tags = {f"aws:ResourceTag/{EMR_TAG}": "true"} if maker == "emr" else {}
        return {"ec2:Subnet": f"arn:aws:ec2:{HERE}:subnet/{subnet}", **tags}


def asks(made: Templates, role: str, action: str, **parameters: Any) -> list[str]:
    """What of a call is refused."""
    return [need.action for need in needs_of(action, parameters, World(made)) if not may(made, role, need)]


def ref(made: Templates, stack: str, name: str) -> str:
    """The made-up id of the resource with that plain name."""
    return str(for_iam(made)({"Ref": named(made, stack, name)}, stack=stack))


# The clean-up of the network.


def test_what_emr_left_is_removed_and_nothing_else(made: Templates) -> None:
    """B8: interfaces that EMR made in the clusters' subnets, rules of the clusters' groups."""
    for_clusters, for_others = (ref(made, "Platform", f"NetworkVpc{use}Subnet1Subnet") for use in ("Emr", "Service"))
    delete, revoke = "ec2:DeleteNetworkInterface", "ec2:RevokeSecurityGroupIngress"

    assert asks(made, LEFTOVERS, delete, NetworkInterfaceId=f"{for_clusters}/emr") == []
    assert asks(made, LEFTOVERS, delete, NetworkInterfaceId=f"{for_clusters}/somebody") == [delete]
    assert asks(made, LEFTOVERS, delete, NetworkInterfaceId=f"{for_others}/emr") == [delete]
    group = str(
        for_iam(made)({"Fn::GetAtt": [named(made, "Platform", "SecurityPrimary"), "GroupId"]}, stack="Platform")
    )
    assert asks(made, LEFTOVERS, revoke, GroupId=group) == []
    assert asks(made, LEFTOVERS, revoke, GroupId="sg-theirs") == [revoke]


def test_the_clean_up_looks_at_its_own_stack_alone(made: Templates) -> None:
    describe = "cloudformation:DescribeStacks"
    platform, strategy = (f"arn:aws:cloudformation:{HERE}:stack/{name}/0" for name in ("Platform", "ActivePassive"))

    assert asks(made, LEFTOVERS, describe, StackName=platform) == []
    assert asks(made, LEFTOVERS, describe, StackName=strategy) == [describe]
    assert asks(made, LEFTOVERS, describe) == [describe]


# The controller.


def stack_of_ours(made: Templates, **changes: Any) -> dict[str, Any]:
    return {
        "StackName": f"{DEPLOYMENT}-a-g7",
        "RoleARN": role_arn(made, INCARNATION),
        "TemplateURL": TEMPLATE,
        "Tags": [{"Key": "cost-center", "Value": "analytics"}],
        **changes,
    }


def test_the_controller_makes_stacks_of_ours(made: Templates) -> None:
    assert asks(made, FAILOVER, "cloudformation:CreateStack", **stack_of_ours(made)) == []


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"TemplateURL": "https://s3.us-east-1.amazonaws.com/evil/0123.json"}, "cloudformation:CreateStack"),
        ({"TemplateURL": f"https://evil.example/{ASSETS}/0123.json"}, "cloudformation:CreateStack"),
        ({"TemplateURL": f"https://s3.us-east-1.amazonaws.com/{ASSETS}-2/x.json"}, "cloudformation:CreateStack"),
        ({"RoleARN": f"arn:aws:iam::{ACCOUNT}:role/Admin"}, "cloudformation:CreateStack"),
        ({"StackName": "Platform"}, "cloudformation:CreateStack"),
        ({"StackName": "emr-dr-active-active-a-g7"}, "cloudformation:CreateStack"),
        ({"StackName": f"{DEPLOYMENT}-b-g7"}, "cloudformation:CreateStack"),
    ],
)
def test_the_controller_makes_no_other_stack(made: Templates, changes: dict[str, str], refused: str) -> None:
    assert refused in asks(made, FAILOVER, "cloudformation:CreateStack", **stack_of_ours(made, **changes))


@pytest.mark.parametrize("left_out", ["RoleARN", "TemplateURL"])
def test_the_controller_makes_no_stack_with_its_own_rights_or_a_text_of_its_own(made: Templates, left_out: str) -> None:
    """Without a role CloudFormation acts as who calls; without an address the template is in the call."""
    asked = {key: value for key, value in stack_of_ours(made).items() if key != left_out}

    assert "cloudformation:CreateStack" in asks(made, FAILOVER, "cloudformation:CreateStack", **asked)


@pytest.mark.parametrize("action", ["UpdateStack", "CreateChangeSet", "ExecuteChangeSet", "SetStackPolicy"])
def test_the_controller_changes_no_stack(made: Templates, action: str) -> None:
    for resource in (STACK, f"arn:aws:cloudformation:{HERE}:stack/Platform/0"):
        assert not attempt(made, FAILOVER, f"cloudformation:{action}", resource).allowed


def test_the_controller_passes_one_role_to_one_service(made: Templates) -> None:
    def passes(role: str, service: str) -> bool:
        return attempt(made, FAILOVER, "iam:PassRole", role, when={"iam:PassedToService": service}).allowed

    assert passes(role_arn(made, INCARNATION), "cloudformation.amazonaws.com")
    assert not passes(role_arn(made, INCARNATION), "lambda.amazonaws.com")
    for other in (FAILOVER, INSTANCE, SERVICE, MACHINE):
        assert not passes(role_arn(made, other), "cloudformation.amazonaws.com")
    assert not passes(f"arn:aws:iam::{ACCOUNT}:role/Admin", "cloudformation.amazonaws.com")


@pytest.mark.parametrize(
    "action", ["TerminateJobFlows", "AddJobFlowSteps", "SetTerminationProtection", "ListInstances", "DescribeCluster"]
)
def test_the_controller_touches_clusters_with_our_tag_alone(made: Templates, action: str) -> None:
    name = f"elasticmapreduce:{action}"

    assert attempt(made, FAILOVER, name, CLUSTER, when=OURS).allowed
    assert not attempt(made, FAILOVER, name, CLUSTER, when=THEIRS).allowed
    assert not attempt(made, FAILOVER, name, CLUSTER).allowed


def test_the_controller_launches_no_cluster_past_its_template(made: Templates) -> None:
    tags = {"aws:RequestTag/emr-dr:deployment": DEPLOYMENT}

    assert not attempt(made, FAILOVER, "elasticmapreduce:RunJobFlow", when=tags).allowed


@pytest.mark.parametrize("action", ["AddTags", "RemoveTags"])
def test_nobody_claims_a_cluster_by_a_tag(made: Templates, action: str) -> None:
    for role in (MANAGED_CLUSTER, RECONCILE):
        for context, allowed in (
            ({**OURS, "aws:TagKeys": ["cost-center"]}, True),
            ({**OURS, "aws:TagKeys": ["cost-center", "emr-dr:deployment"]}, False),
            ({**OURS, "aws:TagKeys": ["for-use-with-amazon-emr-managed-policies"]}, False),
            ({"aws:TagKeys": ["cost-center"]}, False),
            ({"aws:TagKeys": ["emr-dr:deployment"]}, False),
        ):
            found = attempt(made, role, f"elasticmapreduce:{action}", CLUSTER, when=context)
            assert found.allowed is allowed, (role, context)


@pytest.mark.parametrize("action", ["RegisterTargets", "DeregisterTargets"])
def test_the_controller_moves_targets_of_its_own_groups_alone(made: Templates, action: str) -> None:
    name = f"elasticloadbalancing:{action}"

    for group in ("FrontDoorBalanced", "FrontDoorSlotsGroup1", "FrontDoorNameNodeA"):
        assert attempt(made, FAILOVER, name, arn(made, "ActivePassive", group)).allowed
    for group in (
        arn(made, "ActivePassive", "FrontDoorLivyDoor"),  # of the network load balancer
        arn(made, "ActiveActive", "FrontDoorBalanced"),
        f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/theirs/1",
    ):
        assert not attempt(made, FAILOVER, name, group).allowed


def test_the_controller_changes_rules_of_slots_alone(made: Templates) -> None:
    assert attempt(
        made, FAILOVER, "elasticloadbalancing:ModifyRule", arn(made, "ActivePassive", "FrontDoorSlotsIdRule1")
    ).allowed
    for rule in (
        arn(made, "ActivePassive", "FrontDoorGoneRule1"),
        arn(made, "ActiveActive", "FrontDoorSlotsIdRule1"),
        f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/theirs/1/1/1",
    ):
        assert not attempt(made, FAILOVER, "elasticloadbalancing:ModifyRule", rule).allowed
    listener, group = (
        arn(made, "ActivePassive", "FrontDoorLoadBalancerLivyListener"),
        arn(made, "ActivePassive", "FrontDoorBalanced"),
    )
    for action, resource in (
        ("DeleteRule", arn(made, "ActivePassive", "FrontDoorSlotsIdRule1")),
        ("AddTags", group),
        ("CreateRule", listener),
        ("ModifyListener", listener),
        ("DeleteListener", listener),
        ("ModifyTargetGroup", group),
        ("DeleteTargetGroup", group),
        ("DeleteLoadBalancer", f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/ActivePassive/0"),
    ):
        assert not attempt(made, FAILOVER, f"elasticloadbalancing:{action}", resource).allowed


@pytest.mark.parametrize("role", [FAILOVER, MANAGED_CLUSTER, CONTROL, RECONCILE, MONITOR])
def test_each_table_is_reached_by_its_own_deployment_alone(made: Templates, role: str) -> None:
    ours, other = arn(made, "ActivePassive", "TablesRecord"), arn(made, "ActiveActive", "TablesRecord")

    kind = "deployment" if role in (CONTROL, MONITOR) else "incarnation"
    assert attempt(made, role, "dynamodb:UpdateItem", ours, when={"dynamodb:LeadingKeys": [kind]}).allowed
    for table in (other, arn(made, "ActiveActive", "TablesEvidence"), f"arn:aws:dynamodb:{HERE}:table/theirs"):
        for action in ("GetItem", "Query", "UpdateItem", "PutItem"):
            keys = {"dynamodb:LeadingKeys": [kind]}
            assert not attempt(made, role, f"dynamodb:{action}", table, when=keys).allowed
    for action in ("DeleteItem", "Scan", "DeleteTable", "UpdateTable", "ExportTableToPointInTime"):
        assert not attempt(made, role, f"dynamodb:{action}", ours).allowed


def test_the_controller_starts_retirements_and_no_operation(made: Templates) -> None:
    machine = f"arn:aws:states:{HERE}:stateMachine:{DEPLOYMENT}"

    assert attempt(made, FAILOVER, "states:StartExecution", f"{machine}-retirement").allowed
    assert not attempt(made, FAILOVER, "states:StartExecution", f"{machine}-operation").allowed
    assert not attempt(made, FAILOVER, "states:UpdateStateMachine", f"{machine}-operation").allowed


def test_the_controller_uses_the_key_for_messages_and_reads_no_data(made: Templates) -> None:
    """The key that encrypts the topic encrypts logs and artifacts, too."""
    key, logs = arn(made, "Platform", "StorageKey"), arn(made, "Platform", "StorageLogs")

    assert asks(made, FAILOVER, "sns:Publish", TopicArn=arn(made, "Platform", "Alerts")) == []
    for context in ({}, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}):
        assert not attempt(made, FAILOVER, "kms:Decrypt", key, when=context).allowed
    assert not attempt(made, FAILOVER, "kms:CreateGrant", key).allowed
    assert not attempt(made, FAILOVER, "s3:ListBucket", logs).allowed
    for action in ("s3:GetObject", "s3:PutObject"):
        assert not attempt(made, FAILOVER, action, f"{logs}/emr/j-1/x").allowed
        assert not attempt(made, FAILOVER, "s3:PutObject", f"arn:aws:s3:::{ASSETS}/0123.json").allowed


def test_nobody_of_the_deployment_changes_rights(made: Templates) -> None:
    for role in (
        FAILOVER,
        MANAGED_CLUSTER,
        CONTROL,
        RECONCILE,
        MONITOR,
        PROBER,
        INCARNATION,
        MACHINE,
        SCHEDULER,
        INSTANCE,
    ):
        for action in (
            "PutRolePolicy",
            "AttachRolePolicy",
            "CreateRole",
            "UpdateAssumeRolePolicy",
            "DeleteRolePermissionsBoundary",
        ):
            assert not attempt(made, role, f"iam:{action}", role_arn(made, role)).allowed
        assert not attempt(made, role, "sts:AssumeRole", role_arn(made, INCARNATION)).allowed
        assert not attempt(
            made, role, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-failover"
        ).allowed
        assert not attempt(
            made, role, "ec2:AuthorizeSecurityGroupIngress", f"arn:aws:ec2:{HERE}:security-group/sg-1"
        ).allowed


# CloudFormation, with the role of incarnations.


def launch(made: Templates, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceRole": role_arn(made, SERVICE),
        "JobFlowRole": role_arn(made, INSTANCE).rpartition("/")[2],
        "Tags": [{"Key": "emr-dr:deployment", "Value": DEPLOYMENT}],
        **changes,
    }


def refused_launch(made: Templates, **changes: Any) -> list[str]:
    needs = run_job_flow_needs(launch(made, **changes), World(made))
    return [need.action for need in needs if not may(made, INCARNATION, need)]


def test_cloudformation_launches_clusters_of_ours_with_our_roles(made: Templates) -> None:
    assert refused_launch(made) == []


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"Tags": []}, "elasticmapreduce:RunJobFlow"),
        ({"Tags": [{"Key": "emr-dr:deployment", "Value": "emr-dr-active-active"}]}, "elasticmapreduce:RunJobFlow"),
        ({"JobFlowRole": "Admin"}, "iam:PassRole"),
        ({"ServiceRole": f"arn:aws:iam::{ACCOUNT}:role/EMR_DefaultRole"}, "iam:PassRole"),
    ],
)
def test_cloudformation_launches_no_other_cluster(made: Templates, changes: dict[str, Any], refused: str) -> None:
    assert refused in refused_launch(made, **changes)


def test_the_role_of_incarnations_ends_clusters_with_our_tag_alone(made: Templates) -> None:
    assert attempt(made, INCARNATION, "elasticmapreduce:TerminateJobFlows", CLUSTER, when=OURS).allowed
    assert not attempt(made, INCARNATION, "elasticmapreduce:TerminateJobFlows", CLUSTER, when=THEIRS).allowed
    for action in ("ec2:RunInstances", "s3:CreateBucket", "lambda:CreateFunction", "iam:CreateRole"):
        assert not attempt(made, INCARNATION, action).allowed


# A stolen prober.


def test_a_prober_reads_the_record_and_writes_evidence(made: Templates) -> None:
    record, evidence = arn(made, "ActivePassive", "TablesRecord"), arn(made, "ActivePassive", "TablesEvidence")

    assert attempt(made, PROBER, "dynamodb:Query", record, when={"dynamodb:LeadingKeys": ["incarnation"]}).allowed
    assert attempt(made, PROBER, "dynamodb:PutItem", evidence).allowed
    for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan"):
        assert not attempt(made, PROBER, f"dynamodb:{action}", record).allowed
    for action in ("Query", "Scan", "UpdateItem", "DeleteItem"):
        assert not attempt(made, PROBER, f"dynamodb:{action}", evidence).allowed


def test_a_prober_does_nothing_else_in_aws(made: Templates) -> None:
    """Its network interface is Lambda's business: the code itself is denied what the role has for it."""
    code = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-prober-1"}
    for action in ("CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses", "DescribeSubnets"):
        assert attempt(made, PROBER, f"ec2:{action}").allowed
        assert not attempt(made, PROBER, f"ec2:{action}", when=code).allowed
    for action, resource in (
        ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{DEPLOYMENT}-operation"),
        ("elasticmapreduce:TerminateJobFlows", CLUSTER),
        ("elasticmapreduce:DescribeCluster", CLUSTER),
        ("elasticloadbalancing:RegisterTargets", arn(made, "ActivePassive", "FrontDoorBalanced")),
        ("cloudformation:DeleteStack", STACK),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-control"),
        ("sns:Publish", arn(made, "Platform", "Alerts")),
        ("kms:Decrypt", arn(made, "Platform", "StorageKey")),
        ("s3:GetObject", arn(made, "Platform", "StorageArtifacts") + "/a.jar"),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:any"),
        ("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/any"),
    ):
        assert not attempt(made, PROBER, action, resource, when={**code, **OURS}).allowed, action


# A malicious job, which has the role of the machines.


def test_a_job_reads_artifacts_and_writes_logs(made: Templates) -> None:
    logs, artifacts = arn(made, "Platform", "StorageLogs"), arn(made, "Platform", "StorageArtifacts")

    assert attempt(made, INSTANCE, "s3:GetObject", f"{artifacts}/jobs/a.jar").allowed
    assert attempt(made, INSTANCE, "s3:PutObject", f"{logs}/emr/j-1/steps/s-1/stdout.gz").allowed
    for action, resource in (
        ("s3:PutObject", f"{artifacts}/jobs/a.jar"),
        ("s3:DeleteObject", f"{artifacts}/jobs/a.jar"),
        ("s3:GetObject", f"{logs}/emr/j-1/steps/s-1/stdout.gz"),
        ("s3:DeleteObject", f"{logs}/emr/j-1/steps/s-1/stdout.gz"),
        ("s3:PutObject", f"{logs}/other/x"),
        ("s3:GetObject", arn(made, "Platform", "StorageAccessLogs") + "/x"),
        ("s3:PutBucketPolicy", logs),
        ("s3:GetObject", f"arn:aws:s3:::{ASSETS}/0123.json"),
        ("s3:PutObject", f"arn:aws:s3:::{ASSETS}/0123.sh"),
        ("s3:GetObject", "arn:aws:s3:::somebody/else"),
        ("s3:ListAllMyBuckets", "*"),
    ):
        assert not attempt(made, INSTANCE, action, resource).allowed, (action, resource)


def test_a_job_touches_nothing_of_the_product(made: Templates) -> None:
    for action, resource in (
        ("dynamodb:GetItem", arn(made, "ActivePassive", "TablesRecord")),
        ("dynamodb:PutItem", arn(made, "ActivePassive", "TablesRecord")),
        ("dynamodb:PutItem", arn(made, "ActivePassive", "TablesEvidence")),
        ("elasticmapreduce:TerminateJobFlows", CLUSTER),
        ("elasticmapreduce:SetTerminationProtection", CLUSTER),
        ("elasticmapreduce:AddJobFlowSteps", CLUSTER),
        ("elasticmapreduce:DescribeCluster", CLUSTER),
        ("elasticloadbalancing:ModifyRule", arn(made, "ActivePassive", "FrontDoorSlotsIdRule1")),
        ("elasticloadbalancing:RegisterTargets", arn(made, "ActivePassive", "FrontDoorBalanced")),
        ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{DEPLOYMENT}-operation"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-control"),
        ("sns:Publish", arn(made, "Platform", "Alerts")),
        ("kms:CreateGrant", arn(made, "Platform", "StorageKey")),
        ("kms:ScheduleKeyDeletion", arn(made, "Platform", "StorageKey")),
        ("iam:PassRole", role_arn(made, INSTANCE)),
        ("ec2:RunInstances", "*"),
        ("glue:GetTable", f"arn:aws:glue:{HERE}:table/raw/t"),
    ):
        assert not attempt(made, INSTANCE, action, resource, when=OURS).allowed, (action, resource)


# The small ones.


def test_a_person_with_the_control_function_changes_the_record_and_no_more(made: Templates) -> None:
    record, kinds = arn(made, "ActivePassive", "TablesRecord"), "dynamodb:LeadingKeys"

    assert attempt(made, CONTROL, "dynamodb:UpdateItem", record, when={kinds: ["deployment"]}).allowed
    # An update makes what is not there: it is the kind that keeps incarnations and managed clusters from being changed.
    for other in ("incarnation", "managed-cluster", "operation", "slot", "incident"):
        assert not attempt(made, CONTROL, "dynamodb:UpdateItem", record, when={kinds: [other]}).allowed
    for action, resource in (
        ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{DEPLOYMENT}-operation"),
        ("states:StopExecution", f"arn:aws:states:{HERE}:execution:{DEPLOYMENT}-operation:x"),
        ("elasticmapreduce:TerminateJobFlows", CLUSTER),
        ("elasticloadbalancing:RegisterTargets", arn(made, "ActivePassive", "FrontDoorBalanced")),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-prober-1"),
    ):
        assert not attempt(made, CONTROL, action, resource, when=OURS).allowed, action


def test_the_monitor_starts_operations_and_ends_nothing(made: Templates) -> None:
    machine = f"arn:aws:states:{HERE}:stateMachine:{DEPLOYMENT}"

    assert attempt(made, MONITOR, "states:StartExecution", f"{machine}-operation").allowed
    for action, resource in (
        ("states:StartExecution", f"{machine}-retirement"),
        ("states:StopExecution", f"arn:aws:states:{HERE}:execution:{DEPLOYMENT}-operation:x"),
        ("elasticmapreduce:TerminateJobFlows", CLUSTER),
        ("cloudformation:CreateStack", STACK),
        ("elasticloadbalancing:DeregisterTargets", arn(made, "ActivePassive", "FrontDoorBalanced")),
    ):
        assert not attempt(made, MONITOR, action, resource, when=OURS).allowed, action


def test_a_state_machine_calls_its_one_function(made: Templates) -> None:
    function = f"arn:aws:lambda:{HERE}:function:"

    assert attempt(made, MACHINE, "lambda:InvokeFunction", f"{function}{DEPLOYMENT}-failover").allowed
    for other in (f"{DEPLOYMENT}-control", f"{DEPLOYMENT}-prober-1", "emr-dr-active-active-failover", "any"):
        assert not attempt(made, MACHINE, "lambda:InvokeFunction", function + other).allowed


def test_emr_passes_the_machines_role_to_machines(made: Templates) -> None:
    def passes(role: str, service: str) -> bool:
        return attempt(made, SERVICE, "iam:PassRole", role, when={"iam:PassedToService": service}).allowed

    assert passes(role_arn(made, INSTANCE), "ec2.amazonaws.com")
    assert not passes(role_arn(made, INSTANCE), "lambda.amazonaws.com")
    assert not passes(role_arn(made, INCARNATION), "ec2.amazonaws.com")


def test_emr_grants_the_key_to_services_alone(made: Templates) -> None:
    key = arn(made, "Platform", "StorageKey")

    assert attempt(made, SERVICE, "kms:CreateGrant", key, when={"kms:GrantIsForAWSResource": "true"}).allowed
    assert not attempt(made, SERVICE, "kms:CreateGrant", key, when={"kms:GrantIsForAWSResource": "false"}).allowed
    assert not attempt(made, SERVICE, "kms:PutKeyPolicy", key).allowed


# Services without a role of ours.


def by_service(made: Templates, service: str, action: str, resource: str, name: str, **context: str) -> bool:
    """What a service may do by the policy of one of the platform's resources."""
    kinds = {"key": ("StorageKey", ("KeyPolicy",)), "topic": ("AlertsPolicy", ("PolicyDocument",))}
    plain, path = kinds[name]
    statements = resource_statements(made, "Platform", named(made, "Platform", plain), *path)
    return decide(
        Request(principal=service, action=action, resource=resource, context=context), resource=statements
    ).allowed


def test_alarms_of_this_account_alone_reach_topic_and_key(made: Templates) -> None:
    topic, key = arn(made, "Platform", "Alerts"), arn(made, "Platform", "StorageKey")
    for name, action, resource in (("topic", "sns:Publish", topic), ("key", "kms:Decrypt", key)):
        for account, allowed in ((ACCOUNT, True), ("999999999999", False)):
            context = {"aws:SourceAccount": account, "aws:SecureTransport": "true"}
            assert by_service(made, "cloudwatch.amazonaws.com", action, resource, name, **context) is allowed
    ours = {"aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    assert not by_service(made, "events.amazonaws.com", "sns:Publish", topic, "topic", **ours)


def test_nobody_publishes_in_the_clear(made: Templates) -> None:
    topic = arn(made, "Platform", "Alerts")
    statements = resource_statements(made, "Platform", named(made, "Platform", "AlertsPolicy"), "PolicyDocument")

    def publish(secure: str) -> bool:
        request = Request(
            principal=role_arn(made, FAILOVER),
            action="sns:Publish",
            resource=topic,
            context={"aws:SecureTransport": secure},
        )
        return decide(request, identity=role_statements(made, FAILOVER), resource=statements).allowed

    assert publish("true")
    assert not publish("false")


def test_log_groups_of_this_account_alone_use_the_key(made: Templates) -> None:
    key, service = arn(made, "Platform", "StorageKey"), f"logs.{REGION}.amazonaws.com"
    for account, allowed in ((ACCOUNT, True), ("999999999999", False)):
        group = f"arn:aws:logs:{REGION}:{account}:log-group:any"
        context = {"kms:EncryptionContext:aws:logs:arn": group}
        assert by_service(made, service, "kms:Encrypt", key, "key", **context) is allowed


@pytest.mark.parametrize("bucket", ["StorageLogs", "StorageArtifacts", "StorageAccessLogs"])
def test_buckets_refuse_old_transport_to_everybody(made: Templates, bucket: str) -> None:
    """B8: encryption in transit; what a role may is refused in the clear, and below TLS 1.2."""
    statements = resource_statements(made, "Platform", named(made, "Platform", f"{bucket}Policy"), "PolicyDocument")
    everything = parse_policy(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    )
    for context, allowed in (
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}, True),
        ({"aws:SecureTransport": "true", "s3:TlsVersion": "1.1"}, False),
        ({"aws:SecureTransport": "false"}, False),
    ):
        request = Request(
            principal=role_arn(made, INSTANCE),
            action="s3:GetObject",
            resource=arn(made, "Platform", bucket) + "/any",
            context=context,
        )
        assert decide(request, identity=everything, resource=statements).allowed is allowed, context


def test_load_balancers_of_this_account_alone_write_their_logs(made: Templates) -> None:
    bucket = arn(made, "Platform", "StorageAccessLogs")
    statements = resource_statements(
        made, "Platform", named(made, "Platform", "StorageAccessLogsPolicy"), "PolicyDocument"
    )
    for account, folder, allowed in ((ACCOUNT, ACCOUNT, True), ("999999999999", ACCOUNT, False), (ACCOUNT, "9", False)):
        request = Request(
            principal="logdelivery.elasticloadbalancing.amazonaws.com",
            action="s3:PutObject",
            resource=f"{bucket}/load-balancers/AWSLogs/{folder}/x.gz",
            context={
                "aws:SourceArn": f"arn:aws:elasticloadbalancing:{REGION}:{account}:loadbalancer/app/x/1",
                "aws:SecureTransport": "true",
                "s3:TlsVersion": "1.3",
            },
        )
        assert decide(request, resource=statements).allowed is allowed
