"""Names that carry meaning, made and read back in one place.

A stack's name says which incarnation lives in it, so that CreateStack can happen only once for a generation, and an
operation's id is its execution's name, so that Step Functions lets it start only once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

# What Step Functions accepts as the name of an execution: 1 to 80 characters; more than these is not needed.
_EXECUTION_NAME_LENGTH = 80
_NOT_FOR_EXECUTION_NAMES = re.compile(r"[^A-Za-z0-9_-]")

_INCARNATION_ID = re.compile(r"g([0-9]{6,})")
# Names of executions that this module makes: of incidents, of CloudFormation's requests, of retirements.
_PRODUCTS_NAMES = re.compile(
    r".+-[0-9]{8}t[0-9]{6}(-[0-9]+)?"
    r"|.+-(launch|switchover|delete)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|.+-retire-g[0-9]+(-[0-9]+)?"
)
# Of an operation that launches a standby; an incident's has its attempt behind the time.
_STANDBY_OPERATION = re.compile(r".+-standby-[0-9]{8}t[0-9]{6}")
_RETIREMENT_NAME = re.compile(r"(.+)-retire-g([1-9][0-9]*)(?:-[1-9][0-9]*)?")
_CANARY_NAME = re.compile(r"emr-dr-canary-g([1-9][0-9]*)-([1-9][0-9]*)")


def incarnation_id(generation: int) -> str:
    """The record's key of a generation: ``g000001``; sorts by age."""
    return f"g{generation:06d}"


def generation_of(incarnation: str) -> int:
    """The generation that :func:`incarnation_id` named.

    Raises:
        ValueError: *incarnation* is no such id.
    """
    match = _INCARNATION_ID.fullmatch(incarnation)
    if match is None:
        raise ValueError(f"an incarnation's id is g and at least six digits, such as g000001, got {incarnation!r}")
    return int(match[1])


def stack_name(deployment: str, managed_cluster: str, generation: int) -> str:
    """The name of an incarnation's stack and of its EMR cluster, such as ``emr-dr-active-passive-a-g1``."""
    return f"{_stack_prefix(deployment, managed_cluster)}{generation}"


def generation_of_stack(deployment: str, managed_cluster: str, name: str) -> int | None:
    """The generation whose stack or cluster is called *name*, ``None`` if it is not of this managed cluster."""
    prefix = re.escape(_stack_prefix(deployment, managed_cluster))
    match = re.fullmatch(f"{prefix}([1-9][0-9]*)", name)
    return int(match[1]) if match else None


def canary_name(generation: int, attempt: int) -> str:
    """The Livy name of the canary job of an incarnation; Livy lets a name be used once, so each attempt has its own."""
    return f"emr-dr-canary-g{generation}-{attempt}"


def parse_canary_name(name: str) -> tuple[int, int] | None:
    """Generation and attempt of the canary called *name*, ``None`` if it is another job."""
    match = _CANARY_NAME.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def incident_name(managed_cluster: str, first_bad_at: float) -> str:
    """The name of the incident that began at *first_bad_at* (seconds since 1970), such as ``a-20261121t031025``.

    It depends on nothing else, so that two monitors which see the same evidence name the same incident.
    """
    return f"{managed_cluster}-{datetime.fromtimestamp(first_bad_at, tz=UTC):%Y%m%dt%H%M%S}"


def operation_of_incident(incident: str, attempt: int) -> str:
    """The id of the operation that answers *incident* for the *attempt*-th time."""
    return f"{incident}-{attempt}"


def attempt_of(operation: str, incident: str | None) -> int | None:
    """Which attempt at *incident* an operation is (:func:`operation_of_incident`), ``None`` if it answers none."""
    match = re.fullmatch(rf"{re.escape(incident)}-([0-9]+)", operation) if incident is not None else None
    return int(match[1]) if match else None


def execution_arn(state_machine: str, name: str) -> str:
    """ARN of the execution *name* of the machine with the ARN *state_machine*."""
    return f"{state_machine.replace(':stateMachine:', ':execution:')}:{name}"


def standby_operation(managed_cluster: str, started_at: float) -> str:
    """The id of the operation that launches a standby, such as ``a-standby-20261121t031025``.

    Args:
        managed_cluster: whose standby.
        started_at: when it was asked for, seconds since 1970.
    """
    return f"{managed_cluster}-standby-{datetime.fromtimestamp(started_at, tz=UTC):%Y%m%dt%H%M%S}"


def is_standby_operation(operation: str) -> bool:
    """Whether an operation launches a standby (:func:`standby_operation`)."""
    return _STANDBY_OPERATION.fullmatch(operation) is not None


def operation_of_stack_request(managed_cluster: str, kind: str, request_id: str) -> str:
    """The id of the operation that CloudFormation's request *request_id* asks for; the same when it is sent again."""
    return _execution_name(f"{managed_cluster}-{kind}-{request_id}")


def retirement_name(managed_cluster: str, generation: int, *, attempt: int = 1) -> str:
    """The name of the *attempt*-th execution that retires one incarnation: ``a-retire-g1``, then ``a-retire-g1-2``.

    Step Functions blocks the name of an execution for 90 days.  A deployment that was destroyed and deployed again
    counts from generation 1 again, and then finds the first names used up.
    """
    name = f"{managed_cluster}-retire-g{generation}"
    return name if attempt == 1 else f"{name}-{attempt}"


def deletion_name(managed_cluster: str, request_id: str) -> str:
    """The name of the execution that retires every incarnation, as CloudFormation's request *request_id* asks for."""
    return _execution_name(f"{managed_cluster}-delete-{request_id}")


def retired_by(name: str) -> tuple[str, int] | None:
    """Managed cluster and generation that the execution *name* retires (:func:`retirement_name`), ``None`` if none."""
    match = _RETIREMENT_NAME.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def is_given_by_the_product(name: str) -> bool:
    """Whether *name* is of the kind that this module gives to executions.

    A person who took one would take the place of an operation that the monitor or CloudFormation starts later.
    """
    return _PRODUCTS_NAMES.fullmatch(name) is not None


def _stack_prefix(deployment: str, managed_cluster: str) -> str:
    return f"{deployment}-{managed_cluster}-g"


def _execution_name(text: str) -> str:
    return _NOT_FOR_EXECUTION_NAMES.sub("-", text)[:_EXECUTION_NAME_LENGTH]
