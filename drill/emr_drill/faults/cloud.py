"""Rows of the fault table: AWS itself answers badly or not, functions die, events come twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dr_core.steps import ROLL_BACK, OperationStep, RetirementStep
from emr_drill.faults.model import Act, Fault, Moment, failover, nothing
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, TAKES_OVER
from emr_drill.faults.zones import LAUNCH_TROUBLE, ROLLED_BACK

THROTTLED_SHARE = 0.3
AWAY_SECONDS = 240.0
CRASH, LOST_ANSWER = "controller-crash", "lost-answer"
# Calls whose answer, when it is lost, leaves the caller not knowing whether something began.
LOST_ANSWERS = (
    "cloudformation:CreateStack",
    "states:StartExecution",
    "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:ModifyRule",
    "elasticmapreduce:TerminateJobFlows",
    "dynamodb:UpdateItem",
    "dynamodb:TransactWriteItems",
)
CONTROLLER = "failover"  # end of the function's name
DURING = "during"


def _hyphens(name: str) -> str:
    """``CutOver`` as ``cut-over``."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _crashes(step: str) -> Callable[[Scene], None]:
    return lambda scene: scene.stand_in.functions.crash(CONTROLLER, step, DURING)


def _crash_rows() -> Iterator[Fault]:
    """One for each state of both machines: the function dies after its first change, before it knows of it."""
    for step in (*OperationStep, *RetirementStep):
        yield Fault(
            name=f"{CRASH}-{_hyphens(step)}",
            acts=(
                Act(
                    what=f"the controller is killed in `{step}` when its first change is done and not yet known to it",
                    do=_crashes(step),
                ),
                KILLS_PRIMARY,
            ),
            expect=failover(),
            must=f"{TAKES_OVER}; the step is run again and does nothing twice",
            notices=f"{PROBERS}; the state machine, which runs the step again",
            adds_up=False,
        )
    yield Fault(
        name=f"{CRASH}-{_hyphens(ROLL_BACK)}",
        acts=(
            Act(what="the canary job of the next cluster fails", do=lambda scene: scene.clusters.fail_canary(1)),
            Act(
                what=f"the controller is killed in `{ROLL_BACK}` when its first change is done and not yet known to it",
                do=_crashes(ROLL_BACK),
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(launches=(2, 2), failed=(1, 1), pages=(ROLLED_BACK,), limit_seconds=6000),
        must="the roll-back is run again and comes to its end; the next attempt succeeds",
        notices=f"{PROBERS}; the state machine, which runs the step again",
    )


def _loses(action: str) -> Callable[[Scene], None]:
    return lambda scene: scene.stand_in.api_faults.lose_answer(action, 1)


def _lost_answer_rows() -> Iterator[Fault]:
    for action in LOST_ANSWERS:
        yield Fault(
            name=f"{LOST_ANSWER}-{_hyphens(action.partition(':')[2])}",
            acts=(
                Act(what=f"the answer to the next {action} is lost, though the call was done", do=_loses(action)),
                KILLS_PRIMARY,
            ),
            expect=failover(),
            must=f"{TAKES_OVER}; what was asked for is done once",
            notices=f"{PROBERS}; the caller",
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
        expect=failover(),
        must=TAKES_OVER,
        notices=PROBERS,
    ),
    Fault(
        name="denied-api",
        acts=(
            Act(
                what="CreateStack is denied",
                do=lambda scene: scene.stand_in.api_faults.deny("cloudformation:CreateStack"),
            ),
            KILLS_PRIMARY,
            Act(what="it is allowed again", do=_clear, after=Moment.PAGE),
        ),
        expect=failover(failed=(1, 2), pages=(ROLLED_BACK,)),
        must="a person is told, nothing is touched; the next attempt succeeds once it is allowed again",
        notices=f"{PROBERS}; {LAUNCH_TROUBLE}",
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
        expect=nothing(),
        must="nothing: what is in service serves on, nobody can judge it, and all goes on when the table is back",
        notices="the monitor's missing heartbeat",
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
    ),
    *_lost_answer_rows(),
    *_crash_rows(),
)
