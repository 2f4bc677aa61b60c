"""A primary of real services, with a stand-in for Java (A12)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator

import pytest

from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryPlan, Service
from emr_drill.real import install
from emr_drill.real.daemons import answers
from emr_drill.real.leash import marked
from emr_drill.real.primary import RealPrimary, RealPrimaryFactory

from .conftest import FakeJava

# Services that are started and ended for each test.
pytestmark = pytest.mark.long
ALL_UP = {Service.LIVY: True, Service.RESOURCE_MANAGER: True, Service.NAME_NODE: True}


@pytest.fixture
def primary(java: FakeJava, plan: PrimaryPlan) -> Iterator[RealPrimary]:
    """A primary whose services answer."""
    made = RealPrimaryFactory().create(plan)
    made.start()
    yield made
    made.terminate()


def systemctl(primary: RealPrimary, *words: str) -> tuple[int, str]:
    result = primary.run_script(f"systemctl {' '.join(words)}\n".encode(), [])
    return result.exit_code, result.output


def test_what_is_missing_is_told_before_a_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DrillError("install it")

    monkeypatch.setattr(install, "check", missing)

    with pytest.raises(DrillError, match="install it"):
        RealPrimaryFactory().check()


def test_services_start_in_their_order_and_livy_last(primary: RealPrimary, java: FakeJava) -> None:
    """Livy recovers its batches from YARN and reads from HDFS."""
    started = [line.split()[0] for line in java.started()]

    assert started[0] == "NameNode"
    assert started[-1] == "LivyServer"
    assert sorted(started[1:-1]) == ["DataNode", "NameNode", "NodeManager", "ResourceManager"]


def test_every_service_answers_on_the_primarys_address(primary: RealPrimary, plan: PrimaryPlan) -> None:
    assert primary.address == plan.address
    assert primary.running() == ALL_UP
    assert all(answers(plan.address, port, "/") for port in (8998, 8088, 9870))


def test_a_killed_service_leaves_the_others(primary: RealPrimary, plan: PrimaryPlan) -> None:
    """The node and its containers live on, as they do on other machines."""
    primary.kill([Service.LIVY, Service.NAME_NODE])

    assert primary.running() == {**ALL_UP, Service.LIVY: False, Service.NAME_NODE: False}
    assert answers(plan.address, 8042, "/")


def test_the_end_of_a_primary_ends_every_process(primary: RealPrimary, plan: PrimaryPlan) -> None:
    container = subprocess.Popen(["sleep", "60"], env={"DRILL_DIRECTORY": str(plan.directory)}, start_new_session=True)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(container.kill)

        primary.terminate()
        primary.terminate()

        assert container.wait(20) == -9
    assert marked(str(plan.directory)) == []
    assert primary.running() == dict.fromkeys(ALL_UP, False)


def test_a_service_that_does_not_come_up_fails_the_start(java: FakeJava, plan: PrimaryPlan) -> None:
    java.dies("ResourceManager")
    made = RealPrimaryFactory().create(plan)
    try:
        with pytest.raises(RuntimeError, match=r"resource-manager of .* did not come up"):
            made.start()
    finally:
        made.terminate()
    assert marked(str(plan.directory)) == []


def test_the_restart_script_restarts_livy_alone(primary: RealPrimary, java: FakeJava) -> None:
    before = len(java.started())

    assert systemctl(primary, "restart", "livy-server") == (0, "")

    assert java.started()[before:] == ["LivyServer ended in peace", "LivyServer"]
    assert primary.running() == ALL_UP


def test_a_script_stops_livy_writes_and_starts_it(primary: RealPrimary) -> None:
    """What the seed script does."""
    assert systemctl(primary, "stop", "livy-server.service") == (0, "")
    assert systemctl(primary, "is-active", "livy-server") == (3, "inactive\n")
    assert systemctl(primary, "start", "livy-server") == (0, "")
    assert systemctl(primary, "is-active", "livy-server") == (0, "active\n")


def test_starting_what_runs_changes_nothing(primary: RealPrimary, java: FakeJava) -> None:
    before = java.started()

    assert systemctl(primary, "start", "livy-server") == (0, "")
    assert java.started() == before


def test_other_units_and_verbs_fail_as_systemd_does(primary: RealPrimary) -> None:
    commands = (("restart", "other"), ("restart",), ("mask", "livy-server"))

    assert [systemctl(primary, *words)[0] for words in commands] == [5, 5, 1]


def test_files_go_through_the_real_command_line_of_hdfs(primary: RealPrimary, java: FakeJava) -> None:
    result = primary.run_script(b"echo canary | hdfs dfs -put - /tmp/canary.py\n", [])

    assert result.exit_code == 0
    assert "canary" in result.output
    assert java.started()[-1] == "FsShell -put - /tmp/canary.py"


def test_other_commands_of_hdfs_are_refused(primary: RealPrimary) -> None:
    result = primary.run_script(b"hdfs namenode -format\n", [])

    assert (result.exit_code, "only dfs is here" in result.output) == (1, True)


def test_nothing_starts_on_a_terminated_primary(java: FakeJava, plan: PrimaryPlan) -> None:
    """The drill may end while a cluster launches."""
    made = RealPrimaryFactory().create(plan)
    made.terminate()

    with pytest.raises(RuntimeError, match="is terminated"):
        made.start()
    assert (java.started(), made._leash) == ([], None)


def test_a_frozen_service_lives_and_says_nothing(primary: RealPrimary, plan: PrimaryPlan) -> None:
    """A hang, which looks different from death."""
    primary.freeze([Service.LIVY])
    assert primary.running() == ALL_UP
    with socket.create_connection((plan.address, 8998), timeout=0.5) as connection, pytest.raises(TimeoutError):
        connection.sendall(b"GET /version HTTP/1.1\r\n\r\n")
        connection.recv(1)

    primary.thaw([Service.LIVY])
    assert answers(plan.address, 8998, "/version")


def test_a_frozen_livy_is_restarted_in_order(primary: RealPrimary, java: FakeJava) -> None:
    """The signal to continue follows the one to end."""
    before = len(java.started())
    primary.freeze([Service.LIVY])

    assert systemctl(primary, "restart", "livy-server") == (0, "")

    assert java.started()[before:] == ["LivyServer ended in peace", "LivyServer"]


@pytest.mark.parametrize("option", ["--signal=SIGKILL", "-s KILL"])
def test_a_frozen_livy_can_be_killed_and_started(primary: RealPrimary, java: FakeJava, option: str) -> None:
    before = len(java.started())
    primary.freeze([Service.LIVY])

    assert systemctl(primary, "kill", option, "livy-server") == (0, "")
    assert not primary.running()[Service.LIVY]
    primary.revive(Service.LIVY)
    primary.revive(Service.LIVY)

    assert java.started()[before:] == ["LivyServer"]


@pytest.mark.parametrize(("on", "word"), [(True, "enter"), (False, "leave")])
def test_safe_mode_is_changed_by_hadoops_own_command_line(
    primary: RealPrimary, java: FakeJava, on: bool, word: str
) -> None:
    primary.set_safe_mode(on)

    assert java.started()[-1] == f"DFSAdmin -safemode {word}"


def test_a_safe_mode_that_does_not_change_is_told(primary: RealPrimary, java: FakeJava) -> None:
    java.dies("DFSAdmin")

    with pytest.raises(RuntimeError, match=r"did not change its safe mode(?s:.*)DFSAdmin says hello"):
        primary.set_safe_mode(True)


def test_stopped_nodes_take_their_containers_with_them(primary: RealPrimary, plan: PrimaryPlan) -> None:
    """The NodeManager ends in order, so that the ResourceManager knows at once."""
    environment = {"DRILL_DIRECTORY": str(plan.directory), "CONTAINER_ID": "container_1_0001_01_000001"}
    container = subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(container.kill)

        primary.stop_nodes()

        assert container.wait(20) == -9
    assert not answers(plan.address, 8042, "/")
    assert primary.running() == ALL_UP


def test_real_services_cannot_be_slowed(primary: RealPrimary) -> None:
    with pytest.raises(DrillError, match="use simulated services"):
        primary.slow(2)
