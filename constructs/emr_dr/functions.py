"""Our Python functions: what all of them share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from aws_cdk import ArnFormat, Duration, Fn, RemovalPolicy, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from dr_core import metrics
from dr_core.config import ABBREVIATIONS, ENVIRONMENT_VARIABLE, FunctionConfig
from emr_dr.assets import function_code
from emr_dr.policy_checks import acknowledge

# Powertools for AWS Lambda, published by AWS in every commercial region under this account
# (docs.aws.amazon.com/powertools/python, "Installation").  The number is the layer's own count, not Powertools'.
_POWERTOOLS_ACCOUNT = "017000801446"
_POWERTOOLS_LAYER = "AWSLambdaPowertoolsPythonV3-python314-x86_64"
_POWERTOOLS_LAYER_VERSION = 38


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a function in the VPC runs.

    Attributes:
        vpc: the VPC.
        subnet: the one subnet.
        security_group: the function's own.
    """

    vpc: ec2.IVpc
    subnet: ec2.ISubnet
    security_group: ec2.ISecurityGroup


class PythonFunction(Construct):
    """One of our functions with a role and a log group of its own.

    The name is fixed, so that others can form the ARN without a reference back to this stack's resources.

    Attributes:
        function: the function.
        role: may write its log; everything else is granted by who wires it.
        log_group: kept as long as asked for, gone with the stack.
        name: the function's name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        handler: str,
        description: str,
        timeout: Duration,
        log_retention: logs.RetentionDays,
        asynchronous_retries: int | None = None,
        asynchronous_event_age: Duration | None = None,
        dead_letters: sqs.IQueue | None = None,
        placement: Placement | None = None,
        environment: Mapping[str, str] | None = None,
        authority: Path | None = None,
    ) -> None:
        """Define the function.

        Args:
            name: at most 64 characters.
            handler: ``package.module.function``; the package is one of ``lambda/``.
            timeout: of one invocation.
            asynchronous_retries: how often Lambda repeats an event whose invocation failed, 0 to 2; 2 by default.
            asynchronous_event_age: for how long Lambda keeps an event that it cannot hand over; 6 hours by default.
            dead_letters: where Lambda puts an event whose last invocation failed, too.  Such an event is lost by
                default, as nobody waits for the answer of an asynchronous invocation.
            placement: where it runs in the VPC.  Outside of any VPC by default.
            environment: additional variables.
            authority: PEM file of the authorities that it trusts over TLS.  The public ones by default.
        """
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        package = handler.split(".", 1)[0]
        self.name = name
        self.log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the function {name} may do",
        )
        self.log_group.grant_write(self.role)
        if placement is not None:
            self._allow_network_interfaces(function_arn=_function_arn(stack, name))
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=description,
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64,
            code=function_code(package, authority=authority),
            handler=handler,
            timeout=timeout,
            memory_size=256,
            role=self.role,
            log_group=self.log_group,
            layers=[lambda_.LayerVersion.from_layer_version_arn(self, "Powertools", _powertools_arn(stack))],
            environment={
                "POWERTOOLS_SERVICE_NAME": package,
                "POWERTOOLS_METRICS_NAMESPACE": metrics.NAMESPACE,
                **(environment or {}),
            },
            retry_attempts=asynchronous_retries,
            max_event_age=asynchronous_event_age,
            # Not an on-failure destination: this is one property and one right of the role.
            dead_letter_queue=dead_letters,
            vpc=placement.vpc if placement else None,
            vpc_subnets=ec2.SubnetSelection(subnets=[placement.subnet]) if placement else None,
            security_groups=[placement.security_group] if placement else None,
        )

    @property
    def arn(self) -> str:
        """The function's ARN, formed from its name: no reference, so that two resources may know each other."""
        return _function_arn(Stack.of(self), self.name)

    def configure(self, config: FunctionConfig) -> None:
        """Give the function its configuration; last, as it names everything else."""
        self.function.add_environment(ENVIRONMENT_VARIABLE, environment_text(self, config))

    def encrypt_log(self, key: kms.IKey) -> None:
        """Encrypt the log with *key*, whose policy lets CloudWatch Logs use it."""
        encrypt_log(self.log_group, key)

    def allow(self, statements: Sequence[iam.PolicyStatement]) -> None:
        """Add *statements* to the role."""
        for statement in statements:
            self.role.add_to_policy(statement)

    def _allow_network_interfaces(self, *, function_arn: str) -> None:
        """Let the Lambda service attach the function to its subnet, and the function's code do nothing with that."""
        actions = [
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=["*"]))
        # Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC".
        self.role.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=actions,
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": function_arn}},
            )
        )
        acknowledge(
            self.role,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "the Lambda service needs these actions on interfaces that do not exist yet, and checks for "
                    "exactly this grant; the function's own code is denied them"
                )
            },
        )


def encrypt_log(log_group: logs.LogGroup, key: kms.IKey) -> None:
    """Encrypt *log_group* with *key*.

    By the property of the L1: the L2 would ask for the key where the group is made, through every construct that makes
    functions.
    """
    resource = log_group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    resource.kms_key_id = key.key_arn


def environment_text(scope: Construct, config: FunctionConfig) -> str:
    """*config* as JSON for an environment variable, short enough for Lambda.

    All variables of a function together may have 4 KB (Lambda quotas), which the ARNs of target groups and rules
    would fill alone: what they have in common is written once, and numbers that are the defaults are left out.

    Args:
        config: its target groups and rules are references, of one account, region and listener, its scripts lie in one
            bucket, and the names of its machines and probers begin with the deployment's.
    """
    values = json.loads(json.dumps(config.to_dict()))  # lists for tuples, which the CDK's runtime does not take
    for name in ("ports", "policy"):
        values[name] = _without_defaults(values[name], of=getattr(config, name))
    stack = Stack.of(scope)
    load_balancing = f"arn:{stack.partition}:elasticloadbalancing:{stack.region}:{stack.account}:"
    # <load_balancing>listener-rule/app/<load balancer>/<id>/<listener>/<rule>
    listener = "".join(f"{part}/" for part in Fn.split("/", config.slots[0].id_rule, 6)[1:5])
    values["balanced_target_group"] = _group(config.balanced_target_group)
    for cluster in values["managed_clusters"]:
        for key in ("resource_manager_target_group", "name_node_target_group"):
            cluster[key] = _group(cluster[key])
    for slot in values["slots"]:
        slot["target_group"] = _group(slot["target_group"])
        for key in ("id_rule", "header_rule"):
            slot[key] = _tail(slot[key], separator="/", position=5, mark="~r")
    # s3://<bucket>/<hash>.sh
    bucket = Fn.select(2, Fn.split("/", config.scripts.seed))
    for key in ("seed", "restart"):
        values["scripts"][key] = _tail(values["scripts"][key], separator="/", position=3, mark="~s")
    for key in ("operation_state_machine", "retirement_state_machine"):
        values[key] = _tail(values[key], separator=f":{config.deployment}-", position=1, mark="~m")
    for prober in values["probers"]:
        prober["function_name"] = f"~d{prober['function_name'].removeprefix(config.deployment)}"
    zones = [each["availability_zone"] for each in (*values["subnets"], *values["probers"])]
    region = zones[0][:-1]
    known = not any(Token.is_unresolved(zone) or not zone.startswith(region) for zone in zones)
    for each in (*values["subnets"], *values["probers"]) if known else ():
        each["availability_zone"] = f"~z{each['availability_zone'].removeprefix(region)}"
    # In the order of their fields: the names of these would take as much room as what they name, and with them seven
    # slots would not fit.
    for name in ("managed_clusters", "subnets", "slots", "probers"):
        values[name] = [list(each.values()) for each in values[name]]
    abbreviations = {
        "~d": config.deployment,
        "~g": f"{load_balancing}targetgroup/",
        "~m": f"arn:{stack.partition}:states:{stack.region}:{stack.account}:stateMachine:{config.deployment}-",
        "~r": f"{load_balancing}listener-rule/{listener}",
        "~s": f"s3://{bucket}/",
        **({"~z": region} if known else {}),
    }
    return stack.to_json_string({ABBREVIATIONS: abbreviations, **values, "deployment": "~d"})


def _group(arn: str) -> str:
    return _tail(arn, separator=":targetgroup/", position=1, mark="~g")


def _tail(arn: str, *, separator: str, position: int, mark: str) -> str:
    return f"{mark}{Fn.select(position, Fn.split(separator, arn))}"


def _without_defaults(values: Mapping[str, Any], *, of: Any) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(of) if field.default is not MISSING}
    return {name: value for name, value in values.items() if name not in defaults or defaults[name] != value}


def _function_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(
        service="lambda", resource="function", arn_format=ArnFormat.COLON_RESOURCE_NAME, resource_name=name
    )


def _powertools_arn(stack: Stack) -> str:
    return (
        f"arn:{stack.partition}:lambda:{stack.region}:{_POWERTOOLS_ACCOUNT}:"
        f"layer:{_POWERTOOLS_LAYER}:{_POWERTOOLS_LAYER_VERSION}"
    )
