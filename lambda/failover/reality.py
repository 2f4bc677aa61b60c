"""Reads what the record says and what AWS says, as far as it can be read: an error of our own call says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.comparison import Reality, Recorded
from dr_core.evidence import Verdict
from dr_core.left_behind import doubtful_operations
from dr_core.naming import generation_of_stack
from dr_core.orphans import Found
from dr_core.record import Incarnation, IncarnationState, Incident, ManagedCluster
from failover.deployment import Deployment
from failover.observation import verdict_on
from failover.stacks import DEPLOYMENT_TAG, GENERATION_TAG, MANAGED_CLUSTER_TAG

logger = Logger()

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at everything.

    Attributes:
        recorded: what the record says.
        reality: what AWS says.
        found: stacks and clusters with our tags that the record may not know.
        unknown: what could not be read.
    """

    recorded: Recorded
    reality: Reality
    found: tuple[Found, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Carries out calls that may fail, and remembers which did."""

    failed: list[str] = field(default_factory=list)

    def read(self, what: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except (BotoCoreError, ClientError) as error:
            logger.warning("could not be read", extra={"what": what, "error": str(error)})
            self.failed.append(what)
            return None


def look(deployment: Deployment) -> Look:
    """Everything as it is now.

    Raises:
        botocore.exceptions.ClientError: the record could not be read; nothing else matters then.
    """
    reader = _Reader()
    # Before the record: what is launched meanwhile is in the record then.
    stacks = reader.read("stacks", lambda: list(deployment.stacks.names(prefix=f"{deployment.config.deployment}-")))
    clusters = reader.read("clusters", lambda: list(deployment.clusters.names()))
    recorded = read_record(deployment)
    health = {group: reader.read(f"targets of {group}", _health(deployment, group)) for group in _groups(deployment)}
    rules = [rule for slot in deployment.config.slots for rule in (slot.id_rule, slot.header_rule)]
    reality = Reality(
        health={group: seen for group, seen in health.items() if seen is not None},
        rules=reader.read("rules", lambda: deployment.front_door.conditions(rules)) or {},
        closed_operations=[
            operation
            for operation in sorted(doubtful_operations(recorded))
            if reader.read(f"operation {operation}", _closed(deployment, operation))
        ],
        retiring=reader.read("retirements", deployment.executions.running_retirements),
        well=_well(deployment, recorded, reader),
    )
    found = _found(deployment, recorded, reality, reader, stacks=stacks or (), clusters=clusters or ())
    return Look(recorded=recorded, reality=reality, found=tuple(found), unknown=tuple(reader.failed))


def read_record(deployment: Deployment) -> Recorded:
    """What the record says now; leases that closed executions hold are left out.

    Raises:
        botocore.exceptions.ClientError: it could not be read.
    """
    record, config = deployment.record, deployment.config
    incidents = record.get(*(Incident.key(each.name) for each in config.managed_clusters))
    return Recorded(
        managed_clusters=[
            _without_closed_lease(deployment, found)
            for each in config.managed_clusters
            if (found := record.managed_cluster(each.name)) is not None
        ],
        incarnations=record.incarnations(),
        slots=record.slots([slot.number for slot in config.slots]),
        incidents=[Incident.from_item(item) for item in incidents.values()],
    )


def _without_closed_lease(deployment: Deployment, managed_cluster: ManagedCluster) -> ManagedCluster:
    lease = managed_cluster.lease
    if lease is None or _Reader().read(
        "the lease's execution", lambda: deployment.executions.runs(lease.execution, since=lease.since)
    ) in (
        True,
        None,
    ):
        return managed_cluster
    return replace(managed_cluster, lease=None)


def _well(deployment: Deployment, recorded: Recorded, reader: _Reader) -> list[int]:
    """The generations of what is kept from new jobs and is healthy now."""
    kept = [
        serving
        for each in recorded.managed_clusters
        if (serving := recorded.in_service(each)) is not None and serving.isolated_at is not None
    ]
    return [each.generation for each in kept if reader.read(f"evidence on {each.title}", _is_healthy(deployment, each))]


def _is_healthy(deployment: Deployment, incarnation: Incarnation) -> Callable[[], bool]:
    return lambda: verdict_on(deployment, incarnation, serving_from=incarnation.judged_from).verdict is Verdict.HEALTHY


def _health(deployment: Deployment, group: str) -> Callable[[], dict[str, str]]:
    return lambda: deployment.front_door.health(group)


def _closed(deployment: Deployment, operation: str) -> Callable[[], bool]:
    """Whether an operation has ended: its record says so, or its execution is closed."""

    def closed() -> bool:
        known = deployment.record.operation(operation)
        if known is None or known.execution is None:
            return False
        return known.outcome is not None or not deployment.executions.runs(known.execution, since=known.started_at)

    return closed


def _groups(deployment: Deployment) -> list[str]:
    config = deployment.config
    return [
        config.balanced_target_group,
        *(slot.target_group for slot in config.slots),
        *(
            group
            for each in config.managed_clusters
            for group in (each.resource_manager_target_group, each.name_node_target_group)
        ),
    ]


def _found(
    deployment: Deployment,
    recorded: Recorded,
    reality: Reality,
    reader: _Reader,
    *,
    stacks: Iterable[str],
    clusters: Iterable[tuple[str, str]],
) -> list[Found]:
    """Of what has a name of ours, that which the record may not know and which has our tags, too."""
    alive = {
        (each.managed_cluster, each.generation): each
        for each in recorded.incarnations
        if each.state is not IncarnationState.RETIRED
    }
    found: list[Found] = []
    for name in stacks:
        owner = _owner(deployment, name)
        if (
            owner is not None
            and owner not in alive
            and reader.read(f"stack {name}", _our_stack(deployment, name, owner))
        ):
            found.append(Found(managed_cluster=owner[0], generation=owner[1]))
    for cluster_id, name in clusters:
        owner = _owner(deployment, name)
        if owner is None or _is_known(alive.get(owner), cluster_id):
            continue
        traffic = reader.read(f"cluster {cluster_id}", _our_cluster(deployment, reality, cluster_id, owner))
        if traffic is not None:
            found.append(
                Found(managed_cluster=owner[0], generation=owner[1], cluster_id=cluster_id, gets_traffic=traffic)
            )
    return found


def _owner(deployment: Deployment, name: str) -> tuple[str, int] | None:
    """Managed cluster and generation that a stack or a cluster is called after."""
    for each in deployment.config.managed_clusters:
        generation = generation_of_stack(deployment.config.deployment, each.name, name)
        if generation is not None:
            return each.name, generation
    return None


def _is_known(incarnation: Incarnation | None, cluster_id: str) -> bool:
    return incarnation is not None and incarnation.cluster_id in (None, cluster_id)


def _tags(deployment: Deployment, owner: tuple[str, int]) -> dict[str, str]:
    return {
        DEPLOYMENT_TAG: deployment.config.deployment,
        MANAGED_CLUSTER_TAG: owner[0],
        GENERATION_TAG: str(owner[1]),
    }


def _our_stack(deployment: Deployment, name: str, owner: tuple[str, int]) -> Callable[[], bool]:
    def ours() -> bool:
        seen = deployment.stacks.describe(name)
        return seen is not None and _tags(deployment, owner).items() <= dict(seen.tags).items()

    return ours


def _our_cluster(
    deployment: Deployment, reality: Reality, cluster_id: str, owner: tuple[str, int]
) -> Callable[[], bool | None]:
    """Whether a cluster gets traffic through the front door, as far as that is known; ``None`` if it is not ours."""

    def traffic() -> bool | None:
        try:
            seen = deployment.clusters.describe(cluster_id)
        except ClientError as error:
            # The role may look at clusters with the deployment's tag only.
            if error.response.get("Error", {}).get("Code") in ("AccessDenied", "AccessDeniedException"):
                return None
            raise
        if seen is None or seen.ended or not _tags(deployment, owner).items() <= dict(seen.tags).items():
            return None
        address = deployment.clusters.primary_address(seen)
        return any(address in targets for targets in reality.health.values())

    return traffic
