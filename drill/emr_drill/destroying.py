"""The end of a deployment: deletes the strategy's stack, as ``cdk destroy`` does, and looks at what is left."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emr_drill.faults.remains import Deletion, judge_deletion, retained
from emr_drill.inventory import Thing, inventory

if TYPE_CHECKING:
    from emr_drill.clock import Clock
    from emr_drill.faults.model import Fault
    from emr_drill.observe import Deployment
    from emr_drill.report import Report
    from emr_drill.stand_in.server import StandIn

# CloudFormation waits an hour for each managed cluster, one after the other at worst.
LIMIT_SECONDS = 2 * 3600.0
LOOK_SECONDS = 0.2  # machine time


def destroy(
    *, stand_in: StandIn, clock: Clock, deployment: Deployment, stack: str, before: Collection[Thing]
) -> Deletion:
    """Delete the strategy's stack and wait for the end of that.

    Args:
        stand_in: where it is.
        clock: simulated time.
        deployment: what is deployed; its record outlives the stack.
        stack: its name.
        before: all that there was before the stack was made.
    """
    client: Any = stand_in.client("cloudformation")
    stack_id = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=stack)
    deadline = clock.now() + LIMIT_SECONDS
    while (found := _described(client, stack_id))["StackStatus"] == "DELETE_IN_PROGRESS" and clock.now() < deadline:
        time.sleep(LOOK_SECONDS)
    reason = found.get("StackStatusReason", "") if found["StackStatus"].endswith("_FAILED") else ""
    return Deletion(
        status=": ".join(filter(None, (found["StackStatus"], reason))),
        before=before,
        after=inventory(stand_in),
        incarnations=_incarnation_stacks(client, deployment),
    )


def judge(report: Report, fault: Fault, deletion: Deletion) -> None:
    """Add to the judgement of *fault*'s row in *report* what came of the deletion."""
    row = report.fault_row
    assert row is not None, "a stack is deleted when its row was judged"
    assert fault.remains is not None, "a row that deletes the stack says what must remain"
    report.fault_row = replace(
        row,
        did_not_hold=[*row.did_not_hold, *judge_deletion(fault.remains, deletion)],
        listed=[*row.listed, *retained(fault.remains, deletion)],
    )


def _described(client: Any, stack: str) -> dict[str, Any]:
    return dict(client.describe_stacks(StackName=stack)["Stacks"][0])


def _incarnation_stacks(client: Any, deployment: Deployment) -> list[tuple[str, str]]:
    """Name and status of the stack of each incarnation that ever had one."""
    return [
        (str(item["stack_name"]), str(_described(client, str(item["stack_id"]))["StackStatus"]))
        for item in deployment.incarnations()
        if item.get("stack_id")
    ]
