"""One drill, from an empty machine to a report; what it starts is replaced, what it decides is not."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from emr_drill import preflight, rehearsal, run
from emr_drill.addresses import Addresses
from emr_drill.clients import environments
from emr_drill.clients.plan import AIRFLOW_PLAN
from emr_drill.errors import DrillError
from emr_drill.faults.judging import RowResult
from emr_drill.faults.remains import Deletion
from emr_drill.faults.table import find
from emr_drill.inventory import Thing
from emr_drill.report import Report
from emr_drill.run import Options
from emr_drill.stand_in import there_already
from emr_drill.strategies import STRATEGIES
from emr_drill.workplace import LOG_FILE

from .drill_world import Primaries, World


def free_block() -> int:
    """One that no drill and no other test worker uses."""
    return 94 - int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0") % 4


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(run, "StandIn", made.stand_in)
    monkeypatch.setattr(there_already, "make", made.there_already)
    monkeypatch.setattr(run, "deploy", made.deploy)
    monkeypatch.setattr(run, "Deployment", made.deployment)
    monkeypatch.setattr(run, "deployment_name", lambda stand_in, strategy: f"dep-{strategy}")
    monkeypatch.setattr(run, "Submitter", made.submitter)
    monkeypatch.setattr(rehearsal, "OwnerWatch", made.watch)
    monkeypatch.setattr(run, "collect", made.collect)
    monkeypatch.setattr(rehearsal, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(preflight, "check_function_runtime", lambda: None)
    return made


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """An assembly with the stacks of the strategy."""
    folder = tmp_path / "assembly"
    folder.mkdir()
    artifacts = {
        name: {"type": preflight.STACK, "environment": "aws://unknown-account/eu-west-1"}
        for each in STRATEGIES.values()
        for name in each.stacks
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder


Drill = Callable[..., Report]


@pytest.fixture
def primaries() -> Primaries:
    return Primaries()


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=300)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def drill(world: World, assembly: Path, primaries: Primaries, console: Console) -> Drill:
    """Runs a drill at a speed at which its limits are over at once."""

    def begin(*, quiet: bool = False, on_report: Callable[[Report], None] | None = None, **options: Any) -> Report:
        given: dict[str, Any] = {"assembly": assembly, "block": free_block(), "speed": 1e5, **options}
        return run.run(
            Options(**given),
            primaries=primaries,
            job_file="job.py",
            console=console,
            quiet=quiet,
            on_report=on_report or (lambda report: None),
        )

    return begin


def test_a_drill_deploys_breaks_waits_and_reports(drill: Drill, world: World) -> None:
    report = drill()

    assert report.passed
    assert world.log == [
        "started",
        "deployed Platform ActivePassive of assembly",
        "submitting or watching",
        "submitting or watching",
        "killed j-1",
        "asked for every id once more",
        "ended submitting or watching",
        "ended submitting or watching",
        "stopped",
    ]


def test_jobs_are_submitted_before_during_and_after(drill: Drill, world: World) -> None:
    drill()

    assert len(world.added) == 3
    assert sum(world.added) >= 20


def test_the_report_says_what_the_fault_met(drill: Drill) -> None:
    assert drill().at_fault == {"jobs_running": 6, "polls_open": 4}


def test_the_stand_in_is_made_as_asked(drill: Drill, world: World) -> None:
    drill(seed=7)

    assert world.arguments["timing"].seed == 7
    assert world.arguments["clock"].speed == 1e5
    assert world.arguments["addresses"] == Addresses(block=free_block())
    assert world.arguments["region"] == "eu-west-1"


def test_without_an_assembly_one_is_synthesized(
    drill: Drill, world: World, assembly: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(preflight, "synthesize", lambda output, *, context: assembly.rename(output))

    drill(assembly=None, workdir=tmp_path / "work")

    assert "deployed Platform ActivePassive of cdk.out" in world.log


def test_with_nothing_to_break_no_other_incarnation_is_waited_for(drill: Drill, world: World) -> None:
    world.recovers = False

    assert drill(fault="none").passed
    assert not any(line.startswith("killed") for line in world.log)


def test_too_few_jobs_running_is_told_and_nothing_is_broken(drill: Drill, world: World) -> None:
    world.open_polls = 0

    report = drill()

    assert "5 jobs running and 3 polls open, in vain" in report.problem
    assert not any(line.startswith("killed") for line in world.log)


def test_a_recovery_that_does_not_come_is_told(drill: Drill, world: World, console: Console) -> None:
    world.recovers = False

    assert drill().problem == "waited 3600 s for another incarnation in service, in vain"
    assert "another incarnation is in service" not in shown(console)
    assert "is retired" not in shown(console)


def test_nothing_in_service_is_told(drill: Drill, world: World) -> None:
    world.incarnation_states = {1: "verifying"}

    assert "no incarnation is in service" in drill().problem


def test_a_fault_that_nobody_knows_is_refused_before_anything_starts(drill: Drill, world: World) -> None:
    with pytest.raises(DrillError, match="did you mean kill-livy"):
        drill(fault="kil-livy")
    assert world.log == []


def test_a_fault_that_real_services_cannot_have_is_refused(drill: Drill, world: World) -> None:
    with pytest.raises(DrillError, match="slow-services cannot be done to real services; these can: kill-primary"):
        drill(fault="slow-services", services="real")
    assert world.log == []


def test_stock_clients_that_are_not_installed_are_told_before_anything_starts(
    drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments, "HOME", tmp_path)

    with pytest.raises(DrillError, match="run `emr-dr clients install`"):
        drill(clients=AIRFLOW_PLAN)
    assert world.log == []


def test_a_watch_that_broke_fails_the_drill(drill: Drill, world: World) -> None:
    world.watch_failure = OSError("on purpose")

    with pytest.raises(OSError, match="on purpose"):
        drill()
    assert world.log[-1] == "stopped"


def test_the_report_is_given_before_things_are_stopped(drill: Drill, world: World) -> None:
    seen: list[str] = []

    drill(on_report=lambda report: seen.append(world.log[-1]))

    assert seen == ["ended submitting or watching"]


def test_files_of_a_passed_drill_are_removed(drill: Drill, world: World) -> None:
    drill()

    assert not world.arguments["workdir"].exists()


def test_files_of_a_failed_drill_are_kept_and_named(drill: Drill, world: World, console: Console) -> None:
    world.recovers = False
    drill()
    workdir = world.arguments["workdir"]

    assert workdir.is_dir()
    assert str(workdir) in shown(console)
    shutil.rmtree(workdir)


def test_files_are_kept_where_somebody_asks_for_them(drill: Drill, tmp_path: Path) -> None:
    drill(workdir=tmp_path / "work")

    assert (tmp_path / "work").is_dir()


def test_files_of_another_drill_are_not_taken_for_this_ones(drill: Drill, tmp_path: Path, world: World) -> None:
    (tmp_path / "ledger.jsonl").touch()

    with pytest.raises(DrillError, match="is not empty: name an empty or a new one"):
        drill(workdir=tmp_path)
    assert world.log == []


def test_a_workdir_that_cannot_be_made_is_told(drill: Drill, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DrillError, match="as the working directory"):
        drill(workdir=tmp_path / "file" / "work")


def test_quiet_means_nothing_on_the_console(drill: Drill, console: Console, tmp_path: Path) -> None:
    drill(quiet=True, workdir=tmp_path / "work")

    assert shown(console) == ""


@pytest.mark.parametrize("services", ["primary", "balancer"])
def test_a_port_in_use_stops_a_drill_before_it_starts_anything(drill: Drill, world: World, services: str) -> None:
    addresses = Addresses(block=free_block())
    address = addresses.primary(1, 0) if services == "primary" else addresses.application_load_balancer(1)

    with socket.create_server((address, 8998)), pytest.raises(DrillError, match=f"{address}:8998 is in use"):
        drill()
    assert world.log == []


def test_the_same_block_twice_is_refused_while_the_first_drill_runs(drill: Drill, world: World) -> None:
    second: list[str] = []

    def again() -> None:
        world.on_deploy = lambda: None
        with pytest.raises(DrillError) as refused:
            drill()
        second.append(str(refused.value))

    world.on_deploy = again

    assert drill().passed
    assert "another drill runs on address block" in second[0]


def test_a_block_is_free_after_a_drill_that_failed(drill: Drill, world: World) -> None:
    def fail() -> None:
        raise DrillError("stack Platform ended as ROLLBACK_COMPLETE")

    world.on_deploy = fail
    with pytest.raises(DrillError):
        drill()
    world.on_deploy = lambda: None

    assert drill().passed


def test_what_primaries_miss_is_told_before_anything_starts(drill: Drill, world: World, primaries: Primaries) -> None:
    primaries.missing = DrillError("real services need Java 11 or 17")

    with pytest.raises(DrillError, match="need Java"):
        drill()
    assert world.log == []


def test_a_directory_that_is_no_assembly_is_told_before_anything_starts(
    drill: Drill, world: World, tmp_path: Path
) -> None:
    with pytest.raises(DrillError, match="is no cloud assembly"):
        drill(assembly=tmp_path)
    assert world.log == []


def test_a_failed_synth_leaves_nothing(drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(output: Path, *, context: tuple[str, ...]) -> None:
        raise DrillError("cdk synth failed (exit code 1):\nemr-dr.yaml: one wrong setting")

    monkeypatch.setattr(preflight, "synthesize", fail)

    with pytest.raises(DrillError, match="one wrong setting"):
        drill(assembly=None)
    assert world.log == []
    preflight.hold_block(Addresses(block=free_block())).close()


def sleep_long() -> None:
    """In short naps: a signal that comes just before one is noticed after it."""
    for _ in range(2000):
        time.sleep(0.01)


def interrupt_at(moment: Callable[[], bool]) -> None:
    main = threading.get_ident()

    def send() -> None:
        while not moment():
            time.sleep(0.001)
        # To the main thread itself: it may be asleep, and not every kernel wakes it for a signal to the process.
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize(
    ("moment", "what"), [("deployed Platform ActivePassive of assembly", "deploy"), ("killed j-1", "recovery")]
)
def test_an_interruption_stops_everything_that_was_started(drill: Drill, world: World, moment: str, what: str) -> None:
    world.recovers = False
    if what == "deploy":
        world.on_deploy = sleep_long
    interrupt_at(lambda: moment in world.log)

    with pytest.raises(KeyboardInterrupt):
        drill(speed=1000.0)

    assert world.log[-1] == "stopped"
    assert world.log.count("submitting or watching") == world.log.count("ended submitting or watching")
    assert "asked for every id once more" not in world.log
    preflight.hold_block(Addresses(block=free_block())).close()


def test_a_kept_drill_ends_with_its_report_when_it_is_interrupted(
    drill: Drill, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(seconds: float) -> None:
        world.log.append("waits")
        time.sleep(0.01)

    monkeypatch.setattr(run, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
    reported: list[Report] = []
    interrupt_at(lambda: world.log[-1:] == ["waits"])

    report = drill(keep=True, on_report=reported.append)

    assert report.passed
    assert reported == [report]
    assert world.log[-1] == "stopped"
    assert "curl http://127.94.1.3:8998/batches" in shown(console)


def test_libraries_log_to_a_file_and_only_while_a_drill_runs(
    drill: Drill, world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, shows = root.handlers[:], warnings.showwarning
    world.on_deploy = lambda: logging.getLogger("some.library").warning("a tracebacks worth of words")

    drill(workdir=tmp_path / "work")

    assert "a tracebacks worth of words" in (tmp_path / "work" / LOG_FILE).read_text()
    assert capfd.readouterr().err == ""
    assert (root.handlers, warnings.showwarning) == (before, shows)


def test_another_strategy_deploys_its_own_stack(world: World, drill: Drill) -> None:
    """A2."""
    drill(strategy="active-active")

    assert any(line.startswith("deployed Platform ActiveActive of") for line in world.log)


def test_a_row_with_settings_of_its_own_takes_no_assembly(drill: Drill, world: World) -> None:
    """It might have other settings, and what the row shows would not be what it says."""
    with pytest.raises(DrillError, match=r"upgrade deploys settings of its own .*leave --assembly out"):
        drill(fault="upgrade")

    assert world.log == []


def test_a_row_that_deletes_the_stack_does_so_at_the_end_and_is_judged_by_what_is_left(
    drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """A5."""
    row = replace(find("kill-primary"), remains=())
    shared, left = Thing("AWS::S3::Bucket", "shared"), Thing("AWS::SQS::Queue", "left")
    looked_at: list[list[str]] = []

    def look(stand_in: object) -> frozenset[Thing]:
        looked_at.append(list(world.log))
        return frozenset({shared})

    def collect(report: Report, **arguments: Any) -> None:
        world.collect(report, **arguments)
        world.log.append("collected")
        report.fault_row = RowResult(name="kill-primary", must="m", did_not_hold=[], listed=[])

    def destroy(**arguments: Any) -> Deletion:
        world.log.append(f"deleted {arguments['stack']}")
        return Deletion(status="DELETE_COMPLETE", before=arguments["before"], after={shared, left})

    monkeypatch.setattr(run, "find", lambda name: row)
    monkeypatch.setattr(run, "inventory", look)
    monkeypatch.setattr(run, "collect", collect)
    monkeypatch.setattr(run, "destroy", destroy)
    report = drill()

    assert looked_at == [["started", "deployed Platform of assembly"]]
    assert world.log[-3:] == ["collected", "deleted ActivePassive", "stopped"]
    assert report.fault_row is not None
    assert report.fault_row.did_not_hold == ["left behind, and not on purpose: AWS::SQS::Queue left"]
    assert "deleting stack ActivePassive" in shown(console)


def test_a_stack_is_not_deleted_where_the_drill_waited_in_vain(
    drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds the drill up may hold the deletion up as well, and what failed is told already."""
    world.recovers = False
    monkeypatch.setattr(run, "find", lambda name: replace(find("kill-primary"), remains=()))
    monkeypatch.setattr(run, "inventory", lambda stand_in: frozenset())
    monkeypatch.setattr(run, "destroy", lambda **_: pytest.fail("it is deleted"))

    assert "in vain" in drill().problem


def test_a_kept_drill_whose_stack_is_deleted_has_no_front_door_to_try(
    drill: Drill, world: World, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collect(report: Report, **arguments: Any) -> None:
        world.collect(report, **arguments)
        report.fault_row = RowResult(name="kill-primary", must="m", did_not_hold=[], listed=[])

    def wait(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
    monkeypatch.setattr(run, "find", lambda name: replace(find("kill-primary"), remains=()))
    monkeypatch.setattr(run, "inventory", lambda stand_in: frozenset())
    monkeypatch.setattr(run, "collect", collect)
    monkeypatch.setattr(
        run, "destroy", lambda **_: Deletion(status="DELETE_COMPLETE", before=frozenset(), after=frozenset())
    )

    assert drill(keep=True).passed
    assert "AWS endpoint" in shown(console)
    assert "curl http" not in shown(console)


def test_a_row_that_changes_settings_synthesizes_both(
    drill: Drill, world: World, monkeypatch: pytest.MonkeyPatch, assembly: Path
) -> None:
    """B13."""
    made: list[tuple[str, tuple[str, ...]]] = []

    def synthesize(output: Path, *, context: tuple[str, ...] = ()) -> None:
        made.append((output.name, context))
        shutil.copytree(assembly, output)

    monkeypatch.setattr(preflight, "synthesize", synthesize)
    drill(fault="bad-upgrade", assembly=None)

    (before, settings), (after, changed) = made
    assert (before, after) == ("cdk.out", "cdk.out.changed")
    assert changed == (*settings, "set.cluster.release_label=emr-7.12.0")
