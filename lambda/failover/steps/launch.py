"""Launch: bring up an incarnation in the best AZ that is left, giving up what fails or takes too long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from botocore.exceptions import ClientError

from dr_core.config import SubnetChoice
from dr_core.controls import Controls
from dr_core.id_ranges import first_id, prefix_of, taken_prefixes, usable_generation
from dr_core.launch_advice import advice, advice_on_all
from dr_core.launch_plan import (
    CLUSTER_READY,
    STACK_ON_ITS_WAY,
    LaunchDecision,
    LaunchJudgement,
    LaunchSeen,
    in_the_way,
    judge_launch,
    launch_budget_left,
    launch_deadline,
    time_left,
    what_happened,
)
from dr_core.naming import stack_name
from dr_core.record import INTENT_COUNTER, Incarnation, IncarnationState, ManagedCluster, Operation
from dr_core.requests import AUTOMATIC_REASONS, Kind, Reason
from dr_core.restraints import view_of
from dr_core.specs import Spec
from dr_core.standby import spec_digest, why_over_budget
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.dying import dying
from failover.errors import InvariantError
from failover.former_owners import take_from_former_owners
from failover.launch_places import choose_place, none_left, tell_shared, zone_may_get_free
from failover.leftovers import abandon
from failover.record_store import Change, new_item
from failover.refusals import refusal
from failover.removal import change_incarnation
from failover.slot_check import no_slot
from failover.spares import take_spare

# How long a permission that was given a moment ago may be unknown to a part of AWS: a first deploy makes the role just
# before its first launch, and a cluster has the tag that permits to look at it only since then.
PERMISSION_SECONDS = 60


def launch(call: OperationCall) -> StepAnswer:
    """Answer ``done`` once EMR calls the new cluster WAITING and the address of its primary is known.

    A launch that fails, hangs or finds no capacity is given up, with the reason in the record, and the next AZ is tried
    in the same call.  Nothing is launched if something stands by, or is on its way there, that can be taken instead.
    A step of the cluster that failed does not end it: Verify proves what the steps were for.  A call
    that was throttled or lost raises and is repeated by the machine; it costs no AZ.
    """
    try:
        return _launch(call)
    except ClientError as error:
        refused = refusal(error)
        if refused is None:
            raise
        if refused.may_pass and _launched_for(call) < PERMISSION_SECONDS:
            return wait(refused.message)
        return failed(refused.message)


def _launched_for(call: OperationCall) -> float:
    """Seconds since the present launch began, in whichever AZ."""
    operation = call.deployment.record.operation(call.operation.id) or call.operation
    generation = operation.generation
    incarnation = call.deployment.record.incarnation(generation) if generation is not None else None
    began = incarnation.create_stack_at if incarnation is not None else None
    return call.waited if began is None else time.time() - began


def _launch(call: OperationCall) -> StepAnswer:
    if call.managed_cluster.tombstone:
        return failed("the managed cluster is being deleted")
    generation = call.operation.generation
    incarnation = call.deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None:
        incarnation = take_spare(call)
    if incarnation is None:
        return _launch_next(call)
    match incarnation.state:
        case IncarnationState.ABANDONED:
            abandon(call.deployment, incarnation)
            return _launch_next(call)
        case IncarnationState.RETIRED:  # it was given up, and gone before the next launch could begin
            return _launch_next(call)
        case IncarnationState.RETIRING:
            return failed(f"generation {incarnation.generation} is being retired")
        case IncarnationState.STANDBY:
            return failed(f"generation {incarnation.generation} stands by: somebody has called this operation off")
        case IncarnationState.VERIFYING | IncarnationState.SERVING:
            return done(f"generation {incarnation.generation} is up in {incarnation.availability_zone}")
        case IncarnationState.LAUNCHING:
            return _create(call, incarnation) if incarnation.stack_id is None else _look(call, incarnation)


def _launch_next(call: OperationCall) -> StepAnswer:
    """Write down the intent to launch in the next AZ, then create the stack."""
    intents = _intents(call)  # before what the choice rests on
    incarnations = call.deployment.record.incarnations()
    place = choose_place(call, incarnations)
    tried = f"(tried: {', '.join(call.operation.tried) or 'none'})"
    limit = _limit_reached(call, incarnations)
    if full := no_slot(call, incarnations):
        return failed(full)
    if place is None and (limit or not zone_may_get_free(call, incarnations)):
        return failed(f"{none_left(call, incarnations)} {tried}{_told(call, incarnations)}")
    if limit:
        return failed(f"{limit} {tried}{_told(call, incarnations)}")
    if place is None:
        return wait("another managed cluster is being moved, and may not be joined where it is: its AZ gets free")
    mine = [each for each in incarnations if each.managed_cluster == call.request.managed_cluster]
    waited_for = in_the_way(dying(call.deployment, mine), now=time.time())
    if waited_for:
        return wait(
            f"before a launch in {place.subnet.availability_zone}: the cluster of generation "
            f"{', '.join(map(str, waited_for))}, whose launch was given up, has to end"
        )
    if place.shared_with is not None:
        tell_shared(call, zone=place.subnet.availability_zone, other=place.shared_with)
    incarnation = _intent(call, place.subnet, generation=_draw(call, incarnations), intents=intents)
    if incarnation is None:
        return wait("the lease, the tombstone or the attempt changed meanwhile, or another launch began")
    return _create(call, incarnation)


def _limit_reached(call: OperationCall, incarnations: Sequence[Incarnation]) -> str:
    """The limit that forbids another launch, in words; empty if none does."""
    policy, now = call.deployment.config.policy, time.time()
    if not time_left(
        now=now,
        started_at=_started_at(call),
        launch_limit=policy.launch_limit_seconds,
        total_limit=policy.total_launch_limit_seconds,
    ):
        return (
            f"the {policy.total_launch_limit_seconds} s that a launch may take over all availability zones are used "
            "up, or too little of them is left for another one"
        )
    if call.request.kind is Kind.STANDBY:
        return why_over_budget(view_of(Controls(), (), incarnations), now=now, policy=policy)
    automatic = [
        each.created_at for each in incarnations if each.reason in AUTOMATIC_REASONS and each.created_at is not None
    ]
    if call.request.reason is Reason.UNHEALTHY and not launch_budget_left(
        automatic, now=now, limit=policy.launches_per_day
    ):
        return (
            f"automatic operations have launched {policy.launches_per_day} clusters in 24 hours, which is all they "
            "may; a failover that a person asks for has no such limit"
        )
    return ""


def _told(call: OperationCall, incarnations: Sequence[Incarnation]) -> str:
    """What became of each launch of this operation and what to do about it, as the end of a sentence."""
    mine = [each for each in incarnations if each.operation == call.operation.id]
    given_up = {each.availability_zone or "": each.given_up for each in mine if each.given_up is not None}
    if not call.operation.tried:
        return ""
    happened = what_happened(call.operation.tried, given_up=given_up)
    return f". {happened}. {advice_on_all(given_up.values())}"


def _draw(call: OperationCall, incarnations: list[Incarnation]) -> int:
    """A generation never drawn before whose prefix of batch ids belongs to nobody, nor one next to it.

    Nor is there a stack of its name.  What a deployment has left behind that was deployed again, and counts from
    generation 1 again, has that name and our tags: it would be taken for the launch, with the template of then.
    """
    latest = incarnations[::-1]  # the record has the oldest first
    retired = [_prefix(each) for each in latest if each.state is IncarnationState.RETIRED]
    live = [_prefix(each) for each in latest if each.state is not IncarnationState.RETIRED]
    taken = taken_prefixes(live=live, retired=retired)
    drawn = call.deployment.record.draw_generation()
    while True:
        usable = usable_generation(drawn, taken)
        if usable == drawn and call.deployment.stacks.describe(_stack_name(call, drawn)) is None:
            return drawn
        drawn = call.deployment.record.draw_generation(at_least=usable)


def _stack_name(call: OperationCall, generation: int) -> str:
    return stack_name(call.deployment.config.deployment, call.request.managed_cluster, generation)


def _prefix(incarnation: Incarnation) -> int:
    """What was written down at its launch goes first: an earlier version may have chosen otherwise."""
    return incarnation.id_prefix if incarnation.id_prefix is not None else prefix_of(incarnation.generation)


def _intents(call: OperationCall) -> int:
    """How many launches of the deployment were written down so far."""
    key = INTENT_COUNTER["kind"], INTENT_COUNTER["id"]
    return int(call.deployment.record.get(INTENT_COUNTER).get(key, {}).get("value", 0))


def _intent(call: OperationCall, place: SubnetChoice, *, generation: int, intents: int) -> Incarnation | None:
    """The incarnation as it was written down; ``None`` if this execution may not launch (any more).

    Written before CreateStack, so that no stack can exist that the record does not know, and only while this execution
    holds the lease and nobody is deleting the managed cluster.  Nothing else may have been launched since the choice
    was made, after *intents* launches: two managed clusters would choose the same AZ.
    """
    now = time.time()
    spec = call.operation.spec or call.managed_cluster.spec
    incarnation = Incarnation(
        generation=generation,
        managed_cluster=call.request.managed_cluster,
        state=IncarnationState.LAUNCHING,
        availability_zone=place.availability_zone,
        subnet_id=place.subnet_id,
        id_prefix=prefix_of(generation),
        stack_name=_stack_name(call, generation),
        operation=call.operation.id,
        reason=str(call.request.reason),
        created_at=now,
        create_stack_at=now,
        spec_digest=spec_digest(spec) if spec is not None else None,
    )
    previous = call.operation.generation
    written = call.deployment.record.change_together(
        new_item(incarnation.to_item()),
        Change(
            key=Operation.key(call.operation.id),
            values={
                "generation": generation,
                "tried": [*call.operation.tried, place.availability_zone],
                "launched_at": now,
            },
            condition="#generation = :previous" if previous is not None else "attribute_not_exists(#generation)",
            condition_values={"previous": previous} if previous is not None else None,
        ),
        Change(
            key=ManagedCluster.key(call.request.managed_cluster),
            values={},
            condition="#lease.#execution = :mine AND (attribute_not_exists(#tombstone) OR #tombstone = :no)",
            condition_values={"mine": call.execution, "no": False},
        ),
        Change(
            key=INTENT_COUNTER,
            values={"value": intents + 1},
            condition="#value = :seen" if intents else "attribute_not_exists(#value)",
            condition_values={"seen": intents} if intents else None,
        ),
    )
    return incarnation if written else None


def _create(call: OperationCall, incarnation: Incarnation) -> StepAnswer:
    spec = call.operation.spec or call.managed_cluster.spec
    if spec is None or incarnation.stack_name is None or incarnation.id_prefix is None:
        raise InvariantError(f"nothing says what {incarnation.title} shall be: the record has no spec for it")
    wanted = Spec.from_json(spec)
    deployment = call.deployment
    stack_id = deployment.stacks.create(
        name=incarnation.stack_name,
        template_url=wanted.template_url,
        parameters={
            **wanted.launch_parameters,
            "Deployment": deployment.config.deployment,
            "ManagedCluster": incarnation.managed_cluster,
            "Generation": str(incarnation.generation),
            "FirstId": str(first_id(incarnation.id_prefix)),
            "SubnetId": incarnation.subnet_id or "",
            "Operation": incarnation.operation or "",
        },
        # Whether a stack's tags reach an EMR cluster is not documented: once it serves, what is missing is added.
        tags={
            **wanted.tags,
            **deployment.stacks.tags(managed_cluster=incarnation.managed_cluster, generation=incarnation.generation),
        },
    )
    change_incarnation(deployment, incarnation, stack_id=stack_id, **wanted.given)
    return wait(f"launching generation {incarnation.generation} in {incarnation.availability_zone}")


def _look(call: OperationCall, incarnation: Incarnation) -> StepAnswer:
    looked, seen = _see(call, incarnation)
    held = ""
    if looked.primary_address is not None and incarnation.primary_address is None:
        held = take_from_former_owners(call.deployment, looked)
        if held:  # until its address is its own nobody may be led there
            looked, seen = replace(looked, primary_address=None), replace(seen, address_known=False)
    now = time.time()
    policy = call.deployment.config.policy
    judgement = judge_launch(
        seen=seen,
        now=now,
        deadline=launch_deadline(
            created_at=looked.create_stack_at or now,
            started_at=_started_at(call),
            launch_limit=policy.launch_limit_seconds,
            total_limit=policy.total_launch_limit_seconds,
        ),
    )
    match judgement.decision:
        case LaunchDecision.READY:
            if not _up(call, looked, now=now):
                return wait(f"generation {looked.generation} was given up meanwhile")
            return done(f"generation {looked.generation} is up in {looked.availability_zone}")
        case LaunchDecision.WAIT:
            if found := _found(incarnation, looked):
                change_incarnation(call.deployment, looked, **found)
            return wait(f"generation {looked.generation} in {looked.availability_zone}: {held or judgement.message}")
        case LaunchDecision.ABANDON:
            return _give_up(call, incarnation, looked, judgement)


def _up(call: OperationCall, incarnation: Incarnation, *, now: float) -> bool:
    """Note down that an incarnation is up, unless somebody gave it up: this step may outlive its stopped execution."""
    return call.deployment.record.change(
        Change(
            key=Incarnation.key(incarnation.generation),
            values={
                "state": IncarnationState.VERIFYING,
                "waiting_at": now,
                "cluster_id": incarnation.cluster_id,
                "primary_address": incarnation.primary_address,
            },
            condition="#state = :launching",
            condition_values={"launching": IncarnationState.LAUNCHING},
        )
    )


def _see(call: OperationCall, incarnation: Incarnation) -> tuple[Incarnation, LaunchSeen]:
    """One look: the stack until it has a cluster, from then on EMR alone, and the primary's address once it has one."""
    deployment = call.deployment
    status = reason = ""
    if incarnation.cluster_id is None and incarnation.stack_id is not None:
        stack = deployment.stacks.describe(incarnation.stack_id)
        if stack is None:
            status, reason = "DELETE_COMPLETE", "CloudFormation does not know the stack any more"
        else:
            status, reason = stack.status, stack.reason
            incarnation = replace(incarnation, cluster_id=deployment.stacks.cluster_id(incarnation.stack_id))
            if incarnation.cluster_id is None and status not in STACK_ON_ITS_WAY:
                reason = deployment.stacks.first_failure(stack.stack_id) or reason
    if incarnation.cluster_id is None:
        return incarnation, LaunchSeen(stack_status=status, stack_reason=reason)
    cluster = deployment.clusters.describe(incarnation.cluster_id)
    if cluster is None:
        return incarnation, LaunchSeen(cluster_state="TERMINATED", cluster_reason="EMR does not know the cluster")
    if incarnation.primary_address is None and cluster.state in ("BOOTSTRAPPING", "RUNNING", CLUSTER_READY):
        incarnation = replace(incarnation, primary_address=deployment.clusters.primary_address(cluster))
    return incarnation, LaunchSeen(
        stack_status=status,
        stack_reason=reason,
        cluster_state=cluster.state,
        cluster_reason=cluster.reason,
        address_known=incarnation.primary_address is not None,
    )


def _found(before: Incarnation, after: Incarnation) -> dict[str, str]:
    """What a look found out that the record does not hold yet."""
    pairs = {
        "cluster_id": (before.cluster_id, after.cluster_id),
        "primary_address": (before.primary_address, after.primary_address),
    }
    return {name: new for name, (old, new) in pairs.items() if new is not None and new != old}


def _give_up(
    call: OperationCall, before: Incarnation, incarnation: Incarnation, judgement: LaunchJudgement
) -> StepAnswer:
    """Delete the stack and launch in the next AZ in the same breath: every second here is one without service."""
    if found := _found(before, incarnation):
        change_incarnation(call.deployment, incarnation, **found)
    # The message comes before the record: a function that dies in between tells twice, not never.
    _tell_given_up(call, incarnation, judgement)
    abandon(call.deployment, incarnation, because=judgement.message)
    return _launch_next(call)


def _tell_given_up(call: OperationCall, incarnation: Incarnation, judgement: LaunchJudgement) -> None:
    name, zone = call.request.managed_cluster, incarnation.availability_zone
    waited = time.time() - (incarnation.create_stack_at or time.time())
    call.deployment.notices.tell(
        subject=f"launch of {name} in {zone} given up",
        happened=f"The launch of {incarnation.title} in {zone} ({call.request.why}) did not come to its end, "
        f"{waited:.0f} s after its stack was requested: {judgement.message}.",
        done="The stack is being deleted. The next availability zone is tried, if one is left and the time allows it; "
        "another message tells how that ended.",
        to_do=advice(judgement.message),
    )


def _started_at(call: OperationCall) -> float:
    return call.operation.started_at or call.operation.entered[call.step]
