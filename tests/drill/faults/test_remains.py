"""What the deletion of a strategy's stack leaves behind (A5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emr_drill.faults.remains import Deletion, Remains, judge_deletion, retained
from emr_drill.inventory import Thing

TABLE = Thing("AWS::DynamoDB::Table", "ActivePassive-TablesRecord3650EED4-AJ8S")
BUCKET = Thing("AWS::S3::Bucket", "platform-storagelogs-x")
RECORD = Remains(kind="AWS::DynamoDB::Table", logical_id="TablesRecord", why="what ran")
WENT_WELL = Deletion(
    status="DELETE_COMPLETE",
    before=[BUCKET],
    after=[BUCKET, TABLE],
    incarnations=[("dep-a-g1", "DELETE_COMPLETE"), ("dep-a-g2", "DELETE_COMPLETE")],
)


def test_what_is_retained_on_purpose_is_right_and_listed() -> None:
    assert judge_deletion([RECORD], WENT_WELL) == []
    assert retained([RECORD], WENT_WELL) == [f"retained on purpose: {TABLE.kind} {TABLE.name} (what ran)"]


@pytest.mark.parametrize(
    "thing",
    [
        Thing("AWS::DynamoDB::Table", "ActivePassive-TablesEvidence0BC3-AJ8S"),
        Thing("AWS::Logs::LogGroup", "ActivePassive-TablesRecord3650EED4-AJ8S"),
        Thing("AWS::EMR::Cluster", "dep-a-g2"),
    ],
)
def test_anything_else_that_is_left_is_named(thing: Thing) -> None:
    found = replace(WENT_WELL, after=[*WENT_WELL.after, thing])

    assert judge_deletion([RECORD], found) == [f"left behind, and not on purpose: {thing.kind} {thing.name}"]
    assert len(retained([RECORD], found)) == 1


def test_what_should_be_retained_and_is_not_is_told() -> None:
    assert judge_deletion([RECORD], replace(WENT_WELL, after=[BUCKET])) == [
        "one AWS::DynamoDB::Table TablesRecord should remain (what ran), 0 did"
    ]


def test_one_is_retained_and_not_two() -> None:
    again = Thing(TABLE.kind, f"{TABLE.name}2")

    assert judge_deletion([RECORD], replace(WENT_WELL, after=[BUCKET, TABLE, again])) == [
        "one AWS::DynamoDB::Table TablesRecord should remain (what ran), 2 did"
    ]


def test_what_was_there_before_must_be_there_after() -> None:
    """The platform is shared: nothing of it goes with a strategy."""
    assert judge_deletion([RECORD], replace(WENT_WELL, after=[TABLE])) == [
        f"gone, and not the strategy's: {BUCKET.kind} {BUCKET.name}"
    ]


@pytest.mark.parametrize("status", ["DELETE_FAILED: it is in use", "DELETE_IN_PROGRESS"])
def test_a_stack_that_does_not_go_is_told_with_its_reason(status: str) -> None:
    assert judge_deletion([RECORD], replace(WENT_WELL, status=status)) == [
        f"the strategy's stack should end as DELETE_COMPLETE, it ended as {status}"
    ]


def test_a_stack_of_an_incarnation_that_does_not_go_is_told_with_its_name() -> None:
    found = replace(WENT_WELL, incarnations=[("dep-a-g1", "DELETE_COMPLETE"), ("dep-a-g2", "DELETE_FAILED")])

    assert judge_deletion([RECORD], found) == [
        "the stack of incarnation dep-a-g2 should end as DELETE_COMPLETE, it is DELETE_FAILED"
    ]
