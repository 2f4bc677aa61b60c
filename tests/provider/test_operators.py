"""The operator in real Airflow, on simulated clusters behind the drill's front door (A6, A7, A8, A9, B9, B11)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emr_drill.ports import Service
from tests.provider.airflows import Jobs, Ran, both, order, run
from tests.provider.site import Fault, Seen, Site, site
from tests.provider.versions import EACH_VERSION

pytestmark = EACH_VERSION
BOTH = ("", "-d")


def taken(where: Site, key: str) -> list[Seen]:
    """The submits of a job that were taken, as far as their client knows."""
    return [one for one in where.wire.of(key, "submit") if one.status == 201]


def deleted(where: Site, key: str) -> list[Seen]:
    return where.wire.of(key, "delete")


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Do *work* while the body runs."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    yield
    thread.join(30)
    assert failures == [] and not thread.is_alive()


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@pytest.mark.long
def test_submits(version: str, tmp_path: Path) -> None:
    """One effect, whatever becomes of the submit and of its answer."""
    with site(tmp_path) as where:
        where.wire.faults = {
            **{f"lost{end}": [Fault(request="submit", action="lose")] for end in BOTH},
            **{f"busy{end}": [Fault(request="submit", action=503, times=4)] for end in BOTH},
            "gateway": [Fault(request="submit", action=502)],
            "page": [Fault(request="submit", action="page")],
            "hung-d": [Fault(request="submit", action="lose"), Fault(request="name", action="hang")],
        }
        keys = ("well", "lost", "busy")
        orders = [one for key in keys for one in both(key, where.host)]
        orders += [order(key, where.host) for key in ("gateway", "page")]
        orders += [order("hung-d", where.host, deferrable=True)]
        ran = run(version, tmp_path / "home", orders)

        assert {key: one.state for key, one in ran.items()} == dict.fromkeys(ran, "success")
        for key in ran:
            assert len(where.effects(key)) == 1, key
        posts = {key: [one.status for one in where.wire.of(key, "submit")] for key in ran}
        for end in BOTH:
            assert posts[f"well{end}"] == [201]
            assert posts[f"lost{end}"] == [0]
            assert posts[f"busy{end}"] == [503, 503, 503, 503, 201]
            # For certain nobody had taken it, so that nobody was asked.
            assert where.wire.of(f"busy{end}", "name") == []
        # Posted again only after every generation had been asked.
        assert posts["gateway"] == [502, 201]
        assert posts["page"] == [201] and "is the job" in ran["page"].log
        _told(version, ran["well"], where)
        _told(version, ran["well-d"], where)


def _told(version: str, one: Ran, where: Site) -> None:
    """What a job leaves for others (B11)."""
    left, (report,) = one.xcoms, one.reports
    assert left["return_value"] == left["batch_id"] == report["batch_id"]
    assert left["app_id"] == report["application_id"] and left["app_id"].startswith("application_")
    assert left["resubmissions"] == report["resubmissions"] == 0
    assert left["batch_name"] == report["batch_name"]
    assert left["app_id"] in left["history_link"]
    if version != "2.11.0":  # whose web server asks for the link when it shows it
        assert left["_link_SparkHistoryLink"] == left["history_link"]
    conf = where.wire.bodies[left["batch_name"]]["conf"]
    assert conf["spark.yarn.tags"] == f"mine,{left['batch_name']}"
    assert conf["spark.emr_dr.run_id"] == report["run_id"] and conf["spark.emr_dr.name"].endswith("-try1")
    assert (report["result"], report["try_number"], report["map_index"]) == ("succeeded", 1, -1)
    # Here a job may run before anybody asks for it: nobody saw it wait then.
    waited = report["queue_seconds"] is not None
    assert report["duration_seconds"] >= (report["queue_seconds"] or 0) >= 0
    wanted = ["jobs_submitted", "jobs_succeeded", "job_duration", *["job_queue_time"] * waited]
    assert one.metrics == [f"emr_dr.{name}" for name in wanted]
    assert {event["name"] for event in one.events if event["event"] == "metric" and not event["tags"]} == {
        f"emr_dr.{name}.{report['pipeline']}" for name in wanted
    }


def test_polls(version: str, tmp_path: Path) -> None:
    """The own end, or none."""
    faults: dict[str, list[Fault]] = {
        "recovering": [Fault(request="poll", action="recovering", times=3, after=1)],
        "gateway": [Fault(request="poll", action=each, times=2, after=1) for each in (502, 503, 504)],
        "cut": [Fault(request="poll", action="cut", times=3)],
        "hung": [Fault(request="poll", action="hang", after=1)],
        "page": [Fault(request="poll", action="page", times=2)],
        "moment": [Fault(request="poll", action=410, after=1)],
        "stranger": [Fault(request="poll", action="stranger", times=99)],
        "silent": [Fault(request="poll", action=502, times=9999)],
        "lost-twice": [Fault(request="poll", action=410, times=9999)],
    }
    with site(tmp_path) as where:
        where.wire.faults = {f"{key}{end}": [*map(_copy, each)] for key, each in faults.items() for end in BOTH}
        well = ("recovering", "gateway", "cut", "hung", "page", "moment")
        orders = [one for key in well for one in both(key, where.host)]
        orders += [one for key in ("stranger", "lost-twice") for one in both(key, where.host)]
        orders += both("silent", where.host, options={"outage_limit": 3})
        orders += [order("fails", where.host, ends="fail")]
        orders += [order("forgotten", where.host, seconds=1000, retries=1)]

        def forget() -> None:
            """As Livy forgets a batch that ended a day ago."""
            until(lambda: bool(where.wire.of("forgotten", "poll")))
            name = where.wire.of("forgotten", "poll")[0].name
            owner, number = next((g, one["id"]) for g in (1, 2) for one in where.batches(g) if one["name"] == name)
            where.ask(owner, "DELETE", f"/batches/{number}")

        with beside(forget):
            ran = run(version, tmp_path / "home", orders)

        states = {key: one.state for key, one in ran.items()}
        good = {f"{key}{end}" for key in well for end in BOTH}
        assert {key for key, state in states.items() if state == "success"} == good
        assert {state for key, state in states.items() if key not in good} == {"failed"}
        for key in good:
            assert len(where.effects(key)) == len(where.wire.of(key, "submit")) == 1, key
        results = {key: one.reports[0]["result"] for key, one in ran.items()}
        assert results["fails"] == "failed"
        assert results["forgotten"] == "unknown" and "has expired" in ran["forgotten"].reports[0]["reason"]
        for end in BOTH:
            assert results[f"stranger{end}"] == "unknown"
            assert "somebody-elses" in ran[f"stranger{end}"].reports[0]["reason"]
            assert results[f"silent{end}"] == "unknown"
            assert results[f"lost-twice{end}"] == "lost"
            assert len(where.wire.of(f"lost-twice{end}", "submit")) == 2
            assert ran[f"lost-twice{end}"].metrics.count("emr_dr.jobs_lost") == 2
        assert [key for key in ran if deleted(where, key)] == []
        # What nobody can tell of is not run again.
        assert [key for key in ran if len(where.wire.of(key, "submit")) > 1 and "twice" not in key] == []


def _copy(fault: Fault) -> Fault:
    return Fault(request=fault.request, action=fault.action, times=fault.times, after=fault.after)


@pytest.mark.long
def test_names_that_are_taken(version: str, tmp_path: Path) -> None:
    """The own job is taken over; an entry that never ran is cleared away."""
    with site(tmp_path, generations=(1,)) as where:
        where.wire.faults = {
            **{f"twice{end}": [Fault(request="submit", action="twice")] for end in BOTH},
            **{f"ghost{end}": [Fault(request="submit", action="ghost")] for end in BOTH},
        }
        orders = [one for key in ("twice", "ghost") for one in both(key, where.host)]
        orders += [order("refused", where.host, file="")]
        ran = run(version, tmp_path / "home", orders)

        for end in BOTH:
            assert ran[f"twice{end}"].state == ran[f"ghost{end}"].state == "success"
            assert len(where.effects(f"twice{end}")) == len(where.effects(f"ghost{end}")) == 1
            assert "never ran" in ran[f"ghost{end}"].log
        assert ran["refused"].state == "failed"
        assert ran["refused"].reports[0]["result"] == "refused"
        # Neither a ghost nor what the refused job left.
        assert [one["appId"] for one in where.batches(1) if one["appId"] is None] == []
        assert len(where.batches(1)) == 4


@pytest.mark.long
def test_a_front_door_that_is_away(version: str, tmp_path: Path) -> None:
    """Connections are refused when jobs are submitted, and again while they run."""
    with site(tmp_path) as where:
        orders = both("away", where.host, seconds=100)
        keys = [one["key"] for one in orders]
        where.wire.refuse()
        jobs = Jobs(version, tmp_path / "home", orders)

        def come_and_go() -> None:
            until(lambda: all("Nobody takes jobs now" in _log(tmp_path, key) for key in keys))
            where.wire.connect()
            until(lambda: all(where.wire.of(key, "poll") for key in keys))
            where.wire.refuse()
            time.sleep(2)
            where.wire.connect()

        with beside(come_and_go):
            ran = jobs.result()

        for key in keys:
            assert ran[key].state == "success"
            assert len(where.effects(key)) == len(taken(where, key)) == 1
            assert len(where.wire.of(key, "submit")) == 1


def _log(folder: Path, key: str) -> str:
    file = folder / "home" / f"{key}.log"
    return file.read_text(errors="replace") if file.is_file() else ""


@pytest.mark.long
def test_a_cluster_that_dies(version: str, tmp_path: Path) -> None:
    """5xx until its ids answer 410; then its jobs are run again, once."""
    with site(tmp_path) as where:
        where.route([1, 2], in_service=[1])
        orders = both("lives", where.host, seconds=200)
        orders += both("once", where.host, seconds=200, options={"resubmissions": 0})

        def die() -> None:
            until(lambda: all(where.wire.of(one["key"], "poll") for one in orders))
            where.clusters[1].terminate()
            time.sleep(1)
            where.route([1, 2], in_service=[2])
            time.sleep(1)
            where.route([2], in_service=[2])

        with beside(die):
            ran = run(version, tmp_path / "home", orders)

        for end in BOTH:
            lives, once = ran[f"lives{end}"], ran[f"once{end}"]
            assert (lives.state, once.state) == ("success", "failed")
            assert [one["incarnation"] for one in where.effects(f"lives{end}")] == ["g2"]
            assert lives.xcoms["resubmissions"] == 1 and str(lives.xcoms["batch_id"]).startswith("1011")
            assert lives.metrics[:3] == ["emr_dr.jobs_submitted", "emr_dr.jobs_lost", "emr_dr.jobs_resubmitted"]
            assert lives.reports[0]["resubmissions"] == 1
            assert "went down with its cluster: run again" in lives.log
            assert where.effects(f"once{end}") == []
            assert once.reports[0]["result"] == "lost"


@pytest.mark.long
def test_tasks_that_are_killed(version: str, tmp_path: Path) -> None:
    """They end their own batch and nobody else's."""
    with site(tmp_path) as where:
        long: dict[str, Any] = {"seconds": 10_000, "limit": 3}
        orders = [*both("killed", where.host, **long), *both("other", where.host, seconds=100)]
        orders += [order("sunk", where.host, **long, options={"pipeline": "Lake"})]
        where.wire.faults = {"sunk": [Fault(request="submit", action="hang", times=9)]}
        ran = run(version, tmp_path / "home", orders)

        for end in BOTH:
            assert ran[f"killed{end}"].state == "failed"
            assert len(deleted(where, f"killed{end}")) == 1
            assert ran[f"killed{end}"].reports[0]["result"] == "timed_out"
            assert ran[f"other{end}"].state == "success"
            assert deleted(where, f"other{end}") == []
        assert ran["sunk"].state == "failed"
        assert "emr_dr.jobs_timed_out" in ran["sunk"].metrics
        names = [one["name"] for generation in (1, 2) for one in where.batches(generation)]
        assert [name for name in names if "killed" in name or "sunk" in name] == []


@pytest.mark.long
def test_retries(version: str, tmp_path: Path) -> None:
    """A retry posts again, also of a deferred task on 3.0.6 (apache/airflow#56704), and never beside the try before."""
    with site(tmp_path) as where:
        # The first try is told that its job is dead, which it is not: as if its worker had died.
        orders = both("again", where.host, retries=1)
        for one in orders:
            one["args"][1] = "{{ 10_000 if ti.try_number == 1 else 10 }}"
        where.wire.faults = {f"again{end}": [Fault(request="poll", action="dead")] for end in BOTH}
        ran = run(version, tmp_path / "home", orders)

        for end in BOTH:
            key = f"again{end}"
            assert ran[key].state == "success"
            assert [one.name[-6:] for one in where.wire.of(key, "submit")] == ["-t1-r0", "-t2-r0"]
            assert [one.name[-6:] for one in deleted(where, key)] == ["-t1-r0"]
            assert len(where.effects(key)) == 1
            assert [one["result"] for one in ran[key].reports] == ["failed", "succeeded"]


@pytest.mark.long
def test_a_retry_of_a_job_that_has_succeeded(version: str, tmp_path: Path) -> None:
    """It is not run again: the first try failed although its job goes on, and ends well before the second begins."""
    with site(tmp_path) as where:
        orders = both("done", where.host, retries=1, retry_delay=4)
        where.wire.faults = {f"done{end}": [Fault(request="poll", action="stranger")] for end in BOTH}
        ran = run(version, tmp_path / "home", orders)

        for end in BOTH:
            key = f"done{end}"
            assert ran[key].state == "success", ran[key].log[-3000:]
            assert len(where.effects(key)) == len(where.wire.of(key, "submit")) == 1
            assert deleted(where, key) == []
            assert [one["result"] for one in ran[key].reports] == ["unknown", "succeeded"]
            left = ran[key].xcoms
            assert left["adopted_try"] == 1 and left["batch_name"].endswith("-t1-r0")
            assert left["return_value"] == left["batch_id"] == ran[key].reports[0]["batch_id"]
            assert "nothing is run again" in ran[key].log


@pytest.mark.long
def test_a_livy_that_is_restarted(version: str, tmp_path: Path) -> None:
    """It recovers its batches; meanwhile connections are refused, and then states are `recovering`."""
    with site(tmp_path, generations=(1,)) as where:
        orders = both("goes-on", where.host, seconds=100)

        def restart() -> None:
            until(lambda: [one["state"] for one in where.batches(1)] == ["running", "running"])
            where.clusters[1].kill([Service.LIVY])
            time.sleep(1)
            where.clusters[1].revive(Service.LIVY)

        with beside(restart):
            ran = run(version, tmp_path / "home", orders)

        for key, job in ran.items():
            assert job.state == "success"
            assert len(where.effects(key)) == len(where.wire.of(key, "submit")) == 1
