from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from dr_core.evidence import (
    LOAD_BALANCER,
    Evidence,
    Reading,
    Service,
    Verdict,
    healthy,
    is_prober,
    look_to_dict,
    nodes_last_seen,
    prober_observer,
    sort_key_from,
    unhealthy,
    unknown,
)

EVIDENCE = Evidence(
    incarnation="g000001",
    observer=prober_observer("us-east-1a"),
    observed_at=1795230625.125,
    services={Service.LIVY: healthy("sessions: 0"), Service.NAME_NODE: unhealthy("connection refused")},
    front_door=True,
)


def test_the_item_of_evidence() -> None:
    assert EVIDENCE.to_item(round_seconds=10) == {
        "incarnation": "g000001",
        "observed": "1795230625.125#prober:us-east-1a",
        "observer": "prober:us-east-1a",
        "observed_at": Decimal("1795230625.125"),
        "round": 179523062,
        "services": {
            "livy": {"verdict": "healthy", "detail": "sessions: 0"},
            "name_node": {"verdict": "unhealthy", "detail": "connection refused"},
        },
        "front_door": True,
        "expires_at": 1795230625 + 86_400,
    }


def test_evidence_comes_back_from_its_item() -> None:
    assert Evidence.from_item(EVIDENCE.to_item(round_seconds=10)) == EVIDENCE


def test_a_failed_control_comes_back() -> None:
    item = EVIDENCE.to_item(round_seconds=10) | {"front_door": False}

    assert Evidence.from_item(item).front_door is False


def test_the_time_comes_back_as_an_ordinary_number() -> None:
    assert type(Evidence.from_item(EVIDENCE.to_item(round_seconds=10)).observed_at) is float


def test_sort_keys_compare_as_times_do() -> None:
    times = [0.0, 9.999, 10.0, 999_999_999.5, 1_795_230_625.125, 1_795_230_625.25]

    assert sorted(times, key=sort_key_from) == times
    assert len({len(sort_key_from(each)) for each in times}) == 1


def test_evidence_sorts_behind_the_key_of_its_time() -> None:
    assert sort_key_from(EVIDENCE.observed_at) < EVIDENCE.observed < sort_key_from(EVIDENCE.observed_at + 0.001)


def test_an_immediate_look_goes_over_the_wire() -> None:
    assert look_to_dict(EVIDENCE, address="10.0.0.7") == {
        "address": "10.0.0.7",
        "observer": "prober:us-east-1a",
        "observed_at": 1795230625.125,
        "front_door": True,
        "services": {
            "livy": {"verdict": "healthy", "detail": "sessions: 0"},
            "name_node": {"verdict": "unhealthy", "detail": "connection refused"},
        },
    }


def test_an_immediate_look_is_the_evidence_that_it_was() -> None:
    look = look_to_dict(replace(EVIDENCE, incarnation=""), address="10.0.0.7")
    assert Evidence.from_look(json.loads(json.dumps(look)), incarnation=EVIDENCE.incarnation) == EVIDENCE


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [(healthy("x"), Verdict.HEALTHY), (unhealthy("x"), Verdict.UNHEALTHY), (unknown("x"), Verdict.UNKNOWN)],
)
def test_readings_say_what_they_are_called(reading: Reading, verdict: Verdict) -> None:
    assert reading == Reading(verdict=verdict, detail="x")


def test_a_prober_is_named_by_its_zone() -> None:
    assert prober_observer("us-east-1a") == "prober:us-east-1a"


@pytest.mark.parametrize(
    ("observer", "expected"), [("prober:us-east-1a", True), (LOAD_BALANCER, False), ("probers", False)]
)
def test_who_is_a_prober(observer: str, expected: bool) -> None:
    assert is_prober(observer) is expected


def test_the_words_of_evidence() -> None:
    assert [str(each) for each in Service] == ["livy", "resource_manager", "name_node"]
    assert [str(each) for each in Verdict] == ["healthy", "unhealthy", "unknown"]
    assert LOAD_BALANCER == "load-balancer"


def looked(at: float, *, nodes: int | None, service: Service = Service.RESOURCE_MANAGER) -> Evidence:
    """A look at *service*, written down and read again."""
    evidence = replace(EVIDENCE, observed_at=at, services={service: healthy("well", active_nodes=nodes)})
    return Evidence.from_item(evidence.to_item(round_seconds=10))


@pytest.mark.parametrize(
    ("rule", "looks", "nodes"),
    [
        ("the latest look counts", [looked(10, nodes=3), looked(30, nodes=2), looked(20, nodes=4)], 2),
        ("one that found it sick counts none", [looked(10, nodes=3), looked(20, nodes=None)], 3),
        ("one after the moment does not count", [looked(10, nodes=3), looked(41, nodes=1)], 3),
        ("one at the moment counts", [looked(10, nodes=3), looked(40, nodes=1)], 1),
        ("other services have no nodes", [looked(10, nodes=3), looked(20, nodes=7, service=Service.LIVY)], 3),
        ("a prober of the version before wrote none down", [looked(10, nodes=None)], None),
        ("nobody looked", [], None),
    ],
)
def test_the_nodes_that_were_seen_last(rule: str, looks: list[Evidence], nodes: int | None) -> None:
    """A14: a ResourceManager that has fewer afterwards does not know of all that runs."""
    assert nodes_last_seen(looks, until=40) == nodes, rule
