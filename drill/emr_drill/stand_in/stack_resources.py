"""The resources of one stack: made, changed and deleted one after the other, in the order of their dependencies.

moto makes every resource inside the call that asks for it.  Here some are slow (:class:`SlowResource`), any may fail,
and whoever waits for them can be interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import moto.cloudformation.parsing as parsing
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource

from emr_drill.stand_in import intrinsics
from emr_drill.stand_in.template import dependencies

if TYPE_CHECKING:
    from emr_drill.stand_in.running_stack import RunningStack
    from emr_drill.stand_in.stack_diary import StackDiary

POLL_SECONDS = 0.02  # machine time between two looks at slow resources
DELETE_ATTEMPTS = 3  # moto refuses to delete what something else still uses; CloudFormation, too, tries again
KEPT = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


@runtime_checkable
class SlowResource(Protocol):
    """A resource that is not there, or not gone, when the call that asked for it returns.

    Both functions answer None while it is under way, an empty text when it is done, and the reason of a failure.
    ``creation_result`` is asked after a change, too.
    """

    def creation_result(self) -> str | None: ...

    def deletion_result(self) -> str | None: ...


class ResourceFailed(Exception):
    """A resource could not be made or changed; *name* is empty if it is no resource that failed."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


class Interrupted(Exception):
    """The thread has to stop: something else shall become of the stack, or the stand-in stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVersion:
    """What a stack is at a time: a template with its parameters.

    Attributes:
        template: text.
        template_dict: the same, parsed.
        parameters: as given.
        resource_map: moto's, which resolves the template's intrinsic functions.
    """

    template: str
    template_dict: dict[str, Any]
    parameters: dict[str, str]
    resource_map: parsing.ResourceMap

    def wanted(self) -> list[str]:
        """Logical ids of the resources that it asks for; not those whose condition is false."""
        conditions = self.resource_map.lazy_condition_map
        return [
            name
            for name, body in self.template_dict["Resources"].items()
            if body.get("Condition") is None or conditions[body["Condition"]]
        ]

    def properties(self, name: str) -> dict[str, Any]:
        """The resolved properties of a resource; what they refer to must be made."""
        return dict(intrinsics.resolve(self.template_dict["Resources"][name].get("Properties", {}), self.resource_map))


class StackResources:
    """Makes and deletes the resources of one stack; used by one thread at a time.

    Attributes:
        made: logical id to the model of each resource that exists.
        in_flight: those that are under way.
    """

    def __init__(self, stack: RunningStack, diary: StackDiary) -> None:
        """Work on *stack*, whose record of its resources is kept up to date, and write down each step in *diary*."""
        self._stack = stack
        self.diary = diary
        self.made: dict[str, Any] = {}
        self.in_flight: dict[str, SlowResource] = {}

    def each_in_order(
        self,
        names: Collection[str],
        begin: Callable[[str], None],
        finish: Callable[[str], None],
        interrupt: threading.Event,
    ) -> None:
        """Do something with each of *names* when all that it needs is done.

        Args:
            names: logical ids.
            begin: does it; puts what takes time into ``in_flight``.
            finish: called when a resource that was in flight is done.
            interrupt: gives up what has not begun.

        Raises:
            ResourceFailed: with one it did not go well; others may be in flight.
            Interrupted: *interrupt* was set.
        """
        needed = dependencies(self._stack.template_dict)
        waiting = list(names)
        while waiting or self.in_flight:
            progress = False
            for name in list(self.in_flight):
                progress |= self._look_at(name, finish)
            for name in list(waiting):
                if interrupt.is_set():
                    raise Interrupted
                if needed[name] & (set(waiting) | self.in_flight.keys()):
                    continue
                waiting.remove(name)
                begin(name)
                progress = True
            if not progress and interrupt.wait(POLL_SECONDS):
                raise Interrupted

    def create(self, name: str) -> None:
        """Begin to make a resource.

        Raises:
            ResourceFailed: it cannot be made.
        """
        stack = self._stack
        self.diary.resource(name, self.made.get(name), "CREATE_IN_PROGRESS")
        try:
            resource: Any = parsing.parse_and_create_resource(
                name,
                stack.template_dict["Resources"][name],
                stack.resource_map,
                account_id=stack.account_id,
                region_name=stack.region_name,
            )
            stack.resource_map._parsed_resources[name] = resource
            self.made[name] = resource
            if isinstance(resource, TaggedEC2Resource):
                self._tag(name, resource)
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if isinstance(resource, SlowResource):
            self.in_flight[name] = resource
            self.diary.resource(name, self.made.get(name), "CREATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            self.created(name)

    def created(self, name: str) -> None:
        """Write down that a resource is there."""
        self.diary.resource(name, self.made.get(name), "CREATE_COMPLETE")

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

    def _look_at(self, name: str, finish: Callable[[str], None]) -> bool:
        try:
            result = self.in_flight[name].creation_result()
        except Exception as error:
            raise ResourceFailed(name, f"{type(error).__name__}: {error}") from error
        if result is None:
            return False
        if result:
            raise ResourceFailed(name, result)
        del self.in_flight[name]
        finish(name)
        return True

    def cancel(self, failed: str, status: str, reason: str) -> None:
        """Give up what is in flight besides the one that *failed*: nobody waits for it any more."""
        self.in_flight.pop(failed, None)
        for name in self.in_flight:
            self.diary.resource(name, self.made.get(name), status, reason)
        self.in_flight.clear()

    # Deletion

    def tear_down(
        self,
        interrupt: threading.Event,
        *,
        version: StackVersion | None = None,
        only: Set[str] | None = None,
        kept: Set[str] = KEPT,
    ) -> str | None:
        """Delete what was made, in reverse order of dependency; the reason if something is left.

        Args:
            interrupt: gives up what has not begun.
            version: of the stack that the resources are described in; ``None`` for the present one.
            only: logical ids of those that shall go; ``None`` for all.
            kept: deletion policies; what has one of them stays, and is no part of the stack any more.

        Raises:
            Interrupted: *interrupt* was set.
        """
        version = version or self._stack.version
        bodies = version.template_dict["Resources"]
        doomed = {name for name in self.made if only is None or name in only}
        for name in [name for name in doomed if bodies[name].get("DeletionPolicy") in kept]:
            doomed.remove(name)
            del self.made[name]
        needed = dependencies(version.template_dict)
        self.in_flight.clear()
        attempts: dict[str, int] = {}
        failures: dict[str, str] = {}
        while True:
            progress = self._look_at_deletions(failures)
            left = doomed & self.made.keys()
            used = {name for user in left for name in needed[user]}
            ready = [name for name in self.made if name in left - used - self.in_flight.keys() - failures.keys()]
            if not ready and not self.in_flight:
                break
            for name in ready:
                if interrupt.is_set():
                    raise Interrupted
                progress |= self._delete_one(name, version, attempts, failures)
            if not progress and interrupt.wait(POLL_SECONDS):
                raise Interrupted
        return f"The following resource(s) failed to delete: [{', '.join(sorted(failures))}]. " if failures else None

    def _look_at_deletions(self, failures: dict[str, str]) -> bool:
        progress = False
        for name in list(self.in_flight):
            result = self.in_flight[name].deletion_result()
            if result is None:
                continue
            progress = True
            resource = self.in_flight.pop(name)
            if result:
                failures[name] = result
                self.diary.resource(name, resource, "DELETE_FAILED", result)
            else:
                self._forget(name, resource)
        return progress

    def _delete_one(self, name: str, version: StackVersion, attempts: dict[str, int], failures: dict[str, str]) -> bool:
        """Begin to delete one resource; whether anything changed."""
        resource = self.made[name]
        if name not in attempts:
            self.diary.resource(name, resource, "DELETE_IN_PROGRESS")
        attempts[name] = attempts.get(name, 0) + 1
        try:
            version.resource_map._delete_resource(resource, version.template_dict["Resources"][name])
        except Exception as error:  # noqa: BLE001 - whatever moto raises, CloudFormation tries again
            if attempts[name] < DELETE_ATTEMPTS:
                return False
            failures[name] = f"{type(error).__name__}: {error}"
            self.diary.resource(name, resource, "DELETE_FAILED", failures[name])
            return True
        if isinstance(resource, SlowResource):
            self.in_flight[name] = resource
        else:
            self._forget(name, resource)
        return True

    def _forget(self, name: str, resource: Any) -> None:
        del self.made[name]
        self.diary.resource(name, resource, "DELETE_COMPLETE")
