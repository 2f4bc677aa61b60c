from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dr_core.evidence import Evidence, Service, healthy
from dr_core.record import Incarnation, IncarnationState
from dr_core.rounds import Run
from prober.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

EVIDENCE = Evidence(
    incarnation="g000001",
    observer="prober:us-east-1a",
    observed_at=1795230625.125,
    services={Service.LIVY: healthy("sessions: 0")},
    front_door=True,
)


@pytest.fixture
def store(dynamodb: DynamoDBServiceResource) -> Store:
    return Store(dynamodb=dynamodb, record_table="record", evidence_table="evidence", round_seconds=10)


def incarnation(generation: int, **values: Any) -> Incarnation:
    return Incarnation(
        **{
            "generation": generation,
            "managed_cluster": "a",
            "state": IncarnationState.SERVING,
            "primary_address": f"10.0.0.{generation}",
            **values,
        }
    )


def test_incarnations_with_an_address_are_read_from_the_record(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    serving = incarnation(2)
    others = [
        incarnation(3, state=IncarnationState.LAUNCHING, primary_address=None),
    ]
    for each in (serving, *others):
        dynamodb.Table("record").put_item(Item=each.to_item())
    dynamodb.Table("record").put_item(Item={"kind": "slot", "id": "1", "generation": 2})

    assert list(store.incarnations()) == [serving]


def test_an_empty_record_has_none(store: Store) -> None:
    assert list(store.incarnations()) == []


def test_a_long_record_is_read_to_its_end(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    """A query answers at most 1 MB at a time; retired incarnations stay in the record."""
    table = dynamodb.Table("record")
    for generation in range(1, 5):
        padded = incarnation(generation, state=IncarnationState.RETIRED).to_item() | {"padding": "x" * 390_000}
        table.put_item(Item=padded)
    table.put_item(Item=incarnation(5).to_item())

    assert [each.generation for each in store.incarnations()] == [1, 2, 3, 4, 5]


def test_evidence_is_kept(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    store.write(EVIDENCE)

    assert dynamodb.Table("evidence").scan()["Items"] == [EVIDENCE.to_item(round_seconds=10)]


def test_the_newest_run_of_a_prober_is_known(store: Store) -> None:
    """A11: of this prober, and of no other one."""
    assert store.newest_run("prober:a") is None
    for run in (Run(function="prober:a", began_at=1000.5), Run(function="prober:a", began_at=1060.5)):
        store.announce(run)
    store.announce(Run(function="prober:b", began_at=1070.5))

    assert store.newest_run("prober:a") == Run(function="prober:a", began_at=1060.5)


def test_a_run_is_no_evidence(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    """Whoever reads what was seen of an incarnation does not find it."""
    store.announce(Run(function="prober:us-east-1a", began_at=1000.5))
    store.write(EVIDENCE)

    found = dynamodb.Table("evidence").query(
        KeyConditionExpression="incarnation = :name", ExpressionAttributeValues={":name": EVIDENCE.incarnation}
    )
    assert found["Items"] == [EVIDENCE.to_item(round_seconds=10)]
