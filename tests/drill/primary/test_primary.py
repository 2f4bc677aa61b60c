"""A primary of simulated services as a whole: its processes, its jobs, and what is left when parts of it die (A13)."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emr_drill.jobs.ledger import read
from emr_drill.ports import PrimaryPlan, Service
from emr_drill.primary.primary import SimulatedPrimary, SimulatedPrimaryFactory
from tests.drill.primary.conftest import STATE_DIRECTORY, Call, Eventually

SCRIPTS = Path(__file__).resolve().parents[3] / "constructs" / "emr_dr" / "scripts"
SEED = (SCRIPTS / "seed-livy.sh").read_bytes()
RESTART = (SCRIPTS / "restart-livy.sh").read_bytes()
INSTALL_CANARY = (SCRIPTS / "install-canary.sh").read_bytes()
FIRST_ID = 1_002_000_000
RESOURCE_MANAGER = 8088


def job(key: str, seconds: float, ending: str = "succeed") -> dict[str, Any]:
    """A POST of a workload job."""
    return {"file": "s3://artifacts/job.py", "args": [key, str(seconds), ending], "name": key}


def state(call: Call, number: int) -> str:
    """State of a batch, as a client sees it."""
    return str(call("GET", f"/batches/{number}")[1]["state"])


def listens(address: str, port: int) -> bool:
    """Whether a connection is taken."""
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == 0


def test_a_job_that_succeeds_is_told_as_success_and_leaves_its_effect(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    status, batch = call("POST", "/batches", job("one", 20))
    assert (status, batch["state"], batch["appId"]) == (201, "starting", None)

    eventually(lambda: state(call, batch["id"]) == "success")

    (entry,) = read(plan.ledger)
    application = call("GET", f"/batches/{batch['id']}")[1]["appId"]
    assert (entry.job, entry.event, entry.incarnation, entry.application) == ("one", "effect", plan.name, application)


def test_a_job_that_fails_is_told_as_dead_and_leaves_its_failure(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    batch = call("POST", "/batches", job("one", 5, "fail"))[1]

    eventually(lambda: state(call, batch["id"]) == "dead")

    assert [entry.event for entry in read(plan.ledger)] == ["failed"]


def test_the_seed_script_of_the_asset_makes_livy_number_from_the_first_id(
    primary: SimulatedPrimary, call: Call
) -> None:
    result = primary.run_script(SEED, [str(FIRST_ID), STATE_DIRECTORY])

    assert result.exit_code == 0, result.output
    assert call("POST", "/batches", job("one", 1))[1]["id"] == FIRST_ID


def test_the_seed_script_with_another_directory_leaves_livy_at_zero(primary: SimulatedPrimary, call: Call) -> None:
    """A bad seed fails open, as on the real server: only looking at an id finds it."""
    result = primary.run_script(SEED, [str(FIRST_ID), "/var/lib/livy/elsewhere"])

    assert result.exit_code == 0, result.output
    assert call("POST", "/batches", job("one", 1))[1]["id"] == 0


def test_a_second_run_of_the_seed_script_changes_nothing(primary: SimulatedPrimary, call: Call) -> None:
    primary.run_script(SEED, [str(FIRST_ID), STATE_DIRECTORY])
    call("POST", "/batches", job("one", 1))

    primary.run_script(SEED, [str(FIRST_ID), STATE_DIRECTORY])

    assert call("POST", "/batches", job("two", 1))[1]["id"] == FIRST_ID + 1


def test_the_restart_script_keeps_ids_and_batches_and_shows_them_recovering_first(
    primary: SimulatedPrimary, call: Call, eventually: Eventually
) -> None:
    primary.run_script(SEED, [str(FIRST_ID), STATE_DIRECTORY])
    call("POST", "/batches", job("one", 3000))
    eventually(lambda: state(call, FIRST_ID) == "running")
    # Without a ResourceManager that answers, Livy cannot leave the state again before it is seen.
    primary.kill([Service.RESOURCE_MANAGER])

    assert primary.run_script(RESTART, []).exit_code == 0

    assert state(call, FIRST_ID) == "recovering"
    assert call("POST", "/batches", job("two", 1))[1]["id"] == FIRST_ID + 1


def test_livy_that_was_killed_finds_its_running_batches_again(
    primary: SimulatedPrimary, call: Call, eventually: Eventually
) -> None:
    batch = call("POST", "/batches", job("one", 3000))[1]
    eventually(lambda: state(call, batch["id"]) == "running")
    primary.kill([Service.LIVY])
    assert not primary.running()[Service.LIVY]

    primary.run_script(RESTART, [])

    eventually(lambda: state(call, batch["id"]) == "running")


def test_batches_keep_their_last_state_when_the_resource_manager_dies(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    """Livy goes on answering `running` for ever: why its word alone proves no health (A11)."""
    batch = call("POST", "/batches", job("one", 60))[1]
    eventually(lambda: state(call, batch["id"]) == "running")

    primary.kill([Service.RESOURCE_MANAGER])
    eventually(lambda: len(read(plan.ledger)) == 1)

    assert state(call, batch["id"]) == "running"


def test_containers_write_after_all_services_were_killed(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    batch = call("POST", "/batches", job("one", 100))[1]
    eventually(lambda: state(call, batch["id"]) == "running")

    primary.kill(list(Service))

    assert not any(primary.running().values())
    eventually(lambda: [entry.job for entry in read(plan.ledger)] == ["one"])


def test_terminate_ends_containers_and_everything_that_listens(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    batch = call("POST", "/batches", job("one", 50))[1]
    eventually(lambda: state(call, batch["id"]) == "running")

    primary.terminate()
    primary.terminate()
    plan.clock.sleep(60)

    assert read(plan.ledger) == []
    assert not any(listens(plan.address, port) for port in (8998, 8088, 9870, 8032, 8041))


def test_a_killed_application_writes_nothing_and_its_batch_is_killed(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    """What the fence does through the ResourceManager."""
    batch = call("POST", "/batches", job("one", 50))[1]
    eventually(lambda: state(call, batch["id"]) == "running")
    application = call("GET", f"/batches/{batch['id']}")[1]["appId"]

    path = f"/ws/v1/cluster/apps/{application}/state"
    assert call("PUT", path, {"state": "KILLED"}, port=RESOURCE_MANAGER)[0] == 202
    eventually(lambda: state(call, batch["id"]) == "killed")
    plan.clock.sleep(60)

    assert read(plan.ledger) == []


def test_the_canary_that_its_script_installed_succeeds_and_leaves_nothing(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    canary = "hdfs:///tmp/emr-dr/canary.py"
    result = primary.run_script(INSTALL_CANARY, [canary])
    assert result.exit_code == 0, result.output

    batch = call("POST", "/batches", {"file": canary, "name": "canary"})[1]

    eventually(lambda: state(call, batch["id"]) == "success")
    assert read(plan.ledger) == []


def test_a_canary_that_was_never_installed_is_dead(
    primary: SimulatedPrimary, call: Call, eventually: Eventually
) -> None:
    batch = call("POST", "/batches", {"file": "hdfs:///tmp/emr-dr/canary.py", "name": "canary"})[1]

    eventually(lambda: state(call, batch["id"]) == "dead")


def test_a_job_is_dead_while_hdfs_is_in_safe_mode(
    primary: SimulatedPrimary, call: Call, eventually: Eventually
) -> None:
    primary.set_safe_mode(True)
    bean = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
    eventually(lambda: call("GET", bean, port=9870)[1]["beans"][0]["FSState"] == "safeMode")

    batch = call("POST", "/batches", job("one", 1))[1]

    eventually(lambda: state(call, batch["id"]) == "dead")


def test_a_service_that_cannot_start_is_told_with_the_end_of_its_log(plan: PrimaryPlan) -> None:
    primary = SimulatedPrimaryFactory().create(plan)
    with socket.socket() as taken:
        taken.bind((plan.address, 8088))
        taken.listen(1)
        try:
            with pytest.raises(RuntimeError, match=r"resource_manager of j-1ABCDEFGHIJKL does not start:(.|\n)*in use"):
                primary.start()
        finally:
            primary.terminate()


def test_a_terminated_primary_starts_nothing_any_more(primary: SimulatedPrimary) -> None:
    primary.terminate()

    assert primary.run_script(RESTART, []).exit_code != 0


@pytest.mark.parametrize("frozen", [False, True])
def test_services_end_when_the_drill_is_killed(plan: PrimaryPlan, eventually: Eventually, frozen: bool) -> None:
    """Nothing is left running, however the drill ends, and not even what is frozen (A13)."""
    code = (
        "import sys, json; from pathlib import Path; from emr_drill.clock import Clock;"
        "from emr_drill.ports import PrimaryPlan; from emr_drill.primary.primary import SimulatedPrimaryFactory;"
        f"p = SimulatedPrimaryFactory().create(PrimaryPlan(cluster_id='j-1', name='n', address={plan.address!r},"
        f"directory=Path({str(plan.directory)!r}), ledger=Path({str(plan.ledger)!r}), clock=Clock.start(speed=1)));"
        f"p.start(); {frozen} and p.freeze(list(p.running())); print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as drill:
        assert drill.stdout is not None
        assert drill.stdout.readline() == b"up\n"
        os.kill(drill.pid, signal.SIGKILL)

    eventually(lambda: not any(listens(plan.address, port) for port in (8998, 8088, 9870, 8041)))


@pytest.fixture
def plan_without_recovery(plan: PrimaryPlan) -> PrimaryPlan:
    """A primary as EMR makes it when nobody configures Livy."""
    return dataclasses.replace(plan, classifications={"livy-conf": {"livy.server.yarn.poll-interval": "500ms"}})


def test_without_recovery_ids_start_at_zero_again_after_a_kill(
    plan_without_recovery: PrimaryPlan, call: Call, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    primary = SimulatedPrimaryFactory().create(plan_without_recovery)
    try:
        primary.start()
        call("POST", "/batches", job("one", 3000))
        eventually(lambda: state(call, 0) == "running")
        primary.kill([Service.LIVY])
        primary.run_script(RESTART, [])

        assert call("GET", "/batches/0")[0] == 404
        assert call("POST", "/batches", job("two", 1))[1]["id"] == 0
    finally:
        primary.terminate()


def answers(call: Call, path: str = "/version", *, port: int = 8998) -> bool:
    """Whether an answer comes in a moment; what is frozen takes the connection and says nothing."""
    try:
        return call("GET", path, port=port, limit=1.0)[0] == 200
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    ("service", "port", "path"),
    [
        (Service.LIVY, 8998, "/version"),
        (Service.RESOURCE_MANAGER, RESOURCE_MANAGER, "/ws/v1/cluster/info"),
        (Service.NAME_NODE, 9870, "/jmx"),
    ],
)
def test_a_frozen_service_takes_connections_and_says_nothing_until_it_is_thawed(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, service: Service, port: int, path: str
) -> None:
    """A hang, which looks different from death (A11)."""
    primary.freeze([service])
    primary.freeze([service])

    assert listens(plan.address, port)
    assert not answers(call, path, port=port)
    assert primary.running()[service]

    primary.thaw([service])

    assert answers(call, path, port=port)


def test_the_restart_script_revives_a_frozen_livy_with_its_ids_and_batches(
    primary: SimulatedPrimary, call: Call, eventually: Eventually
) -> None:
    primary.run_script(SEED, [str(FIRST_ID), STATE_DIRECTORY])
    call("POST", "/batches", job("one", 200))
    eventually(lambda: state(call, FIRST_ID) == "running")
    primary.freeze([Service.LIVY])

    result = primary.run_script(RESTART, [])

    assert result.exit_code == 0, result.output
    eventually(lambda: state(call, FIRST_ID) == "success")
    assert call("POST", "/batches", job("two", 1))[1]["id"] == FIRST_ID + 1


@pytest.mark.parametrize("command", ["kill --signal=SIGKILL", "kill -s KILL"])
def test_a_script_can_kill_a_frozen_livy(primary: SimulatedPrimary, call: Call, command: str) -> None:
    primary.freeze([Service.LIVY])

    result = primary.run_script(f"sudo systemctl {command} livy-server\n".encode(), [])

    assert (result.exit_code, primary.running()[Service.LIVY]) == (0, False)


def test_a_livy_that_does_not_end_in_time_is_killed(
    primary: SimulatedPrimary, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(primary._livy, "_stop_seconds", 0.0)
    primary._processes[Service.LIVY].send_signal(signal.SIGSTOP)
    before = primary._processes[Service.LIVY]

    assert primary.run_script(b"sudo systemctl restart livy-server\n", []).exit_code == 0

    assert before.returncode is not None
    assert answers(call)


def test_a_service_that_is_dead_can_be_revived(primary: SimulatedPrimary, call: Call) -> None:
    primary.kill([Service.LIVY])

    primary.revive(Service.LIVY)
    primary.revive(Service.LIVY)

    assert answers(call)


def test_nothing_is_revived_on_a_machine_that_is_gone(primary: SimulatedPrimary) -> None:
    primary.terminate()

    with pytest.raises(RuntimeError, match="is terminated"):
        primary.revive(Service.LIVY)


def test_files_cannot_be_written_while_the_name_node_is_frozen(primary: SimulatedPrimary) -> None:
    primary.freeze([Service.NAME_NODE])

    assert primary.run_script(INSTALL_CANARY, ["hdfs:///tmp/emr-dr/canary.py"]).exit_code != 0


def test_a_dead_name_node_has_no_safe_mode(primary: SimulatedPrimary) -> None:
    primary.kill([Service.NAME_NODE])

    with pytest.raises(RuntimeError, match="is dead and has no safe mode"):
        primary.set_safe_mode(True)


def test_stopped_nodes_are_not_listed_and_their_containers_die(
    primary: SimulatedPrimary, plan: PrimaryPlan, call: Call, eventually: Eventually
) -> None:
    """A ResourceManager without a node is no healthy one, however friendly it answers (A11)."""
    batch = call("POST", "/batches", job("one", 60))[1]
    eventually(lambda: state(call, batch["id"]) == "running")

    primary.stop_nodes()
    primary.stop_nodes()

    metrics = call("GET", "/ws/v1/cluster/metrics", port=RESOURCE_MANAGER)[1]["clusterMetrics"]
    assert (metrics["activeNodes"], metrics["shutdownNodes"], metrics["lostNodes"]) == (0, 1, 0)
    assert call("GET", "/ws/v1/cluster/nodes", port=RESOURCE_MANAGER)[1]["nodes"]["node"][0]["state"] == "SHUTDOWN"
    eventually(lambda: state(call, batch["id"]) == "starting")
    plan.clock.sleep(90)
    assert read(plan.ledger) == []


def test_slow_services_answer_late_and_fast_again(primary: SimulatedPrimary, call: Call) -> None:
    primary.slow(30)

    assert not any(
        answers(call, path, port=port)
        for port, path in ((8998, "/version"), (RESOURCE_MANAGER, "/ws/v1/cluster/info"), (9870, "/jmx"))
    )

    primary.slow(0)

    assert answers(call)


def test_a_canary_that_only_fails_is_dead(primary: SimulatedPrimary, call: Call, eventually: Eventually) -> None:
    canary = "hdfs:///tmp/canary.py"
    primary.run_script(b'hdfs dfs -mkdir -p /tmp && echo "raise SystemExit(1)" | hdfs dfs -put -f - "$1"\n', [canary])

    batch = call("POST", "/batches", {"file": canary, "name": "canary"})[1]

    eventually(lambda: state(call, batch["id"]) == "dead")
