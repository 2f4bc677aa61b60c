"""One stack's life: creation, update, rollback and deletion, each in a thread of its own.

moto does everything inside the call that asks for it (and, what is worse, inside calls that only read).  Here the call
returns at once, the status follows the slowest resource, and a failed stack rolls back.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from emr_drill.stand_in.stack_resources import KEPT, Interrupted, ResourceFailed, StackResources, StackVersion
from emr_drill.stand_in.stack_update import StackUpdate

if TYPE_CHECKING:
    from emr_drill.stand_in.running_stack import RunningStack
    from emr_drill.stand_in.stack_diary import StackDiary

LOG = logging.getLogger(__name__)


class StackRun:
    """Runs one stack.  Thread-safe."""

    def __init__(
        self,
        stack: RunningStack,
        *,
        diary: StackDiary,
        on_failure: str,
        on_complete: Callable[[], None],
        on_deleted: Callable[[], None],
    ) -> None:
        """Prepare to run *stack*.

        Args:
            stack: moto's record of it, whose resources are kept up to date.
            diary: keeps its status and events.
            on_failure: ``ROLLBACK``, ``DELETE`` or ``DO_NOTHING``, as in CreateStack.
            on_complete: called when every resource is as it shall be, before the status says so; may raise.
            on_deleted: called when nothing is left, before the status says so.
        """
        self._stack = stack
        self._diary = diary
        self._on_failure = on_failure
        self._on_complete = on_complete
        self._on_deleted = on_deleted
        self._lock = threading.RLock()
        self._interrupt = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._resources = StackResources(stack, diary)
        self._stop_update = threading.Event()

    def create(self) -> None:
        """Begin to make the stack's resources."""
        self._stack.status = "CREATE_IN_PROGRESS"
        self._begin("create", self._create, self._interrupt)

    def delete(self) -> None:
        """Begin to delete the stack; does nothing if it is being deleted.  A creation under way is given up."""
        with self._lock:
            if self._stack.status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
                return
            self._interrupt.set()
            previous, interrupt = self._thread, threading.Event()
            self._interrupt = interrupt
            self._set_status("DELETE_IN_PROGRESS", "User Initiated", interrupt)

        def after_previous(interrupt: threading.Event) -> None:
            if previous is not None:
                previous.join()
            self._delete(interrupt)

        self._begin("delete", after_previous, interrupt)

    def update(self, version: StackVersion) -> None:
        """Begin to make the stack what *version* says; nothing else may be under way."""
        with self._lock:
            interrupt, self._stop_update = self._interrupt, threading.Event()
            update = StackUpdate(
                self._stack,
                self._resources,
                version=version,
                set_status=lambda status, reason: self._set_status(status, reason, interrupt),
                on_complete=self._finish,
                stop=self._stop_update,
            )
            self._set_status("UPDATE_IN_PROGRESS", "User Initiated", interrupt)
        self._begin("update", update.run, interrupt)

    def cancel_update(self) -> None:
        """Take back the update that is under way."""
        self._stop_update.set()

    def wait(self, seconds: float) -> bool:
        """Wait until what is under way is done or given up, at most *seconds* of machine time; whether it is."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return True
        thread.join(seconds)
        return not thread.is_alive()

    def close(self) -> None:
        """Stop where it is.  May be called more than once."""
        with self._lock:
            self._closed = True
            self._interrupt.set()
            self._stop_update.set()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _begin(self, action: str, work: Callable[[threading.Event], None], interrupt: threading.Event) -> None:
        def run() -> None:
            with contextlib.suppress(Interrupted):
                try:
                    work(interrupt)
                except Interrupted:
                    raise
                except Exception as error:
                    LOG.exception("stack %s: %s", self._stack.name, action)
                    reason = f"Internal failure of the stand-in: {type(error).__name__}: {error}"
                    self._set_status(f"{action.upper()}_FAILED", reason, interrupt)

        with self._lock:
            if self._closed:
                return
            self._thread = threading.Thread(target=run, daemon=True, name=f"{action} {self._stack.name}")
            self._thread.start()

    # Creation

    def _create(self, interrupt: threading.Event) -> None:
        resources = self._resources
        try:
            resources.each_in_order(self._stack.version.wanted(), resources.create, resources.created, interrupt)
            self._finish()
        except ResourceFailed as failure:
            if failure.name:
                self._diary.resource(failure.name, resources.made.get(failure.name), "CREATE_FAILED", failure.reason)
            resources.cancel(failure.name, "CREATE_FAILED", "Resource creation cancelled")
            self._answer_failure(failure, interrupt)
        else:
            self._set_status("CREATE_COMPLETE", None, interrupt)

    def _finish(self) -> None:
        try:
            self._on_complete()
        except Exception as error:
            raise ResourceFailed("", f"{type(error).__name__}: {error}") from error

    def _answer_failure(self, failure: ResourceFailed, interrupt: threading.Event) -> None:
        reason = failure.reason
        if failure.name:  # the resource's own reason is in its event only, as in CloudFormation
            reason = f"The following resource(s) failed to create: [{failure.name}]. "
        if self._on_failure == "DO_NOTHING":
            self._set_status("CREATE_FAILED", reason, interrupt)
        elif self._on_failure == "DELETE":
            self._set_status("DELETE_IN_PROGRESS", f"{reason}Delete requested by user.", interrupt)
            self._delete(interrupt)
        else:
            self._set_status("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.", interrupt)
            failed = self._resources.tear_down(interrupt, kept=KEPT - {"RetainExceptOnCreate"})
            if failed:
                self._set_status("ROLLBACK_FAILED", failed, interrupt)
            else:
                self._set_status("ROLLBACK_COMPLETE", None, interrupt)

    # Deletion

    def _delete(self, interrupt: threading.Event) -> None:
        failed = self._resources.tear_down(interrupt)
        if failed:
            self._set_status("DELETE_FAILED", failed, interrupt)
            return
        self._on_deleted()
        self._set_status("DELETE_COMPLETE", None, interrupt)

    def _set_status(self, status: str, reason: str | None, interrupt: threading.Event) -> None:
        with self._lock:
            if interrupt.is_set():
                raise Interrupted
            self._diary.status(status, reason)
