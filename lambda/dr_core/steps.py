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

# The state, and the error, that an operation ends with which was not allowed: nothing was begun.  As it counts as a
# failed execution, the alarm OperationFailed tells of it; no message of its own does.
REFUSED = "Refused"

# Time limit of an operation, in seconds.  The custom resource that waits for it ends after 3600 s.
OPERATION_LIMIT_SECONDS = 3300


class RetirementStep(StrEnum):
    """The states of a retirement, in order."""

    DRAIN = "Drain"
    LINGER = "Linger"
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
        REFUSED: what was asked for is not allowed; nothing was changed, and the machine says why.
    """

    DONE = "done"
    WAIT = "wait"
    CANCELLED = "cancelled"
    REPAIRED = "repaired"
    FAILED = "failed"
    REFUSED = "refused"


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
# At first; a step that lasts backs off (:func:`retirement_wait_seconds`).
RETIREMENT_WAIT_SECONDS: dict[str, int] = {
    # Short, as an eviction has to be noticed: a failover waits for the slot.
    RetirementStep.DRAIN: 15,
    RetirementStep.LINGER: 15,
    RetirementStep.AWAIT_FENCED: 10,
    RetirementStep.CLOSE_IDS: 5,
    RetirementStep.DELETE_STACK: 15,
    RetirementStep.CONFIRM: 15,
}
# Seconds since a step of a retirement was first entered -> its shortest wait from then on.
_BACK_OFF: tuple[tuple[int, int], ...] = ((3600, 300), (600, 60))
# Of the states that an eviction ends, as long as the history allows: a drain of a day has 13,000 events then.
_BACK_OFF_WHERE_EVICTED: tuple[tuple[int, int], ...] = ((86_400, 600), (600, 60))


def retirement_wait_seconds(step: str, *, waited: float) -> int:
    """Seconds until a step of a retirement that answers ``WAIT`` is called again.

    A retirement may outlast an availability zone that is away for days, and its history may have 25,000 events, nine
    of them for each round: a round every 15 s would fill it within 12 hours, one every five minutes takes nine days.

    Args:
        step: one of :class:`RetirementStep`.
        waited: seconds since the step was first entered.
    """
    evicted_there = step in (RetirementStep.DRAIN, RetirementStep.LINGER)
    back_off = _BACK_OFF_WHERE_EVICTED if evicted_there else _BACK_OFF
    least = next((wait for since, wait in back_off if waited >= since), 0)
    return max(RETIREMENT_WAIT_SECONDS[step], least)


# For how long a retirement may stand at a state before a person is told; it is tried again all the same.  Drain and
# Linger have limits of their own, and end by them.
RETIREMENT_OVERDUE_SECONDS: dict[str, int] = {
    RetirementStep.AWAIT_FENCED: 1800,
    RetirementStep.CLOSE_IDS: 1800,
    RetirementStep.DELETE_STACK: 1800,
    RetirementStep.CONFIRM: 1800,
}


def retirement_overdue(step: str, *, waited: float) -> bool:
    """Whether a retirement stands at a step for so long that a person has to know.

    Args:
        step: one of :class:`RetirementStep`.
        waited: seconds since the step was first entered.
    """
    limit = RETIREMENT_OVERDUE_SECONDS.get(step)
    return limit is not None and waited >= limit


# Which part of the recovery time each state belongs to; `detect` comes before the first of them.
PHASES: dict[str, tuple[OperationStep, ...]] = {
    "decide": (OperationStep.CLAIM, OperationStep.REASSESS, OperationStep.ISOLATE, OperationStep.REPAIR),
    "launch": (OperationStep.LAUNCH,),
    "verify": (OperationStep.VERIFY, OperationStep.ROUTE),
    "cut_over": (OperationStep.FENCE, OperationStep.CUT_OVER),
}
