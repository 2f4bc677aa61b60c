"""Clients of the AWS services, made when first used, with limits that fit a step of a state machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBServiceResource
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_emr import EMRClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

    from failover.alarms import AlarmReader

# Nearly every call that a step makes may be repeated: reads, calls that lead to a state, and CreateStack and
# StartExecution, which happen once for a name.  So the SDK may retry a lost answer; what still fails raises, and the
# machine calls the step again.
CALLS = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})
# Of a function whose answer a person waits for, at a prompt that gives up after a minute.
ASKED_BY_A_PERSON = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})
# AddJobFlowSteps has no token: a call whose answer was lost is not repeated, but looked for.
_ONCE = Config(connect_timeout=3, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1})
# A prober waits for services that may not answer.  Another prober is asked instead of the same one again.
_PROBERS = Config(connect_timeout=3, read_timeout=45, retries={"mode": "standard", "total_max_attempts": 1})


@dataclass(frozen=True)
class Clients:
    """One client for each service that the controller uses.

    Attributes:
        calls: limits of calls that may be repeated.
    """

    calls: Config = CALLS

    @cached_property
    def dynamodb(self) -> DynamoDBServiceResource:
        """DynamoDB, as the resource that speaks plain values."""
        return boto3.resource("dynamodb", config=self.calls)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation."""
        return boto3.client("cloudformation", config=self.calls)

    @cached_property
    def ec2(self) -> EC2Client:
        """EC2, for a look at the network."""
        return boto3.client("ec2", config=self.calls)

    @cached_property
    def emr(self) -> EMRClient:
        """EMR."""
        return boto3.client("emr", config=self.calls)

    @cached_property
    def emr_once(self) -> EMRClient:
        """EMR, for calls that must not be repeated without looking."""
        return boto3.client("emr", config=_ONCE)

    @cached_property
    def load_balancing(self) -> ElasticLoadBalancingv2Client:
        """Elastic Load Balancing."""
        return boto3.client("elbv2", config=self.calls)

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda, for the probers."""
        return boto3.client("lambda", config=_PROBERS)

    @cached_property
    def state_machines(self) -> SFNClient:
        """Step Functions."""
        return boto3.client("stepfunctions", config=self.calls)

    @cached_property
    def cloud_watch(self) -> AlarmReader:
        """CloudWatch, for its alarms."""
        client: AlarmReader = boto3.client("cloudwatch", config=self.calls)
        return client

    @cached_property
    def topics(self) -> SNSClient:
        """SNS, for the alert topic."""
        return boto3.client("sns", config=self.calls)
