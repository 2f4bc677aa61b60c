"""Starting, waiting for and killing the daemons of one real primary, with a stand-in for Java."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from emr_drill.ports import PrimaryPlan
from emr_drill.real import configuration, install
from emr_drill.real.daemons import DATA_NODE, LIVY, NAME_NODE, RESOURCE_MANAGER, Daemons, answers

from .conftest import FakeJava


@pytest.fixture
def daemons(java: FakeJava, written: PrimaryPlan) -> Iterator[Daemons]:
    environment = configuration.environment(written, java_home=str(java.home))
    made = Daemons(plan=written, environment=environment)
    yield made
    for daemon in (NAME_NODE, RESOURCE_MANAGER, LIVY, DATA_NODE):
        made.kill(daemon)


def log(plan: PrimaryPlan, name: str) -> str:
    return (plan.directory / "logs" / f"{name}.log").read_text()


def test_a_daemon_is_up_when_it_answers(daemons: Daemons, written: PrimaryPlan) -> None:
    daemons.start(LIVY)
    daemons.wait(LIVY)

    assert daemons.running(LIVY)
    assert answers(written.address, 8998, "/version")


def test_what_a_daemon_says_is_in_its_log(daemons: Daemons, written: PrimaryPlan) -> None:
    daemons.start(NAME_NODE)
    daemons.wait(NAME_NODE)

    assert "NameNode says hello" in log(written, "name-node")


def test_a_daemon_that_ends_is_told_with_its_log(daemons: Daemons, java: FakeJava) -> None:
    java.dies("LivyServer")
    daemons.start(LIVY)

    with pytest.raises(RuntimeError, match=r"livy of .*-a-g2 did not come up on 127(?s:.*)LivyServer says hello"):
        daemons.wait(LIVY)


def test_a_daemon_that_never_answers_is_told_in_time(daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_drill.real.daemons.START_LIMIT_SECONDS", 0.05)
    monkeypatch.setattr("emr_drill.real.daemons.answers", lambda *arguments: False)
    daemons.start(LIVY)

    with pytest.raises(RuntimeError, match="did not come up"):
        daemons.wait(LIVY)


def test_a_daemon_without_a_port_need_not_answer(daemons: Daemons) -> None:
    daemons.start(DATA_NODE)
    daemons.wait(DATA_NODE)

    assert daemons.running(DATA_NODE)


def test_a_killed_daemon_leaves_its_port(daemons: Daemons, written: PrimaryPlan, java: FakeJava) -> None:
    daemons.start(LIVY)
    daemons.wait(LIVY)
    daemons.kill(LIVY)

    assert not daemons.running(LIVY)
    assert not answers(written.address, 8998, "/version")
    assert "LivyServer ended in peace" not in java.started()


def test_a_stopped_daemon_can_end_in_peace_and_start_again(daemons: Daemons, java: FakeJava) -> None:
    daemons.start(LIVY)
    daemons.wait(LIVY)
    daemons.kill(LIVY, signal.SIGTERM)
    assert java.started()[-1] == "LivyServer ended in peace"

    daemons.start(LIVY)
    daemons.wait(LIVY)
    assert daemons.running(LIVY)


def test_killing_what_does_not_run_is_nothing(daemons: Daemons) -> None:
    daemons.kill(LIVY)

    assert not daemons.running(LIVY)


def test_the_file_system_is_made_before_the_name_node_starts(daemons: Daemons, java: FakeJava) -> None:
    daemons.format_name_node()

    assert java.started() == ["NameNode -format -force -nonInteractive"]


def test_a_file_system_that_cannot_be_made_is_told_with_the_log(daemons: Daemons, java: FakeJava) -> None:
    java.dies("NameNode")

    with pytest.raises(RuntimeError, match=r"formatting HDFS of .* failed:\nNameNode says hello"):
        daemons.format_name_node()


def test_another_livy_is_run_if_the_variable_names_one(
    daemons: Daemons, java: FakeJava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "livy" / "jars").mkdir(parents=True)
    (tmp_path / "livy" / "jars" / "livy-server-0.9.0.jar").touch()
    monkeypatch.setenv(install.LIVY_VARIABLE, str(tmp_path / "livy"))

    command = daemons._command(LIVY)

    assert f"{tmp_path / 'livy' / 'jars'}/*" in command[command.index("-cp") + 1].split(":")


def test_configuration_comes_first_on_the_class_path(daemons: Daemons, written: PrimaryPlan) -> None:
    command = daemons._command(RESOURCE_MANAGER)

    assert command[command.index("-cp") + 1].split(":")[0] == str(configuration.hadoop_directory(written))


def test_a_daemon_that_does_not_end_is_killed(daemons: Daemons, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_drill.real.daemons.STOP_LIMIT_SECONDS", 0.2)
    daemons.start(DATA_NODE)
    daemons.send(DATA_NODE, signal.SIGSTOP)

    daemons.kill(DATA_NODE, signal.SIGTERM)

    assert daemons.ended(DATA_NODE, 20)
