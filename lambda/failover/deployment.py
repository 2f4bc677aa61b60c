"""Everything that a step may touch, put together once for a process."""

from __future__ import annotations

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Self

from botocore.config import Config

from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig
from failover.alarms import Alarms
from failover.clients import CALLS, Clients
from failover.clusters import Clusters
from failover.emr_steps import EmrSteps
from failover.executions import Executions
from failover.front_door import FrontDoor
from failover.network_check import NetworkCheck
from failover.notices import Notices
from failover.probers import Probers
from failover.record_store import RecordStore
from failover.stack_answers import StackAnswers
from failover.stacks import IncarnationStacks

# A call may hang for its whole limit while later steps go on: more than one step has calls at once.
_THREADS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment, as its controller reaches it.

    Attributes:
        config: names and numbers.
        record: the record table and the evidence table.
        stacks: incarnation stacks.
        clusters: EMR clusters.
        emr_steps: steps on those clusters.
        front_door: target groups and rules.
        probers: for what needs the VPC.
        executions: of the two machines.
        notices: alert topic and metrics.
        stack_answers: answers to CloudFormation.
        network: a look at the VPC.
        alarms: a look at CloudWatch's alarms.
        pool: where independent calls go on at once.
    """

    config: FunctionConfig
    record: RecordStore
    stacks: IncarnationStacks
    clusters: Clusters
    emr_steps: EmrSteps
    front_door: FrontDoor
    probers: Probers
    executions: Executions
    notices: Notices
    stack_answers: StackAnswers
    network: NetworkCheck
    alarms: Alarms
    pool: Executor

    @classmethod
    def of(cls, config: FunctionConfig, clients: Clients) -> Self:
        """The deployment that *config* describes, reached through *clients*."""
        clusters = Clusters(client=clients.emr, deployment=config.deployment)
        return cls(
            config=config,
            record=RecordStore(dynamodb=clients.dynamodb, table_name=config.record_table),
            stacks=IncarnationStacks(
                client=clients.cloudformation, deployment=config.deployment, role=config.incarnation_role
            ),
            clusters=clusters,
            emr_steps=EmrSteps(client=clients.emr, client_once=clients.emr_once, clusters=clusters),
            front_door=FrontDoor(client=clients.load_balancing, config=config),
            probers=Probers(client=clients.functions, probers=config.probers),
            executions=Executions(
                client=clients.state_machines,
                operation_machine=config.operation_state_machine,
                retirement_machine=config.retirement_state_machine,
            ),
            notices=Notices(client=clients.topics, topic=config.alert_topic, deployment=config.deployment),
            stack_answers=StackAnswers(),
            network=NetworkCheck(client=lambda: clients.ec2),
            alarms=Alarms(client=clients.cloud_watch),
            pool=ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="call"),
        )


@cache
def deployment_from_environment(*, calls: Config = CALLS) -> Deployment:
    """The deployment that this function belongs to; made once for a process.

    Args:
        calls: limits of calls that may be repeated.

    Raises:
        KeyError: the function has no configuration.
        ValueError: its configuration cannot be read.
    """
    return Deployment.of(FunctionConfig.from_json(os.environ[ENVIRONMENT_VARIABLE]), Clients(calls=calls))
