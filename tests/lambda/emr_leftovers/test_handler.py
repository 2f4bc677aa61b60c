"""The requests of CloudFormation, from Create to Delete, and their answers (A12, B13)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from emr_leftovers import cleaning, handler
from emr_leftovers.cleaning import StillInUseError
from emr_leftovers.leftovers import Scope

PROPERTIES = {"ServiceToken": "arn", "Vpc": "vpc-1", "Groups": ["sg-a"], "Subnets": ["subnet-1"]}


def event(kind: str, **more: Any) -> dict[str, Any]:
    """A request as CloudFormation makes it."""
    return {
        "RequestType": kind,
        "ServiceToken": "arn",
        "ResponseURL": "https://example.org/answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "EmrLeftovers",
        "ResourceType": "Custom::EmrLeftovers",
        "ResourceProperties": PROPERTIES,
        **more,
    }


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(handler, "answer", lambda event, **what: found.append(what))
    return found


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[Scope]:
    found: list[Scope] = []

    def clean(ec2: object, scope: Scope, *, limit_seconds: float) -> str:
        found.append(scope)
        return "done"

    monkeypatch.setattr(cleaning, "clean", clean)
    monkeypatch.setattr(handler, "_ec2", lambda: None)
    return found


class Stacks:
    """In place of CloudFormation: every stack is in one status, or an error keeps it from being read."""

    def __init__(self, status: str | Exception) -> None:
        self.status = status
        self.asked: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        self.asked.append(StackName)
        if isinstance(self.status, Exception):
            raise self.status
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status}]}


@pytest.fixture(autouse=True)
def stacks(monkeypatch: pytest.MonkeyPatch) -> Stacks:
    """The stack is being deleted, where a test says nothing else."""
    found = Stacks("DELETE_IN_PROGRESS")
    monkeypatch.setattr(handler, "_cloudformation", lambda: found)
    return found


def test_nothing_is_done_before_the_end(answers: list[dict[str, Any]], cleaned: list[Scope]) -> None:
    handler.handler(event("Create"), None)
    physical_id = answers[0]["physical_id"]
    changed = {**PROPERTIES, "Subnets": ["subnet-1", "subnet-2"]}
    handler.handler(
        event("Update", PhysicalResourceId=physical_id, ResourceProperties=changed, OldResourceProperties=PROPERTIES),
        None,
    )
    # The way back of a failed update.
    handler.handler(
        event("Update", PhysicalResourceId=physical_id, OldResourceProperties=changed),
        None,
    )

    assert [each["succeeded"] for each in answers] == [True, True, True]
    assert {each["physical_id"] for each in answers} == {"emr-leftovers/vpc-1"}
    assert cleaned == []


def test_another_vpc_does_not_change_the_physical_id(answers: list[dict[str, Any]], cleaned: list[Scope]) -> None:
    """Else CloudFormation would delete the old one, and so clean up while clusters run."""
    handler.handler(
        event("Update", PhysicalResourceId="emr-leftovers/vpc-1", ResourceProperties={**PROPERTIES, "Vpc": "vpc-2"}),
        None,
    )

    assert answers[0]["physical_id"] == "emr-leftovers/vpc-1"


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_the_end_cleans_up(answers: list[dict[str, Any]], cleaned: list[Scope], stacks: Stacks, status: str) -> None:
    """The deletion of the stack, and the way back of its first creation."""
    stacks.status = status
    handler.handler(event("Delete", PhysicalResourceId="emr-leftovers/vpc-1"), None)

    assert cleaned == [Scope(vpc="vpc-1", groups=frozenset({"sg-a"}), subnets=frozenset({"subnet-1"}))]
    assert answers == [{"physical_id": "emr-leftovers/vpc-1", "reason": "done", "succeeded": True}]
    assert stacks.asked == ["stack"]


@pytest.mark.parametrize(
    "status",
    [
        "CREATE_COMPLETE",
        "IMPORT_ROLLBACK_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "a status that comes later",
    ],
)
def test_where_the_platform_stays_nothing_is_removed(
    answers: list[dict[str, Any]], cleaned: list[Scope], stacks: Stacks, status: str
) -> None:
    """B13: an update without the resource, or the way back of the one that brought it, while clusters run."""
    stacks.status = status
    handler.handler(event("Delete", PhysicalResourceId="emr-leftovers/vpc-1"), None)

    assert cleaned == []
    assert answers == [
        {
            "physical_id": "emr-leftovers/vpc-1",
            "reason": "the platform stays: nothing was removed",
            "succeeded": True,
        }
    ]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks"),
        EndpointConnectionError(endpoint_url="https://cloudformation"),
    ],
)
def test_a_status_that_cannot_be_read_is_a_failure_and_nothing_is_removed(
    answers: list[dict[str, Any]], cleaned: list[Scope], stacks: Stacks, error: Exception
) -> None:
    """A success would have CloudFormation forget the clean-up in the middle of a deletion."""
    stacks.status = error
    handler.handler(event("Delete", PhysicalResourceId="emr-leftovers/vpc-1"), None)

    assert cleaned == []
    (answer,) = answers
    assert not answer["succeeded"]
    assert str(error) in answer["reason"]
    assert "nothing was removed: let this function's role call cloudformation:DescribeStacks" in answer["reason"]


def test_what_could_not_be_made_can_be_deleted(answers: list[dict[str, Any]], cleaned: list[Scope]) -> None:
    """Whatever is wrong with its properties: a stack that rolls back must not be stuck."""
    wrong = {**PROPERTIES, "Groups": []}
    handler.handler(event("Create", ResourceProperties=wrong), None)
    handler.handler(
        event("Delete", PhysicalResourceId=answers[0]["physical_id"], ResourceProperties=wrong),
        None,
    )

    assert [each["succeeded"] for each in answers] == [False, True]
    assert answers[1]["physical_id"] == answers[0]["physical_id"]
    assert cleaned == []


def test_what_is_in_the_way_is_answered_in_its_own_words(
    answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def clean(*_: object, **__: object) -> str:
        raise StillInUseError("the interface eni-1")

    monkeypatch.setattr(cleaning, "clean", clean)
    monkeypatch.setattr(handler, "_ec2", lambda: None)
    handler.handler(event("Delete", PhysicalResourceId="emr-leftovers/vpc-1"), None)

    assert answers == [{"physical_id": "emr-leftovers/vpc-1", "reason": "the interface eni-1", "succeeded": False}]


def test_an_error_says_what_to_do(answers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ec2() -> None:
        raise RuntimeError("no region")

    monkeypatch.setattr(handler, "_ec2", no_ec2)
    handler.handler(event("Delete", PhysicalResourceId="emr-leftovers/vpc-1"), None)

    assert "RuntimeError: no region" in answers[0]["reason"] and "delete the stack again" in answers[0]["reason"]


def test_an_unknown_request_is_refused(answers: list[dict[str, Any]]) -> None:
    handler.handler(event("Import"), None)

    assert "allowed: Create, Update or Delete" in answers[0]["reason"]
