"""What is told of a stack, to DescribeStackEvents and to the journal alike (A10)."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill.stand_in.stack_diary import STACK_TYPE, StackDiary

NOW = 1_800_000_000.0
MOMENT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC).replace(tzinfo=None)  # as moto keeps its times


class Stack:
    """What a diary needs of moto's record of a stack."""

    def __init__(self) -> None:
        self.name = "a-g1"
        self.stack_id = "arn:stack/a-g1/1"
        self.status = ""
        self.stack_status_reason: str | None = None
        self.deletion_time: datetime | None = None
        self.template_dict = {"Resources": {"Cluster": {"Type": "AWS::EMR::Cluster"}}}
        self.events: list[Any] = []

    def _add_stack_event(self, status: str, resource_status_reason: str | None = None) -> None:
        self.events.append(SimpleNamespace(resource_status=status, resource_status_reason=resource_status_reason))


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """The journal."""
    return []


@pytest.fixture
def diary(stack: Stack, told: list[dict[str, Any]]) -> StackDiary:
    return StackDiary(cast(Any, stack), now=lambda: NOW, on_event=told.append)


def test_status_is_the_stacks(stack: Stack, diary: StackDiary) -> None:
    diary.status("ROLLBACK_IN_PROGRESS", "why")

    assert (stack.status, stack.stack_status_reason) == ("ROLLBACK_IN_PROGRESS", "why")


def test_reason_does_not_outlive_its_status(stack: Stack, diary: StackDiary) -> None:
    diary.status("ROLLBACK_IN_PROGRESS", "why")
    diary.status("ROLLBACK_COMPLETE", None)

    assert stack.stack_status_reason is None


def test_status_is_an_event(stack: Stack, diary: StackDiary) -> None:
    diary.status("CREATE_FAILED", "why")

    assert [(event.resource_status, event.resource_status_reason) for event in stack.events] == [
        ("CREATE_FAILED", "why")
    ]


@pytest.mark.parametrize(("status", "deleted"), [("DELETE_IN_PROGRESS", None), ("DELETE_COMPLETE", MOMENT)])
def test_end_has_a_simulated_time(stack: Stack, diary: StackDiary, status: str, deleted: datetime | None) -> None:
    diary.status(status, None)

    assert stack.deletion_time == deleted


def test_status_reaches_the_journal(diary: StackDiary, told: list[dict[str, Any]]) -> None:
    diary.status("CREATE_COMPLETE", None)

    assert told == [
        {
            "at": NOW,
            "kind": "stack",
            "stack": "a-g1",
            "resource": "a-g1",
            "type": STACK_TYPE,
            "status": "CREATE_COMPLETE",
            "reason": "",
        }
    ]


def test_resource_is_kept_with_the_time_of_its_last_change(diary: StackDiary) -> None:
    diary.resource("Cluster", None, "CREATE_IN_PROGRESS")
    diary.resource("Cluster", None, "CREATE_FAILED", "no capacity")

    assert diary.resources == {"Cluster": ("CREATE_FAILED", "no capacity", MOMENT)}


@pytest.mark.parametrize(("model", "id"), [(None, ""), (SimpleNamespace(physical_resource_id="j-1"), "j-1")])
def test_event_of_a_resource_has_its_id_as_soon_as_there_is_one(
    stack: Stack, diary: StackDiary, model: object, id: str
) -> None:
    diary.resource("Cluster", model, "CREATE_IN_PROGRESS")

    (event,) = stack.events
    assert (event.logical_resource_id, event.physical_resource_id) == ("Cluster", id)
    assert (event.resource_type, event.resource_status) == ("AWS::EMR::Cluster", "CREATE_IN_PROGRESS")


def test_resource_reaches_the_journal(diary: StackDiary, told: list[dict[str, Any]]) -> None:
    diary.resource("Cluster", None, "DELETE_FAILED", "protected")

    (entry,) = told
    assert (entry["stack"], entry["resource"], entry["type"]) == ("a-g1", "Cluster", "AWS::EMR::Cluster")
    assert (entry["at"], entry["status"], entry["reason"]) == (NOW, "DELETE_FAILED", "protected")
