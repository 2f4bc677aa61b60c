from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from dr_core import metrics
from dr_core.config import ENVIRONMENT_VARIABLE, Canary, FunctionConfig, ManagedClusterResources
from dr_core.rounds import Run
from monitor import handler as handler_module
from monitor.handler import Monitor, handler
from monitor.reporting import Report
from monitor.watch import Round

CONFIG = FunctionConfig(
    deployment="dep",
    record_table="record",
    evidence_table="evidence",
    managed_clusters=tuple(
        ManagedClusterResources(name=name, resource_manager_target_group="rm", name_node_target_group="nn")
        for name in ("a", "b")
    ),
    subnets=(),
    slots=(),
    balanced_target_group="balanced",
    front_door_host="nlb.example.com",
    load_balancer_host="alb.example.com",
    canary=Canary(file="x"),
)


@dataclass
class FakeStore:
    """Remembers who has begun; the next run of the monitor begins *next_after* seconds after the one before."""

    next_after: float = 60.0
    announced: list[Run] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    def announce(self, run: Run) -> None:
        self.announced.append(run)

    def newest_run(self, function: str) -> Run | None:
        self.asked.append(time.time())
        next_at = self.announced[-1].began_at + self.next_after
        return Run(function=function, began_at=next_at) if time.time() >= next_at else self.announced[-1]


@dataclass
class FakeWatch:
    """Remembers what was judged and when."""

    store: FakeStore = field(default_factory=FakeStore)

    config: FunctionConfig = CONFIG
    report: Report = field(default_factory=lambda: Report(deployment="dep", logger=Logger(service="test")))
    rounds: list[float] = field(default_factory=list)
    fails: Callable[[int], bool] = lambda _: False
    complete: bool = True
    in_doubt: Callable[[int], bool] = lambda _: False

    def round(self) -> Round:
        self.rounds.append(time.monotonic())
        if self.fails(len(self.rounds)):
            raise RuntimeError("a table is not reachable")
        return Round(complete=self.complete, in_doubt=self.in_doubt(len(self.rounds)))


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> FakeWatch:
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    made = FakeWatch()
    monkeypatch.setattr(handler_module, "_monitor", lambda: Monitor(watch=made))  # type: ignore[arg-type]
    return made


def heartbeats(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if metrics.MONITOR_HEARTBEAT in line]


@pytest.mark.parametrize("next_after", [55, 60, 65])
def test_a_minute_has_six_rounds(watch: FakeWatch, next_after: float) -> None:
    """A11: a schedule that is a few seconds late costs one read, and no round."""
    watch.store.next_after = next_after

    handler({}, None)

    assert watch.rounds == [1000 + 10 * each for each in range(6)]
    assert watch.store.asked == [1065]
    assert watch.store.announced == [Run(function="monitor", began_at=1000.0)]


def test_the_next_round_comes_sooner_while_a_verdict_is_in_doubt(watch: FakeWatch) -> None:
    """A11: the looks that decide it are not left lying until the next full round; past the minute nothing changes."""
    watch.in_doubt = lambda number: 2 <= number <= 4 or number >= 8
    watch.store.next_after = 1000

    handler({}, None)

    assert [each - 1000 for each in watch.rounds] == [0, 10, 15, 20, 25, 30, 40, 50, 55, 65, 75, 85, 95, 105]


@pytest.mark.parametrize(
    ("next_after", "expected"),
    [(66, [65]), (90, [65, 75, 85]), (119, [65, 75, 85, 95, 105]), (1000, [65, 75, 85, 95, 105])],
)
def test_a_run_goes_on_until_the_next_one_has_begun(watch: FakeWatch, next_after: float, expected: list[float]) -> None:
    """A11: a schedule that is up to 59 s late leaves nobody unwatched; one that is gone costs no endless run."""
    watch.store.next_after = next_after

    handler({}, None)

    assert [each - 1000 for each in watch.rounds[6:]] == expected


@pytest.mark.parametrize("broken", ["announce", "newest_run"])
def test_a_run_that_cannot_tell_whether_a_younger_one_has_begun_goes_on(
    watch: FakeWatch, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A11: a round too many does no harm, one too few leaves everybody unwatched."""

    def fail(*_: object) -> None:
        raise RuntimeError("a table is not reachable")

    watch.store.announced = [Run(function="monitor", began_at=940.0)]
    watch.store.next_after = 1000
    monkeypatch.setattr(watch.store, broken, fail)

    handler({}, None)

    assert len(watch.rounds) == 11


def test_an_error_costs_one_round(watch: FakeWatch, capsys: pytest.CaptureFixture[str]) -> None:
    watch.fails = lambda number: number == 2

    handler({}, None)

    assert len(watch.rounds) == 6
    assert len(heartbeats(capsys)) == 5


def test_the_heart_beats_each_round(watch: FakeWatch, capsys: pytest.CaptureFixture[str]) -> None:
    handler({}, None)

    beats = heartbeats(capsys)
    assert len(beats) == 6
    assert beats[0]["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": metrics.NAMESPACE,
            "Dimensions": [[metrics.DEPLOYMENT_DIMENSION]],
            "Metrics": [{"Name": metrics.MONITOR_HEARTBEAT, "Unit": "Count"}],
        }
    ]
    assert beats[0][metrics.DEPLOYMENT_DIMENSION] == "dep"


def test_the_heart_does_not_beat_when_one_was_not_judged(watch: FakeWatch, capsys: pytest.CaptureFixture[str]) -> None:
    watch.complete = False

    handler({}, None)

    assert heartbeats(capsys) == []


def test_a_monitor_is_made_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, json.dumps(CONFIG.to_dict()))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    handler_module._monitor.cache_clear()

    monitor = handler_module._monitor()

    assert monitor.watch.config == replace(CONFIG)
    assert monitor.watch.report.deployment == "dep"
    handler_module._monitor.cache_clear()


def test_a_cold_start_imports_no_sdk_client() -> None:
    """The SDK's clients are made when they are first used."""
    program = "import sys, monitor.handler; sys.exit('boto3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], env=dict(os.environ), check=False).returncode == 0
