from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from dr_core.evidence import LOAD_BALANCER, Evidence, Service, healthy
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState, ManagedCluster, Operation
from monitor.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

INCIDENT = Incident(
    managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=20.5, first_bad_at=10.5, attempts=0
)
OPERATION = Operation(id="a-1-1", request="{}", managed_cluster="a", started_at=20.5)


@pytest.fixture
def store(dynamodb: DynamoDBServiceResource) -> Store:
    return Store(dynamodb=dynamodb, record_table="record", evidence_table="evidence", round_seconds=10)


def test_what_is_not_in_the_record_is_none(store: Store) -> None:
    assert store.managed_cluster("a") is None
    assert store.incarnation(1) is None
    assert store.incident("a") is None
    assert store.operation("a-1-1") is None


def test_the_record_is_read(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    cluster = ManagedCluster(name="a", serving_generation=1)
    incarnation = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.SERVING)
    for record in (cluster, incarnation, INCIDENT, OPERATION):
        dynamodb.Table("record").put_item(Item=record.to_item())

    assert store.managed_cluster("a") == cluster
    assert store.incarnation(1) == incarnation
    assert store.incident("a") == INCIDENT
    assert store.operation("a-1-1") == OPERATION


def evidence(observed_at: float, incarnation: str = "g000001") -> Evidence:
    return Evidence(
        incarnation=incarnation,
        observer=LOAD_BALANCER,
        observed_at=observed_at,
        services={Service.LIVY: healthy("target healthy")},
        front_door=True,
    )


def test_evidence_is_read_from_a_time_on(store: Store) -> None:
    for each in (evidence(99.9), evidence(100.0), evidence(1000.0), evidence(100.0, "g000002")):
        store.write_evidence(each)

    assert store.evidence("g000001", since=100.0) == [evidence(100.0), evidence(1000.0)]


def test_an_incident_is_opened_once(store: Store) -> None:
    assert store.open_incident(INCIDENT)
    assert not store.open_incident(replace(INCIDENT, since=99.0))
    assert store.incident("a") == INCIDENT


def test_an_open_incident_is_not_replaced_by_another(store: Store) -> None:
    store.open_incident(INCIDENT)

    assert not store.open_incident(replace(INCIDENT, incident="a-2"))


def test_a_closed_incident_is_not_opened_again(store: Store) -> None:
    """Another monitor may still look at the evidence that it was about."""
    store.open_incident(INCIDENT)
    store.close_incident(INCIDENT)

    assert not store.open_incident(INCIDENT)


def test_the_next_incident_takes_the_place_of_a_closed_one(store: Store) -> None:
    store.open_incident(INCIDENT)
    assert store.close_incident(INCIDENT)

    assert store.open_incident(replace(INCIDENT, incident="a-2"))


def test_of_two_monitors_one_counts_an_attempt(store: Store) -> None:
    store.open_incident(INCIDENT)

    assert store.count_attempt(INCIDENT, 1)
    assert not store.count_attempt(INCIDENT, 1)
    assert store.incident("a") == replace(INCIDENT, attempts=1)


def test_an_attempt_of_a_closed_incident_is_not_counted(store: Store) -> None:
    store.open_incident(INCIDENT)
    store.close_incident(INCIDENT)

    assert not store.count_attempt(INCIDENT, 1)


def test_an_incident_is_not_closed_under_an_attempt(store: Store) -> None:
    store.open_incident(INCIDENT)
    store.count_attempt(INCIDENT, 1)

    assert not store.close_incident(INCIDENT)


def test_an_operation_is_written_down_once(store: Store) -> None:
    assert store.put_operation(OPERATION)
    assert not store.put_operation(replace(OPERATION, started_at=99.0))
    assert store.operation("a-1-1") == OPERATION


def test_the_execution_of_an_operation_is_kept(store: Store) -> None:
    store.put_operation(OPERATION)

    store.set_execution("a-1-1", "arn:execution")

    assert store.operation("a-1-1") == replace(OPERATION, execution="arn:execution")


def test_another_error_is_not_a_refusal(dynamodb: DynamoDBServiceResource) -> None:
    """A table that cannot be written must not look like an incident that is open already."""
    store = Store(dynamodb=dynamodb, record_table="nowhere", evidence_table="evidence", round_seconds=10)

    with pytest.raises(ClientError, match="ResourceNotFound"):
        store.open_incident(INCIDENT)
