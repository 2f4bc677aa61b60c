from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import ENVIRONMENT_VARIABLE, ServicePorts
from dr_core.evidence import Evidence, Service, Verdict
from dr_core.record import Incarnation, IncarnationState
from dr_core.rounds import Run
from prober import handler as handler_module
from prober.handler import Prober, handler

from ..http_server import refused_port
from .conftest import World


class RememberedStore:
    """A store in memory; the next run of the prober begins *next_after* seconds after the one before."""

    def __init__(self, *incarnations: Incarnation, next_after: float = 60.0) -> None:
        self.known = incarnations
        self.next_after = next_after
        self.written: list[Evidence] = []
        self.announced: list[Run] = []
        self.asked: list[float] = []

    def announce(self, run: Run) -> None:
        self.announced.append(run)

    def newest_run(self, function: str) -> Run | None:
        self.asked.append(time.time())
        next_at = self.announced[-1].began_at + self.next_after
        return Run(function=function, began_at=next_at) if time.time() >= next_at else self.announced[-1]

    def incarnations(self) -> Iterator[Incarnation]:
        yield from self.known

    def write(self, evidence: Evidence) -> None:
        self.written.append(evidence)


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


PARTS_OF_WORK = {"livy", "resource_manager"}
INCARNATION = Incarnation(
    generation=1, managed_cluster="a", state=IncarnationState.SERVING, primary_address="127.0.0.1"
)


@pytest.fixture
def store() -> RememberedStore:
    return RememberedStore(INCARNATION)


@pytest.fixture
def prober(world: World, pool: ThreadPoolExecutor, store: RememberedStore) -> Prober:
    return Prober(config=world.config, observer="prober:us-east-1a", store=store, pool=pool)  # type: ignore[arg-type]


@pytest.fixture
def ready(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> Prober:
    """The prober that the handler finds made."""
    monkeypatch.setattr(handler_module, "_prober", lambda: prober)
    return prober


def test_a_round_keeps_what_each_service_showed(prober: Prober, store: RememberedStore) -> None:
    """A11."""
    prober.round()

    (evidence,) = store.written
    assert (evidence.incarnation, evidence.observer, evidence.front_door) == ("g000001", "prober:us-east-1a", True)
    assert {service: reading.verdict for service, reading in evidence.services.items()} == dict.fromkeys(
        Service, Verdict.HEALTHY
    )


def test_a_dead_primary_is_evidence_too(prober: Prober, store: RememberedStore, world: World) -> None:
    dead = refused_port()
    config = replace(world.config, ports=ServicePorts(livy=dead, resource_manager=dead, name_node=dead))

    replace(prober, config=config).round()

    assert {reading.verdict for reading in store.written[0].services.values()} == {Verdict.UNHEALTHY}
    assert store.written[0].front_door


def test_a_failed_control_is_kept(prober: Prober, store: RememberedStore, world: World) -> None:
    replace(prober, config=replace(world.config, front_door_port=refused_port())).round()

    assert not store.written[0].front_door


def test_every_live_incarnation_is_looked_at(prober: Prober, world: World, pool: ThreadPoolExecutor) -> None:
    second = replace(INCARNATION, generation=2, primary_address="127.0.0.2")
    store = RememberedStore(INCARNATION, second)

    replace(prober, store=store).round()  # type: ignore[arg-type]

    assert [each.incarnation for each in store.written] == ["g000001", "g000002"]


def test_evidence_has_the_time_of_its_round(
    prober: Prober, store: RememberedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1795230625.125)

    prober.round()

    assert store.written[0].observed_at == 1795230625.125


@pytest.mark.parametrize("next_after", [55, 60, 65])
def test_a_minute_has_six_rounds(
    ready: Prober, store: RememberedStore, monkeypatch: pytest.MonkeyPatch, next_after: float
) -> None:
    """A11: a schedule that is a few seconds late costs one read, and no round."""
    FakeTime(monkeypatch)
    store.next_after = next_after

    handler({}, None)

    assert [each.observed_at - 1_000_000 for each in store.written] == [0, 10, 20, 30, 40, 50]
    assert store.asked == [1_000_065]


def test_a_run_says_that_it_has_begun(ready: Prober, store: RememberedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeTime(monkeypatch)

    handler({}, None)

    assert store.announced == [Run(function="prober:us-east-1a", began_at=1_000_000.0)]


@pytest.mark.parametrize(
    ("next_after", "expected"),
    [(66, [65]), (90, [65, 75, 85]), (119, [65, 75, 85, 95, 105]), (1000, [65, 75, 85, 95, 105])],
)
def test_a_run_goes_on_until_the_next_one_has_begun(
    ready: Prober,
    store: RememberedStore,
    monkeypatch: pytest.MonkeyPatch,
    next_after: float,
    expected: list[float],
) -> None:
    """A11: a schedule that is up to 59 s late leaves no hole in the evidence; one that is gone costs no endless run."""
    FakeTime(monkeypatch)
    store.next_after = next_after

    handler({}, None)

    assert [each.observed_at - 1_000_000 for each in store.written[6:]] == expected


def fail(*_: object) -> Any:
    raise RuntimeError("table not reachable")


@pytest.mark.parametrize("broken", ["announce", "newest_run"])
def test_a_run_that_cannot_tell_whether_a_younger_one_has_begun_goes_on(
    ready: Prober,
    store: RememberedStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
) -> None:
    """A11: a round too many does no harm, one too few blinds."""
    FakeTime(monkeypatch)
    store.announced = [Run(function="prober:us-east-1a", began_at=999_940.0)]
    store.next_after = 1000
    monkeypatch.setattr(store, broken, fail)

    handler({}, None)

    assert len(store.written) == 11


@pytest.mark.parametrize("state", [IncarnationState.RETIRED, IncarnationState.LAUNCHING, IncarnationState.ABANDONED])
def test_what_is_not_live_is_not_looked_at(prober: Prober, state: IncarnationState) -> None:
    store = RememberedStore(replace(INCARNATION, state=state))

    replace(prober, store=store).round()  # type: ignore[arg-type]

    assert store.written == []


@pytest.mark.parametrize("state", [IncarnationState.LAUNCHING, IncarnationState.SERVING, IncarnationState.ABANDONED])
def test_an_incarnation_whose_address_is_anothers_now_is_gone(prober: Prober, state: IncarnationState) -> None:
    """A2: whoever has the address is well, which says nothing of the one that had it."""
    younger = replace(INCARNATION, generation=2, managed_cluster="b", state=state)
    store = RememberedStore(INCARNATION, younger)

    replace(prober, store=store).round()  # type: ignore[arg-type]

    seen = {each.incarnation: each for each in store.written}
    assert seen.keys() == ({"g000001", "g000002"} if younger.live else {"g000001"})
    for reading in seen["g000001"].services.values():
        assert (reading.verdict, reading.detail) == (
            Verdict.UNHEALTHY,
            "the primary is gone: its address is that of g000002 now",
        )
    assert seen["g000001"].front_door, "the prober's own control decides whether it has a voice"


def test_a_failed_round_does_not_stop_those_after_it(
    ready: Prober, store: RememberedStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeTime(monkeypatch)
    answers = iter([None, RuntimeError("table not reachable"), None, None, None, None])

    def live() -> Iterator[Incarnation]:
        error = next(answers)
        if error is not None:
            raise error
        yield INCARNATION

    monkeypatch.setattr(store, "incarnations", live)

    handler({}, None)

    assert [each.observed_at - 1_000_000 for each in store.written] == [0, 20, 30, 40, 50]


def test_a_slow_round_is_not_made_up_for(
    ready: Prober, store: RememberedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeTime(monkeypatch)
    durations = iter([12.0, 3.0, 3.0, 3.0, 3.0])

    def write(evidence: Evidence) -> None:
        store.written.append(evidence)
        clock.now += next(durations)

    monkeypatch.setattr(store, "write", write)

    handler({}, None)

    assert [each.observed_at - 1_000_000 for each in store.written] == [0, 20, 30, 40, 50]


def test_a_look_is_answered_and_not_kept(ready: Prober, store: RememberedStore) -> None:
    (look,) = handler({"action": "look", "addresses": ["127.0.0.1"]}, None)

    assert (look["address"], look["observer"], look["front_door"]) == ("127.0.0.1", "prober:us-east-1a", True)
    assert look["services"]["livy"] == {"verdict": "healthy", "detail": "sessions: 0"}
    assert json.dumps(look)
    assert store.written == []


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        (
            {"action": "canary", "address": "127.0.0.1", "name": "x"},
            lambda answer: "answered 404" in answer["error"],
        ),
        (
            {"action": "route", "name": "x", "id": 7, "app_id": None, "times": 1},
            lambda answer: answer["addresses"].keys() == {"127.0.0.1"} and not answer["ok"],
        ),
        (
            {"action": "route", "name": "x", "id": 7},
            lambda answer: answer["addresses"].keys() == {"127.0.0.1"} and not answer["ok"],
        ),
        ({"action": "kill_applications", "address": "127.0.0.1"}, lambda answer: not answer["reachable"]),
        ({"action": "newest_id", "address": "127.0.0.1"}, lambda answer: "answered 404" in answer["error"]),
        ({"action": "work", "address": "127.0.0.1"}, lambda answer: set(answer["unknown"]) == PARTS_OF_WORK),
    ],
)
def test_an_action_is_answered(ready: Prober, event: dict[str, Any], answer: Callable[[dict[str, Any]], bool]) -> None:
    assert answer(handler(event, None))


@pytest.mark.parametrize("event", [{"action": "dance"}, {"action": "canary", "address": "127.0.0.1"}])
def test_an_unknown_action_is_refused(ready: Prober, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a prober's action is canary"):
        handler(event, None)


def test_a_prober_is_made_of_its_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, json.dumps(world.config.to_dict()))
    monkeypatch.setenv("EMR_DR_AVAILABILITY_ZONE", "us-east-1c")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    handler_module._prober.cache_clear()

    prober = handler_module._prober()

    assert (prober.config, prober.observer) == (world.config, "prober:us-east-1c")
    prober.pool.shutdown()
    handler_module._prober.cache_clear()


def test_a_cold_start_imports_no_sdk() -> None:
    """The SDK is imported when it is first used: it takes longer than everything else together."""
    program = "import sys, prober.handler; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False).returncode == 0
