"""The real monitor on a world of the failover function's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_lambda_powertools import Logger

from monitor.cloud import Cloud
from monitor.reporting import Report
from monitor.store import Store
from monitor.watch import Watch

from .parts import AtOnce

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

    from .machine_world import MachineWorld


class Silent(Report):
    """Says nothing: what is said is not what is proved here."""

    def _emit(self, *_: object, **__: object) -> None:
        pass


def watch_of(world: MachineWorld) -> Watch:
    """What the monitor of this world works with."""
    config, clients = world.deployment.config, world.clients
    return Watch(
        config=config,
        store=Store(
            dynamodb=cast("DynamoDBServiceResource", world.dynamodb),
            record_table=config.record_table,
            evidence_table=config.evidence_table,
            round_seconds=config.policy.round_seconds,
        ),
        cloud=Cloud(load_balancing=clients.load_balancing, emr=clients.emr, step_functions=clients.state_machines),
        pool=AtOnce(),
        report=Silent(deployment=config.deployment, logger=Logger(service="monitor-of-the-machine", level="CRITICAL")),
    )
