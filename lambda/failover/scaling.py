"""Brings scaling limits and tags of what serves in line with its managed cluster's spec.

State decides, not events: whoever comes by compares what EMR says with what is wanted now, so that whatever was
interrupted is finished within a minute, and a survivor gets its room and gives it back without anybody having to think
of it.  What could not be read changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core.comparison import Recorded
from dr_core.record import Incarnation, ManagedCluster
from dr_core.scaling import Limits, Scaling, serves_alone, set_by_others, wanted_limits
from dr_core.specs import Spec, tag_changes
from failover.clusters import ClusterSeen
from failover.deployment import Deployment
from failover.errors import InvariantError
from failover.reality import read_record
from failover.record_store import Change
from failover.removal import change_incarnation

logger = Logger()

# The same cluster's limits are told of again after this time only, though they are put right each time.
TELL_AGAIN_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Serving:
    """What serves as a managed cluster, and what its spec says of it."""

    managed_cluster: ManagedCluster
    incarnation: Incarnation
    cluster_id: str
    spec: Spec
    scaling: Scaling

    def is_still(self, before: _Serving) -> bool:
        """Whether nothing that matters here has changed since *before*."""
        return (self.cluster_id, self.spec) == (before.cluster_id, before.spec)


def see_to_scaling(deployment: Deployment, recorded: Recorded, *, paused: bool) -> list[str]:
    """Bring limits and tags of everything in service in line; answer what failed.

    Args:
        deployment: whose.
        recorded: what the record said a moment ago.
        paused: whether a person paused what the product does by itself: limits and tags are left as they are then.
    """
    serving, failed = _serving(recorded), []
    looked: dict[int, ClusterSeen] = {}
    for each in serving:
        try:
            seen = deployment.clusters.describe(each.cluster_id)
        except (BotoCoreError, ClientError) as error:
            logger.warning("the cluster could not be read", extra={"cluster": each.cluster_id, "error": str(error)})
            failed.append(f"cluster {each.cluster_id}")
            continue
        if seen is not None:
            looked[each.incarnation.generation] = seen
    ended = {generation for generation, seen in looked.items() if seen.ends}
    for each in serving:
        seen = looked.get(each.incarnation.generation)
        if seen is None or seen.ends:
            continue
        try:
            _see_to(deployment, each, seen, recorded, ended=ended, paused=paused)
        except (BotoCoreError, ClientError, InvariantError) as error:
            logger.warning("limits or tags are not in line", extra={"cluster": each.cluster_id, "error": str(error)})
            failed.append(f"limits and tags of {each.cluster_id}")
    return failed


def _serving(recorded: Recorded) -> list[_Serving]:
    found = []
    for managed_cluster in recorded.managed_clusters:
        incarnation = None if managed_cluster.tombstone else recorded.in_service(managed_cluster)
        if incarnation is None or incarnation.cluster_id is None or managed_cluster.spec is None:
            continue
        spec = Spec.from_json(managed_cluster.spec)
        if spec.scaling is None:
            continue  # limits and tags are in its template: it is of before they could be changed
        found.append(
            _Serving(
                managed_cluster=managed_cluster,
                incarnation=incarnation,
                cluster_id=incarnation.cluster_id,
                spec=spec,
                scaling=spec.scaling,
            )
        )
    return found


def _see_to(
    deployment: Deployment,
    serving: _Serving,
    seen: ClusterSeen,
    recorded: Recorded,
    *,
    ended: Collection[int],
    paused: bool,
) -> None:
    scaling, now = serving.scaling, time.time()
    alone = serves_alone(
        serving.managed_cluster.name,
        managed_clusters=recorded.managed_clusters,
        incarnations=recorded.incarnations,
        ended=ended,
    )
    if alone and scaling.maximum_instances_alone is not None:
        deployment.record.change(Change(key=ManagedCluster.key(serving.managed_cluster.name), values={"alone_at": now}))
    wanted = wanted_limits(scaling, alone=alone, last_alone_at=serving.managed_cluster.alone_at, now=now)
    found = deployment.clusters.limits(serving.cluster_id)
    if wanted.unit is not seen.unit:
        logger.warning("limits of the spec do not fit the cluster", extra={"cluster": seen.cluster_id})
        return  # a cluster of instance fleets serves with a spec of groups or the other way round, until it is replaced
    add, remove = tag_changes(serving.spec.tags, given=serving.incarnation.tags or {}, found=seen.tags)
    if paused or (found == wanted and not add and not remove):
        return
    # A deploy may have changed the spec since, or an operation what serves: the next run sees to that.
    fresh = next((each for each in _serving(read_record(deployment)) if each.is_still(serving)), None)
    if fresh is None:
        return
    bring_in_line(deployment, fresh.incarnation, seen, limits=wanted, spec=fresh.spec, found=found)
    if found != wanted:
        _tell_limits(deployment, fresh, found, wanted, alone=alone)


def room_of_others(deployment: Deployment, name: str) -> str:
    """How far those may grow that serve while managed cluster *name* does not, in a sentence; empty if no further."""
    told = []
    for each in deployment.config.managed_clusters:
        other = deployment.record.managed_cluster(each.name) if each.name != name else None
        scaling = Spec.from_json(other.spec).scaling if other is not None and other.spec is not None else None
        if scaling is not None and scaling.alone != scaling.usual:
            told.append(f"managed scaling of {each.name} may start up to {scaling.alone.maximum} {scaling.unit.noun}")
    return f"Meanwhile {' and '.join(told)}." if told else ""


def bring_in_line(
    deployment: Deployment,
    incarnation: Incarnation,
    seen: ClusterSeen,
    *,
    limits: Limits,
    spec: Spec,
    found: Limits | None,
) -> None:
    """Give a cluster *limits* and the tags of *spec*, and take back the tags that it was given and *spec* has not.

    What it is given is noted down first: whoever finds it knows then whose doing it is, and which tags are ours to
    take back.

    Args:
        deployment: whose.
        incarnation: as it was read a moment ago.
        seen: its cluster, which has not ended.
        limits: what managed scaling shall keep to.
        spec: whose tags it shall have.
        found: the limits that it has.

    Raises:
        InvariantError: the cluster is not ours.
        botocore.exceptions.ClientError: EMR refused a change; those before it were made.
    """
    deployment.clusters.check_ours(
        seen,
        seen.cluster_id,
        managed_cluster=incarnation.managed_cluster,
        stack_name=incarnation.stack_name or "",
        to_be="changed",
    )
    given = incarnation.tags or {}
    add, remove = tag_changes(spec.tags, given=given, found=seen.tags)
    meant = {**given, **spec.tags}
    if incarnation.limits != limits.to_dict() or given != meant:
        change_incarnation(deployment, incarnation, limits=limits.to_dict(), tags=meant)
    if found != limits:
        deployment.clusters.set_limits(seen.cluster_id, limits)
        logger.info(
            "set the limits of managed scaling",
            extra={"cluster": seen.cluster_id, "limits": limits.text, "found": found.text if found else None},
        )
    deployment.clusters.tag(seen.cluster_id, add=add, remove=remove)
    if meant != spec.tags:
        change_incarnation(deployment, incarnation, tags=dict(spec.tags))


def _tell_limits(
    deployment: Deployment, serving: _Serving, found: Limits | None, wanted: Limits, *, alone: bool
) -> None:
    """Tell of limits that a person must have set; those that come and go with the other half are in the log."""
    given = serving.incarnation.limits
    if not set_by_others(found, scaling=serving.scaling, given=None if given is None else Limits.from_dict(given)):
        return
    key = {"kind": "correction", "id": f"limits of {serving.cluster_id}"}
    known = deployment.record.get(key).get((key["kind"], key["id"]), {})
    if time.time() < float(known.get("told_at", 0)) + TELL_AGAIN_SECONDS:
        return
    name = serving.managed_cluster.name
    what = "had no policy of ours" if found is None else f"kept to {found.counted}"
    deployment.notices.tell(
        subject=f"the scaling limits of {name} were not those of the settings",
        happened=f"Managed scaling of {serving.incarnation.title} ({serving.cluster_id}) {what}, and neither the "
        "settings nor this product had chosen that.",
        done=f"It keeps to {wanted.counted} again"
        + (", as it serves alone at the moment." if alone else ", as the settings say."),
        to_do=f"If you want other limits, change {_keys(serving.scaling)} in the settings and deploy: the cluster that "
        "runs gets them, none is replaced. While automatic operations are paused nothing is put back. Who changed "
        "them: look for PutManagedScalingPolicy in CloudTrail. The same is told again after an hour only.",
    )
    deployment.record.change(Change(key=key, values={"told_at": time.time()}))


def _keys(scaling: Scaling) -> str:
    """The settings that say the limits."""
    if scaling.fleets is None:
        return "cluster.minimum_instances and cluster.maximum_instances"
    return "the units of cluster.fleets"
