"""Change sets of stacks in a stand-in, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .stack_world import StackWorld


def propose(world: StackWorld, stack: str, template: Mapping[str, Any], kind: str, **options: Any) -> str:
    """The id of a new change set."""
    request = {"ChangeSetName": "proposed", "TemplateBody": json.dumps(template), **options}
    made = world.client("cloudformation").create_change_set(StackName=stack, ChangeSetType=kind, **request)
    return str(made["Id"])


def described(world: StackWorld, change_set: str, **options: Any) -> dict[str, Any]:
    return dict(world.client("cloudformation").describe_change_set(ChangeSetName=change_set, **options))


def created(world: StackWorld, name: str, template: Mapping[str, Any]) -> str:
    stack = world.create(name, template)
    assert world.settled(stack) == "CREATE_COMPLETE"
    return stack
