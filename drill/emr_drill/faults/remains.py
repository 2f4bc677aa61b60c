"""What the deletion of a strategy's stack must leave behind, and whether it left that and nothing else.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emr_drill.inventory import Thing

DELETED = "DELETE_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """Something that is retained on purpose.

    Attributes:
        kind: ``AWS::Service::Thing``.
        logical_id: what its logical id in the template begins with, which its name has in it.
        why: what it is good for afterwards, for people.
    """

    kind: str
    logical_id: str
    why: str

    def is_about(self, thing: Thing) -> bool:
        """Whether *thing* is what is meant."""
        return thing.kind == self.kind and fnmatchcase(thing.name, f"*-{self.logical_id}*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What came of the deletion of the strategy's stack.

    Attributes:
        status: of the stack at the end, with the reason if there is one.
        before: all that there was before the stack was made.
        after: all that there is when it is gone.
        incarnations: the name of each incarnation's stack -> its status.
    """

    status: str
    before: Collection[Thing]
    after: Collection[Thing]
    incarnations: Sequence[tuple[str, str]] = ()


def judge_deletion(remains: Sequence[Remains], deletion: Deletion) -> list[str]:
    """A sentence for each thing that is otherwise than it must be.

    Args:
        remains: what must be left, each of them once, and nothing else.
        deletion: what came of it.
    """
    wrong = []
    if deletion.status != DELETED:
        wrong.append(f"the strategy's stack should end as {DELETED}, it ended as {deletion.status}")
    wrong += [
        f"the stack of incarnation {name} should end as {DELETED}, it is {status}"
        for name, status in deletion.incarnations
        if status != DELETED
    ]
    left = sorted(set(deletion.after) - set(deletion.before))
    wrong += [
        f"left behind, and not on purpose: {thing.kind} {thing.name}"
        for thing in left
        if not any(one.is_about(thing) for one in remains)
    ]
    for one in remains:
        count = sum(one.is_about(thing) for thing in left)
        if count != 1:
            wrong.append(f"one {one.kind} {one.logical_id} should remain ({one.why}), {count} did")
    gone = sorted(set(deletion.before) - set(deletion.after))
    wrong += [f"gone, and not the strategy's: {thing.kind} {thing.name}" for thing in gone]
    return wrong


def retained(remains: Sequence[Remains], deletion: Deletion) -> list[str]:
    """A sentence for each thing that was retained on purpose."""
    return [
        f"retained on purpose: {thing.kind} {thing.name} ({one.why})"
        for thing in sorted(set(deletion.after) - set(deletion.before))
        for one in remains
        if one.is_about(thing)
    ]
