"""Which statuses of the stack mean that nothing of it stays, by CloudFormation's own list (B13)."""

from __future__ import annotations

import boto3
import botocore.session
import pytest
from botocore.model import StringShape
from botocore.stub import Stubber

from emr_leftovers.going import GOES, StatusUnknownError, platform_goes

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/Platform/0"


def test_the_statuses_are_among_those_of_the_api() -> None:
    model = botocore.session.get_session().get_service_model("cloudformation")

    status = model.shape_for("StackStatus")
    assert isinstance(status, StringShape)
    assert set(status.enum) >= GOES
    assert not [status for status in GOES if status.startswith("UPDATE")]


@pytest.mark.parametrize(
    ("status", "goes"),
    [("DELETE_IN_PROGRESS", True), ("ROLLBACK_IN_PROGRESS", True), ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False)],
)
def test_the_status_of_that_stack_decides(status: str, goes: bool) -> None:
    client = boto3.client("cloudformation", region_name="us-east-1")
    with Stubber(client) as stub:
        found = {"StackName": "Platform", "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": status}
        stub.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": STACK})

        assert platform_goes(client, STACK) is goes


def test_a_stack_that_is_not_told_of_is_unknown() -> None:
    client = boto3.client("cloudformation", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", {"Stacks": []}, {"StackName": STACK})

        with pytest.raises(StatusUnknownError, match=f"whether {STACK} is being deleted could not be read"):
            platform_goes(client, STACK)
