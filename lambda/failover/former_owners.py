"""An address that EC2 has given to a new primary is taken from the targets of whoever had it before."""

from __future__ import annotations

from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.removal import cluster_ended


def take_from_former_owners(deployment: Deployment, incarnation: Incarnation) -> str:
    """Deregister the address of a new *incarnation* wherever it is registered for an older one; what is waited for.

    Else ids of the old one, and new jobs, would lead to a cluster that nobody has proved.  Called before the record
    says whose the address is now, and may be repeated.  The old cluster has ended, as EC2 gives no address to two
    machines; as long as EMR does not say so, nothing is changed.

    Args:
        deployment: the deployment.
        incarnation: the new one, with the address of its primary.

    Returns:
        Why the address is not its own yet, in words; empty when it is.
    """
    address = incarnation.primary_address
    former = [
        each
        for each in deployment.record.incarnations()
        if each.primary_address == address
        and each.generation < incarnation.generation
        and each.state is not IncarnationState.RETIRED
    ]
    for each in former:
        if not cluster_ended(deployment, each):
            return f"{address} is the address of {each.title} too, whose cluster {each.cluster_id} has not ended"
    for each in former:
        _take(deployment, each, address=address or "")
    return ""


def _take(deployment: Deployment, former: Incarnation, *, address: str) -> None:
    """The slot stays the old one's, whose ids answer 503 from now on: it is not fenced, so that no 410 is due yet."""
    front_door = deployment.front_door
    front_door.take_out_of_service(managed_cluster=former.managed_cluster, address=address)
    for slot in deployment.record.slots([each.number for each in deployment.config.slots]):
        if slot.generation == former.generation:
            group = front_door.slot(slot.number).target_group
            front_door.deregister(group, address=address, port=deployment.config.ports.livy)
