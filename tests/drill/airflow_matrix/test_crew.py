"""Tasks on lines of their own (A6, A9)."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from emr_drill.airflow_matrix import crew
from emr_drill.airflow_matrix.cases import CASES, Request
from emr_drill.airflow_matrix.clients import Client, Operator
from emr_drill.airflow_matrix.crew import Crew, Task
from emr_drill.airflow_matrix.lines import Exchange, Seen
from emr_drill.clock import Clock

OURS = Client(operator=Operator.OURS, mode="deferrable", release="3.0.6")
STOCK = Client(operator=Operator.STOCK, mode="sync", release="3.0.6")


class Worker:
    def __init__(self, interpreter: Path, script: Path, home: Path, hear: Any) -> None:
        self.orders: list[dict[str, Any]] = []
        self.hear = hear

    def wait_ready(self) -> None:
        pass

    def run(self, order: dict[str, Any]) -> None:
        self.orders.append(order)

    def stop(self) -> None:
        pass


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    workers: list[Worker] = []

    def worker(*arguments: Any) -> Worker:
        workers.append(Worker(*arguments))
        return workers[-1]

    monkeypatch.setattr(crew, "Worker", worker)
    monkeypatch.setattr(crew, "python", lambda release: Path(release))
    monkeypatch.setattr(crew, "LOOK_SECONDS", 0.02)
    found = Crew(
        clock=Clock.start(speed=5.0),
        exchange=Exchange(addresses=lambda: ["127.0.0.1"]),
        file="job.py",
        workdir=tmp_path,
        releases=["3.0.6"],
        at_once=1,
    )
    found.start()
    yield found, workers[0]
    found.stop()


def test_each_task_gets_its_own_way_and_its_operator(made: Any) -> None:
    found, worker = made
    (one,) = found.run([("k", CASES["dies-at-kill"], OURS)], lambda: True)
    (order,) = worker.orders

    assert order["port"] == one.line.port and order["host"] == "127.0.0.1"
    assert order["operator"] == "emr_dr_airflow.operators:EmrLivyOperator"
    assert order["deferrable"] and order["limit"] == CASES["dies-at-kill"].killed_after
    assert order["retries"] == 0  # who kills a task does not want it again
    assert float(order["args"][1]) == CASES["dies-at-kill"].seconds * 5.0


def test_a_task_that_nobody_kills_is_tried_again_as_in_the_sample_dag(made: Any) -> None:
    found, worker = made
    found.run([("k", CASES["ghost"], STOCK)], lambda: True)

    assert (worker.orders[0]["retries"], worker.orders[0]["retry_delay"]) == (1, 60.0)
    assert worker.orders[0]["operator"].endswith(":LivyOperator") and not worker.orders[0]["deferrable"]


def test_a_task_starts_when_the_one_before_has_asked_for_something(made: Any) -> None:
    found, worker = made
    thread = threading.Thread(
        target=lambda: found.run([("k", CASES["ghost"], OURS), ("l", CASES["ghost"], OURS)], lambda: True), daemon=True
    )
    thread.start()
    time.sleep(0.3)
    assert [order["key"] for order in worker.orders] == ["k"]
    found.tasks["k"].line.seen.append(Seen(at=0.0, request=Request.SUBMIT, status=201))
    thread.join(5)

    assert [order["key"] for order in worker.orders] == ["k", "l"]


def test_in_turn_a_task_starts_when_the_one_before_has_ended(made: Any) -> None:
    found, worker = made
    jobs = [("k", CASES["ghost"], OURS), ("l", CASES["ghost"], OURS)]
    thread = threading.Thread(target=lambda: found.run(jobs, lambda: True, in_turn=True), daemon=True)
    thread.start()
    time.sleep(0.3)
    found.tasks["k"].line.seen.append(Seen(at=0.0, request=Request.SUBMIT, status=201))
    time.sleep(0.3)
    assert [order["key"] for order in worker.orders] == ["k"]
    worker.hear({"job": "k", "event": "ended", "state": "success", "error": ""})
    thread.join(5)

    assert [order["key"] for order in worker.orders] == ["k", "l"]


def test_the_last_word_is_heard(made: Any) -> None:
    found, worker = made
    (one,) = found.run([("k", CASES["ghost"], OURS)], lambda: True)
    worker.hear({"job": "k", "event": "try ended", "state": "retry", "error": "first\nthe last line"})
    assert not one.finished
    worker.hear({"job": "k", "event": "ended", "state": "broken", "error": ""})
    worker.hear({"job": "nobody's", "event": "ended", "state": "success"})

    assert (one.said.state, one.tries, one.reason) == ("failed", 1, "the last line")


def test_the_fault_waits_for_those_who_are_to_be_struck(made: Any) -> None:
    found, _ = made

    def task(case: str) -> Task:
        (one,) = found.run([(case, CASES[case], OURS)], lambda: False)
        assert isinstance(one, Task) and not one.in_position
        return one

    held, polls = task("dies-before-answer"), task("dies-mid-poll")
    held.line.held = True
    polls.line.seen += [Seen(at=0.0, request=Request.POLL, status=200)] * CASES["dies-mid-poll"].polls

    assert held.in_position and polls.in_position
