"""Tells people of what is unhealthy while a planned operation works on it: no failover begins before its end."""

from __future__ import annotations

from datetime import UTC, datetime

from dr_core.comparison import Recorded
from dr_core.record import Operation
from dr_core.requests import Kind, OperationRequest
from dr_core.waiting import Waiting, waiting
from failover.closing import Notice, tell
from failover.deployment import Deployment
from failover.told import note_told, untold


def tell_of_waiting(deployment: Deployment, recorded: Recorded) -> None:
    """Tell of every managed cluster that is unhealthy and waits, once, and then once an hour."""
    found = {each.key: each for each in waiting(recorded)}
    for key in untold(deployment, found):
        # Read now: it may have been isolated a moment ago.
        serving = deployment.record.incarnation(found[key].serving.generation)
        operation = deployment.record.operation(found[key].lease.operation)
        isolated = serving is not None and serving.isolated_at is not None
        notice = _notice(found[key], operation, isolated=isolated)
        tell(deployment, notice)
        note_told(deployment, [key])


def _notice(found: Waiting, operation: Operation | None, *, isolated: bool) -> Notice:
    serving, lease, name = found.serving, found.lease, found.serving.managed_cluster
    request = OperationRequest.from_json(operation.request) if operation is not None else None
    what = f"{request.kind} ({request.why})" if request is not None else "one that is not in the record"
    since = datetime.fromtimestamp(found.incident.since, tz=UTC)
    return Notice(
        subject=f"{name} is unhealthy while operation {lease.operation} works on it",
        happened=f"{serving.title} ({serving.cluster_id}) is called unhealthy since {since:%H:%M:%S} UTC. Operation "
        f"{lease.operation}, {what}, holds the lease of managed cluster {name}, so that no failover begins before its "
        "end.",
        done=(
            "It gets no new jobs while another managed cluster serves; ids of its jobs lead to it as before."
            if isolated
            else "It was left in service, as nobody else is known to be healthy in its place: jobs may fail."
        ),
        to_do=f"{_next(request)} {_sooner(found)}",
    )


def _next(request: OperationRequest | None) -> str:
    if request is not None and request.kind in (Kind.SWITCHOVER, Kind.FAILOVER):
        return (
            "Nothing: the operation goes on as its recovery, as it brings another incarnation into service. Should it "
            "fail, a failover starts by itself within a minute, unless something keeps automatic operations back."
        )
    return (
        "Nothing now: if it is still unhealthy when the operation ends, a failover starts by itself within a minute, "
        "unless something keeps automatic operations back."
    )


def _sooner(found: Waiting) -> str:
    gain = "which launches a cluster anew" if found.standby is None else f"which takes {found.standby.title}, at hand"
    return (
        f"For a failover at once, {gain}, stop the operation: aws stepfunctions stop-execution --execution-arn "
        f"{found.lease.execution}. If a deploy waits for it, that deploy fails then."
    )
