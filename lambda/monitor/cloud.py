"""What AWS says of targets, clusters and executions, and the start of an execution."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.evidence import Reading, healthy, unhealthy, unknown
from dr_core.execution_status import is_forgotten
from dr_core.naming import execution_arn
from dr_core.requests import OperationRequest
from dr_core.target_health import is_load_balancers_fault
from dr_core.verdicts import Termination

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import TargetHealthTypeDef
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The AWS clients that the monitor uses."""

    load_balancing: ElasticLoadBalancingv2Client
    emr: EMRClient
    step_functions: SFNClient

    def target_health(self, target_groups: Sequence[str], address: str) -> Reading:
        """What the load balancer says of the target at *address*; never raises for a call that fails.

        Args:
            target_groups: the first of them that the target is registered with speaks; a target that drains has left.
            address: of the target.
        """
        reading = unknown("not a target")
        for target_group in target_groups:
            try:
                targets = self.load_balancing.describe_target_health(TargetGroupArn=target_group)
            except (BotoCoreError, ClientError) as error:
                return unknown(f"DescribeTargetHealth failed: {error}")
            for target in targets["TargetHealthDescriptions"]:
                if target.get("Target", {}).get("Id") == address:
                    reading = _reading(target.get("TargetHealth", {}))
                    if target.get("TargetHealth", {}).get("State") != "draining":
                        return reading
        return reading

    def termination(self, cluster_id: str) -> Termination | None:
        """Why a cluster ends or ended; ``None`` while it does not."""
        return Termination.from_status(self.emr.describe_cluster(ClusterId=cluster_id)["Cluster"].get("Status", {}))

    def is_running(self, execution: str, *, since: float | None) -> bool:
        """Whether an execution has not ended; one that Step Functions has forgotten ended long ago.

        Args:
            execution: its ARN.
            since: when somebody last knew of it, seconds since 1970: one that is young runs although Step Functions
                does not know it yet.
        """
        try:
            return self.step_functions.describe_execution(executionArn=execution)["status"] == "RUNNING"
        except self.step_functions.exceptions.ExecutionDoesNotExist:
            return not is_forgotten(since=since, now=time.time())

    def start(self, state_machine: str, request: OperationRequest) -> str | None:
        """Start the execution of *request*, or find it started; its ARN.

        ``None`` if its name was taken: an execution of another request has it, such as one of an earlier life of the
        deployment, and Step Functions starts a name only once in 90 days.
        """
        asked = {"request": request.to_dict()}
        try:
            started = self.step_functions.start_execution(
                stateMachineArn=state_machine,
                name=request.operation,
                input=json.dumps(asked, sort_keys=True),
            )
        except self.step_functions.exceptions.ExecutionAlreadyExists:
            execution = execution_arn(state_machine, request.operation)
            found = self.step_functions.describe_execution(executionArn=execution)
            return execution if json.loads(found.get("input", "null")) == asked else None
        return started["executionArn"]


def _reading(health: TargetHealthTypeDef) -> Reading:
    state, reason = health.get("State", "unknown"), health.get("Reason", "")
    if state == "healthy":
        return healthy("target healthy")
    if is_load_balancers_fault(state=state, reason=reason):
        return unknown(f"the load balancer cannot tell: {health.get('Description', reason)}")
    if state == "unhealthy":
        return unhealthy(f"target unhealthy: {health.get('Description', reason)}")
    # initial, draining, unused, unavailable: not judged now.
    return unknown(f"target {state}")
