"""Verify: prove that the new incarnation works before anybody depends on it."""

from __future__ import annotations

from dr_core.evidence import Verdict
from dr_core.id_ranges import id_range
from dr_core.naming import canary_name
from dr_core.operation_plan import Next, Proof, judge_canary, judge_proof
from dr_core.record import Incarnation
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.errors import InvariantError, NoProberAnsweredError
from failover.observation import verdict_on
from failover.probers import Canary
from failover.removal import change_incarnation
from failover.routing import ensure_routed


def verify(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once the canary succeeded with an id of the range and two vantage points see all services good.

    A probe's K-of-N rule is the monitor's own, so that a cluster that passes is not called unhealthy a moment later.
    """
    incarnation = call.new_incarnation()
    canary = _canary(call, incarnation)
    ensure_routed(call.deployment, incarnation)
    judgement = verdict_on(call.deployment, incarnation)
    batch_id = canary.batch_id if canary.batch_id is not None else incarnation.canary_id
    decision, why = judge_proof(
        proof=Proof(
            canary=judge_canary(canary.state),
            id_in_range=batch_id is None or batch_id in _range_of(incarnation),
            seen_healthy=judgement.verdict is Verdict.HEALTHY,
        ),
        waited=call.waited,
        limit=call.deployment.config.canary.limit_seconds,
    )
    details = f"canary {batch_id}: {canary.error or canary.state}; {judgement.verdict}: {judgement.reason}"
    match decision:
        case Next.GO_ON:
            return done(f"generation {incarnation.generation} is proved: {why}")
        case Next.WAIT:
            return wait(f"{why} ({details})")
        case Next.STOP:
            return failed(f"generation {incarnation.generation} is not fit to serve: {why} ({details})")


def _canary(call: OperationCall, incarnation: Incarnation) -> Canary:
    """The canary's batch, submitted if it was not; its id and application are noted down when they become known."""
    if incarnation.primary_address is None:
        raise InvariantError(f"{incarnation.id} cannot be verified: the address of its primary is not known")
    name = incarnation.canary_name or canary_name(incarnation.generation, 1)
    try:
        canary = call.deployment.probers.canary(
            address=incarnation.primary_address, name=name, near=incarnation.availability_zone
        )
    except NoProberAnsweredError as error:
        return Canary(error=str(error))
    before = {
        "canary_name": incarnation.canary_name,
        "canary_id": incarnation.canary_id,
        "canary_app_id": incarnation.canary_app_id,
    }
    after = {"canary_name": name, "canary_id": canary.batch_id, "canary_app_id": canary.app_id}
    changes = {key: value for key, value in after.items() if value is not None and value != before[key]}
    if canary.batch_id is not None and changes:
        change_incarnation(call.deployment, incarnation, **changes)
    return canary


def _range_of(incarnation: Incarnation) -> range:
    if incarnation.id_prefix is None:
        raise InvariantError(f"{incarnation.id} has no range of ids")
    return id_range(incarnation.id_prefix)
