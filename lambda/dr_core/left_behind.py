"""What an interrupted operation or retirement left in a state that somebody has to end, and nobody does."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dr_core.comparison import Correction, CorrectionKind, Reality, Recorded
from dr_core.config import FunctionConfig
from dr_core.naming import attempt_of
from dr_core.record import Incarnation, IncarnationState, IncidentState, ManagedCluster
from dr_core.retirement_plan import planned_still
from dr_core.standby import is_begun

# After the end of a cut-over or of a launch its own function starts the retirement within seconds; this much later
# nobody is about to do it any more.  The same goes for what was isolated.
GRACE_SECONDS = 120

_BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)
_GOING = (IncarnationState.RETIRING, IncarnationState.ABANDONED)


def doubtful_operations(recorded: Recorded) -> set[str]:
    """The operations of which it has to be known whether they still run: an incarnation waits for them."""
    return {
        each.operation
        for each in recorded.incarnations
        if each.operation is not None and each.state in _BEGUN and each.managed_cluster not in recorded.busy
    }


def left_behind(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> Iterator[Correction]:
    """Incarnations in a state that somebody has to end, and nobody does."""
    busy = recorded.busy
    balanced = reality.members(config.balanced_target_group)
    for each in recorded.incarnations:
        if each.managed_cluster in busy:
            continue
        if each.state in _BEGUN and each.operation in reality.closed_operations:
            # One that gets jobs already, or for whose sake what serves is being ended, is the next operation's to
            # finish; none comes while what serves is healthy.
            well = reality.serves_well(each.managed_cluster, config.balanced_target_group, recorded)
            kept = (
                each.state is IncarnationState.VERIFYING and _serving_ends(each.managed_cluster, recorded)
            ) or is_left_to_the_next(each, config=config, now=now)
            if balanced is not None and not kept and (well or each.primary_address not in balanced):
                yield Correction(
                    kind=CorrectionKind.GIVE_UP,
                    sentence=f"{each.title} is {each.state}, and its operation {each.operation} has ended",
                    generation=each.generation,
                )
        elif each.state is IncarnationState.STANDBY and not config.wants_standby(each.managed_cluster):
            yield Correction(
                kind=CorrectionKind.GIVE_UP_STANDBY,
                sentence=f"{each.title} stands by, and the settings want no standby any more",
                generation=each.generation,
            )
        elif each.state in _GOING and reality.retiring is not None:
            since = each.serving_to or each.created_at or 0
            if (each.managed_cluster, each.generation) not in reality.retiring and now >= since + GRACE_SECONDS:
                yield Correction(
                    kind=CorrectionKind.RETIRE,
                    sentence=f"{each.title} is {each.state}, and no retirement of it runs",
                    generation=each.generation,
                    planned=planned_still(
                        served=each.serving_from is not None,
                        terminate_requested=each.terminate_requested_at is not None,
                    ),
                )
    yield from _sick(recorded, reality, config=config, now=now)
    yield from _isolated(recorded, reality, config=config, now=now)


def is_left_to_the_next(incarnation: Incarnation, *, config: FunctionConfig, now: float) -> bool:
    """Whether the next launch of a standby, or a failover, takes over what was begun, instead of launching anew.

    For as long as one launch may take: what nobody takes over costs money, and nobody sees that.
    """
    until = (incarnation.create_stack_at or 0) + config.policy.launch_limit_seconds
    return is_begun(incarnation) and config.wants_standby(incarnation.managed_cluster) and now < until


def _serving_ends(name: str, recorded: Recorded) -> bool:
    """Whether the end of what serves as a managed cluster was decided."""
    generations = {each.serving_generation for each in recorded.managed_clusters if each.name == name}
    return any(
        each.generation in generations and each.terminate_requested_at is not None for each in recorded.incarnations
    )


def _sick(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> Iterator[Correction]:
    """What is unhealthy and gets new jobs, as no failover is allowed to answer that, though somebody else serves.

    A planned operation keeps every failover back for as long as it lasts, and does not look whether what it replaces is
    well: nobody is about to isolate that, so that there is nothing to wait for.
    """
    group = config.balanced_target_group
    sick_since = {each.managed_cluster: each.since for each in recorded.incidents if each.state is IncidentState.OPEN}
    for managed_cluster in recorded.managed_clusters:
        since = sick_since.get(managed_cluster.name)
        if since is None or managed_cluster.tombstone:
            continue
        lease = managed_cluster.lease
        if lease is not None and is_answered(managed_cluster, recorded) and now < lease.since + GRACE_SECONDS:
            continue  # it isolates by itself, before it repairs or launches; what was given back since, nobody does
        planned = lease is not None and not lease.yields
        if not planned and now < since + GRACE_SECONDS:
            continue
        serving = recorded.in_service(managed_cluster)
        if serving is None or serving.primary_address not in (reality.members(group) or ()):
            continue
        others = {each.managed_cluster for each in recorded.incarnations} - {managed_cluster.name}
        if any(reality.serves_well(name, group, recorded) for name in others):
            yield Correction(
                kind=CorrectionKind.ISOLATE,
                sentence=f"{serving.title} is unhealthy and got new jobs, though another managed cluster serves",
                generation=serving.generation,
            )


def is_answered(managed_cluster: ManagedCluster, recorded: Recorded) -> bool:
    """Whether the operation that holds the lease answers the latest incident: it isolates and gives back by itself."""
    lease = managed_cluster.lease
    return lease is not None and any(
        attempt_of(lease.operation, each.incident) is not None
        for each in recorded.incidents
        if each.managed_cluster == managed_cluster.name
    )


def _isolated(recorded: Recorded, reality: Reality, *, config: FunctionConfig, now: float) -> Iterator[Correction]:
    """What was taken out of the balanced group while it was sick, and is not sick any more, or all that is left.

    The failover that isolated it gives it back, unless it was interrupted and whoever tidies up failed as well, or did
    not know whether it is well: an incident is closed when its operation was called off, whatever is known then.  What
    was isolated while a planned operation worked on it is given back as soon as it is well again: that operation may
    fail, and until its cut-over nobody takes its place.  When nobody else is healthy any more it is given back whatever
    runs: a service that is half well is more than none.  So is what is well again while everybody else in service is
    sick: its failover may have to wait long for a launch, and calls itself off when it looks again.
    """
    health = reality.health.get(config.balanced_target_group)
    nobody_serves = health is not None and "healthy" not in health.values()
    unanswered = {each.managed_cluster for each in recorded.incidents if each.state is IncidentState.OPEN}
    for managed_cluster in recorded.managed_clusters:
        serving = recorded.in_service(managed_cluster)
        if managed_cluster.tombstone or serving is None or serving.isolated_at is None:
            continue
        if serving.primary_address is None or recorded.handed_on(serving):
            continue
        answered = managed_cluster.name in unanswered or is_answered(managed_cluster, recorded)
        well = serving.generation in reality.well
        over = well and not answered and now >= serving.isolated_at + GRACE_SECONDS
        better = well and not _others_are_well(managed_cluster, recorded, unanswered)
        if over or nobody_serves or better:
            why = "it is well again, and whoever serves is unhealthy"
            if over:
                why = "it is well again, no incident is open and no failover runs"
            elif nobody_serves:
                why = "nobody else is healthy any more"
            yield Correction(
                kind=CorrectionKind.GIVE_BACK,
                sentence=f"{serving.title} was kept from new jobs, though {why}",
                generation=serving.generation,
            )


def _others_are_well(managed_cluster: ManagedCluster, recorded: Recorded, sick: Collection[str]) -> bool:
    """Whether another managed cluster gets new jobs and has no open incident; *sick* are those that have one."""
    for other in recorded.managed_clusters:
        serving = None if other.name == managed_cluster.name else recorded.in_service(other)
        if serving is not None and serving.isolated_at is None and other.name not in sick:
            return True
    return False
