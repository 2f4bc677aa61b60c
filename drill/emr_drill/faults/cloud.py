"""Rows of the fault table: AWS itself answers badly or not, functions die, events come twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dr_core.metrics import MONITOR_HEARTBEAT, NOTICES_REFUSED, RECONCILED
from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from emr_drill.faults.model import Act, Fault, Moment, Page, failover, nothing, repair
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_ALL_BUT_YARN, KILLS_LIVY, KILLS_PRIMARY, MENDS, PROBERS, TAKES_OVER
from emr_drill.faults.traces import Trace
from emr_drill.faults.zones import CANARY_FAILED, LAUNCH_TROUBLE, ROLLED_BACK

THROTTLED_SHARE = 0.3
AWAY_SECONDS = 240.0
CRASH, LOST_ANSWER = "controller-crash", "lost-answer"
CREATE_STACK, TERMINATE = "cloudformation:CreateStack", "elasticmapreduce:TerminateJobFlows"
REGISTER, MODIFY_RULE = "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:ModifyRule"
START, UPDATE, TRANSACT = "states:StartExecution", "dynamodb:UpdateItem", "dynamodb:TransactWriteItems"
# Calls whose answer, when it is lost, leaves the caller not knowing whether something began.
LOST_ANSWERS = (CREATE_STACK, START, REGISTER, MODIFY_RULE, TERMINATE, UPDATE, TRANSACT)
CONTROLLER = "failover"  # end of the function's name
# What the reconciliation says when it comes by while something is half done.
TIDIED = Page(subject="front door was not as recorded|something was left behind")
AGAIN = "the step is run again and does nothing twice"
RETRIED = "the state machine, which runs the step again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Where in a step the controller dies.

    Attributes:
        when: what it has done by then: half a sentence for people.
        action: the call with which it did that, a pattern.
        calls: the how-manieth such call of an invocation.
        waits: whether the step waits before that, with calls that are killed at their end.
    """

    when: str
    action: str
    calls: int = 1
    waits: bool = False


# The first call of every invocation notes down that its state was entered.  A step dies with the first thing that it
# does itself; some have nothing to do in a failover with one managed cluster.
NOTHING_TO_DO = Death(when="it has noted that it is there, which is all that it changes here", action="dynamodb:*")
DEATHS: Mapping[str, Death] = {
    OperationStep.CLAIM: Death(when="it has taken the lease", action=TRANSACT),
    OperationStep.REASSESS: NOTHING_TO_DO,
    OperationStep.ISOLATE: NOTHING_TO_DO,
    OperationStep.REPAIR: Death(
        when="it has asked EMR for the step that restarts Livy", action="elasticmapreduce:AddJobFlowSteps"
    ),
    OperationStep.LAUNCH: Death(when="it has asked for the stack of the new cluster", action=CREATE_STACK),
    OperationStep.VERIFY: Death(
        when="it has changed the first rule of the slot that it takes for the new cluster", action=MODIFY_RULE
    ),
    OperationStep.ROUTE: NOTHING_TO_DO,
    OperationStep.FENCE: Death(when="it has asked EMR to end the old cluster", action=TERMINATE),
    OperationStep.CUT_OVER: Death(when="it has recorded that the new cluster serves", action=TRANSACT, waits=True),
    ROLL_BACK: Death(when="it has started the retirement of what it gives up", action=START),
    RetirementStep.DRAIN: NOTHING_TO_DO,
    RetirementStep.LINGER: NOTHING_TO_DO,
    RetirementStep.AWAIT_FENCED: Death(
        when="it has recorded that nothing runs on the old cluster any more", action=UPDATE, calls=2
    ),
    RetirementStep.CLOSE_IDS: Death(when="the first rule of the old cluster's slot leads nowhere", action=MODIFY_RULE),
    RetirementStep.DELETE_STACK: Death(
        when="it has asked for the end of the old cluster's stack", action="cloudformation:DeleteStack"
    ),
    RetirementStep.CONFIRM: Death(when="it has recorded that the old cluster is retired", action=UPDATE, calls=2),
}


def _hyphens(name: str) -> str:
    """``CutOver`` as ``cut-over``."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _crash(step: str) -> Act:
    death = DEATHS[step]
    return Act(
        what=f"the controller is killed in `{step}` when {death.when}, before that call is answered"
        + (f"; whatever it does in `{step}` before that is killed at its end" if death.waits else ""),
        do=lambda scene: scene.stand_in.crashes.plan(CONTROLLER, step, calls=death.calls, action=death.action),
    )


def _crashed(step: str) -> Trace:
    action = DEATHS[step].action
    return Trace(
        what=f"a process that serves `{step}` is killed with its call of {action}",
        kind="function crash",
        like={"function": f"*-{CONTROLLER}", "step": step, "call": action},
        most=1,
    )


RESTARTED_ONCE = Trace(
    what="the step that restarts Livy is run",
    kind="step",
    like={"step": "emr-dr-restart-livy-*", "state": "COMPLETED"},
    most=1,
)


def _crash_rows() -> Iterator[Fault]:
    """One for each state of both machines: the function dies after its first change, before it knows of it."""
    for step in (*OperationStep, *RetirementStep):
        yield _crash_row(step)
    yield Fault(
        name=f"{CRASH}-{_hyphens(ROLL_BACK)}",
        acts=(
            Act(what="the canary job of the next cluster fails", do=lambda scene: scene.clusters.fail_canary(1)),
            _crash(ROLL_BACK),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), failed=(1, 1), pages=(ROLLED_BACK,), may=(TIDIED,), limit_seconds=6000),
        must="the roll-back is run again and comes to its end; the next attempt succeeds",
        notices=f"{PROBERS}; {RETRIED}",
        struck=(CANARY_FAILED, _crashed(ROLL_BACK)),
    )


def _crash_row(step: str) -> Fault:
    breaks, expect, must = KILLS_PRIMARY, failover(may=(TIDIED,)), TAKES_OVER
    if step == OperationStep.REPAIR:
        breaks, expect, must = KILLS_LIVY, repair(shows=(RESTARTED_ONCE,)), MENDS
    if step == OperationStep.FENCE:
        breaks = KILLS_ALL_BUT_YARN
    return Fault(
        name=f"{CRASH}-{_hyphens(step)}",
        acts=(_crash(step), breaks),
        expect=expect,
        must=f"{must}; {AGAIN}",
        notices=f"{PROBERS}; {RETRIED}",
        struck=(_crashed(step),),
        adds_up=False,
    )


def _loses(action: str) -> Callable[[Scene], None]:
    return lambda scene: scene.stand_in.api_faults.lose_answer(action, 1)


def _faulty(action: str, how: str, what: str, *, least: int = 1) -> Trace:
    """Calls that an API fault hit; *how* is the journal's word for it."""
    return Trace(what=what, kind="api fault", like={"action": action, "what": how}, least=least)


def _lost_answer_rows() -> Iterator[Fault]:
    for action in LOST_ANSWERS:
        yield Fault(
            name=f"{LOST_ANSWER}-{_hyphens(action.partition(':')[2])}",
            acts=(
                Act(what=f"the answer to the next {action} is lost, though the call was done", do=_loses(action)),
                KILLS_ALL_BUT_YARN if action == TERMINATE else KILLS_PRIMARY,
            ),
            expect=failover(),
            must=f"{TAKES_OVER}; what was asked for is done once",
            notices=f"{PROBERS}; the caller",
            struck=(_faulty(action, "answer lost", f"an answer to {action} is lost"),),
            adds_up=False,
        )


def _clear(scene: Scene) -> None:
    scene.stand_in.api_faults.clear()


ROWS: tuple[Fault, ...] = (
    Fault(
        name="throttled-api",
        acts=(
            Act(
                what=f"{THROTTLED_SHARE:.0%} of all AWS API calls are throttled",
                do=lambda scene: scene.stand_in.api_faults.throttle("*:*", THROTTLED_SHARE),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(
            # Whoever gets no answer for a while says so.
            may=(TIDIED, Page(metric=NOTICES_REFUSED), Page(missing=MONITOR_HEARTBEAT), Page(missing=RECONCILED)),
        ),
        must=TAKES_OVER,
        notices=PROBERS,
        struck=(_faulty("*", "throttled", "calls of several services are throttled", least=30),),
    ),
    Fault(
        name="denied-api",
        acts=(
            Act(
                what="CreateStack is denied",
                do=lambda scene: scene.stand_in.api_faults.deny(CREATE_STACK),
            ),
            KILLS_PRIMARY,
            Act(what="it is allowed again", do=_clear, after=Moment.PAGE),
        ),
        expect=failover(failed=(1, 2), pages=(ROLLED_BACK,)),
        must="a person is told, nothing is touched; the next attempt succeeds once it is allowed again",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
        struck=(_faulty(CREATE_STACK, "denied", "CreateStack is denied"),),
    ),
    Fault(
        name="dynamodb-away",
        acts=(
            Act(
                what="DynamoDB answers no call",
                do=lambda scene: scene.stand_in.api_faults.away("dynamodb"),
            ),
            Act(what="it answers again", do=_clear, seconds=AWAY_SECONDS),
        ),
        expect=nothing(pages=(Page(missing=MONITOR_HEARTBEAT),), may=(Page(missing=RECONCILED),)),
        must="nothing is done: what is in service serves on, nobody can judge it, a person is told of that, and all "
        "goes on when the table is back",
        notices="the monitor's missing heartbeat",
        struck=(_faulty("dynamodb:*", "away", "DynamoDB answers no call", least=10),),
    ),
    Fault(
        name="doubled-events",
        acts=(
            Act(
                what="every schedule and every event comes twice",
                do=lambda scene: scene.stand_in.double_events(True),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(),
        must=f"{TAKES_OVER}, once",
        notices=PROBERS,
        struck=(
            Trace(
                what=f"{RECONCILED} is written twice in a minute",
                kind="metric",
                like={"name": RECONCILED},
                per_minute=1.5,
            ),
        ),
    ),
    *_lost_answer_rows(),
    *_crash_rows(),
)
