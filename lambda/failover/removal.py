"""How an incarnation leaves: out of the front door, then its cluster and its stack."""

from __future__ import annotations

import time

from dr_core.addresses import handed_on_to
from dr_core.record import Incarnation, Slot
from dr_core.retirement_plan import CLUSTER_ENDING, StackDeletion, judge_stack
from failover.clusters import ClusterSeen
from failover.deployment import Deployment
from failover.record_store import Change


def change_incarnation(deployment: Deployment, incarnation: Incarnation, **values: object) -> None:
    """Set attributes of an incarnation's item; ``None`` removes one."""
    deployment.record.change(Change(key=Incarnation.key(incarnation.generation), values=values))


def address_handed_on(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether the address of an incarnation belongs to a younger one now.

    A VPC hands out the address of a primary that is gone again; what was meant for the old one would hit the new one.
    """
    if incarnation.primary_address is None:
        return False
    return handed_on_to(incarnation, deployment.record.incarnations()) is not None


def hide(deployment: Deployment, incarnation: Incarnation) -> Incarnation:
    """Let the ids of an incarnation lead nowhere, so that they answer 503 until they answer 410.

    A job that is killed then has not failed, and its Livy would tell its client so.
    """
    if incarnation.slot is None or incarnation.primary_address is None:
        return incarnation
    if incarnation.hidden_at is None:  # written down first: the reconciliation would lead them back
        change_incarnation(deployment, incarnation, hidden_at=time.time())
    deployment.front_door.deregister(
        deployment.front_door.slot(incarnation.slot).target_group,
        address=incarnation.primary_address,
        port=deployment.config.ports.livy,
    )
    if incarnation.unrouted_at is None:  # the call may have been refused for as long as clients need to be led away
        change_incarnation(deployment, incarnation, unrouted_at=time.time())
    return deployment.record.incarnation(incarnation.generation) or incarnation


def withdraw(deployment: Deployment, incarnation: Incarnation) -> None:
    """Take an incarnation out of every group and free its slot: its ids answer 410 from now on.

    The caller makes sure that it is fenced.  Slots that it holds are found by the slots' items, because a step that
    died may have taken one without noting it down.  An address that was handed on stays where it is registered, except
    in the group of such a slot, which is this incarnation's alone.
    """
    address = incarnation.primary_address
    if address is not None and not address_handed_on(deployment, incarnation):
        deployment.front_door.take_out_of_service(managed_cluster=incarnation.managed_cluster, address=address)
    for slot in deployment.record.slots([each.number for each in deployment.config.slots]):
        if slot.generation == incarnation.generation:
            deployment.front_door.close_slot(slot.number, address=address)
            _free(deployment, slot)
    if incarnation.slot is not None:
        change_incarnation(deployment, incarnation, slot=None)


def _free(deployment: Deployment, slot: Slot) -> None:
    deployment.record.change(
        Change(
            key=Slot.key(slot.number),
            values={"generation": None},
            condition="#generation = :generation",
            condition_values={"generation": slot.generation},
        )
    )


def with_cluster(deployment: Deployment, incarnation: Incarnation) -> tuple[Incarnation, str]:
    """The incarnation with the ids of its stack and cluster as far as they can be found, and its stack's status.

    A launch that was interrupted may not have noted them down.  The status is empty if there is no stack.
    """
    name = incarnation.stack_id or incarnation.stack_name
    seen = deployment.stacks.describe(name) if name else None
    if seen is None or not deployment.stacks.ours(seen, managed_cluster=incarnation.managed_cluster):
        return incarnation, ""
    found: dict[str, str] = {}
    if incarnation.stack_id is None:
        found["stack_id"] = seen.stack_id
    if incarnation.cluster_id is None:
        cluster_id = deployment.stacks.cluster_id(seen.stack_id)
        if cluster_id is not None:
            found["cluster_id"] = cluster_id
    if not found:
        return incarnation, seen.status
    change_incarnation(deployment, incarnation, **found)
    return deployment.record.incarnation(incarnation.generation) or incarnation, seen.status


def request_end(deployment: Deployment, incarnation: Incarnation) -> ClusterSeen | None:
    """Ask EMR to end the cluster of an incarnation; answer what EMR said of it before, ``None`` if there is none.

    The request is written down before it is made: EMR gives the same reason, ``USER_REQUEST``, for what we end and for
    what a person ends, and the monitor starts no failover for the latter.

    Raises:
        failover.errors.InvariantError: the cluster is not ours.
    """
    if incarnation.cluster_id is None:
        return None

    def intent() -> None:
        if incarnation.terminate_requested_at is None:
            change_incarnation(deployment, incarnation, terminate_requested_at=time.time())

    return deployment.clusters.end(
        incarnation.cluster_id,
        managed_cluster=incarnation.managed_cluster,
        stack_name=incarnation.stack_name or "",
        intent=intent,
    )


def delete_stack(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Bring the stack of an incarnation to its end, one action in each call; whether it is gone."""
    found, status = with_cluster(deployment, incarnation)
    match judge_stack(status):
        case StackDeletion.GONE:
            return True
        case StackDeletion.WAIT:
            return False
        case StackDeletion.DELETE:
            request_end(deployment, found)
            deployment.stacks.delete(found.stack_id or found.stack_name or "")
            return False


def cluster_ended(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether nothing of an incarnation's cluster runs any more."""
    if incarnation.cluster_id is None:
        return True
    seen = deployment.clusters.describe(incarnation.cluster_id)
    return seen is None or seen.ended


def cluster_ending(deployment: Deployment, incarnation: Incarnation) -> bool:
    """Whether an incarnation's cluster ends or has ended, so that its services will not be back."""
    if incarnation.cluster_id is None:
        return True
    seen = deployment.clusters.describe(incarnation.cluster_id)
    return seen is None or seen.state in CLUSTER_ENDING
