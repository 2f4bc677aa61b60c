"""The two machines of the controller as constructs; what they do stands in :mod:`emr_dr.state_machine_definitions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from emr_dr.functions import PythonFunction
from emr_dr.policy_checks import acknowledge
from emr_dr.state_machine_definitions import operation_definition, retirement_definition


class StateMachines(Construct):
    """Operation and retirement.

    Their names are fixed: functions that start them know their ARNs (:attr:`operation_arn`, :attr:`retirement_arn`)
    without a reference, as the machines in turn call a function.

    Attributes:
        log_groups: of both.
        operation: one run for each operation.
        retirement: one run for each incarnation that ends.
        operation_arn: formed from the name.
        retirement_arn: formed from the name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        failover: PythonFunction,
        log_retention: logs.RetentionDays,
    ) -> None:
        """Define the machines.

        Args:
            failover: the function that carries out the steps.
            log_retention: of the machines' log groups.
        """
        super().__init__(scope, construct_id)
        self.log_groups: list[logs.LogGroup] = []
        invoke_resource = f"arn:{Stack.of(self).partition}:states:::lambda:invoke"
        self.operation_arn = machine_arn(self, f"{deployment}-operation")
        self.retirement_arn = machine_arn(self, f"{deployment}-retirement")
        self.operation = self._machine(
            "Operation",
            name=f"{deployment}-operation",
            definition=operation_definition(invoke_resource=invoke_resource, function_arn=failover.arn),
            failover=failover,
            log_retention=log_retention,
        )
        self.retirement = self._machine(
            "Retirement",
            name=f"{deployment}-retirement",
            definition=retirement_definition(invoke_resource=invoke_resource, function_arn=failover.arn),
            failover=failover,
            log_retention=log_retention,
        )

    def _machine(
        self,
        construct_id: str,
        *,
        name: str,
        definition: Mapping[str, Any],
        failover: PythonFunction,
        log_retention: logs.RetentionDays,
    ) -> sfn.StateMachine:
        # The prefix keeps the resource policy of CloudWatch Logs below its limit of 5,120 characters (Step Functions
        # developer guide, "Logging using CloudWatch Logs").
        log_group = logs.LogGroup(
            self,
            f"{construct_id}Log",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.log_groups.append(log_group)
        machine = sfn.StateMachine(
            self,
            construct_id,
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            logs=sfn.LogOptions(
                destination=log_group,
                level=sfn.LogLevel.ALL,
                # Who reads the log learns the states; names of jobs and addresses stay in the execution's history.
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )
        machine.add_to_role_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[failover.arn]))
        acknowledge(
            machine,
            {
                "AwsSolutions-IAM5[Resource::*]": (
                    "delivery of logs and traces to CloudWatch and X-Ray knows no resources "
                    "(Step Functions developer guide, IAM policies for logging and X-Ray)"
                )
            },
        )
        return machine


def machine_arn(scope: Construct, name: str) -> str:
    """The ARN of the machine *name* in the stack of *scope*."""
    return Stack.of(scope).format_arn(
        service="states", resource="stateMachine", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def executions_arn(scope: Construct, name: str) -> str:
    """What the ARNs of all executions of the machine *name* match."""
    return Stack.of(scope).format_arn(
        service="states", resource="execution", resource_name=f"{name}:*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
