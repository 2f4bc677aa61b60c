"""Fence: make sure that the old incarnation's applications come to an end."""

from __future__ import annotations

from dr_core.record import Incarnation, IncarnationState
from dr_core.requests import Kind
from failover.calls import OperationCall, StepAnswer, done
from failover.deployment import Deployment
from failover.errors import InvariantError, NoProberAnsweredError
from failover.removal import address_handed_on, request_end


def fence(call: OperationCall) -> StepAnswer:
    """Kill the applications of an incarnation that failed and ask EMR to end its cluster; nobody waits for it here.

    New jobs are safe on the new incarnation at once.  What must wait is the 410 for the old one's ids, and the
    retirement does that.  From here on there is no way back.
    """
    if call.request.kind is not Kind.FAILOVER:
        return done("planned: what is in service ends its work first")
    old = _old(call)
    if old is None:
        return done("nothing was in service")
    new = call.new_incarnation()
    if new.state is not IncarnationState.VERIFYING and new.state is not IncarnationState.SERVING:
        raise InvariantError(f"{old.id} must not be ended: {new.id} is {new.state} and cannot take over")
    killed = _kill(call.deployment, old, near=new.availability_zone)
    try:
        request_end(call.deployment, old)
    except InvariantError as error:
        call.deployment.notices.tell(
            subject=f"the cluster of {old.id} was left alone",
            happened=f"A failover wanted to end {old.cluster_id}: {error}.",
            done="The cluster was left alone; the traffic moves to the new one.",
            to_do="Find out whose cluster this is. Its applications may run on and write.",
        )
        return done(str(error))
    return done(f"{killed}; the end of {old.cluster_id} is requested")


def _old(call: OperationCall) -> Incarnation | None:
    generation = call.operation.old_generation
    if generation is None or generation == call.operation.generation:
        return None
    return call.deployment.record.incarnation(generation)


def _kill(deployment: Deployment, old: Incarnation, *, near: str | None) -> str:
    if old.primary_address is None or old.cluster_id is None:
        return "the old incarnation has no address"
    # Its address may belong to somebody else by now, whose applications must not end.
    cluster = deployment.clusters.describe(old.cluster_id)
    if cluster is None or cluster.ended:
        return "the old cluster has ended"
    if address_handed_on(deployment, old):
        return "the address of the old incarnation belongs to a younger one"
    try:
        applications = deployment.probers.kill_applications(address=old.primary_address, near=near)
    except NoProberAnsweredError as error:
        return str(error)
    if not applications.reachable:
        return "the old ResourceManager does not answer"
    running = ", ".join(applications.running) or "none"
    return f"the old applications were told to end (still running: {running})"
