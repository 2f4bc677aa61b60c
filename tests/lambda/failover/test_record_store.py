"""The record table on moto's DynamoDB, whose condition expressions are the real ones' nearest relatives."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from dr_core.evidence import Evidence, sort_key_from
from dr_core.record import Incarnation, IncarnationState, Lease, ManagedCluster, Operation, Outcome, Slot
from failover.record_store import Change, RecordStore, new_item
from failover.request_order import while_latest

from .memory_record import MemoryRecord

CLUSTER = ManagedCluster.key("a")


@pytest.fixture(scope="module")
def tables() -> Iterator[RecordStore]:
    """Two empty tables."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        dynamodb = boto3.resource("dynamodb", region_name="us-east-1")
        for table, keys in (("record", ("kind", "id")), ("evidence", ("incarnation", "observed"))):
            dynamodb.create_table(
                TableName=table,
                KeySchema=[
                    {"AttributeName": keys[0], "KeyType": "HASH"},
                    {"AttributeName": keys[1], "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        yield RecordStore(dynamodb=dynamodb, table_name="record")


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest, tables: RecordStore) -> RecordStore | MemoryRecord:
    """The store, and the one that the other tests use in its place: both have to pass."""
    if request.param == "memory":
        return MemoryRecord(lambda: None)
    table = tables.dynamodb.Table("record")
    for item in table.scan()["Items"]:
        table.delete_item(Key={"kind": item["kind"], "id": item["id"]})
    return tables


def test_a_change_sets_and_removes(store: RecordStore) -> None:
    """``None`` removes an attribute."""
    store.change(Change(key=CLUSTER, values={"spec": "x", "serving_generation": 1}))
    store.change(Change(key=CLUSTER, values={"spec": None, "serving_generation": 2}))
    assert store.managed_cluster("a") == ManagedCluster(name="a", serving_generation=2)


def test_a_change_of_a_path_keeps_the_rest_of_the_map(store: RecordStore) -> None:
    """Times of several states stand in one map."""
    store.put_new(Operation(id="op", request="{}", managed_cluster="a", entered={"Claim": 1.0}).to_item())
    store.change(Change(key=Operation.key("op"), values={"entered.Launch": 2.5, "outcome": Outcome.FAILED}))
    operation = store.operation("op")
    assert operation is not None
    assert operation.entered == {"Claim": 1, "Launch": 2.5}
    assert operation.outcome is Outcome.FAILED


def test_an_item_is_there_or_not(store: RecordStore) -> None:
    key = {"kind": "changed-in-place", "id": "r1"}
    assert not store.has(key)
    store.change(Change(key=key, values={"at": 1}))
    assert store.has(key)


def test_a_new_item_is_put_once(store: RecordStore) -> None:
    """The first one stands."""
    assert store.put_new(Slot(number=1, generation=1).to_item())
    assert not store.put_new(Slot(number=1, generation=2).to_item())
    assert store.slots([1, 2]) == [Slot(number=1, generation=1), Slot(number=2)]


@pytest.mark.parametrize(("holder", "taken"), [(None, True), ("me", False)])
def test_a_lease_is_taken_when_nobody_holds_it(store: RecordStore, holder: str | None, taken: bool) -> None:
    """A condition on an attribute that is absent."""
    lease = Lease(execution=holder, operation="op", since=1.0) if holder else None
    store.put_new(ManagedCluster(name="a", lease=lease).to_item())
    mine = Lease(execution="you", operation="op2", since=2.0)
    change = Change(key=CLUSTER, values={"lease": mine}, condition="attribute_not_exists(#lease)")
    assert store.change(change) is taken


def test_a_lease_is_taken_over_from_a_known_holder_only(store: RecordStore) -> None:
    """A condition on an entry of a map."""
    store.put_new(ManagedCluster(name="a", lease=Lease(execution="old", operation="op", since=1.0)).to_item())
    mine = Lease(execution="new", operation="op2", since=2.0)

    def take(holder: str) -> bool:
        return store.change(
            Change(
                key=CLUSTER,
                values={"lease": mine},
                condition="#lease.#execution = :holder",
                condition_values={"holder": holder},
            )
        )

    assert not take("somebody")
    assert take("old")
    assert not take("old")


@pytest.mark.parametrize(("tombstone", "written"), [(False, True), (True, False)])
def test_changes_together_are_all_or_none(store: RecordStore, tombstone: bool, written: bool) -> None:
    """The intent of a launch: incarnation and operation, and a check of the managed cluster."""
    lease = Lease(execution="me", operation="op", since=1.0)
    store.put_new(ManagedCluster(name="a", lease=lease, tombstone=tombstone).to_item())
    store.put_new(Operation(id="op", request="{}", managed_cluster="a").to_item())
    incarnation = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.LAUNCHING)
    values = {key: value for key, value in incarnation.to_item().items() if key not in ("kind", "id")}
    assert (
        store.change_together(
            Change(key=Incarnation.key(1), values=values, condition="attribute_not_exists(#kind)"),
            Change(key=Operation.key("op"), values={"generation": 1, "tried": ["us-east-1a"]}),
            Change(
                key=CLUSTER,
                values={},
                condition="#lease.#execution = :mine AND (attribute_not_exists(#tombstone) OR #tombstone = :no)",
                condition_values={"mine": "me", "no": False},
            ),
        )
        is written
    )
    operation = store.operation("op")
    assert operation is not None
    assert operation.generation == (1 if written else None)
    assert store.incarnation(1) == (incarnation if written else None)
    assert store.incarnations() == ([incarnation] if written else [])


def test_generations_are_drawn_once(store: RecordStore) -> None:
    """From 1 on, and past what must be skipped."""
    assert [store.draw_generation(), store.draw_generation()] == [1, 2]
    assert store.draw_generation(at_least=10) == 10
    assert store.draw_generation(at_least=5) == 11


def test_items_are_read_together(store: RecordStore) -> None:
    """Only those that exist."""
    store.put_new(ManagedCluster(name="a", spec="x").to_item())
    assert list(store.get(CLUSTER, Operation.key("none"))) == [("managed-cluster", "a")]


def test_an_absent_item_is_none(store: RecordStore) -> None:
    """Nothing is made up."""
    assert store.managed_cluster("a") is None
    assert store.operation("x") is None
    assert store.incarnation(7) is None


def test_evidence_is_read_from_a_time_on(tables: RecordStore) -> None:
    """Older evidence does not matter for a verdict."""
    table = tables.dynamodb.Table("evidence")
    for at in (1000.0, 2000.0):
        evidence = Evidence(incarnation="g000001", observer="prober:x", observed_at=at, services={}, front_door=True)
        table.put_item(Item=evidence.to_item(round_seconds=10))
    items = tables.evidence(table_name="evidence", incarnation="g000001", since=sort_key_from(1500.0))
    assert [Evidence.from_item(item).observed_at for item in items] == [2000.0]


def test_a_transaction_that_fails_for_another_reason_raises(tables: RecordStore) -> None:
    """An error of our own call is no answer."""
    client = tables.dynamodb.meta.client
    with pytest.raises(client.exceptions.ClientError):
        RecordStore(dynamodb=tables.dynamodb, table_name="missing").change_together(
            Change(key=CLUSTER, values={"spec": "x"})
        )


@pytest.mark.parametrize(("latest", "goes_through"), [(None, True), ("r1", True), ("r2", False)])
def test_a_transaction_goes_through_while_no_newer_request_has_come(
    store: RecordStore, latest: str | None, goes_through: bool
) -> None:
    """A13: also for a managed cluster of which the record knows nothing yet."""
    if latest is not None:
        store.change(Change(key=CLUSTER, values={"latest_request": latest}))
    written = store.change_together(
        new_item(Operation(id="op", request="{}", managed_cluster="a").to_item()),
        while_latest(Change(key=CLUSTER, values={}), "r1"),
    )

    assert written is goes_through
    assert (store.operation("op") is not None) is goes_through
