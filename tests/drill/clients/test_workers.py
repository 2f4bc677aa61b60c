"""The programs that run where Airflow and the Livy client are installed (A6, A8); skipped where they are not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clients import environments
from emr_drill.clients.worker import FOLDER
from tests.drill.clients.livy_server import HOST, LivyServer

LIMIT_SECONDS = 240
AIRFLOWS = ("airflow-3.0.6", "airflow-2.11.0")


def ordered(key: str, server: LivyServer, **changes: Any) -> dict[str, Any]:
    return {
        **{"key": key, "host": HOST, "port": server.port, "extra": {"timeout": 5}, "file": "file:///job.py"},
        **{"args": [key, "1", "succeed"], "conf": {}, "polling": 1, "deferrable": False},
        **{"retries": 0, "retry_delay": 0.1, "limit": None},
        **changes,
    }


def events(name: str, script: str, home: Path, orders: Sequence[dict[str, Any]]) -> dict[str, list[tuple[str, Any]]]:
    """What a worker tells of each job."""
    if not environments.python(name).exists():
        pytest.skip(f"{name} is not installed (`emr-dr clients install`)")
    done = subprocess.run(
        [str(environments.python(name)), "-P", str(FOLDER / script), str(home)],
        input="".join(json.dumps(order) + "\n" for order in orders),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
    )
    found: dict[str, list[tuple[str, Any]]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        if line["event"] == "left":  # the XComs of a task, which the tests of our own operator look at
            continue
        word = next((line[name] for name in ("id", "state", "status") if name in line), None)
        found.setdefault(line["job"], []).append((line["event"], word))
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", AIRFLOWS)
def test_stock_operators_tell_what_they_are_told(name: str, tmp_path: Path) -> None:
    server = LivyServer(
        "running",
        "success",
        stories={"fails-try1": ["running", "dead"], "gone-try1": ["running", 410], "killed-try1": ["running"]},
    )
    orders = [
        ordered("sync", server),
        ordered("deferred", server, deferrable=True),
        ordered("fails", server),
        ordered("gone", server, retries=1),
        ordered("killed", server, limit=2),
    ]
    told = events(name, "airflow_worker.py", tmp_path, orders)
    server.close()

    assert told["sync"][-3:] == [("terminated", "success"), ("try ended", "success"), ("ended", "success")]
    assert told["deferred"][-2:] == [("try ended", "success"), ("ended", "success")]
    assert told["fails"][-2:] == [("try ended", "failed"), ("ended", "failed")]
    assert ("terminated", "dead") in told["fails"]
    assert [event for event, _ in told["gone"]].count("posted") == 2
    assert ("status", 410) in told["gone"]
    assert told["killed"][-1] == ("ended", "failed")
    assert server.deleted == [dict(told["killed"])["deletes"]]


@pytest.mark.long
@pytest.mark.parametrize(("name", "posts"), [("airflow-3.0.6", 1), ("airflow-2.11.0", 2)])
def test_a_retry_of_a_deferred_task_posts_again_where_airflow_lets_it(name: str, posts: int, tmp_path: Path) -> None:
    """On 3.0.6 it replays what the trigger said (apache/airflow#56704, #62845)."""
    server = LivyServer("success", stories={"gone-try1": ["running", 410]})
    told = events(name, "airflow_worker.py", tmp_path, [ordered("gone", server, deferrable=True, retries=1)])
    server.close()

    assert [event for event, _ in told["gone"]].count("posted") == posts
    assert told["gone"][-1] == ("ended", "success" if posts == 2 else "failed")


@pytest.mark.long
@pytest.mark.parametrize("name", AIRFLOWS)
def test_what_the_readme_says_of_stock_operators(name: str, tmp_path: Path) -> None:
    """Green at submit without a polling interval; 5xx and `recovering` fail a task; killing what is gone fails."""
    server = LivyServer(
        "running",
        stories={
            "sync-try1": ["running", 502, "running"],
            "deferred-try1": ["running", 502, 502, "success"],
            "thrice-try1": ["running", 502, 502, 502, "success"],
            "recovering-try1": ["running", "recovering", "running"],
        },
    )
    server.delete_status = 410
    orders = [
        ordered("blind", server, polling=0),
        ordered("sync", server),
        ordered("deferred", server, deferrable=True),
        ordered("thrice", server, deferrable=True),
        ordered("recovering", server),
        ordered("killed", server, limit=2),
    ]
    told = events(name, "airflow_worker.py", tmp_path, orders)
    server.close()

    assert {key: events[-1][1] for key, events in told.items() if key} == {
        "blind": "success",
        "sync": "failed",
        "deferred": "success",
        "thrice": "failed",
        "recovering": "failed",
        "killed": "failed",
    }
    assert "'recovering' is not a valid BatchState" in (tmp_path / "recovering.log").read_text()
    assert "Could not kill the batch" in (tmp_path / "killed.log").read_text()


def test_the_python_client_tells_what_it_is_told(tmp_path: Path) -> None:
    server = LivyServer("running", "success", stories={"gone-try1": [410], "killed-try1": ["running"]})
    told = events(
        "python-livy",
        "livy_worker.py",
        tmp_path,
        [ordered("well", server), ordered("gone", server, retries=1), ordered("killed", server, limit=1)],
    )
    server.close()

    assert [event for event, _ in told["well"]] == ["posted", "terminated", "try ended", "ended"]
    assert [event for event, _ in told["gone"]].count("posted") == 2
    assert ("status", 410) in told["gone"]
    assert told["killed"][-1] == ("ended", "success")
    assert len(server.deleted) == 1
