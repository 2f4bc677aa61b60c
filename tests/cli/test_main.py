"""Exit codes and messages of ``emr-dr``."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from emr_dr_cli import (
    airflow_drill_command,
    airflow_matrix_command,
    bench_clients_command,
    bench_command,
    client_case_command,
    clients_command,
    compare_command,
    drill_command,
    real_services_command,
)
from emr_drill.errors import DrillError
from emr_drill.real import install

from .conftest import Cli


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``real-services install`` end like this."""

    def fail(*, say: object) -> None:
        raise error

    monkeypatch.setattr(install, "install", fail)


def test_success_is_0(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "install", lambda say: None)

    assert cli("real-services", "install").code == 0


def test_what_cannot_run_is_2_with_one_message_that_says_why(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(DrillError("port 8998 is in use: stop what uses it"), monkeypatch)

    ended = cli("real-services", "install")

    assert (ended.code, ended.out, ended.err) == (2, "", "cannot run: port 8998 is in use: stop what uses it\n")


def test_a_command_in_a_message_can_be_copied(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not broken at the terminal's edge, and brackets are no markup."""
    monkeypatch.setenv("COLUMNS", "40")
    command = "for a in 127.10.0.1 127.10.{1,2,3}.{2,3,10}; do sudo ifconfig lo0 alias $a up; done [bold]"
    fails_with(DrillError(command), monkeypatch)

    assert command in cli("real-services", "install").err


def test_an_interruption_is_130_with_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(KeyboardInterrupt(), monkeypatch)

    ended = cli("real-services", "install")

    assert (ended.code, ended.out) == (130, "")
    assert ended.err == "interrupted; everything that was started has been stopped\n"


@pytest.mark.parametrize("error", [ValueError("cannot close the archive"), DrillError("no answer")])
def test_what_takes_the_place_of_an_interruption_is_told_beside_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Libraries raise such errors; nothing of the drill's has failed, and no traceback helps."""

    def interrupted(*, say: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise error

    monkeypatch.setattr(install, "install", interrupted)

    ended = cli("real-services", "install")

    assert (ended.code, ended.out) == (130, "")
    assert ended.err == f"interrupted, and while what was started was being stopped: {error!r}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts(cli: Cli, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    monkeypatch.setattr(install, "install", lambda say: signal.raise_signal(number))

    assert cli("real-services", "install").code == 130


def test_a_fault_of_our_own_is_not_hidden(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for something that a person did wrong."""
    fails_with(ZeroDivisionError("on purpose"), monkeypatch)
    monkeypatch.setattr(sys, "argv", ["emr-dr", "real-services", "install"])

    from emr_dr_cli.main import main

    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["drll"], "No such command 'drll'"),
        (["drill", "--falt", "kill-livy"], "No such option"),
        (["drill", "--seed", "one"], "Invalid value for '--seed'"),
        (["compare", "extra"], "unexpected extra argument"),
    ],
)
def test_a_slip_is_2_with_the_way_to_help(cli: Cli, words: list[str], message: str) -> None:
    ended = cli(*words)

    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "--help" in ended.err


@pytest.mark.parametrize("words", [[], ["real-services"]])
def test_without_a_command_the_commands_are_shown(cli: Cli, words: list[str]) -> None:
    ended = cli(*words)

    assert ended.code == 2
    assert ("install" if words else "bench-drill") in ended.out + ended.err


def test_help_names_every_command(cli: Cli) -> None:
    ended = cli("--help")

    assert ended.code == 0
    names = ("drill", "bench-drill", "bench-clients", "airflow-matrix", "compare", "real-services", "clients")
    assert [name for name in names if f" {name} " not in ended.out] == []


@pytest.mark.parametrize(
    "words",
    [
        ["drill"],
        ["bench-drill"],
        ["bench-clients"],
        ["airflow-matrix"],
        ["compare"],
        ["real-services", "install"],
        ["clients", "install"],
    ],
)
def test_help_says_what_a_command_does(cli: Cli, words: list[str]) -> None:
    ended = cli(*words, "--help")

    assert ended.code == 0
    assert len(ended.out.split()) > 30


def test_commands_are_wired_to_their_modules() -> None:
    from emr_dr_cli.main import app

    commands = {command.name: command.callback for command in app.registered_commands}
    assert commands == {
        "drill": drill_command.drill,
        "bench-drill": bench_command.bench_drill,
        "bench-clients": bench_clients_command.bench_clients,
        "client-case": client_case_command.client_case,
        "airflow-matrix": airflow_matrix_command.airflow_matrix,
        "airflow-drill": airflow_drill_command.airflow_drill,
        "compare": compare_command.compare,
    }
    assert [group.typer_instance for group in app.registered_groups] == [real_services_command.app, clients_command.app]


def test_the_module_can_be_run() -> None:
    """``python -m emr_dr_cli``, as the benchmark does."""
    done = subprocess.run(
        [sys.executable, "-m", "emr_dr_cli", "drill", "--block", "1"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, "must be 10 to 99, got 1" in done.stderr) == (2, True)
