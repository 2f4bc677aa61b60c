"""The states of the two machines, as data that the templates and the functions share.

The machine calls one step of the ``failover`` function for each state and reads ``status`` in its answer
(:class:`StepStatus`); ``WAIT`` means "call me again after a while", and how long a while is stands here.
"""

from __future__ import annotations

from enum import StrEnum


class OperationStep(StrEnum):
    """The states of an operation, in order."""

    CLAIM = "Claim"
    REASSESS = "Reassess"
    ISOLATE = "Isolate"
    REPAIR = "Repair"
    LAUNCH = "Launch"
    VERIFY = "Verify"
    ROUTE = "Route"
    FENCE = "Fence"
    CUT_OVER = "CutOver"


# The state that undoes an operation which failed before Fence; not part of the straight path.
ROLL_BACK = "RollBack"


class RetirementStep(StrEnum):
    """The states of a retirement, in order."""

    DRAIN = "Drain"
    AWAIT_FENCED = "AwaitFenced"
    CLOSE_IDS = "CloseIds"
    DELETE_STACK = "DeleteStack"
    CONFIRM = "Confirm"


class StepStatus(StrEnum):
    """What a step answers to its machine.

    Attributes:
        DONE: go on to the next state.
        WAIT: call this step again after its wait.
        CANCELLED: nothing needs to be done any more; the machine ends well, nothing was changed.
        REPAIRED: mended in place; the machine ends well.
        FAILED: cannot be done; an operation rolls back and fails.
    """

    DONE = "done"
    WAIT = "wait"
    CANCELLED = "cancelled"
    REPAIRED = "repaired"
    FAILED = "failed"


# Seconds between two calls of a step that answers WAIT.  Launch lasts minutes to 45 minutes and is the one that fills
# the execution's history (10 s stays under 3,000 of 25,000 events); the states around the cut-over are short, and
# what they wait for adds to the recovery time (docs/decisions/0006-waits.md).
OPERATION_WAIT_SECONDS: dict[str, int] = {
    OperationStep.CLAIM: 5,
    OperationStep.REASSESS: 5,
    OperationStep.ISOLATE: 5,
    OperationStep.REPAIR: 10,
    OperationStep.LAUNCH: 10,
    OperationStep.VERIFY: 2,
    OperationStep.ROUTE: 2,
    OperationStep.FENCE: 5,
    OperationStep.CUT_OVER: 2,
    ROLL_BACK: 10,
}
RETIREMENT_WAIT_SECONDS: dict[str, int] = {
    RetirementStep.DRAIN: 60,
    RetirementStep.AWAIT_FENCED: 10,
    RetirementStep.CLOSE_IDS: 5,
    RetirementStep.DELETE_STACK: 15,
    RetirementStep.CONFIRM: 15,
}

# Which part of the recovery time each state belongs to; `detect` comes before the first of them.
PHASES: dict[str, tuple[OperationStep, ...]] = {
    "decide": (OperationStep.CLAIM, OperationStep.REASSESS, OperationStep.ISOLATE, OperationStep.REPAIR),
    "launch": (OperationStep.LAUNCH,),
    "verify": (OperationStep.VERIFY, OperationStep.ROUTE),
    "cut_over": (OperationStep.FENCE, OperationStep.CUT_OVER),
}
