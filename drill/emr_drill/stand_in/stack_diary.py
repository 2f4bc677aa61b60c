"""What CloudFormation tells of one stack: its status, the status of each resource, and the events that led there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.cloudformation.models import Event

if TYPE_CHECKING:
    from emr_drill.stand_in.running_stack import RunningStack

STACK_TYPE = "AWS::CloudFormation::Stack"


class StackDiary:
    """Keeps status and events of one stack.

    Attributes:
        resources: logical id to status, reason and time of its last change (naive, UTC, simulated).
    """

    def __init__(
        self, stack: RunningStack, *, now: Callable[[], float], on_event: Callable[[dict[str, Any]], None]
    ) -> None:
        """Keep a diary of *stack*.

        Args:
            stack: moto's record of it.
            now: simulated seconds since 1970.
            on_event: gets each event as ``{"at", "kind": "stack", "stack", "resource", "type", "status", "reason"}``.
        """
        self._stack = stack
        self._now = now
        self._on_event = on_event
        self.resources: dict[str, tuple[str, str | None, datetime]] = {}
        self._types: dict[str, str] = {}

    def status(self, status: str, reason: str | None) -> None:
        """The stack's status changed."""
        self._stack.status = status
        self._stack.stack_status_reason = reason
        if status == "DELETE_COMPLETE":
            self._stack.deletion_time = self._moment()
        self._stack._add_stack_event(status, resource_status_reason=reason)
        self._tell(self._stack.name, STACK_TYPE, status, reason)

    def resource(self, name: str, resource: Any, status: str, reason: str | None = None) -> None:
        """The status of the resource with the logical id *name* changed; *resource* is its model, if it has one."""
        if (body := self._stack.template_dict["Resources"].get(name)) is not None:
            self._types[name] = body["Type"]
        kind = self._types[name]  # an update's template no longer has what it removes
        self.resources[name] = (status, reason, self._moment())
        event: Any = Event(
            stack_id=self._stack.stack_id,
            stack_name=self._stack.name,
            logical_resource_id=name,
            physical_resource_id=getattr(resource, "physical_resource_id", None) or "",
            resource_type=kind,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        self._stack.events.append(event)
        self._tell(name, kind, status, reason)

    def _tell(self, resource: str, kind: str, status: str, reason: str | None) -> None:
        self._on_event(
            {
                "at": self._now(),
                "kind": "stack",
                "stack": self._stack.name,
                "resource": resource,
                "type": kind,
                "status": status,
                "reason": reason or "",
            }
        )

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC).replace(tzinfo=None)  # as moto keeps all its times
