"""Probers: the nearest first, another one when it has trouble, and no word about the cluster when none answers."""

from __future__ import annotations

import io
import json
from typing import Any, cast

import pytest

from dr_core.config import ProberFunction
from dr_core.retirement_plan import Work
from failover.errors import NoProberAnsweredError
from failover.probers import Applications, Canary, Probers

from .fakes import client_error


class Scripted:
    """Prober functions that answer what they are told, by name; an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[str]()

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append(FunctionName)
        answer = self.answers[FunctionName]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(answer.encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def probers(script: Scripted) -> Probers:
    """Probers of the AZs ``x`` and ``y``."""
    known = tuple(ProberFunction(availability_zone=zone, function_name=zone) for zone in ("x", "y"))
    return Probers(client=cast("Any", script), probers=known)


GOOD = {"id": 1001000000, "state": None, "app_id": "application_1", "name": "n"}


def test_the_prober_of_the_zone_is_asked_first() -> None:
    """It is nearest to the incarnation."""
    script = Scripted(x=GOOD, y=GOOD)
    probers(script).canary(address="10.0.0.1", name="n", near="y")
    assert script.asked == ["y"]


@pytest.mark.parametrize(
    "trouble", [client_error("TooManyRequestsException", "slow"), "Task timed out", [], {"error": "refused"}]
)
def test_another_prober_is_asked_when_the_first_has_trouble(trouble: Any) -> None:
    """A prober in a dead AZ must not stop a launch in another."""
    canary = probers(Scripted(x=trouble, y=GOOD)).canary(address="10.0.0.1", name="n", near="x")
    assert canary == Canary(batch_id=1001000000, state="starting", app_id="application_1")


def test_what_livy_refused_is_told() -> None:
    """The sentence of the prober."""
    canary = probers(Scripted(x={"error": "refused"}, y={"error": "refused"})).canary(address="a", name="n", near=None)
    assert canary == Canary(error="refused")


def test_no_prober_at_all_is_an_error_of_ours() -> None:
    """UNKNOWN, not unhealthy."""
    broken = client_error("ServiceException", "away")
    with pytest.raises(NoProberAnsweredError, match=r"no prober answered route: x: .*away.*; y: "):
        probers(Scripted(x=broken, y=broken)).route_problems(name="n", batch_id=1, app_id=None, near=None)


def test_a_deployment_without_probers_says_so() -> None:
    """The sentence does not end in the middle."""
    with pytest.raises(NoProberAnsweredError, match="no prober answered canary: none exists"):
        Probers(client=cast("Any", Scripted()), probers=()).canary(address="a", name="n", near=None)


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"ok": True, "addresses": {"10.0.0.9": "ok"}}, {}),
        ({"ok": False, "addresses": {"10.0.0.8": "ok", "10.0.0.9": "410"}}, {"10.0.0.9": "410"}),
        ({"ok": False, "addresses": {}}, {"load balancer": "no address found"}),
    ],
)
def test_problems_of_a_route_are_named_by_address(answer: dict[str, Any], problems: dict[str, str]) -> None:
    """Every address of the load balancer has to lead to the owner."""
    found = probers(Scripted(x=answer, y=answer)).route_problems(name="n", batch_id=1, app_id=None, near=None)
    assert found == problems


def test_one_prober_that_finds_the_way_is_enough() -> None:
    """A prober in a dead zone may find none."""
    script = Scripted(x={"ok": False, "addresses": {"10.0.0.9": "refused"}}, y={"ok": True, "addresses": {}})
    assert probers(script).route_problems(name="n", batch_id=1, app_id=None, near="x") == {}


def test_a_resource_manager_that_hangs_costs_one_prober_its_time() -> None:
    """The first answer counts; a retirement asks again."""
    script = Scripted(x={"reachable": False, "running": []}, y={"reachable": True, "running": []})
    assert not probers(script).kill_applications(address="a", near="x").reachable
    assert script.asked == ["x"]


def test_applications_that_still_run_are_named() -> None:
    """An empty list is proof only if the ResourceManager gave it."""
    said = {"lost_nodes": 2, "active_nodes": 3, "started_on": 1795231846655}
    script = Scripted(x={"reachable": True, "running": ["application_1"], **said})
    found = probers(script).kill_applications(address="a", near="x")
    assert found == Applications(
        reachable=True, running=("application_1",), lost_nodes=2, active_nodes=3, started_at=1795231846.655
    )


def test_nodes_of_which_nothing_is_said_may_be_lost() -> None:
    """A14: during a deployment the prober may be of the version before."""
    script = Scripted(x={"reachable": True, "running": []})
    found = probers(script).kill_applications(address="a", near="x")
    assert (found.lost_nodes, found.active_nodes, found.started_at) == (None, None, None)


@pytest.mark.parametrize("answer", [{}, {"error": "no route to host"}])
def test_an_answer_without_a_list_is_no_proof(answer: dict[str, Any]) -> None:
    """A14: nobody may conclude that nothing runs."""
    assert not probers(Scripted(x=answer, y=answer)).kill_applications(address="a", near="x").reachable


WORK = {"reachable": True, "batches": [7], "sessions": [8], "applications": ["application_1_1"], "unknown": {}}
HALF = {**WORK, "reachable": False, "sessions": [], "unknown": {"livy": "connection refused"}}


def test_what_is_left_to_do_is_told() -> None:
    """B11: a planned retirement waits for it."""
    found = probers(Scripted(x=WORK, y=WORK)).work(address="a", near="x")
    assert found == Work(batches=(7,), sessions=(8,), applications=("application_1_1",))


def test_another_prober_is_asked_when_the_first_reads_half() -> None:
    """Its network may be away, and not the services."""
    script = Scripted(x=HALF, y=WORK)
    assert probers(script).work(address="a", near="x").unknown == {}
    assert script.asked == ["x", "y"]


def test_what_no_prober_could_read_is_unknown() -> None:
    """The rest of the answer stands."""
    found = probers(Scripted(x=HALF, y=HALF)).work(address="a", near="x")
    assert (found.batches, found.unknown) == ((7,), {"livy": "connection refused"})


@pytest.mark.parametrize(("answer", "newest"), [({"id": 1001000041}, 1001000041), ({"id": None}, None)])
def test_the_newest_id_is_told(answer: dict[str, Any], newest: int | None) -> None:
    assert probers(Scripted(x=answer)).newest_id(address="a", near="x") == newest


def test_a_livy_that_does_not_tell_its_newest_id_is_asked_by_one_prober_only() -> None:
    """Nothing depends on it, and one that hangs costs each of them seconds."""
    script = Scripted(x={"error": "no answer"}, y={"id": 1001000041})
    assert probers(script).newest_id(address="a", near="x") is None
    assert script.asked == ["x"]


def test_no_prober_that_can_be_asked_about_work_is_an_error_of_ours() -> None:
    """It says nothing about the cluster."""
    trouble = client_error("TooManyRequestsException", "slow")
    with pytest.raises(NoProberAnsweredError, match="no prober answered work"):
        probers(Scripted(x=trouble, y=trouble)).work(address="a", near="x")
