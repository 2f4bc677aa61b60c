"""Whether a failover that runs gives way to a change of the managed cluster's spec."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dr_core.record import Incarnation
from dr_core.requests import Kind, OperationRequest, Reason
from dr_core.standby import spec_digest
from dr_core.steps import OperationStep
from dr_core.way_back import is_in_doubt


def gives_way(
    *,
    holder: OperationRequest,
    entered: Collection[str],
    mine: OperationRequest,
    wanted: str | None,
    launches: str | None,
    others_serve: bool,
    incarnations: Iterable[Incarnation],
    now: float,
) -> bool:
    """Whether a failover that the monitor started is stopped for a change that a deploy asks for.

    Only while it launches.  Before that it mends a Livy within a minute, and takes what is sick out of service; after
    that it is as good as done, and its end is waited for.  What it launches would have to be replaced at once.  Where
    nobody else serves, jobs wait for it: it is stopped then only for a spec that has served before, as on the way back,
    and not for one that nobody has proved yet, or that is in doubt since it was taken back.

    Args:
        holder: what the operation that holds the lease was asked for.
        entered: the states that it has entered.
        mine: what the operation that wants the lease was asked for.
        wanted: the spec that the change launches, JSON.
        launches: the spec that the failover launches, JSON.
        others_serve: whether another managed cluster is healthy in the balanced group.
        incarnations: of the deployment.
        now: seconds since 1970.
    """
    if holder.kind is not Kind.FAILOVER or holder.reason is not Reason.UNHEALTHY:
        return False
    if mine.kind is not Kind.SWITCHOVER or mine.reason is not Reason.UPGRADE or wanted is None:
        return False
    if OperationStep.LAUNCH not in entered or OperationStep.VERIFY in entered:
        return False
    digest = spec_digest(wanted)
    if launches is not None and spec_digest(launches) == digest:
        return False
    if others_serve:
        return True
    name, known = mine.managed_cluster, list(incarnations)
    if is_in_doubt(digest, managed_cluster=name, incarnations=known, now=now):
        return False
    return any(
        each.managed_cluster == name and each.serving_from is not None and each.spec_digest == digest for each in known
    )
