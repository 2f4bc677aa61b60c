"""Which kinds of items of the record a role reaches, against what the code of its function reads and changes (B8)."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from dr_core.controls import Controls, Turn
from dr_core.orphans import Sighting
from dr_core.record import GENERATION_COUNTER, Incarnation, Incident, ManagedCluster, Operation, Slot
from dr_core.standby import StandbyLaunches
from emr_dr import record_kinds
from emr_dr.record_kinds import RecordKinds
from failover import told
from failover.in_place import request_key

from ..call_graph import bodies_reached
from ..synthesis import statements

FUNCTIONS = {
    "failover.handler.handler": record_kinds.FAILOVER,
    "failover.custom_resource.handler": record_kinds.MANAGED_CLUSTER,
    "failover.execution_ended.handler": record_kinds.EXECUTION_ENDED,
    "failover.control.handler": record_kinds.CONTROL,
    "failover.reconcile.handler": record_kinds.RECONCILER,
    "failover.standby.handler": record_kinds.STANDBY_KEEPER,
    "monitor.handler.handler": record_kinds.MONITOR,
    "prober.handler.handler": record_kinds.PROBER,
}
RECORDS = {
    kind.__name__: kind.KIND
    for kind in (Controls, Incarnation, Incident, ManagedCluster, Operation, Sighting, Slot, StandbyLaunches, Turn)
}
# Keys that have a name of their own.
KEYS = {
    "GENERATION_COUNTER": GENERATION_COUNTER["kind"],
    "INTENT_COUNTER": GENERATION_COUNTER["kind"],
    "UNSEEDED_CLAIM": Controls.KIND,
    "_CALLED_OFF": record_kinds.CALLED_OFF,
    "request_key": record_kinds.CHANGED_IN_PLACE,
}
# By their names the store's own readings say what they read.
READINGS = {
    "operation": Operation.KIND,
    "managed_cluster": ManagedCluster.KIND,
    "incarnation": Incarnation.KIND,
    "incarnations": Incarnation.KIND,
    "slots": Slot.KIND,
}
CHANGES, PUTS = {"Change", "update_item"}, {"new_item", "put_new", "put_item"}


def named(body: ast.FunctionDef) -> set[str]:
    """The kinds of the keys that a function names."""
    found = set()
    for node in ast.walk(body):
        match node:
            case ast.Attribute(attr="key" | "KIND", value=ast.Name(id=name)) if name in RECORDS:
                found.add(RECORDS[name])
            case ast.Name(id=name) if name in KEYS:
                found.add(KEYS[name])
            case ast.Call(func=ast.Name(id="_item")):  # of what people were told of
                found.add(record_kinds.CORRECTION)
            case ast.Dict(keys=[ast.Constant(value="kind"), ast.Constant(value="id")], values=[ast.Constant(), _]):
                found.add(str(ast.literal_eval(node.values[0])))
    return found


def read(body: ast.FunctionDef) -> set[str]:
    """The kinds that a function reads by the store's own readings."""
    return {
        READINGS[node.attr]
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute) and node.attr in READINGS and ast.unparse(node.value).endswith("record")
    }


def put(body: ast.FunctionDef) -> set[str]:
    """The kinds of the records that a function makes, or is given, and writes as they are."""
    return {RECORDS[node.id] for node in ast.walk(body) if isinstance(node, ast.Name) and node.id in RECORDS}


def words(body: ast.FunctionDef) -> set[str]:
    nodes = list(ast.walk(body))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def by_the_code(handler: str) -> RecordKinds:
    """The kinds that the code from a handler on changes and reads; the store's own are its callers'."""
    changes: set[str] = set()
    reads: set[str] = set()
    for body in bodies_reached(handler):
        if body.name in READINGS and handler.startswith("failover."):
            continue
        reads |= named(body) | read(body)
        if words(body) & CHANGES:
            changes |= named(body)
        if words(body) & PUTS:
            changes |= put(body)
    return RecordKinds(changes=frozenset(changes), looks_at=frozenset(reads - changes))


@pytest.mark.parametrize("handler", sorted(FUNCTIONS))
def test_a_function_is_held_to_the_kinds_that_its_code_uses(handler: str) -> None:
    """A kind too many is one that a thief can change, and one too few fails in the middle of an outage."""
    assert by_the_code(handler) == FUNCTIONS[handler]


def test_kinds_without_a_record_are_called_as_the_code_calls_them() -> None:
    assert told._KIND == record_kinds.CORRECTION
    assert told._CALLED_OFF == record_kinds.CALLED_OFF
    assert request_key("1")["kind"] == record_kinds.CHANGED_IN_PLACE


def on_the_record(template: dict[str, Any], role: str) -> Iterator[dict[str, Any]]:
    for each in statements(template, role=role):
        if "dynamodb" in str(each["Action"]) and "TablesRecord" in str(each["Resource"]):
            yield copy.deepcopy(each)


@pytest.mark.parametrize(
    "role",
    [
        "ControllerFailoverRole",
        "ControllerManagedClusterRole",
        "ControllerExecutionEndedRole",
        "ControllerControlRole",
        "ReconcilerReconcileRole",
        "MonitorRole",
        "ProbersProber1Role",
    ],
)
def test_nothing_reaches_the_record_but_by_kinds_and_not_without_a_key(
    active_passive: dict[str, Any], role: str
) -> None:
    """`ForAllValues` holds of a request that names no key at all."""
    found = list(on_the_record(active_passive, role))

    assert found
    for each in found:
        assert set(each["Condition"]) == {"ForAllValues:StringEquals", "Null"}
        assert each["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        assert each["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
