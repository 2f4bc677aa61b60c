from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dr_core.record import (
    GENERATION_COUNTER,
    Answer,
    Incarnation,
    IncarnationState,
    Incident,
    IncidentState,
    Lease,
    ManagedCluster,
    Operation,
    Outcome,
    Record,
    Slot,
)

ANSWER = Answer(
    response_url="https://example.com/answer",
    stack_id="stack",
    request_id="request",
    logical_resource_id="A",
    physical_resource_id="deployment/a",
)

RECORDS: dict[str, Record] = {
    "managed cluster": ManagedCluster(
        name="a",
        spec='{"template_url": "https://example.com/t.json"}',
        serving_generation=3,
        lease=Lease(execution="arn:execution", operation="a-launch-1", since=1795230625.125),
        tombstone=True,
        automatic_failovers=(1795230000.5, 1795230625.125),
        accepted_networks=("0a", "1b"),
    ),
    "managed cluster, new": ManagedCluster(name="a"),
    "incarnation": Incarnation(
        generation=3,
        managed_cluster="a",
        state=IncarnationState.SERVING,
        availability_zone="us-east-1a",
        subnet_id="subnet-1",
        id_prefix=1003,
        stack_name="dep-a-g3",
        stack_id="arn:stack",
        cluster_id="j-1",
        primary_address="10.0.0.7",
        slot=2,
        operation="a-launch-1",
        created_at=1.125,
        create_stack_at=2.5,
        waiting_at=3.5,
        serving_from=4.5,
        serving_to=5.5,
        left_by="evacuation",
        terminate_requested_at=6.5,
        fenced_at=7.5,
        canary_name="emr-dr-canary-g3-1",
        canary_id=1_003_000_000,
        canary_app_id="application_1_0001",
        reason="unhealthy",
        isolated_at=8.5,
        repaired_at=9.5,
        seeded_again_at=10.5,
        unseeded=True,
        drained_at=11.5,
        evicted_at=12.5,
        given_up="no capacity",
    ),
    "incarnation, new": Incarnation(generation=3, managed_cluster="a", state=IncarnationState.LAUNCHING),
    "operation": Operation(
        id="a-launch-1",
        request="{}",
        managed_cluster="a",
        execution="arn:execution",
        started_at=1.5,
        entered={"Claim": 2.5, "Launch": 3.25},
        generation=3,
        old_generation=2,
        tried=("us-east-1a", "us-east-1b"),
        outcome=Outcome.FAILED_OVER,
        message="well",
        answer=ANSWER,
        answered=True,
        repair_asked_at=4.5,
        repair_step_id="s-1",
        seed_step_id="s-2",
    ),
    "operation, new": Operation(id="a-launch-1", request="{}", managed_cluster="a"),
    "slot": Slot(number=2, generation=3),
    "slot, free": Slot(number=2),
    "incident": Incident(
        managed_cluster="a",
        incident="a-20261121t031025",
        state=IncidentState.OPEN,
        since=2.5,
        first_bad_at=1.5,
        attempts=1,
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_comes_back_from_its_item(name: str) -> None:
    record = RECORDS[name]

    assert type(record).from_item(record.to_item()) == record


@pytest.mark.parametrize("name", RECORDS)
def test_an_item_holds_no_absent_value_and_nothing_that_dynamodb_does_not_take(name: str) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for each in value.values() for leaf in leaves(each)]
        if isinstance(value, list):
            return [leaf for each in value for leaf in leaves(each)]
        return [value]

    assert {type(leaf) for leaf in leaves(RECORDS[name].to_item())} <= {str, int, bool, Decimal}


def test_a_whole_item() -> None:
    assert RECORDS["operation"].to_item() == {
        "kind": "operation",
        "id": "a-launch-1",
        "request": "{}",
        "managed_cluster": "a",
        "execution": "arn:execution",
        "started_at": Decimal("1.5"),
        "entered": {"Claim": Decimal("2.5"), "Launch": Decimal("3.25")},
        "generation": 3,
        "old_generation": 2,
        "tried": ["us-east-1a", "us-east-1b"],
        "outcome": "failed over",
        "message": "well",
        "answer": {
            "response_url": "https://example.com/answer",
            "stack_id": "stack",
            "request_id": "request",
            "logical_resource_id": "A",
            "physical_resource_id": "deployment/a",
        },
        "answered": True,
        "repair_asked_at": Decimal("4.5"),
        "repair_step_id": "s-1",
        "seed_step_id": "s-2",
    }


@pytest.mark.parametrize(
    ("name", "item"),
    [
        (
            "managed cluster, new",
            {
                "kind": "managed-cluster",
                "id": "a",
                "tombstone": False,
                "automatic_failovers": [],
                "accepted_networks": [],
            },
        ),
        (
            "incarnation, new",
            {
                "kind": "incarnation",
                "id": "g000003",
                "generation": 3,
                "managed_cluster": "a",
                "state": "launching",
                "unseeded": False,
                "ends_now": False,
                "taken_back": False,
                "canary_failures": 0,
            },
        ),
        (
            "operation, new",
            {
                "kind": "operation",
                "id": "a-launch-1",
                "request": "{}",
                "managed_cluster": "a",
                "entered": {},
                "tried": [],
                "answered": False,
            },
        ),
        ("slot", {"kind": "slot", "id": "2", "generation": 3}),
        ("slot, free", {"kind": "slot", "id": "2"}),
        (
            "incident",
            {
                "kind": "incident",
                "id": "a",
                "incident": "a-20261121t031025",
                "state": "open",
                "since": Decimal("2.5"),
                "first_bad_at": Decimal("1.5"),
                "attempts": 1,
            },
        ),
    ],
)
def test_the_item_of(name: str, item: dict[str, Any]) -> None:
    assert RECORDS[name].to_item() == item


def test_the_lease_is_a_map() -> None:
    assert RECORDS["managed cluster"].to_item()["lease"] == {
        "execution": "arn:execution",
        "operation": "a-launch-1",
        "since": Decimal("1795230625.125"),
    }


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (ManagedCluster.key("a"), {"kind": "managed-cluster", "id": "a"}),
        (Incarnation.key(3), {"kind": "incarnation", "id": "g000003"}),
        (Operation.key("x"), {"kind": "operation", "id": "x"}),
        (Slot.key(2), {"kind": "slot", "id": "2"}),
        (Incident.key("a"), {"kind": "incident", "id": "a"}),
        (GENERATION_COUNTER, {"kind": "counter", "id": "generation"}),
    ],
)
def test_keys(record: dict[str, str], key: dict[str, str]) -> None:
    assert record == key


def test_an_item_with_the_least_that_a_step_wrote_is_read() -> None:
    operation = Operation.from_item({"kind": "operation", "id": "x", "request": "{}", "managed_cluster": "a"})

    assert operation == Operation(id="x", request="{}", managed_cluster="a")
    assert (operation.entered, operation.tried, operation.answered) == ({}, (), False)


def test_a_fresh_managed_cluster_is_not_being_deleted() -> None:
    assert ManagedCluster.from_item({"kind": "managed-cluster", "id": "a"}) == ManagedCluster(name="a", tombstone=False)


def test_a_fresh_incident_has_had_no_attempt() -> None:
    fresh = Incident(managed_cluster="a", incident="i", state=IncidentState.OPEN, since=1, first_bad_at=1)

    assert fresh.attempts == 0


def test_an_attribute_of_a_later_version_is_passed_over() -> None:
    assert Slot.from_item({"kind": "slot", "id": "2", "colour": "red"}) == Slot(number=2)


@pytest.mark.parametrize(
    ("state", "address", "live"),
    [
        (IncarnationState.LAUNCHING, "10.0.0.7", False),
        (IncarnationState.VERIFYING, "10.0.0.7", True),
        (IncarnationState.SERVING, "10.0.0.7", True),
        (IncarnationState.RETIRING, "10.0.0.7", True),
        (IncarnationState.RETIRED, "10.0.0.7", False),
        (IncarnationState.ABANDONED, "10.0.0.7", False),
        (IncarnationState.SERVING, None, False),
    ],
)
def test_probers_look_at_what_is_on_its_way_or_in_service(
    state: IncarnationState, address: str | None, live: bool
) -> None:
    """A11."""
    incarnation = Incarnation(generation=1, managed_cluster="a", state=state, primary_address=address)

    assert incarnation.live is live


def test_the_id_of_an_incarnation_is_its_sort_key() -> None:
    incarnation = Incarnation(generation=12, managed_cluster="a", state=IncarnationState.SERVING)

    assert incarnation.id == incarnation.to_item()["id"] == "g000012"


@pytest.mark.parametrize(
    ("stack_name", "title"),
    [("emr-dr-active-passive-b-g12", "emr-dr-active-passive-b-g12"), (None, "generation 12 of managed cluster b")],
)
def test_people_find_an_incarnation_by_the_name_of_its_stack(stack_name: str | None, title: str) -> None:
    """A13: CloudFormation and EMR know nothing of the record's ids."""
    incarnation = Incarnation(generation=12, managed_cluster="b", state=IncarnationState.SERVING, stack_name=stack_name)

    assert incarnation.title == title


def test_the_words_of_the_record() -> None:
    assert [str(each) for each in IncarnationState] == [
        "launching",
        "verifying",
        "standby",
        "serving",
        "retiring",
        "retired",
        "abandoned",
    ]
    assert [str(each) for each in Outcome] == [
        "launched",
        "failed over",
        "switched over",
        "stands by",
        "repaired",
        "cancelled",
        "failed",
    ]
    assert [str(each) for each in IncidentState] == ["open", "closed"]


@pytest.mark.parametrize(
    ("serving_from", "repaired_at", "expected"),
    [(None, None, None), (5.0, None, 5.0), (5.0, 9.0, 9.0), (9.0, 5.0, 9.0)],
)
def test_evidence_counts_from_the_latest_change_for_the_better(
    serving_from: float | None, repaired_at: float | None, expected: float | None
) -> None:
    """A11: what was seen before a restart of Livy must not speak against the Livy that runs now."""
    incarnation = Incarnation(
        generation=1,
        managed_cluster="a",
        state=IncarnationState.SERVING,
        serving_from=serving_from,
        repaired_at=repaired_at,
    )

    assert incarnation.judged_from == expected
