"""What a state machine is asked to do: the ``request`` in its input, the same in every state.

Most requests are made by the product itself, of which :meth:`OperationRequest.from_dict` reads back what
:meth:`OperationRequest.to_dict` wrote.  A person may make one, too, by starting the operation machine by hand; what a
person wrote is read by :func:`read_by_hand` and weighed by :func:`weigh`, which refuse in one clear sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from dr_core.naming import is_given_by_the_product
from dr_core.record import ManagedCluster


class Kind(StrEnum):
    """What an operation does."""

    LAUNCH = "launch"
    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    REPAIR = "repair"
    STANDBY = "standby"


class Reason(StrEnum):
    """Why an operation runs."""

    BOOTSTRAP = "bootstrap"
    UNHEALTHY = "unhealthy"
    UPGRADE = "upgrade"
    MANUAL = "manual"
    DRILL = "drill"
    FAILBACK = "failback"
    EVACUATION = "evacuation"
    STANDBY = "standby"


class DrainMode(StrEnum):
    """What becomes of the jobs of what a switchover replaces.

    Attributes:
        WAIT: they have the policy's time to end.
        NOW: they are ended as soon as none comes any more, about a minute.
    """

    WAIT = "wait"
    NOW = "now"


# Why the product launches a cluster although nobody asked for one: each costs money without a person's word.
AUTOMATIC_REASONS = (Reason.UNHEALTHY, Reason.STANDBY)

# What a person may ask for.  A launch is CloudFormation's: it needs a spec and somebody who waits for its answer.
KINDS_BY_HAND = (Kind.FAILOVER, Kind.REPAIR, Kind.SWITCHOVER)
REASONS_BY_HAND = (Reason.DRILL, Reason.EVACUATION, Reason.FAILBACK, Reason.MANUAL)
REQUIRED_BY_HAND = ("kind", "managed_cluster", "reason")
# Longest text of a key, in characters: a name of Step Functions, and a sentence or two.
LONGEST_BY_HAND = {"operation": 80, "managed_cluster": 80, "because": 500}
KEYS_BY_HAND = (*REQUIRED_BY_HAND, "because", "drain", "operation")
# A key that :meth:`OperationRequest.to_dict` writes and that says nothing in a request by hand.
EMPTY_BY_HAND = "incident"

# What an operation may be called: its name becomes part of names of EMR steps and a tag.
_OPERATION_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class RequestRefusedError(ValueError):
    """What was asked for is not done.  The text is one sentence for whoever asked: what, got, allowed, remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequest:
    """One run of the operation machine on one managed cluster.

    Attributes:
        operation: id of the operation, also the name of its execution.
        kind: what it does.
        reason: why it runs.
        managed_cluster: name of the managed cluster.
        incident: the incident that it answers, if any.
        because: why a person wants it, in the person's words.
        drain: what becomes of the jobs of what is replaced as planned.
    """

    operation: str
    kind: Kind
    reason: Reason
    managed_cluster: str
    incident: str | None = None
    because: str | None = None
    drain: DrainMode = DrainMode.WAIT

    @property
    def by_hand(self) -> bool:
        """Whether a person asked for it."""
        return self.reason in REASONS_BY_HAND

    @property
    def why(self) -> str:
        """The reason, with the person's words if there are any: ``manual: before the maintenance``."""
        return f"{self.reason}: {self.because}" if self.because else str(self.reason)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the machine's input carries them; without those that nobody gave."""
        silent = {"because": None, "drain": str(DrainMode.WAIT)}
        return {name: value for name, value in _plain(self).items() if name not in silent or value != silent[name]}

    def to_json(self) -> str:
        """The same text for the same request, so that starting an execution twice is starting it once."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The request that :meth:`to_dict` described.

        Raises:
            ValueError: *data* is no request of an operation; names what is wrong.
        """
        try:
            drain = DrainMode(data.get("drain", DrainMode.WAIT))
            return cls(**{**data, "kind": Kind(data["kind"]), "reason": Reason(data["reason"]), "drain": drain})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the request of an operation: {dict(data)!r}: {error!r}") from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The request that :meth:`to_json` described.  Raises ValueError as :meth:`from_dict` does."""
        return cls.from_dict(json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementRequest:
    """The end of one incarnation, or of a whole managed cluster.

    Attributes:
        retirement: name of the execution.
        managed_cluster: name of the managed cluster.
        generation: the incarnation that goes; ``None`` when all go, because the managed cluster is deleted.
        planned: whether its jobs may end first.
    """

    retirement: str
    managed_cluster: str
    generation: int | None
    planned: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the machine's input carries them."""
        return _plain(self)

    def to_json(self) -> str:
        """The same text for the same request, so that starting an execution twice is starting it once."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The request that :meth:`to_dict` described.

        Raises:
            ValueError: *data* is no request of a retirement; names what is wrong.
        """
        try:
            return cls(**data)
        except TypeError as error:
            raise ValueError(f"not the request of a retirement: {dict(data)!r}: {error!r}") from error


def _plain(request: OperationRequest | RetirementRequest) -> dict[str, Any]:
    values = {each.name: getattr(request, each.name) for each in fields(request)}
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}


def is_the_products(data: object, *, execution_name: str) -> bool:
    """Whether a request was made by the product itself: it names its execution, and gives a reason of the product's.

    Whoever copies the input of such an execution into a new one has made a request by hand.
    """
    return (
        isinstance(data, Mapping)
        and data.get("operation") == execution_name
        and data.get("reason") in [reason for reason in Reason if reason not in REASONS_BY_HAND]
    )


def read_by_hand(data: object, *, execution_name: str) -> OperationRequest:
    """The request that a person wrote, as ``docs/operation-request.schema.json`` describes it.

    Args:
        data: what stands under ``request`` in the machine's input.
        execution_name: the operation's id, unless *data* names one.

    Raises:
        RequestRefusedError: *data* is not of that shape.
    """
    if not isinstance(data, Mapping):
        raise RequestRefusedError(
            f"request must be an object with {_list(REQUIRED_BY_HAND)}, got {_shown(data)}: "
            "see docs/operation-request.schema.json"
        )
    given = {key: value for key, value in data.items() if key != EMPTY_BY_HAND or value is not None}
    unknown = sorted(str(key) for key in given if key not in KEYS_BY_HAND)
    if unknown:
        raise RequestRefusedError(
            f"request has keys that nobody may give by hand: {_list(unknown)}; "
            f"allowed are {_list(KEYS_BY_HAND)}: leave the others out"
        )
    missing = [key for key in REQUIRED_BY_HAND if key not in given]
    if missing:
        raise RequestRefusedError(
            f"request says nothing about {_list(missing)}; {_list(REQUIRED_BY_HAND)} have to be there: "
            "add what is missing"
        )
    _check_word("kind", data["kind"], KINDS_BY_HAND, _KIND_REMEDIES)
    _check_word("reason", data["reason"], REASONS_BY_HAND, _REASON_REMEDIES)
    if "drain" in data:
        _check_word("drain", data["drain"], tuple(DrainMode), {})
        if data["kind"] != Kind.SWITCHOVER:
            raise RequestRefusedError(
                f"drain is for a {Kind.SWITCHOVER}, got kind {data['kind']}: a failover ends the jobs of what it "
                "replaces, and a repair keeps them; leave drain out, or ask for a switchover"
            )
    if data["reason"] == Reason.FAILBACK and data["kind"] != Kind.SWITCHOVER:
        raise RequestRefusedError(
            f"{Reason.FAILBACK} is a reason for a {Kind.SWITCHOVER}, got kind {data['kind']}: it returns to a "
            f"preferred availability zone or changes nothing; ask for a {Kind.SWITCHOVER}, or give another reason"
        )
    for key, longest in LONGEST_BY_HAND.items():
        if key in data and not (isinstance(data[key], str) and 1 <= len(data[key]) <= longest):
            raise RequestRefusedError(
                f"{key} must be a text of 1 to {longest} characters, got {_shown(data[key])}: correct it"
            )
    return OperationRequest.from_dict({"operation": execution_name, **given})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a request by hand meets at its first step.

    Attributes:
        execution_name: of the execution that carries it.
        known: names of the deployment's managed clusters.
        managed_cluster: the record of the one that is meant; ``None`` if there is none.
        holder: the operation that works on it now; empty if none does.
        used_before: whether the record holds an operation of this name from an earlier execution.
    """

    execution_name: str
    known: Collection[str]
    managed_cluster: ManagedCluster | None
    holder: str = ""
    used_before: bool = False


def weigh(request: OperationRequest, circumstances: Circumstances) -> None:
    """Return if a request by hand may be carried out now.

    Health is not asked for: a person may replace what is healthy.

    Raises:
        RequestRefusedError: it may not.
    """
    refusal = _refusal_of_name(request, circumstances) or _refusal_of_moment(request, circumstances)
    if refusal:
        raise RequestRefusedError(refusal)


def _refusal_of_name(request: OperationRequest, circumstances: Circumstances) -> str:
    name = circumstances.execution_name
    if request.operation != name:
        return f"operation must be the name of the execution, {name!r}, got {request.operation!r}: leave it out"
    if not _OPERATION_NAME.fullmatch(name):
        return (
            f"the execution is called {name!r}, allowed are 1 to 80 letters, digits, hyphens and underscores: "
            "start it again under such a name, or without a name"
        )
    if is_given_by_the_product(name):
        return (
            f"the execution is called {name!r}, as only the product calls its own: "
            "start it again under another name, or without a name"
        )
    if circumstances.used_before:
        return (
            f"an operation called {name!r} is in the record already, and each has a name of its own: "
            "start it again under another name, or without a name"
        )
    return ""


def _refusal_of_moment(request: OperationRequest, circumstances: Circumstances) -> str:
    name, managed_cluster = request.managed_cluster, circumstances.managed_cluster
    if name not in circumstances.known:
        return f"managed_cluster must be one of {_list(circumstances.known)}, got {name!r}: correct it"
    if managed_cluster is None:
        return f"managed cluster {name} was never created, so nothing says what to launch: deploy its stack first"
    if managed_cluster.tombstone:
        return f"managed cluster {name} is being deleted, and nothing is started for it: deploy its stack again first"
    if circumstances.holder:
        return (
            f"operation {circumstances.holder} works on managed cluster {name}, and there is one at a time: "
            "wait for its end, or stop its execution, then start this one again under another name"
        )
    if managed_cluster.serving_generation is None and request.kind is not Kind.FAILOVER:
        return (
            f"nothing of managed cluster {name} is in service, so there is nothing for a {request.kind}: "
            "start a failover, which launches it anew"
        )
    return ""


_KIND_REMEDIES = {
    Kind.LAUNCH: "a managed cluster is launched by deploying its stack; to replace what serves, start a switchover",
    Kind.STANDBY: "a standby is launched by itself where the settings want one (standby: warm)",
}
_REASON_REMEDIES = {
    Reason.BOOTSTRAP: "that is CloudFormation's reason; a person's own is manual",
    Reason.UPGRADE: "that is CloudFormation's reason; a person's own is manual",
    Reason.UNHEALTHY: "that is the monitor's reason; a person's own is manual",
    Reason.STANDBY: "that is the reason of a standby's launch; a person's own is manual",
}


def _check_word(key: str, got: object, allowed: Collection[str], remedies: Mapping[Any, str]) -> None:
    if not isinstance(got, str) or got not in allowed:
        remedy = next((text for word, text in remedies.items() if word == got), "correct it")
        raise RequestRefusedError(f"{key} must be one of {_list(allowed)}, got {_shown(got)}: {remedy}")


def _list(words: Iterable[str]) -> str:
    return ", ".join(map(str, words))


def _shown(value: object) -> str:
    """*value* as its author wrote it, cut to what fits into a sentence."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."
