"""What is done about a new Livy that numbers its batches outside the range of its incarnation.

Its seed step is run once more; if that does not help, it may serve unseeded, if nobody else does.
"""

from __future__ import annotations

import time
from dataclasses import replace
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.id_ranges import first_id
from dr_core.metrics import SERVING_UNSEEDED
from dr_core.record import Incarnation, Operation
from dr_core.repair_plan import STEP_UNDER_WAY
from dr_core.unseeded import UNSEEDED_CLAIM, seed_step_name, why_not_unseeded
from failover.calls import OperationCall
from failover.errors import InvariantError
from failover.record_store import Change
from failover.removal import change_incarnation
from failover.routing import reroute


class SecondSeed(StrEnum):
    """How the second run of the seed step is doing.

    Attributes:
        UNDER_WAY: wait for its end.
        ENDED: well or not: the next canary's id tells.
        OVERDUE: it did not end in time.  It may still run at any later moment and change where Livy numbers from, so
            that the incarnation must not serve.
    """

    UNDER_WAY = "under way"
    ENDED = "ended"
    OVERDUE = "overdue"


def seed_again(call: OperationCall, incarnation: Incarnation) -> tuple[SecondSeed, str]:
    """Run the seed step of an incarnation a second time, once; how it is doing, and a sentence about it.

    May be called again and again.  An error of a call to EMR says nothing and is waited out.
    """
    began = incarnation.seeded_again_at
    if began is None:
        began = time.time()
        # Noted down before the step is added, so that it is looked for from then on.
        change_incarnation(call.deployment, incarnation, seeded_again_at=began)
    overdue = time.time() - began >= call.deployment.config.canary.limit_seconds
    try:
        state = _step_state(call, incarnation, decided_at=began)
    except (BotoCoreError, ClientError) as error:
        why = f"EMR could not be asked for the second seed step: {error}"
    else:
        why = f"EMR calls the second seed step {state}"
        if state not in STEP_UNDER_WAY:
            return SecondSeed.ENDED, why
    return (SecondSeed.OVERDUE if overdue else SecondSeed.UNDER_WAY), why


def _step_state(call: OperationCall, incarnation: Incarnation, *, decided_at: float) -> str:
    deployment = call.deployment
    if incarnation.cluster_id is None or incarnation.id_prefix is None:
        raise InvariantError(f"{incarnation.title} cannot be seeded: its cluster or its range of ids is not known")
    step_id = call.operation.seed_step_id
    if step_id is None:
        step_id = deployment.emr_steps.ensure(
            incarnation.cluster_id,
            managed_cluster=incarnation.managed_cluster,
            stack_name=incarnation.stack_name or "",
            name=seed_step_name(call.operation.id),
            script=deployment.config.scripts.seed,
            arguments=(str(first_id(incarnation.id_prefix)), deployment.config.scripts.state_directory),
            decided_at=decided_at,
        )
        deployment.record.change(Change(key=Operation.key(call.operation.id), values={"seed_step_id": step_id}))
    return deployment.emr_steps.see(incarnation.cluster_id, step_id).state


def serve_unseeded(call: OperationCall, incarnation: Incarnation, *, batch_id: int) -> str | None:
    """Let an incarnation serve with ids outside its range, if its rules allow that; else why not.

    The claim comes first and the mark last: a function that dies in between does it all again, and meanwhile nobody
    else may do the same.
    """
    record = call.deployment.record
    claim = record.get(UNSEEDED_CLAIM).get((UNSEEDED_CLAIM["kind"], UNSEEDED_CLAIM["id"]), {})
    holder = int(claim["generation"]) if "generation" in claim else None
    refusal = why_not_unseeded(
        generation=incarnation.generation,
        batch_id=batch_id,
        incarnations=record.incarnations(),
        claimed_by=holder,
        now=time.time(),
    )
    if refusal is not None:
        return refusal
    claimed = record.change(
        Change(
            key=UNSEEDED_CLAIM,
            values={"generation": incarnation.generation},
            condition="attribute_not_exists(#generation)" if holder is None else "#generation = :holder",
            condition_values=None if holder is None else {"holder": holder},
        )
    )
    if not claimed:
        return "another incarnation was allowed to at the same moment"
    reroute(call.deployment, replace(incarnation, unseeded=True))
    _tell(call, incarnation, batch_id=batch_id)
    change_incarnation(call.deployment, incarnation, unseeded=True)
    return None


def _tell(call: OperationCall, incarnation: Incarnation, *, batch_id: int) -> None:
    call.deployment.notices.count(SERVING_UNSEEDED, managed_cluster=incarnation.managed_cluster)
    call.deployment.notices.tell(
        subject=f"{incarnation.title} is going to serve with ids outside its range",
        happened=f"Livy of {incarnation.title} ({incarnation.cluster_id}) numbers its batches from {batch_id}, not in "
        f"the range from {first_id(incarnation.id_prefix or 0)}: its seed step did not work, also when it was run "
        "again.",
        done="Ids of up to 8 digits lead to it, so that clients reach their own jobs. This goes for one incarnation at "
        "a time: the next one whose seed step fails does not serve. Its Livy is not restarted in place when it fails.",
        to_do=f"Look at the log of the EMR steps seed-livy of {incarnation.cluster_id} and mend the cause (release, "
        "settings, state directory), then start a switchover. Jobs may go on meanwhile.",
    )
