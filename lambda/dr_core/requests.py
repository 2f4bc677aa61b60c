"""What a state machine is asked to do: the ``request`` in its input, the same in every state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Kind(StrEnum):
    """What an operation does."""

    LAUNCH = "launch"
    FAILOVER = "failover"
    SWITCHOVER = "switchover"
    REPAIR = "repair"


class Reason(StrEnum):
    """Why an operation runs."""

    BOOTSTRAP = "bootstrap"
    UNHEALTHY = "unhealthy"
    UPGRADE = "upgrade"
    MANUAL = "manual"
    DRILL = "drill"
    FAILBACK = "failback"
    EVACUATION = "evacuation"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequest:
    """One run of the operation machine on one managed cluster.

    Attributes:
        operation: id of the operation, also the name of its execution.
        kind: what it does.
        reason: why it runs.
        managed_cluster: name of the managed cluster.
        incident: the incident that it answers, if any.
    """

    operation: str
    kind: Kind
    reason: Reason
    managed_cluster: str
    incident: str | None = None

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
            ValueError: *data* is no request of an operation; names what is wrong.
        """
        try:
            return cls(**{**data, "kind": Kind(data["kind"]), "reason": Reason(data["reason"])})
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
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(request).items()}
