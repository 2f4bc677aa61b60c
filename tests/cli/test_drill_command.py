"""``emr-dr drill``: options in, exit code, progress and report out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emr_dr_cli.drill_command import OFTEN
from emr_drill import run as module
from emr_drill.baseline import run as baseline
from emr_drill.clients.plan import AIRFLOW_PLAN, EVERY_CLIENT
from emr_drill.errors import DrillError
from emr_drill.faults.table import FAULTS
from emr_drill.report import Report
from emr_drill.run import Options

from .conftest import Cli


class Drill:
    """What a drill finds, and how it was asked."""

    def __init__(self) -> None:
        self.recovered = True
        self.options = Options()
        self.arguments: dict[str, Any] = {}
        self.after_report: Callable[[], None] = lambda: None

    def run(self, options: Options, **arguments: Any) -> Report:
        self.options, self.arguments = options, arguments
        arguments["console"].print("something happens")
        print("a library prints something", file=arguments["console"].file)
        report = Report(
            services=options.services,
            fault=options.fault,
            speed=options.speed,
            seed=options.seed,
            recovered=self.recovered,
        )
        arguments["on_report"](report)
        self.after_report()
        return report


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> Drill:
    made = Drill()
    monkeypatch.setattr(module, "run", made.run)
    return made


def test_a_drill_that_passed_is_0(cli: Cli, drill: Drill) -> None:
    ended = cli("drill")

    assert ended.code == 0
    assert "the drill passed" in ended.err


def test_a_drill_that_found_a_broken_promise_is_1(cli: Cli, drill: Drill) -> None:
    drill.recovered = False

    ended = cli("drill")

    assert ended.code == 1
    assert "the drill FAILED" in ended.err


def test_a_drill_that_could_not_run_is_2(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: Options, **_: Any) -> None:
        raise DrillError("127.10.1.10:8998 is in use")

    monkeypatch.setattr(module, "run", fail)

    ended = cli("drill")

    assert (ended.code, ended.err) == (2, "cannot run: 127.10.1.10:8998 is in use\n")


def test_an_interrupted_drill_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(options: Options, **_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", interrupt)

    assert cli("drill").code == 130


def test_wrong_settings_are_shown_in_their_own_words(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "cdk synth failed (exit code 1):\nemr-dr.yaml: one wrong setting\n  clustr: got {}"

    def fail(options: Options, **_: Any) -> None:
        raise DrillError(wrong)

    monkeypatch.setattr(module, "run", fail)

    assert cli("drill").err == f"cannot run: {wrong}\n"


def test_without_options_the_drill_of_the_readme_runs(cli: Cli, drill: Drill) -> None:
    cli("drill")

    assert drill.options == Options(services="simulated", fault="kill-primary", speed=25.0, seed=1, block=10)
    assert drill.arguments["quiet"] is False


def test_real_services_run_slower_unless_told_otherwise(cli: Cli, drill: Drill) -> None:
    """They run on the machine's time."""
    cli("drill", "--services", "real")
    assert drill.options.speed < 25
    assert drill.arguments["job_file"].startswith("file://")

    cli("drill", "--services", "real", "--speed", "3")
    assert drill.options.speed == 3.0


def test_every_option_arrives(cli: Cli, drill: Drill, tmp_path: Path) -> None:
    words = ["--fault", "kill-livy", "--speed", "5", "--seed", "7", "--block", "12", "--keep", "--quiet"]

    cli("drill", *words, "--assembly", str(tmp_path), "--workdir", str(tmp_path / "work"))

    assert drill.options == Options(
        fault="kill-livy",
        speed=5.0,
        seed=7,
        block=12,
        keep=True,
        assembly=tmp_path,
        workdir=tmp_path / "work",
    )
    assert drill.arguments["quiet"] is True


def test_json_on_standard_output_is_alone_there(cli: Cli, drill: Drill) -> None:
    """So that it can be piped; people read standard error."""
    ended = cli("drill", "--json", "-")

    assert json.loads(ended.out)["recovered"] is True
    assert "something happens" in ended.err
    assert "the drill passed" in ended.err


def test_without_json_standard_output_is_empty(cli: Cli, drill: Drill) -> None:
    assert cli("drill").out == ""


def test_json_goes_to_a_file(cli: Cli, drill: Drill, tmp_path: Path) -> None:
    ended = cli("drill", "--json", str(tmp_path / "report.json"))

    assert (ended.code, ended.out) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["passed"] is True


def test_json_of_a_failed_drill_is_written_too(cli: Cli, drill: Drill, tmp_path: Path) -> None:
    drill.recovered = False

    assert cli("drill", "--json", str(tmp_path / "report.json")).code == 1
    assert json.loads((tmp_path / "report.json").read_text())["passed"] is False


def test_json_of_a_kept_drill_is_there_while_it_is_looked_at(cli: Cli, drill: Drill, tmp_path: Path) -> None:
    found: list[bool] = []
    drill.after_report = lambda: found.append((tmp_path / "report.json").exists())

    cli("drill", "--keep", "--json", str(tmp_path / "report.json"))

    assert found == [True]


@pytest.mark.parametrize(("name", "why"), [("none/report.json", "is no directory"), (".", "it is a directory")])
def test_a_report_that_could_not_be_kept_is_told_before_the_drill(
    cli: Cli, drill: Drill, tmp_path: Path, name: str, why: str
) -> None:
    ended = cli("drill", "--json", str(tmp_path / name))

    assert ended.code == 2
    assert why in ended.err
    assert drill.arguments == {}


def test_nothing_is_written_before_there_is_a_report(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there means that a drill found something."""

    def fail(options: Options, **_: Any) -> None:
        raise DrillError("no")

    monkeypatch.setattr(module, "run", fail)
    cli("drill", "--json", str(tmp_path / "report.json"))

    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fault", "flood"], ["'flood'", "kill-primary", "kill-livy", "none"]),
        (["--fault", "kil-livy"], ["'kil-livy'", "did you mean kill-livy"]),
        (["--fault", "slow-services", "--services", "real"], ["slow-services cannot be done to real services"]),
        (["--services", "imaginary"], ["'imaginary'", "simulated", "real"]),
        (["--speed", "0"], ["above 0", "got 0"]),
        (["--speed", "-1"], ["above 0", "got -1"]),
        (["--speed", "nan"], ["above 0", "got nan"]),
        (["--speed", "fast"], ["--speed"]),
        (["--block", "9"], ["10 to 99", "got 9"]),
        (["--block", "100"], ["10 to 99", "got 100"]),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(
    cli: Cli, drill: Drill, words: list[str], told: list[str]
) -> None:
    ended = cli("drill", *words)

    assert (ended.code, ended.out, drill.arguments) == (2, "", {})
    assert [word for word in told if word not in ended.err] == []


@pytest.mark.parametrize("name", ["upgrade", "switchover", "evacuate"])
def test_what_a_person_asks_for_has_an_option_of_its_own(cli: Cli, drill: Drill, name: str) -> None:
    """B13: short for a row of the table."""
    assert cli("drill", f"--{name}").code == 0
    assert (drill.options.fault, drill.options.speed, drill.options.zone) == (name, FAULTS[name].fastest, None)


def test_the_az_to_leave_can_be_named(cli: Cli, drill: Drill) -> None:
    assert cli("drill", "--evacuate", "us-east-1b").code == 0
    assert (drill.options.fault, drill.options.zone) == ("evacuate", "us-east-1b")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--upgrade", "--fault", "kill-livy"], "--upgrade and --fault kill-livy are drills of their own"),
        (["--upgrade", "--switchover"], "`--fault upgrade,switchover` runs one after the other"),
        (["us-east-1b"], "`emr-dr drill --evacuate us-east-1b`"),
        (["--evacuate", "us-east-1b", "--seeds", "1,2"], "us-east-1b is for one drill"),
    ],
)
def test_options_that_exclude_each_other_are_refused(cli: Cli, drill: Drill, words: list[str], told: str) -> None:
    ended = cli("drill", *words)

    assert (ended.code, drill.arguments) == (2, {})
    assert told in ended.err


def test_help_teaches(cli: Cli) -> None:
    """Every option, the faults that people want most, and what the exit codes mean."""
    told = cli("drill", "--help").out

    options = ("services", "fault", "speed", "seed", "block", "json", "keep", "assembly", "workdir", "quiet")
    assert [name for name in options if f"--{name}" not in told] == []
    assert [name for name in OFTEN if name not in told] == []
    assert "Exit codes" in told
    assert "10 to 99" in told
    assert "25, real:" in told


def test_the_table_of_faults_explains_each(cli: Cli, drill: Drill) -> None:
    ended = cli("drill", "--list-faults")

    assert (ended.code, drill.arguments) == (0, {})
    assert [name for name in FAULTS if name not in ended.out] == []
    assert "SIGKILL of Livy" in ended.out


def test_often_used_faults_exist() -> None:
    assert set(OFTEN) <= set(FAULTS)


def test_a_log_is_not_broken_at_the_width_of_a_terminal(
    cli: Cli, drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    cli("drill")

    assert drill.arguments["console"].width == 160


class TestBaseline:
    """``--baseline script``: the same options, another system."""

    @pytest.fixture
    def script(self, monkeypatch: pytest.MonkeyPatch) -> Drill:
        made = Drill()

        def run(options: baseline.Options, **arguments: Any) -> Report:
            return made.run(
                Options(
                    fault=options.fault,
                    speed=options.speed,
                    seed=options.seed,
                    block=options.block,
                    stream=options.stream,
                    workdir=options.workdir,
                ),
                **arguments,
            )

        monkeypatch.setattr(baseline, "run", run)
        return made

    def test_it_is_drilled_in_place_of_the_product(self, cli: Cli, drill: Drill, script: Drill, tmp_path: Path) -> None:
        words = ["--fault", "hang-livy", "--speed", "5", "--seed", "3", "--block", "40", "--stream"]
        ended = cli("drill", "--baseline", "script", *words, "--workdir", str(tmp_path))

        assert ended.code == 0
        assert drill.arguments == {}
        assert script.options == Options(fault="hang-livy", speed=5.0, seed=3, block=40, stream=True, workdir=tmp_path)

    def test_its_report_is_written_and_its_exit_code_says_whether_it_kept_the_products_promise(
        self, cli: Cli, script: Drill
    ) -> None:
        script.recovered = False
        ended = cli("drill", "--baseline", "script", "--json", "-")

        assert ended.code == 1
        assert json.loads(ended.out)["fault"] == "kill-primary"

    @pytest.mark.parametrize("words", [["--services", "real"], ["--keep"], ["--assembly", "cdk.out"]])
    def test_what_it_cannot_do_is_refused(self, cli: Cli, script: Drill, words: list[str]) -> None:
        ended = cli("drill", "--baseline", "script", *words)

        assert ended.code == 2
        assert "--baseline has simulated services, deploys nothing and ends" in ended.err
        assert script.arguments == {}

    @pytest.mark.parametrize("words", [["--baseline", "script"], ["--stream"]])
    def test_several_drills_are_the_comparisons(self, cli: Cli, drill: Drill, words: list[str]) -> None:
        ended = cli("drill", "--fault", "kill-primary,hang-livy", *words)

        assert ended.code == 2
        assert "emr-dr compare" in ended.err


@pytest.mark.parametrize(
    ("word", "kinds"), [("own", None), ("airflow", AIRFLOW_PLAN.kinds), ("clients", EVERY_CLIENT.kinds)]
)
def test_jobs_are_run_by_whom_they_are_asked_of(cli: Cli, drill: Drill, word: str, kinds: Any) -> None:
    assert cli("drill", "--jobs", word).code == 0

    assert (drill.options.clients.kinds if drill.options.clients else None) == kinds


def test_stock_clients_may_meet_a_row_that_is_not_of_the_table_with_real_services(cli: Cli, drill: Drill) -> None:
    assert cli("drill", "--services", "real", "--fault", "switchover").code == 2
    assert cli("drill", "--services", "real", "--fault", "switchover", "--jobs", "airflow").code == 0
