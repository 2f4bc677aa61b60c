"""An update of a stack: what changed is made, changed and removed, and all of it is taken back if something fails.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html: first
what is new or changed, in the order of dependencies (``UPDATE_IN_PROGRESS``), then what is gone
(``UPDATE_COMPLETE_CLEANUP_IN_PROGRESS``), whose failures do not matter to the stack.  A failure before that takes every
resource that was begun with back to its old properties (``UPDATE_ROLLBACK_IN_PROGRESS``), those too that failed: a
custom resource gets an Update with the old ones.  In which order it does that is not documented; here it is the order
of dependencies of the old template (docs/assumptions.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from emr_drill.stand_in import resource_types, resource_updates
from emr_drill.stand_in.resource_updates import CannotChange
from emr_drill.stand_in.stack_resources import (
    KEPT,
    Interrupted,
    ResourceFailed,
    SlowResource,
    StackResources,
    StackVersion,
)

if TYPE_CHECKING:
    from emr_drill.stand_in.running_stack import RunningStack

Properties = dict[str, Any]


class StackUpdate:
    """One update of one stack; :meth:`run` does it, from the first change to the last status."""

    def __init__(
        self,
        stack: RunningStack,
        resources: StackResources,
        *,
        version: StackVersion,
        set_status: Callable[[str, str | None], None],
        on_complete: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """Prepare to update *stack*.

        Args:
            stack: complete, or rolled back from an earlier update.
            resources: its own.
            version: what it shall be.
            set_status: changes its status; raises Interrupted if the update has to stop.
            on_complete: called when every resource is as it shall be, before the status says so; may raise.
            stop: takes the update back when it is set, as CancelUpdateStack does.
        """
        self._stack = stack
        self._resources = resources
        self._old = stack.version
        self._new = version
        self._set_status = set_status
        self._on_complete = on_complete
        self._stop = stop
        self._old_properties: dict[str, Properties] = {}
        self._changed: dict[str, Properties] = {}  # logical id to the properties that it was to have
        self._made: set[str] = set()

    def run(self, interrupt: threading.Event) -> None:
        """Update the stack.

        Raises:
            Interrupted: *interrupt* was set.
        """
        resources = self._resources
        self._old_properties = {name: self._old.properties(name) for name in resources.made}
        self._stack.adopt(self._new)
        try:
            resources.each_in_order(self._new.wanted(), self._bring_forward, self._done, self._stop)
            self._on_complete()
        except ResourceFailed as failure:
            if failure.name:
                status = "CREATE_FAILED" if failure.name in self._made else "UPDATE_FAILED"
                resources.diary.resource(failure.name, resources.made.get(failure.name), status, failure.reason)
                reason = f"The following resource(s) failed to update: [{failure.name}]. "
            else:
                reason = failure.reason
            self._roll_back(failure.name, reason, interrupt)
        except Interrupted:
            if interrupt.is_set():
                raise
            self._roll_back("", "User Initiated", interrupt)
        else:
            self._set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None)
            gone = resources.made.keys() - set(self._new.wanted())
            resources.tear_down(interrupt, version=self._old, only=gone)
            self._set_status("UPDATE_COMPLETE", None)

    def _bring_forward(self, name: str) -> None:
        if name not in self._resources.made:
            self._made.add(name)
            self._resources.create(name)
            return
        try:
            properties = self._new.properties(name)
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if properties != self._old_properties[name]:
            self._changed[name] = properties
            self._change(name, self._old_properties[name], properties)

    def _bring_back(self, name: str) -> None:
        self._change(name, self._changed[name], self._old_properties[name])

    def _change(self, name: str, old: Properties, new: Properties) -> None:
        resources = self._resources
        resource = resources.made[name]
        resources.diary.resource(name, resource, "UPDATE_IN_PROGRESS")
        kind = self._stack.template_dict["Resources"][name]["Type"]
        try:
            resource_updates.change(resource_types.installed(), kind, resource, old, new)
        except CannotChange as refusal:
            self._changed.pop(name, None)  # there is nothing to take back
            raise ResourceFailed(name, str(refusal)) from refusal
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if isinstance(resource, SlowResource):
            resources.in_flight[name] = resource
        else:
            self._done(name)

    def _done(self, name: str) -> None:
        status = "CREATE_COMPLETE" if name in self._made else "UPDATE_COMPLETE"
        self._resources.diary.resource(name, self._resources.made.get(name), status)

    def _roll_back(self, failed: str, reason: str, interrupt: threading.Event) -> None:
        resources = self._resources
        for name in resources.in_flight.keys() - {failed}:
            made = name in self._made
            resources.diary.resource(
                name,
                resources.made.get(name),
                "CREATE_FAILED" if made else "UPDATE_FAILED",
                f"Resource {'creation' if made else 'update'} cancelled",
            )
        resources.in_flight.clear()
        self._set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        self._stack.adopt(self._old)
        try:
            resources.each_in_order(list(self._changed), self._bring_back, self._done, interrupt)
            self._on_complete()
        except ResourceFailed as failure:
            if failure.name:
                resources.diary.resource(
                    failure.name, resources.made.get(failure.name), "UPDATE_FAILED", failure.reason
                )
                resources.cancel(failure.name, "UPDATE_FAILED", "Resource update cancelled")
            names = f"The following resource(s) failed to update: [{failure.name}]. "
            self._set_status("UPDATE_ROLLBACK_FAILED", names if failure.name else failure.reason)
            return
        self._set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None)
        new = self._made & resources.made.keys()
        resources.tear_down(interrupt, version=self._new, only=new, kept=KEPT - {"RetainExceptOnCreate"})
        self._set_status("UPDATE_ROLLBACK_COMPLETE", None)
