"""Repair: restart Livy where it is, when that is all that fails; its batches and their ids are kept."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.metrics import REPAIRED
from dr_core.operation_plan import Next
from dr_core.record import Incarnation, ManagedCluster, Operation, Outcome
from dr_core.repair_plan import (
    CLUSTER_TAKES_STEPS,
    STEP_COMPLETED,
    STEP_PENDING,
    Remedy,
    awaits_cancellation,
    choose_remedy,
    fate_of_step,
    judge_repair,
    restart_step_name,
)
from dr_core.requests import Kind
from dr_core.steps import StepStatus
from failover.calling_off import call_off, not_confirmed
from failover.calls import OperationCall, StepAnswer, done, failed, wait
from failover.closing import Notice, tell
from failover.errors import InvariantError
from failover.giving_back import rejoin
from failover.looking import healthy_vantage_points
from failover.observation import verdict_on
from failover.record_store import Change

# How long EMR may refuse or fail to answer before a failover goes on without a repair.
REQUEST_SECONDS = 60


def repair(call: OperationCall) -> StepAnswer:
    """Answer ``repaired`` once Livy was restarted and enough vantage points see every service healthy.

    A failover goes on to its launch when a restart is not worth a try or does not help; an operation that is for a
    restart only fails then.
    """
    if call.request.kind not in (Kind.FAILOVER, Kind.REPAIR):
        return done(f"a {call.request.kind} was asked for: nothing is mended")
    if call.operation.generation is not None:
        return done("an interrupted failover has to be finished")
    generation = call.managed_cluster.serving_generation
    incarnation = call.deployment.record.incarnation(generation) if generation is not None else None
    if incarnation is None or incarnation.cluster_id is None or incarnation.primary_address is None:
        return _not_mended(call, "nothing is in service whose Livy could be restarted")
    try:
        return _mend(call, incarnation, cluster_id=incarnation.cluster_id, address=incarnation.primary_address)
    except (BotoCoreError, ClientError) as error:
        # It says nothing about the cluster, but a failover must not depend on it.
        begun = call.operation.repair_step_id is not None
        limit = call.deployment.config.policy.repair_limit_seconds if begun else REQUEST_SECONDS
        if call.waited < limit:
            return wait(str(error))
        return _not_mended(call, f"EMR could not be asked: {error}{_left_behind(call)}")


def _left_behind(call: OperationCall) -> str:
    """What is not known of the step that was decided on, while EMR cannot be asked; empty if none was."""
    if call.operation.repair_asked_at is None:
        return ""
    name = call.operation.repair_step_id or restart_step_name(call.operation.id)
    return f"; step {name} may be there, and restart Livy when the steps before it end"


def _mend(call: OperationCall, incarnation: Incarnation, *, cluster_id: str, address: str) -> StepAnswer:
    decided_at = call.operation.repair_asked_at
    if decided_at is None:
        answer = _not_to_be_mended(call, incarnation, cluster_id)
        if answer is not None:
            return answer
        decided_at = time.time()
        # Noted down before the step is added: what was decided stands, whatever is seen while Livy restarts.
        _note(call, repair_asked_at=decided_at)
    try:
        step_id = call.operation.repair_step_id or _restart(call, incarnation, cluster_id, decided_at=decided_at)
    except InvariantError as error:
        return _not_mended(call, str(error))
    step = call.deployment.emr_steps.see(cluster_id, step_id)
    policy = call.deployment.config.policy
    seen_by = 0
    if step.state == STEP_COMPLETED:
        seen_by = healthy_vantage_points(call.deployment, address=address, slot=incarnation.slot)
    decision, why = judge_repair(
        step_state=step.state,
        seen_healthy_by=seen_by,
        vantage_points=policy.vantage_points,
        waited=call.waited,
        limit=policy.repair_limit_seconds,
    )
    match decision:
        case Next.GO_ON:
            return _mended(call, incarnation, step_id=step_id, why=why)
        case Next.WAIT:
            return wait(f"step {step_id}: {why}")
        case Next.STOP:
            reason = f" ({step.reason})" if step.reason else ""
            return _give_up(call, incarnation, cluster_id, step_id=step_id, step_state=step.state, why=f"{why}{reason}")


def _give_up(
    call: OperationCall, incarnation: Incarnation, cluster_id: str, *, step_id: str, step_state: str, why: str
) -> StepAnswer:
    """Not mended, once a step that has not begun is cancelled: it would restart Livy unannounced, hours later."""
    refusal = ""
    if step_state == STEP_PENDING:
        try:
            refusal = call.deployment.emr_steps.cancel(
                cluster_id,
                step_id,
                name=restart_step_name(call.operation.id),
                managed_cluster=incarnation.managed_cluster,
                stack_name=incarnation.stack_name or "",
            )
        except (BotoCoreError, ClientError, InvariantError) as error:
            refusal = str(error)
    limit = call.deployment.config.policy.repair_limit_seconds
    if awaits_cancellation(step_state=step_state, waited=call.waited, limit=limit):
        return wait(f"step {step_id} did not help and is being cancelled: {refusal or why}")
    fate = fate_of_step(step_id=step_id, step_state=step_state, refusal=refusal)
    return _not_mended(call, "; ".join(filter(None, (f"step {step_id} did not help: {why}", fate))))


def _not_to_be_mended(call: OperationCall, incarnation: Incarnation, cluster_id: str) -> StepAnswer | None:
    """What is answered instead of a restart of Livy, ``None`` if it is restarted."""
    judgement = verdict_on(call.deployment, incarnation, serving_from=incarnation.judged_from)
    remedy, why = choose_remedy(
        kind=call.request.kind,
        reason=call.request.reason,
        judgement=judgement,
        repaired_at=incarnation.repaired_at,
        unseeded=incarnation.unseeded,
        now=time.time(),
        waited=call.waited,
    )
    match remedy:
        case Remedy.WAIT:
            return wait(why)
        case Remedy.LEAVE:
            message = f"generation {incarnation.generation} is {judgement.verdict}: {why}"
            return call_off(call, not_confirmed(call, message), message=message, verdict=judgement.verdict)
        case Remedy.REPLACE:
            return _not_mended(call, why)
        case Remedy.REPAIR:
            pass
    # EMR is asked only where it matters: a failover of a dead primary does not wait for it.
    cluster = call.deployment.clusters.describe(cluster_id)
    state = cluster.state if cluster is not None else "forgotten"
    if state in CLUSTER_TAKES_STEPS:
        return None
    return _not_mended(call, f"EMR calls cluster {cluster_id} {state}: it takes no steps")


def _restart(call: OperationCall, incarnation: Incarnation, cluster_id: str, *, decided_at: float) -> str:
    """The id of the step that restarts Livy, noted down."""
    step_id = call.deployment.emr_steps.ensure(
        cluster_id,
        managed_cluster=incarnation.managed_cluster,
        stack_name=incarnation.stack_name or "",
        name=restart_step_name(call.operation.id),
        script=call.deployment.config.scripts.restart,
        decided_at=decided_at,
    )
    _note(call, repair_step_id=step_id)
    return step_id


def _note(call: OperationCall, **values: object) -> None:
    call.deployment.record.change(Change(key=Operation.key(call.operation.id), values=values))


def _mended(call: OperationCall, incarnation: Incarnation, *, step_id: str, why: str) -> StepAnswer:
    """Give it back, tell people, and record all of it at once."""
    message = f"Livy of {incarnation.title} ({incarnation.cluster_id}) was restarted: {why}"
    given_back = rejoin(call.deployment, incarnation)
    # As at a cut-over, the message comes before the record: a function that dies in between tells twice, not never.
    notice = _notice(call, incarnation, step_id=step_id, why=why, given_back=given_back)
    call.deployment.notices.count(REPAIRED, managed_cluster=incarnation.managed_cluster)
    tell(call.deployment, notice)
    written = call.deployment.record.change_together(
        Change(
            key=ManagedCluster.key(incarnation.managed_cluster),
            values={"lease": None},
            condition="#lease.#execution = :mine",
            condition_values={"mine": call.execution},
        ),
        Change(key=Incarnation.key(incarnation.generation), values={"repaired_at": time.time(), "isolated_at": None}),
        Change(key=Operation.key(call.operation.id), values={"outcome": Outcome.REPAIRED, "message": message}),
    )
    if not written:
        return failed("another execution took the lease")
    return StepAnswer(status=StepStatus.REPAIRED, message=message)


def _not_mended(call: OperationCall, why: str) -> StepAnswer:
    if call.request.kind is Kind.REPAIR:
        return failed(f"Livy was not mended: {why}")
    return done(f"not mended in place: {why}")


def _notice(call: OperationCall, incarnation: Incarnation, *, step_id: str, why: str, given_back: bool) -> Notice:
    name = incarnation.managed_cluster
    which = f"{incarnation.title} ({incarnation.cluster_id})"
    if call.request.kind is Kind.REPAIR:
        happened = f"A restart of Livy was asked for ({call.request.why}): {which}."
        to_do = "Nothing."
    else:
        happened = f"Livy of {which} did not answer, while its ResourceManager and its NameNode did."
        to_do = (
            "Nothing now. Find out in Livy's log on the primary why it stopped answering: if Livy alone fails again "
            "within 30 minutes, the whole cluster is replaced."
        )
    back = " It gets new jobs again." if given_back else ""
    return Notice(
        subject=f"Livy of {name} was restarted",
        happened=happened,
        done=f"Livy was restarted by EMR step {step_id}, and {why}. Batches, their ids and running jobs were kept; no "
        f"cluster was launched.{back}",
        to_do=to_do,
    )
