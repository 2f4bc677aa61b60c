"""What was written down since a fault is put together from its three sources."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from boto3.dynamodb.types import TypeSerializer

from emr_drill.faults.model import Moment
from emr_drill.faults.seen import names, seen, silences, submits_to_given_up
from emr_drill.faults.traces import Seen
from emr_drill.jobs.submitter import Submission
from emr_drill.observe import Deployment
from emr_drill.rehearsal import Timeline

from .noting import Config, scene

FAULT_AT = 600.0


def submission(at: float = FAULT_AT, **changes: Any) -> Submission:
    return Submission(**{"at": at, "answered": at + 4, "accepted": True, "status": 201, "id": 1001000000, **changes})


def put_together(**sources: Any) -> Seen:
    timeline = Timeline(fault_at=FAULT_AT, moments={Moment.CUT_OVER: 900.0}, journal_before=1)
    return seen(
        timeline=timeline,
        scene=scene([]),
        until=2000.0,
        **{"journal": [], "evidence": [], "submissions": [], **sources},
    )


def test_the_journal_counts_from_the_fault_on() -> None:
    journal = [{"at": 1.0, "kind": "step"}, {"at": FAULT_AT, "kind": "cluster"}]

    assert put_together(journal=journal).entries == [journal[1]]


def test_a_look_of_a_prober_is_an_entry_for_each_service() -> None:
    item = {
        "observed_at": 610.5,
        "observer": "prober:us-east-1a",
        "services": {
            "livy": {"verdict": "healthy", "detail": "sessions: 0"},
            "name_node": {"verdict": "unhealthy", "detail": "connection refused"},
        },
    }
    common = {"at": 610.5, "kind": "evidence", "observer": "prober:us-east-1a"}

    assert put_together(evidence=[item]).entries == [
        {**common, "service": "livy", "verdict": "healthy", "detail": "sessions: 0"},
        {**common, "service": "name_node", "verdict": "unhealthy", "detail": "connection refused"},
    ]


def test_a_submit_since_the_fault_is_an_entry_with_how_long_it_took() -> None:
    entries = put_together(submissions=[submission(at=FAULT_AT - 1), submission(accepted=False)]).entries

    assert entries == [{"at": FAULT_AT, "kind": "submit", "accepted": False, "seconds": 4.0}]


def test_moments_and_times_are_passed_on() -> None:
    found = put_together()

    assert (found.moments, found.since, found.until) == ({"the cut-over": 900.0}, FAULT_AT, 2000.0)


def test_names_are_those_of_the_scene() -> None:
    assert names(scene([])) == {
        "old": "j-1",
        "zone": "us-east-1a",
        "preferred": "us-east-1b",
        "third": "us-east-1c",
        "standby": "j-2",
    }


def test_an_availability_zone_that_there_is_not_has_no_name(monkeypatch: Any) -> None:
    monkeypatch.setattr(Config, "subnets", Config.subnets[:4])

    assert (names(scene([]))["preferred"], names(scene([]))["third"]) == ("us-east-1b", "")


def beat(at: float, name: str = "MonitorHeartbeat", value: float = 1.0) -> dict[str, Any]:
    return {"at": at, "kind": "metric", "name": name, "value": value}


def test_what_is_written_all_the_time_is_missed() -> None:
    entries = [
        *(beat(at) for at in range(600, 660, 10)),
        beat(700, value=0),
        beat(720, "Paused"),
        {"at": 730, "kind": "cluster", "name": "MonitorHeartbeat"},
        *(beat(at) for at in range(840, 1200, 10)),
        *(beat(at, "Reconciled") for at in range(600, 1200, 60)),
    ]

    found = silences(Seen(entries=entries, since=600.0, until=1260.0))

    assert found == {"MonitorHeartbeat": 3, "Reconciled": 0}


class Owners:
    """A deployment that knows whose an id is."""

    def owner(self, batch_id: int) -> str | None:
        return f"dep-a-g{batch_id // 1_000_000 - 1000}"


def test_jobs_are_counted_that_went_to_what_never_served() -> None:
    incarnations: list[dict[str, Any]] = [
        {"stack_name": "dep-a-g1", "serving_from": 5.0},
        {"stack_name": "dep-a-g2", "state": "retired"},
        {"stack_name": "dep-a-g3", "serving_from": 9.0},
    ]
    submissions = [submission(id=one) for one in (1001000000, 1002000000, 1002000001, 1003000000, None)]
    owners = cast(Any, Owners())

    assert submits_to_given_up(submissions, incarnations=incarnations, deployment=owners) == 2
    assert submits_to_given_up(submissions, incarnations=incarnations[::2], deployment=owners) == 0


class Table:
    """DynamoDB with one table, two items a page."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items
        self.asked: dict[str, Any] = {}

    def client(self, service: str) -> Table:
        return self

    get_paginator = client

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        self.asked = arguments
        serialize = TypeSerializer().serialize
        plain = [{name: serialize(value) for name, value in item.items()} for item in self.items]
        return [{"Items": plain[first : first + 2]} for first in range(0, len(plain), 2)]


def test_all_evidence_since_the_fault_is_read() -> None:
    items = [{"observed_at": Decimal(f"{at}.5"), "observer": "prober:x"} for at in (601, 602, 603)]
    table = Table(items)
    deployment = object.__new__(Deployment)
    deployment._stand_in, deployment.config = cast(Any, table), cast(Any, SimpleNamespace(evidence_table="evidence"))

    found = deployment.evidence_since(3, 600.25)

    assert [item["observed_at"] for item in found] == [601.5, 602.5, 603.5]
    assert table.asked["TableName"] == "evidence"
    assert table.asked["ExpressionAttributeValues"] == {
        ":incarnation": {"S": "g000003"},
        ":since": {"S": "0000000600.250"},
    }
