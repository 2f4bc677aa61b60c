"""Looks whether what another managed cluster was changed to serves well, before this one is changed."""

from __future__ import annotations

import time
from collections.abc import Iterable

from dr_core.bake import Changed, judge_bake
from dr_core.operation_plan import Next
from dr_core.record import Incarnation, IncarnationState, ManagedCluster
from dr_core.requests import OperationRequest, Reason
from dr_core.standby import spec_digest
from dr_core.way_back import is_way_back
from failover.calls import OperationCall
from failover.observation import verdict_on


def goes_back(call: OperationCall, incarnations: Iterable[Incarnation]) -> bool:
    """Whether the change goes back to a spec that has served the managed cluster well before."""
    return is_way_back(
        call.operation.spec,
        managed_cluster=call.request.managed_cluster,
        incarnations=incarnations,
        well_seconds=call.deployment.config.policy.bake_seconds,
        now=time.time(),
    )


def look_at_bake(call: OperationCall) -> tuple[Next, str]:
    """Whether a change of the spec may go on, has to wait, or must not be made; and why in words.

    Who goes back to what served well before is not held up, neither by those that have what shall go nor by an alarm
    that speaks of that.
    """
    deployment, now, policy = call.deployment, time.time(), call.deployment.config.policy
    incarnations = deployment.record.incarnations()
    if goes_back(call, incarnations):
        return Next.GO_ON, "it goes back to what served well before"
    names = {each.managed_cluster for each in incarnations} - {call.request.managed_cluster}
    others = [deployment.record.managed_cluster(name) for name in sorted(names)]
    alike = {each.name for each in others if each is not None and each.spec == call.operation.spec}
    digest = spec_digest(call.operation.spec) if call.operation.spec is not None else ""
    changed = []
    for each in incarnations:
        # Also what a failover, or a person, has put into the place of what a deploy had changed.
        other = each.managed_cluster in alike and (each.reason == Reason.UPGRADE or each.spec_digest == digest)
        if other and each.state is IncarnationState.SERVING and each.serving_from is not None:
            judgement = verdict_on(deployment, each, serving_from=each.judged_from)
            changed.append(
                Changed(
                    title=each.title,
                    serving_from=each.serving_from,
                    verdict=judgement.verdict,
                    reason=judgement.reason,
                )
            )
    newer = [each.name for each in others if each is not None and _changes_by_a_newer_request(call, each)]
    return judge_bake(
        changed,
        alarms=deployment.alarms.look(policy.bake_alarms) if changed else (),
        newer=newer,
        now=now,
        waited=call.waited,
        bake=policy.bake_seconds,
    )


def _changes_by_a_newer_request(call: OperationCall, other: ManagedCluster) -> bool:
    """Whether a deploy that came after the one of this operation changes *other* now."""
    operation = None if other.lease is None else call.deployment.record.operation(other.lease.operation)
    if operation is None or OperationRequest.from_json(operation.request).reason is not Reason.UPGRADE:
        return False
    return (operation.started_at or 0) > (call.operation.started_at or 0)
