"""Entry point of the reconciliation: every minute, what the record says against what AWS says.

Whatever is wrong has to be wrong in two looks before it is put right, and the record is read once more right before
each correction, so that nothing is changed that somebody works on.  Each correction leads to a state, so that a run
that is interrupted, or two runs at once, do no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core import metrics
from dr_core.comparison import DRIFT, Correction, CorrectionKind
from dr_core.controls import Controls
from dr_core.evidence import Verdict
from dr_core.reconciliation import corrections
from dr_core.record import Incarnation, IncarnationState, Operation, Slot
from dr_core.waiting import waiting
from failover.deployment import Deployment, deployment_from_environment
from failover.giving_back import give_back
from failover.ids_used import tell_ids_used
from failover.isolation import isolate_while_others_serve
from failover.leftovers import give_up_launch, give_up_standby
from failover.observation import verdict_on
from failover.orphanage import see_to_orphans
from failover.reality import Look, look, read_record
from failover.record_store import Change
from failover.scaling import see_to_scaling
from failover.told import note_told, untold
from failover.waiting import tell_of_waiting

logger = Logger()

# The load balancer tells of a change some seconds after the record does.
LOOK_AGAIN_SECONDS = 10

_PAUSED = (
    "Nothing: automatic operations are paused, and only the way of batch ids to their owner is put right meanwhile. "
    "This is done when they are resumed."
)


def handler(event: Mapping[str, Any], context: object) -> None:
    """One run; see :func:`reconcile`."""
    reconcile(deployment_from_environment())


def reconcile(deployment: Deployment) -> None:
    """Put right what drifted, finish what was left behind, see to scaling limits, tags and orphans, tell of used ids.

    The heartbeat is written if all was seen; ids come after it, as a Livy that hangs must not keep it back.

    While a person has paused the deployment, ids are still led to their owner, as clients poll on; everything else is
    left as it is, and what would be done is told.

    Raises:
        botocore.exceptions.ClientError: the record could not be read.
    """
    seen = look(deployment)
    wanted = _corrections(deployment, seen)
    if wanted:
        time.sleep(LOOK_AGAIN_SECONDS)
        before, seen = wanted, look(deployment)
        wanted = [each for each in _corrections(deployment, seen) if each in before]
    paused = Controls.from_item(deployment.record.get(Controls.key()).get((Controls.KIND, Controls.ID))).paused
    failed = list(seen.unknown)
    if wanted:
        left = [each for each in wanted if paused and not each.routes_ids]
        failed += _put_right(deployment, [each for each in wanted if each not in left], seen)
        _tell(deployment, left, done=_PAUSED)
    tell_of_waiting(deployment, seen.recorded)
    failed += see_to_scaling(deployment, seen.recorded, paused=paused)
    failed += see_to_orphans(deployment, seen, paused=paused)
    if failed:
        logger.warning("not everything could be reconciled", extra={"failed": failed})
        return
    deployment.notices.count(metrics.RECONCILED)
    if not wanted:  # else this run has taken its time, and a prober that hangs has 45 s
        tell_ids_used(deployment, seen.recorded)


def _corrections(deployment: Deployment, seen: Look) -> list[Correction]:
    return corrections(seen.recorded, seen.reality, config=deployment.config, now=time.time())


def _put_right(deployment: Deployment, wanted: Iterable[Correction], seen: Look) -> list[str]:
    """Carry out corrections; answer those that failed."""
    made, failed = [], []
    told_of = {each.serving.generation for each in waiting(seen.recorded)}
    for each in wanted:
        fresh = corrections(read_record(deployment), seen.reality, config=deployment.config, now=time.time())
        if each not in fresh:
            continue
        logger.info("putting right", extra={"correction": each.key, "found": each.sentence})
        try:
            acted = _ACTIONS[each.kind](deployment, each)
        except (BotoCoreError, ClientError) as error:
            logger.warning("could not be put right", extra={"correction": each.key, "error": str(error)})
            failed.append(each.key)
            continue
        if acted is False:
            continue
        # What falls sick under a planned operation is told of by itself, with what becomes of it.
        if each.kind is not CorrectionKind.ISOLATE or each.generation not in told_of:
            made.append(each)
        if each.kind in DRIFT:
            deployment.notices.count(metrics.DRIFT_REPAIRED)
    _tell(deployment, made, done="Each was put right as the record says.")
    return failed


def _tell(deployment: Deployment, told: list[Correction], *, done: str) -> None:
    """Tell of corrections that were not told of lately; before that is noted down, so that none is missed."""
    keys = untold(deployment, {each.key for each in told})
    news = [each for each in told if each.key in keys]
    if not news:
        return
    drift = all(each.kind in DRIFT for each in news)
    deployment.notices.tell(
        subject="the front door was not as recorded" if drift else "something was left behind",
        happened=f"What runs did not agree with the record: {'; '.join(each.sentence for each in news)}.",
        done=done,
        to_do="Find out who changed it, if it was not a deploy that replaced a part: look for RegisterTargets, "
        "DeregisterTargets and ModifyRule in CloudTrail. The same is told again after an hour only."
        if drift
        else "Nothing now. If it comes back, look at the log of the failover function: something keeps an operation or "
        "a retirement from its end. The same is told again after an hour only.",
    )
    note_told(deployment, [each.key for each in news])


def _register(deployment: Deployment, correction: Correction) -> None:
    deployment.front_door.register(correction.target_group, address=correction.address, port=correction.port)


def _deregister(deployment: Deployment, correction: Correction) -> None:
    deployment.front_door.deregister(correction.target_group, address=correction.address, port=correction.port)


def _set_rule(deployment: Deployment, correction: Correction) -> None:
    deployment.front_door.set_conditions(correction.rule, correction.conditions)


def _free_slot(deployment: Deployment, correction: Correction) -> None:
    """First the rules, so that nobody who takes the slot finds them reset."""
    number = correction.slot or 0
    deployment.front_door.close_slot(number, address=correction.address or None)
    deployment.record.change(
        Change(
            key=Slot.key(number),
            values={"generation": None},
            condition="#generation = :generation",
            condition_values={"generation": correction.generation},
        )
    )


def _give_up(deployment: Deployment, correction: Correction) -> None:
    operation = _operation(deployment, _incarnation(deployment, correction))
    if operation is not None:
        give_up_launch(deployment, operation)


def _isolate(deployment: Deployment, correction: Correction) -> bool:
    """Whether it is unhealthy by a look of this moment: nobody is told of what is well."""
    incarnation = _incarnation(deployment, correction)
    if incarnation is None or incarnation.state is not IncarnationState.SERVING:
        return False
    # The monitor closes the incident of what is well again, and may be silent.
    judgement = verdict_on(deployment, incarnation, serving_from=incarnation.judged_from)
    if judgement.verdict is not Verdict.UNHEALTHY:
        return False
    isolate_while_others_serve(deployment, incarnation)
    return True


def _give_back(deployment: Deployment, correction: Correction) -> None:
    give_back(deployment, correction.generation)


def _retire(deployment: Deployment, correction: Correction) -> None:
    incarnation = _incarnation(deployment, correction)
    if incarnation is not None:
        deployment.executions.retire(incarnation, planned=correction.planned)


def _give_up_standby(deployment: Deployment, correction: Correction) -> None:
    incarnation = _incarnation(deployment, correction)
    if incarnation is not None:
        give_up_standby(deployment, incarnation, because=correction.sentence)


def _incarnation(deployment: Deployment, correction: Correction) -> Incarnation | None:
    return deployment.record.incarnation(correction.generation) if correction.generation is not None else None


def _operation(deployment: Deployment, incarnation: Incarnation | None) -> Operation | None:
    return deployment.record.operation(incarnation.operation or "") if incarnation is not None else None


# Each answers False if it found nothing to do.
_ACTIONS: dict[CorrectionKind, Callable[[Deployment, Correction], bool | None]] = {
    CorrectionKind.REGISTER: _register,
    CorrectionKind.DEREGISTER: _deregister,
    CorrectionKind.SET_RULE: _set_rule,
    CorrectionKind.FREE_SLOT: _free_slot,
    CorrectionKind.GIVE_UP: _give_up,
    CorrectionKind.ISOLATE: _isolate,
    CorrectionKind.GIVE_BACK: _give_back,
    CorrectionKind.RETIRE: _retire,
    CorrectionKind.GIVE_UP_STANDBY: _give_up_standby,
}
