"""Verify: prove that the new incarnation works before anybody depends on it."""

from __future__ import annotations

import time
from dataclasses import replace

from dr_core.evidence import Verdict
from dr_core.id_ranges import id_range
from dr_core.naming import canary_name, parse_canary_name
from dr_core.operation_plan import CanaryState, Next, Proof, judge_canary, judge_proof
from dr_core.record import Incarnation
from dr_core.requests import Kind
from dr_core.standby import VERIFIED_SECONDS
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.errors import InvariantError, NoProberAnsweredError
from failover.leftovers import in_service_group, serves_well_before
from failover.observation import proof_on
from failover.probers import Canary
from failover.removal import change_incarnation
from failover.routing import ensure_routed
from failover.seeding import SecondSeed, seed_again, serve_unseeded

# From the look at a standby to Verify: a machine that was interrupted in between proves it anew.
_GRACE_SECONDS = 120
_OUTSIDE = "Livy numbers its batches outside the incarnation's range"


def verify(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once the canary succeeded with an id of the range and two vantage points see all services good.

    Where fewer probers are left the canary is one of the vantage points.
    A probe's K-of-N rule is the monitor's own, so that a cluster that passes is not called unhealthy a moment later.
    A Livy that numbers outside the range is seeded once more and gets a second canary.
    """
    incarnation = call.new_incarnation()
    if _stood_by(incarnation):
        return done(f"generation {incarnation.generation} stood by: it is proved, and Launch has looked at it again")
    if incarnation.seeded_again_at is not None and not _has_second_canary(incarnation):
        progress, why = seed_again(call, incarnation)
        if progress is SecondSeed.UNDER_WAY:
            return wait(why)
        if progress is SecondSeed.OVERDUE:
            return failed(f"generation {incarnation.generation} is not fit to serve: {_OUTSIDE}, and {why}")
        incarnation = _begin_second_canary(call, incarnation)
    canary = _canary(call, incarnation)
    batch_id = canary.batch_id if canary.batch_id is not None else incarnation.canary_id
    refusal = None
    if batch_id is not None and batch_id not in _range_of(incarnation) and not incarnation.unseeded:
        if not _has_second_canary(incarnation):
            _, why = seed_again(call, incarnation)
            return wait(f"{_OUTSIDE} (canary {batch_id}); {why}")
        refusal = (
            "a standby may be needed at any time, and what serves then has to number in its range"
            if call.request.kind is Kind.STANDBY
            else serve_unseeded(call, incarnation, batch_id=batch_id)
        )
        incarnation = replace(incarnation, unseeded=refusal is None)
    if refusal is None:
        ensure_routed(call.deployment, incarnation, evicts=call.request.kind is Kind.FAILOVER)
    canary_state = judge_canary(canary.state)
    judgement = proof_on(call.deployment, incarnation, canary_succeeded=canary_state is CanaryState.SUCCEEDED)
    decision, why = judge_proof(
        proof=Proof(
            canary=canary_state,
            id_in_range=refusal is None,
            seen_healthy=judgement.verdict is Verdict.HEALTHY,
        ),
        waited=_waited(call, incarnation),
        limit=call.deployment.config.canary.limit_seconds,
    )
    details = f"canary {batch_id}: {canary.error or canary.state}; {judgement.verdict}: {judgement.reason}"
    match decision:
        case Next.GO_ON:
            return done(f"generation {incarnation.generation} is proved: {why}")
        case Next.WAIT:
            return wait(f"{why} ({details})")
        case Next.STOP if _is_all_there_is(call, incarnation):
            return done(
                f"generation {incarnation.generation} is not fit to serve: {why}.  But an interrupted operation has "
                "brought it into service, and nothing that was there before serves well: its cut-over is finished, and "
                f"what is sick in it is for the monitor to see ({details})"
            )
        case Next.STOP:
            may_not = f", also after a second run, and it may not serve like this: {refusal}" if refusal else ""
            return failed(f"generation {incarnation.generation} is not fit to serve: {why}{may_not} ({details})")


def _stood_by(incarnation: Incarnation) -> bool:
    """Whether it stood by until this operation took it, a moment after its last canary and one look at it."""
    proved_at = incarnation.canary_succeeded_at
    return (
        incarnation.standby_from is not None
        and incarnation.slot is not None
        and proved_at is not None
        and time.time() - proved_at < VERIFIED_SECONDS + _GRACE_SECONDS
    )


def _is_all_there_is(call: OperationCall, incarnation: Incarnation) -> bool:
    """Whether it is in service already, and its managed cluster has nothing better.

    Only what the record calls in service is judged and replaced: each later failover would have to finish this one.
    """
    deployment = call.deployment
    return in_service_group(deployment, incarnation) and serves_well_before(deployment, incarnation) is None


def _waited(call: OperationCall, incarnation: Incarnation) -> float:
    """Seconds that the present canary had so far: a second one begins anew."""
    again = incarnation.seeded_again_at
    return call.waited if again is None else min(call.waited, time.time() - again)


def _has_second_canary(incarnation: Incarnation) -> bool:
    found = parse_canary_name(incarnation.canary_name or "")
    return found is not None and found[1] > 1


def _begin_second_canary(call: OperationCall, incarnation: Incarnation) -> Incarnation:
    """Livy lets a name be used once, and the first canary's id says nothing any more."""
    second = canary_name(incarnation.generation, 2)
    change_incarnation(call.deployment, incarnation, canary_name=second, canary_id=None, canary_app_id=None)
    return replace(incarnation, canary_name=second, canary_id=None, canary_app_id=None)


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
