"""One stack's life: creation, rollback and deletion in a thread of its own, one resource after the other.

moto makes every resource inside the CreateStack call (and, what is worse, inside calls that only read).  Here the call
returns at once, the status follows the slowest resource, and a failed stack rolls back.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import moto.cloudformation.parsing as parsing
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource

from emr_drill.stand_in.template import dependencies

if TYPE_CHECKING:
    from emr_drill.stand_in.cloudformation import RunningStack
    from emr_drill.stand_in.stack_diary import StackDiary

LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.02  # machine time between two looks at slow resources
DELETE_ATTEMPTS = 3  # moto refuses to delete what something else still uses; CloudFormation, too, tries again
KEPT = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


@runtime_checkable
class SlowResource(Protocol):
    """A resource that is not there, or not gone, when the call that asked for it returns.

    Both functions answer None while it is under way, an empty text when it is done, and the reason of a failure.
    """

    def creation_result(self) -> str | None: ...

    def deletion_result(self) -> str | None: ...


class ResourceFailed(Exception):
    """A resource could not be made."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


class Interrupted(Exception):
    """The thread has to stop: the stack is being deleted, or the stand-in stops."""


class StackRun:
    """Runs one stack.  Thread-safe."""

    def __init__(
        self,
        stack: RunningStack,
        *,
        diary: StackDiary,
        on_failure: str,
        on_created: Callable[[], None],
        on_deleted: Callable[[], None],
    ) -> None:
        """Prepare to run *stack*.

        Args:
            stack: moto's record of it, whose resources are kept up to date.
            diary: keeps its status and events.
            on_failure: ``ROLLBACK``, ``DELETE`` or ``DO_NOTHING``, as in CreateStack.
            on_created: called when every resource is there, before the status says so; may raise.
            on_deleted: called when nothing is left, before the status says so.
        """
        self._stack = stack
        self._diary = diary
        self._on_failure = on_failure
        self._on_created = on_created
        self._on_deleted = on_deleted
        self._lock = threading.RLock()
        self._interrupt = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._made: dict[str, Any] = {}

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
        in_flight: dict[str, SlowResource] = {}
        try:
            self._create_all(in_flight, interrupt)
            self._finish_creation()
        except ResourceFailed as failure:
            if failure.name:
                self._diary.resource(failure.name, self._made.get(failure.name), "CREATE_FAILED", failure.reason)
                in_flight.pop(failure.name, None)
            for name in in_flight:
                self._diary.resource(name, self._made.get(name), "CREATE_FAILED", "Resource creation cancelled")
            self._answer_failure(failure, interrupt)
        else:
            self._set_status("CREATE_COMPLETE", None, interrupt)

    def _create_all(self, in_flight: dict[str, SlowResource], interrupt: threading.Event) -> None:
        needed = dependencies(self._stack.template_dict)
        waiting = [name for name in needed if self._wanted(name)]
        while waiting or in_flight:
            progress = False
            for name in list(in_flight):
                progress |= self._look_at(name, in_flight)
            for name in list(waiting):
                if interrupt.is_set():
                    raise Interrupted
                if needed[name] & (set(waiting) | in_flight.keys()):
                    continue
                waiting.remove(name)
                self._create_one(name, in_flight)
                progress = True
            if not progress and interrupt.wait(POLL_SECONDS):
                raise Interrupted

    def _wanted(self, name: str) -> bool:
        condition = self._stack.template_dict["Resources"][name].get("Condition")
        return condition is None or bool(self._stack.resource_map.lazy_condition_map[condition])

    def _create_one(self, name: str, in_flight: dict[str, SlowResource]) -> None:
        stack = self._stack
        self._diary.resource(name, self._made.get(name), "CREATE_IN_PROGRESS")
        try:
            resource: Any = parsing.parse_and_create_resource(
                name,
                stack.template_dict["Resources"][name],
                stack.resource_map,
                account_id=stack.account_id,
                region_name=stack.region_name,
            )
            stack.resource_map._parsed_resources[name] = resource
            self._made[name] = resource
            if isinstance(resource, TaggedEC2Resource):
                self._tag(name, resource)
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if isinstance(resource, SlowResource):
            in_flight[name] = resource
            self._diary.resource(name, self._made.get(name), "CREATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            self._diary.resource(name, self._made.get(name), "CREATE_COMPLETE")

    def _tag(self, name: str, resource: TaggedEC2Resource) -> None:
        stack = self._stack
        tags = {
            **stack.tags,
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.stack_id,
            "aws:cloudformation:logical-id": name,
        }
        physical_id = resource.physical_resource_id  # type: ignore[attr-defined]
        ec2_backends[stack.account_id][stack.region_name].create_tags([physical_id], tags)

    def _look_at(self, name: str, in_flight: dict[str, SlowResource]) -> bool:
        try:
            result = in_flight[name].creation_result()
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if result is None:
            return False
        if result:
            raise ResourceFailed(name, result)
        del in_flight[name]
        self._diary.resource(name, self._made.get(name), "CREATE_COMPLETE")
        return True

    def _finish_creation(self) -> None:
        try:
            self._on_created()
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
            failed = self._tear_down(interrupt, kept=KEPT - {"RetainExceptOnCreate"})
            if failed:
                self._set_status("ROLLBACK_FAILED", failed, interrupt)
            else:
                self._set_status("ROLLBACK_COMPLETE", None, interrupt)

    # Deletion

    def _delete(self, interrupt: threading.Event) -> None:
        failed = self._tear_down(interrupt)
        if failed:
            self._set_status("DELETE_FAILED", failed, interrupt)
            return
        self._on_deleted()
        self._set_status("DELETE_COMPLETE", None, interrupt)

    def _tear_down(self, interrupt: threading.Event, *, kept: Set[str] = KEPT) -> str | None:
        """Delete what was made, in reverse order of dependency; the reason if something is left.

        What has a deletion policy of *kept* stays.
        """
        resources = self._stack.template_dict["Resources"]
        for name in [name for name in self._made if resources[name].get("DeletionPolicy") in kept]:
            del self._made[name]
        needed = dependencies(self._stack.template_dict)
        in_flight: dict[str, SlowResource] = {}
        attempts: dict[str, int] = {}
        failures: dict[str, str] = {}
        while True:
            progress = self._look_at_deletions(in_flight, failures)
            used = {name for user in self._made for name in needed[user]}
            ready = [name for name in self._made if name not in used | in_flight.keys() | failures.keys()]
            if not ready and not in_flight:
                break
            for name in ready:
                if interrupt.is_set():
                    raise Interrupted
                progress |= self._delete_one(name, in_flight, attempts, failures)
            if not progress and interrupt.wait(POLL_SECONDS):
                raise Interrupted
        return f"The following resource(s) failed to delete: [{', '.join(sorted(failures))}]. " if failures else None

    def _look_at_deletions(self, in_flight: dict[str, SlowResource], failures: dict[str, str]) -> bool:
        progress = False
        for name in list(in_flight):
            result = in_flight[name].deletion_result()
            if result is None:
                continue
            progress = True
            resource = in_flight.pop(name)
            if result:
                failures[name] = result
                self._diary.resource(name, resource, "DELETE_FAILED", result)
            else:
                self._forget(name, resource)
        return progress

    def _delete_one(
        self,
        name: str,
        in_flight: dict[str, SlowResource],
        attempts: dict[str, int],
        failures: dict[str, str],
    ) -> bool:
        """Begin to delete one resource; whether anything changed."""
        resource = self._made[name]
        if name not in attempts:
            self._diary.resource(name, resource, "DELETE_IN_PROGRESS")
        attempts[name] = attempts.get(name, 0) + 1
        try:
            body = self._stack.template_dict["Resources"][name]
            self._stack.resource_map._delete_resource(resource, body)
        except Exception as error:  # noqa: BLE001 - whatever moto raises, CloudFormation tries again
            if attempts[name] < DELETE_ATTEMPTS:
                return False
            failures[name] = f"{type(error).__name__}: {error}"
            self._diary.resource(name, resource, "DELETE_FAILED", failures[name])
            return True
        if isinstance(resource, SlowResource):
            in_flight[name] = resource
        else:
            self._forget(name, resource)
        return True

    def _forget(self, name: str, resource: Any) -> None:
        del self._made[name]
        self._diary.resource(name, resource, "DELETE_COMPLETE")

    def _set_status(self, status: str, reason: str | None, interrupt: threading.Event) -> None:
        with self._lock:
            if interrupt.is_set():
                raise Interrupted
            self._diary.status(status, reason)
