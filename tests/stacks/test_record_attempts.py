"""What somebody could try at the record who has taken over one of our roles (B8).

Decided by the policies of the synthesized templates, of requests as the SDK makes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_core.controls import Controls
from dr_core.record import Incarnation, Incident, ManagedCluster, Operation, Slot

from .test_attempts import (
    CONTROL,
    DEPLOYMENT,
    EXECUTION_ENDED,
    FAILOVER,
    HERE,
    MANAGED_CLUSTER,
    MONITOR,
    PROBER,
    RECONCILE,
    SCHEDULER,
    arn,
    asks,
    attempt,
)
from .test_permissions import Templates, read

KINDS = {each.KIND for each in (Controls, Incarnation, Incident, ManagedCluster, Operation, Slot)}


@pytest.fixture(scope="module")
def made(assembly: Path) -> Templates:
    return read(assembly)


def item(kind: str) -> dict[str, Any]:
    return {"kind": {"S": kind}, "id": {"S": "any"}}


def reads(made: Templates, role: str, kind: str) -> set[str]:
    """The calls that a role may read items of a kind by."""
    table = arn(made, "ActivePassive", "TablesRecord")
    query = {"KeyConditionExpression": "kind = :kind", "ExpressionAttributeValues": {":kind": {"S": kind}}}
    calls: dict[str, dict[str, Any]] = {
        "GetItem": {"TableName": table, "Key": item(kind)},
        "Query": {"TableName": table, **query},
        "BatchGetItem": {"RequestItems": {table: {"Keys": [item("incarnation"), item(kind)]}}},
        "Scan": {"TableName": table},
    }
    return {name for name, request in calls.items() if not asks(made, role, f"dynamodb:{name}", **request)}


def changes(made: Templates, role: str) -> set[str]:
    """The kinds whose items a role may change, in any way."""
    table = arn(made, "ActivePassive", "TablesRecord")
    found = set()
    for kind in KINDS:
        update = {"TableName": table, "Key": item(kind), "UpdateExpression": "SET a = :a"}
        calls: dict[str, dict[str, Any]] = {
            "UpdateItem": update,
            "PutItem": {"TableName": table, "Item": item(kind)},
            "DeleteItem": {"TableName": table, "Key": item(kind)},
            "TransactWriteItems": {"TransactItems": [{"Update": update}]},
        }
        if any(not asks(made, role, f"dynamodb:{name}", **request) for name, request in calls.items()):
            found.add(kind)
    return found


def test_a_prober_reads_incarnations_and_no_operation(made: Templates) -> None:
    """An operation holds the address at which CloudFormation waits for its answer: whoever knows it can answer."""
    assert reads(made, PROBER, Incarnation.KIND) == {"Query"}
    for kind in KINDS - {Incarnation.KIND}:
        assert reads(made, PROBER, kind) == set(), kind
    assert changes(made, PROBER) == set()


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (CONTROL, {Controls.KIND}),
        (MONITOR, {Controls.KIND, Incident.KIND, Operation.KIND}),
        (EXECUTION_ENDED, {Incarnation.KIND, ManagedCluster.KIND, Operation.KIND}),
        (MANAGED_CLUSTER, {Incarnation.KIND, ManagedCluster.KIND, Operation.KIND}),
        (RECONCILE, {Incarnation.KIND, ManagedCluster.KIND, Slot.KIND}),
        (FAILOVER, KINDS - {Incident.KIND}),
    ],
)
def test_a_role_changes_the_kinds_of_its_function_and_no_other(made: Templates, role: str, kinds: set[str]) -> None:
    """Who sets an incarnation to retiring has it ended: neither the monitor nor a person's pause has to do that."""
    assert changes(made, role) == kinds


def test_a_mixed_batch_is_refused_as_a_whole(made: Templates) -> None:
    keys = [item(Incarnation.KIND), item(Incident.KIND)]
    request = {arn(made, "ActivePassive", "TablesRecord"): {"Keys": keys}}

    assert asks(made, EXECUTION_ENDED, "dynamodb:BatchGetItem", RequestItems=request) == ["dynamodb:BatchGetItem"]


@pytest.mark.parametrize("role", [FAILOVER, MANAGED_CLUSTER, CONTROL, RECONCILE, MONITOR, EXECUTION_ENDED, PROBER])
def test_a_request_that_names_no_item_is_refused(made: Templates, role: str) -> None:
    """The condition on kinds alone would hold of it: there is no value in it that is not among them."""
    table = arn(made, "ActivePassive", "TablesRecord")

    for action in ("GetItem", "Query", "UpdateItem", "PutItem"):
        assert asks(made, role, f"dynamodb:{action}", TableName=table) == [f"dynamodb:{action}"]


def test_the_scheduler_calls_what_runs_every_minute_and_nothing_else(made: Templates) -> None:
    def calls(name: str) -> bool:
        function = f"arn:aws:lambda:{HERE}:function:{DEPLOYMENT}-{name}"
        return attempt(made, SCHEDULER, "lambda:InvokeFunction", function).allowed

    assert [name for name in ("monitor", "reconcile", "prober-1", "prober-3") if not calls(name)] == []
    assert [name for name in ("failover", "managed-cluster", "execution-ended", "control") if calls(name)] == []
