"""What a person decided about automatic operations, and whose turn it is to run one, as the record table holds it.

Both are items of kind ``deployment``: there is one of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from dr_core.items import item_of, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What a person decided; without an item, nobody has decided anything.

    Attributes:
        paused: whether no automatic operation may start; those that a person asks for may.
        paused_at: when it was last paused, seconds since 1970.
        paused_because: why, in the words of who did it.
        paused_by: who did it.
        resumed_at: when it was last resumed.
        resumed_by: who did it.
        acknowledged_at: when a person last took note of the automatic failovers so far: older ones do not count for
            the block any more.
        acknowledged_because: why, in the words of who did it.
        acknowledged_by: who did it.
    """

    KIND: ClassVar[str] = "deployment"
    ID: ClassVar[str] = "controls"

    paused: bool = False
    paused_at: float | None = None
    paused_because: str | None = None
    paused_by: str | None = None
    resumed_at: float | None = None
    resumed_by: str | None = None
    acknowledged_at: float | None = None
    acknowledged_because: str | None = None
    acknowledged_by: str | None = None

    @staticmethod
    def key() -> dict[str, str]:
        """The item's key."""
        return {"kind": Controls.KIND, "id": Controls.ID}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key())

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> Self:
        """The controls that an item holds; ``None`` is no item."""
        return cls(**values_of(cls, item or {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The latest automatic operation of the deployment: while it runs, no other managed cluster gets one.

    Monitors take the turn by a conditional write before they start an operation, so that two of them which look at the
    same moment cannot start one each.

    Attributes:
        operation: id of the operation.
        managed_cluster: what it works on.
        since: when the turn was taken, seconds since 1970.
    """

    KIND: ClassVar[str] = "deployment"
    ID: ClassVar[str] = "automatic-operation"

    operation: str
    managed_cluster: str
    since: float

    @staticmethod
    def key() -> dict[str, str]:
        """The item's key."""
        return {"kind": Turn.KIND, "id": Turn.ID}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key())

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The turn that an item holds."""
        return cls(**values_of(cls, item))
