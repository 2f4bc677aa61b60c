"""Takes over what stands by, or is on its way there, so that an operation need not launch."""

from __future__ import annotations

import time

from aws_lambda_powertools import Logger

from dr_core.naming import canary_name
from dr_core.operation_plan import judge_canary
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation
from dr_core.requests import Kind
from dr_core.standby import spares, why_not_awaited
from failover.calls import OperationCall
from failover.deployment import Deployment
from failover.errors import NoProberAnsweredError
from failover.leftovers import abandon, in_service_group
from failover.looking import healthy_vantage_points
from failover.record_store import Change
from failover.removal import address_handed_on

logger = Logger()


def take_spare(call: OperationCall) -> Incarnation | None:
    """The incarnation that this operation has taken over; ``None`` if there is none of use.

    A failover takes a standby whose canary is young enough, after one fresh look from two vantage points; one that was
    on its way is launched to its end, by a failover or by the next launch of a standby.  What has been
    proved for too long is given up.  None is taken where what is replaced stands, nor by another operation: what is
    planned proves a new cluster.
    """
    name, kind = call.request.managed_cluster, call.request.kind
    if kind not in (Kind.FAILOVER, Kind.STANDBY) or not call.deployment.config.wants_standby(name):
        return None
    incarnations = call.deployment.record.incarnations()
    old = next((each for each in incarnations if each.generation == call.operation.old_generation), None)
    found = spares(
        incarnations,
        managed_cluster=call.managed_cluster,
        avoid=old.availability_zone if old is not None else None,
        now=time.time(),
    )
    for each in found:
        if each.state is IncarnationState.STANDBY and kind is not Kind.FAILOVER:
            continue
        if kind is Kind.STANDBY and in_service_group(call.deployment, each):
            continue  # a failover that was interrupted has brought it there: it takes jobs, and stands by for nobody
        # Verify does not prove again what stood by.
        if each.standby_from is not None and not _looks_well(call.deployment, each):
            continue
        if kind is Kind.FAILOVER and _given_up(call.deployment, each):
            continue
        if _take(call, each):
            return call.deployment.record.incarnation(each.generation)
    return None


def _looks_well(deployment: Deployment, standby: Incarnation) -> bool:
    if standby.primary_address is None or address_handed_on(deployment, standby):
        return False
    seen_by = healthy_vantage_points(deployment, address=standby.primary_address, slot=standby.slot)
    well = seen_by >= deployment.config.policy.vantage_points
    if not well:
        logger.warning("the standby is not taken", extra={"incarnation": standby.id, "seen_well_by": seen_by})
    return well


def _given_up(deployment: Deployment, spare: Incarnation) -> bool:
    """Give up what is being proved for too long; whether it was: a failover would wait for it, and may launch anew.

    What nobody can ask now is no worse for that: Verify asks it again.
    """
    if spare.state is not IncarnationState.VERIFYING or spare.standby_from is not None or not spare.primary_address:
        return False
    name = spare.canary_name or canary_name(spare.generation, 1)
    try:
        canary = deployment.probers.canary(address=spare.primary_address, name=name, near=spare.availability_zone)
    except NoProberAnsweredError:
        return False
    why = why_not_awaited(spare, canary=judge_canary(canary.state), now=time.time())
    return why is not None and abandon(deployment, spare, because=why)


def _take(call: OperationCall, spare: Incarnation) -> bool:
    """Write down that this operation works on *spare*; whether nobody gave it up and the lease is this execution's.

    What stood by is proved and routed: it is from now on what any proved incarnation is before its cut-over.
    """
    taken = IncarnationState.VERIFYING if spare.state is IncarnationState.STANDBY else spare.state
    zone = [spare.availability_zone] if spare.availability_zone is not None else []
    return call.deployment.record.change_together(
        Change(
            key=Incarnation.key(spare.generation),
            values={"operation": call.operation.id, "state": taken},
            condition="#state = :seen",
            condition_values={"seen": spare.state},
        ),
        Change(
            key=Operation.key(call.operation.id),
            values={"generation": spare.generation, "tried": [*call.operation.tried, *zone]},
            condition="attribute_not_exists(#generation)",
        ),
        Change(
            key=ManagedCluster.key(call.request.managed_cluster),
            values={},
            condition="#lease.#execution = :mine AND (attribute_not_exists(#tombstone) OR #tombstone = :no)",
            condition_values={"mine": call.execution, "no": False},
        ),
    )
