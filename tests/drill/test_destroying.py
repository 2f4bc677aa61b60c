"""The end of a deployment: its stack is deleted, and nothing is left but what is retained on purpose (A5)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill import destroying
from emr_drill.destroying import destroy, judge
from emr_drill.faults.in_a_row import REMAINS
from emr_drill.faults.judging import RowResult
from emr_drill.faults.remains import Deletion, judge_deletion
from emr_drill.faults.table import FAULTS
from emr_drill.inventory import Thing, inventory
from emr_drill.report import Report
from emr_drill.stand_in.assembly import deploy
from emr_drill.strategies import STRATEGIES

from .stand_in.stack_world import StackWorld, answer, cluster_template, queue_template, stack_world

PARTS = ("event_bus", "notifications", "step_functions", "load_balancers")


def deletion(world: StackWorld, stack: str, *incarnations: dict[str, Any], before: frozenset[Thing]) -> Deletion:
    return destroy(
        stand_in=world.stand_in,
        clock=world.stand_in.clock,
        deployment=cast(Any, SimpleNamespace(incarnations=lambda: list(incarnations))),
        stack=stack,
        before=before,
    )


@pytest.mark.parametrize("strategy", ["active-passive", pytest.param("active-active", marks=pytest.mark.long)])
def test_a_stack_that_is_deleted_leaves_what_the_row_says_and_nothing_else(
    tmp_path: Path, assembly: Path, strategy: str
) -> None:
    """Nothing runs behind the functions: what the controller has to take away is the drill's to show."""
    stacks = STRATEGIES[strategy].stacks
    with stack_world(tmp_path, parts=PARTS) as world:
        world.answers_everything()
        deploy(world.stand_in, assembly, stacks=stacks[:-1])
        before = inventory(world.stand_in)
        deploy(world.stand_in, assembly, stacks=stacks)
        deployed = inventory(world.stand_in)
        found = deletion(world, stacks[-1], before=before)

    assert len(deployed - before) > 100
    assert judge_deletion(REMAINS, found) == []
    (record,) = set(found.after) - set(before)
    assert record.name.startswith(f"{stacks[-1]}-TablesRecord")


def test_stacks_of_incarnations_are_told_by_their_ids(tmp_path: Path) -> None:
    """One that is gone is known by its id alone; one that never came to be made has none."""
    with stack_world(tmp_path, parts=PARTS) as world:
        world.create("dep", queue_template())
        gone, left = (world.create(f"dep-a-g{number}", cluster_template()) for number in (1, 2))
        world.settled(gone)
        world.client("cloudformation").delete_stack(StackName=gone)
        world.settled(gone)
        world.settled(left)
        found = deletion(
            world,
            "dep",
            {"stack_name": "dep-a-g1", "stack_id": gone},
            {"stack_name": "dep-a-g2", "stack_id": left},
            {"stack_name": "dep-a-g3"},
            before=frozenset(),
        )

    assert found.status == "DELETE_COMPLETE"
    assert found.incarnations == [("dep-a-g1", "DELETE_COMPLETE"), ("dep-a-g2", "CREATE_COMPLETE")]


def test_a_stack_that_cannot_be_deleted_is_told_with_the_reason(tmp_path: Path) -> None:
    def handler(event: dict[str, Any]) -> None:
        failed = event["RequestType"] == "Delete"
        answer(event, Status="FAILED" if failed else "SUCCESS", Reason="a cluster is left")

    with stack_world(tmp_path, parts=PARTS) as world:
        function = world.function("controller", handler)
        custom = {"Type": "Custom::EmrManagedCluster", "Properties": {"ServiceToken": function}}
        world.settled(world.create("dep", {"Resources": {"A": custom}}))
        found = deletion(world, "dep", before=frozenset())

    assert found.status == "DELETE_FAILED: The following resource(s) failed to delete: [A]. "
    assert Thing("AWS::CloudFormation::Stack", "dep") in found.after


def test_a_deletion_that_never_ends_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(destroying, "LIMIT_SECONDS", 5.0)

    def handler(event: dict[str, Any]) -> None:
        if event["RequestType"] == "Create":
            answer(event)

    with stack_world(tmp_path, parts=PARTS) as world:
        function = world.function("controller", handler)
        custom = {"Type": "Custom::EmrManagedCluster", "Properties": {"ServiceToken": function}}
        world.settled(world.create("dep", {"Resources": {"A": custom}}))
        found = deletion(world, "dep", before=frozenset())

    assert found.status == "DELETE_IN_PROGRESS"


def test_the_row_is_judged_by_the_deletion_as_well() -> None:
    report = Report(services="simulated", fault="in-a-row", speed=5, seed=1)
    report.fault_row = RowResult(name="in-a-row", must="m", did_not_hold=["before"], listed=["l"])
    record, queue = Thing("AWS::DynamoDB::Table", "S-TablesRecord1-X"), Thing("AWS::SQS::Queue", "q")
    judge(report, FAULTS["in-a-row"], Deletion(status="DELETE_COMPLETE", before=[], after=[record, queue]))

    assert report.fault_row.did_not_hold == ["before", "left behind, and not on purpose: AWS::SQS::Queue q"]
    assert report.fault_row.listed == ["l", f"retained on purpose: {record.kind} {record.name} ({REMAINS[0].why})"]
