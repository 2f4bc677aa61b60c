from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dr_core.controls import Controls, Turn
from dr_core.evidence import LOAD_BALANCER, Evidence, Service, healthy
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.rounds import Run
from monitor.store import Overview, Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource

INCIDENT = Incident(
    managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=20.5, first_bad_at=10.5, attempts=0
)
TURN = Turn(operation="a-1-1", managed_cluster="a", since=20.5)
OPERATION = Operation(id="a-1-1", request="{}", managed_cluster="a", started_at=20.5)


@pytest.fixture
def store(dynamodb: DynamoDBServiceResource) -> Store:
    return Store(dynamodb=dynamodb, record_table="record", evidence_table="evidence", round_seconds=10)


def test_what_is_not_in_the_record_is_none(store: Store) -> None:
    assert store.overview(["a"]) == Overview(controls=Controls(), managed_clusters={}, incidents={})
    assert store.incarnations() == {}
    assert store.operation("a-1-1") is None
    assert store.managed_cluster("a") is None
    assert store.turn() is None


def test_the_record_is_read(store: Store, dynamodb: DynamoDBServiceResource) -> None:
    cluster = ManagedCluster(name="a", serving_generation=1)
    incarnation = Incarnation(generation=1, managed_cluster="a", state=IncarnationState.SERVING)
    controls = Controls(paused=True, paused_at=1.5, paused_because="a game day", paused_by="ann")
    for record in (cluster, incarnation, INCIDENT, OPERATION, controls, TURN):
        dynamodb.Table("record").put_item(Item=record.to_item())

    assert store.overview(["a", "b"]) == Overview(
        controls=controls, managed_clusters={"a": cluster}, incidents={"a": INCIDENT}
    )
    assert store.incarnations() == {1: incarnation}
    assert store.operation("a-1-1") == OPERATION
    assert store.managed_cluster("a") == cluster
    assert store.turn() == TURN


def test_what_dynamodb_put_off_is_asked_for_again(
    store: Store, dynamodb: DynamoDBServiceResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BatchGetItem may answer a part and name the rest."""
    cluster = ManagedCluster(name="a", serving_generation=1)
    dynamodb.Table("record").put_item(Item=cluster.to_item())
    asked: list[Any] = []
    whole = dynamodb.batch_get_item

    def in_parts(*, RequestItems: Any) -> Any:
        asked.append(RequestItems)
        if len(asked) == 1:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        return whole(RequestItems=RequestItems)

    monkeypatch.setattr(dynamodb, "batch_get_item", in_parts)

    assert store.overview(["a"]).managed_clusters == {"a": cluster}
    assert len(asked) == 2 and asked[0]["record"]["ConsistentRead"] is True


def test_the_turn_is_taken_once(store: Store) -> None:
    """A11: two monitors that look at the same moment start one automatic operation."""
    assert store.take_turn(TURN, previous=None)
    assert not store.take_turn(replace(TURN, operation="b-1-1", managed_cluster="b"), previous=None)
    assert store.turn() == TURN


def test_the_turn_is_taken_over_from_the_one_that_was_seen(store: Store) -> None:
    store.take_turn(TURN, previous=None)
    second = replace(TURN, operation="b-1-1", managed_cluster="b")

    assert store.take_turn(second, previous=TURN)
    assert not store.take_turn(replace(TURN, operation="a-2-1"), previous=TURN)
    assert store.turn() == second


def test_the_turn_that_is_mine_already_is_taken_again(store: Store) -> None:
    """The monitor that took it may have died before it started the operation."""
    store.take_turn(TURN, previous=None)

    assert store.take_turn(replace(TURN, since=99.0), previous=None)


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
    assert store.overview(["a"]).incidents["a"] == INCIDENT


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


def test_a_closed_incident_keeps_until_when_no_operation_follows(store: Store) -> None:
    """A12: nothing else remembers that its operation was called off."""
    store.open_incident(INCIDENT)
    assert store.close_incident(INCIDENT, called_off_until=99.5)

    assert store.overview(["a"]).incidents["a"] == replace(INCIDENT, state=IncidentState.CLOSED, called_off_until=99.5)


def test_of_two_monitors_one_counts_an_attempt(store: Store) -> None:
    store.open_incident(INCIDENT)

    assert store.count_attempt(INCIDENT, 1)
    assert not store.count_attempt(INCIDENT, 1)
    assert store.overview(["a"]).incidents["a"] == replace(INCIDENT, attempts=1)


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


def test_the_newest_run_of_the_monitor_is_known(store: Store) -> None:
    """A11."""
    assert store.newest_run("monitor") is None
    for began_at in (1000.5, 1060.5):
        store.announce(Run(function="monitor", began_at=began_at))

    assert store.newest_run("monitor") == Run(function="monitor", began_at=1060.5)


def test_an_operation_that_cannot_be_started_has_failed_and_never_began(store: Store) -> None:
    store.put_operation(OPERATION)

    assert store.fail_operation("a-1-1", message="its name was taken")

    assert store.operation("a-1-1") == replace(
        OPERATION, started_at=None, outcome=Outcome.FAILED, message="its name was taken"
    )


@pytest.mark.parametrize(
    "operation", [replace(OPERATION, execution="arn:execution"), replace(OPERATION, outcome=Outcome.FAILED_OVER)]
)
def test_an_operation_that_was_started_is_left_as_it_is(store: Store, operation: Operation) -> None:
    """Another monitor started it in this moment."""
    store.put_operation(operation)

    assert not store.fail_operation("a-1-1", message="its name was taken")

    assert store.operation("a-1-1") == operation
