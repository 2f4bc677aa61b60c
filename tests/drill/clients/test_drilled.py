"""Stock clients in a drill of the product (A6, A9)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from emr_drill.clients.drilled import StockDrill, servers, told
from emr_drill.clients.judgement import Counts, StockJudgement
from emr_drill.clients.kinds import KINDS
from emr_drill.clients.plan import ClientPlan
from emr_drill.clock import Clock
from emr_drill.report import Report
from emr_drill.run import Options
from emr_drill.stand_in.emr import ClusterSeen
from tests.drill.clients.world import told as heard

CLUSTERS = [
    ClusterSeen("j-1", "g1", "us-east-1a", "127.50.1.10", "WAITING"),
    ClusterSeen("j-2", "g2", "us-east-1b", "127.50.2.10", "TERMINATED"),
    ClusterSeen("j-3", "g3", "us-east-1b", None, "STARTING"),
]


def stand_in() -> Any:
    clusters = SimpleNamespace(
        states=lambda: CLUSTERS, by_address=lambda address: next((c for c in CLUSTERS if c.address == address), None)
    )
    return SimpleNamespace(clusters=clusters, load_balancers=SimpleNamespace(on_request=None))


def test_servers_are_those_that_may_answer() -> None:
    assert servers(stand_in()) == [("g1", "127.50.1.10")]


def test_a_report_has_what_became_of_each_clients_jobs(tmp_path: Path) -> None:
    aws = stand_in()
    deployment = cast("Any", SimpleNamespace(owner=lambda number: "g1", front_door_addresses=lambda: ["127.50.1.3"]))
    plan = ClientPlan(kinds=KINDS, long=1, short=0, during=0, after=0)
    clock = Clock.start(speed=5)
    drilled = StockDrill(Options(clients=plan), aws, deployment, clock, workdir=tmp_path, file="job.py")
    drilled.clients.add(drilled.waves.before)
    (job,) = drilled.clients.stock_jobs
    heard(job, ("posted", 1, 1001000000), ("status", 1, 502), ("try ended", 1, "failed"), ("ended", 1, "failed"))
    aws.load_balancers.on_request(1.0, "n", 8998, "GET", "/batches/1001000000/state", 200, "127.50.2.10:8998", "1")
    report = Report(services="simulated", fault="none", speed=5, seed=1)
    found = drilled.judge(report)

    assert found.counts.given_up == 1
    assert report.clients["by_kind"][job.kind.name]["lost"] == 1
    assert report.clients["causes"] == {job.kind.name: {"502": 1}}
    assert report.clients["polls"] == {"200": 1}
    assert report.clients["misrouted"] == 1
    assert "pollers" not in report.clients


def test_a_client_without_a_cause_is_not_listed() -> None:
    found = StockJudgement(by_kind={"curl": Counts(submitted=1)})

    assert told(found) == {"by_kind": {"curl": Counts(submitted=1).to_dict()}, "causes": {}}
