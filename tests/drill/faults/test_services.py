"""Faults of services do what they are called."""

from __future__ import annotations

from typing import Any

import pytest

from emr_drill.faults.services import HELD_SECONDS
from emr_drill.faults.table import FAULTS
from emr_drill.faults.traces import Seen
from emr_drill.ports import Service

from .noting import done_by

FROZEN, THAWED = ("clusters.freeze_primary", "j-1"), ("clusters.thaw_primary", "j-1")


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("kill-primary", [("clusters.kill_primary", "j-1")]),
        ("kill-livy", [("clusters.kill_service", "j-1", Service.LIVY)]),
        ("hang-livy", [("clusters.freeze_service", "j-1", Service.LIVY)]),
        ("restart-livy", [("clusters.restart_livy", "j-1")]),
        ("stop-resourcemanager", [("clusters.kill_service", "j-1", Service.RESOURCE_MANAGER)]),
        ("hang-resourcemanager", [("clusters.freeze_service", "j-1", Service.RESOURCE_MANAGER)]),
        ("kill-namenode", [("clusters.kill_service", "j-1", Service.NAME_NODE)]),
        ("namenode-safemode", [("clusters.set_safe_mode", "j-1", True)]),
        ("no-nodemanagers", [("clusters.stop_nodes", "j-1")]),
        ("slow-services", [("clusters.slow_services", "j-1", 2.0)]),
        ("cancelled-before-fence", [FROZEN, THAWED]),
        (
            "old-returns",
            [("clusters.hold_termination", "j-1"), FROZEN, THAWED, ("clusters.release_termination", "j-1")],
        ),
        ("none", []),
    ],
)
def test_a_fault_does_what_it_is_called(name: str, calls: list[tuple[Any, ...]]) -> None:
    assert done_by(*FAULTS[name].acts) == calls


def reading(service: str, detail: str, *, verdict: str = "unhealthy", observer: str = "prober:x") -> dict[str, Any]:
    return {
        "at": 1.0,
        "kind": "evidence",
        "observer": observer,
        "service": service,
        "verdict": verdict,
        "detail": detail,
    }


DEAD, LATE = "connection refused", "no whole answer within 3 s"


@pytest.mark.parametrize(
    ("name", "service", "detail"),
    [
        ("kill-primary", "resource_manager", DEAD),
        ("kill-livy", "livy", DEAD),
        ("hang-livy", "livy", LATE),
        ("stop-resourcemanager", "resource_manager", DEAD),
        ("hang-resourcemanager", "resource_manager", LATE),
        ("kill-namenode", "name_node", DEAD),
        ("namenode-safemode", "name_node", "file system in state safeMode"),
        ("no-nodemanagers", "resource_manager", "no active node"),
        ("cancelled-before-fence", "resource_manager", LATE),
        ("old-returns", "resource_manager", LATE),
    ],
)
def test_a_fault_struck_if_probers_saw_what_it_does(name: str, service: str, detail: str) -> None:
    trace = FAULTS[name].struck[0]

    def struck(*readings: dict[str, Any]) -> bool:
        return trace.why_not(Seen(entries=readings)) is None

    assert struck(*[reading(service, detail)] * 3)
    assert not struck(*[reading(service, detail)] * 2)
    assert not struck(*[reading(service, detail, verdict="healthy")] * 3)
    assert not struck(*[reading(service, detail, observer="load-balancer")] * 3)
    assert not struck(*[reading("another", detail)] * 3)


@pytest.mark.parametrize("name", ["hang-livy", "hang-resourcemanager", "namenode-safemode", "no-nodemanagers"])
def test_a_service_that_is_dead_is_another_fault(name: str) -> None:
    trace = FAULTS[name].struck[0]

    assert trace.why_not(Seen(entries=[reading(trace.like["service"], DEAD)] * 9)) is not None


def submit(accepted: bool, seconds: float) -> dict[str, Any]:
    return {"at": 1.0, "kind": "submit", "accepted": accepted, "seconds": seconds}


@pytest.mark.parametrize(
    ("name", "entries", "struck"),
    [
        ("restart-livy", [submit(False, 0.1)], True),
        ("restart-livy", [submit(True, 0.1)], False),
        ("slow-services", [submit(True, 4.1)] * 5, True),
        ("slow-services", [submit(True, 4.1)] * 4, False),
        ("slow-services", [submit(True, 1.9)] * 5, False),
        ("slow-services", [submit(False, 4.1)] * 5, False),
    ],
)
def test_a_fault_that_leads_to_nothing_struck_if_clients_noticed_it(
    name: str, entries: list[dict[str, Any]], struck: bool
) -> None:
    (trace,) = FAULTS[name].struck

    assert (trace.why_not(Seen(entries=entries)) is None) is struck


@pytest.mark.parametrize(
    ("at", "cluster", "struck"),
    [(HELD_SECONDS + 1, "j-1", True), (HELD_SECONDS - 1, "j-1", False), (900, "j-2", False)],
)
def test_an_old_one_returns_only_if_emr_did_not_end_it_before(at: float, cluster: str, struck: bool) -> None:
    ended = {"at": at, "kind": "cluster", "cluster": cluster, "state": "TERMINATED"}
    seen = Seen(entries=[ended], names={"old": "j-1"}, moments={"the cut-over": 0.0})

    assert (FAULTS["old-returns"].struck[1].why_not(seen) is None) is struck
