"""Environments with Airflow and the wheel as it is built, and jobs that are run in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr_drill.airflow_matrix.clients import python
from emr_drill.clients.worker import FOLDER

VERSIONS = ("3.0.6", "2.11.0")
OPERATOR = "emr_dr_airflow.operators:EmrLivyOperator"
LIMIT_SECONDS = 300
HERE = Path(__file__).parent


@dataclass(kw_only=True)
class Ran:
    """What became of one job.

    Attributes:
        state: of its DAG run.
        events: what the worker told, in order.
        log: everything that was logged.
    """

    state: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    log: str = ""

    @property
    def xcoms(self) -> dict[str, Any]:
        """What its task left."""
        return next((one["xcoms"] for one in self.events if one["event"] == "left"), {})

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The lines of JSON that tell of its end."""
        decoder, found = json.JSONDecoder(), []
        for line in self.log.splitlines():
            start = line.find('{"application_id"')
            if start >= 0 and '"emr_dr_job"' in line:
                report = decoder.raw_decode(line[start:])[0]
                if report not in found:  # one message comes through several loggers
                    found.append(report)
        return found

    @property
    def metrics(self) -> list[str]:
        """The names of what was counted, without those that have the pipeline in them."""
        return [one["name"] for one in self.events if one["event"] == "metric" and one["tags"]]


def order(key: str, host: str, *, seconds: int = 10, ends: str = "succeed", **changes: Any) -> dict[str, Any]:
    """One job, which takes so many simulated seconds; *changes* are for the worker's order."""
    return {
        **{"key": key, "host": host, "port": 8998, "extra": {"timeout": 2}, "file": "file:///job.py"},
        **{"args": [key, str(seconds), ends], "conf": {"spark.yarn.tags": "mine"}, "polling": 1, "deferrable": False},
        **{"retries": 0, "retry_delay": 0.1, "limit": None, "operator": OPERATOR, "options": {}},
        **changes,
    }


def both(key: str, host: str, **changes: Any) -> list[dict[str, Any]]:
    """The same job synchronous and deferrable; the key of the latter ends in ``-d``."""
    return [order(key, host, **changes), order(f"{key}-d", host, **changes, deferrable=True)]


class Jobs:
    """Orders that a worker carries out, all at once."""

    def __init__(self, version: str, home: Path, orders: Sequence[dict[str, Any]]) -> None:
        self._home = home
        self._orders = orders
        command = [str(python(version)), "-P", str(HERE / "worker_with_provider.py")]
        self._process = subprocess.Popen(
            [*command, str(FOLDER / "airflow_worker.py"), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        )

    def result(self) -> dict[str, Ran]:
        """What became of each, by key."""
        lines = "".join(json.dumps(one) + "\n" for one in self._orders)
        try:
            told, complaints = self._process.communicate(lines, timeout=LIMIT_SECONDS)
        finally:
            self._process.kill()
        found = {one["key"]: Ran() for one in self._orders}
        for line in map(json.loads, told.splitlines()):
            if line["job"]:
                found[line["job"]].events.append(line)
        for key, ran in found.items():
            log = self._home / f"{key}.log"
            ran.log = log.read_text(errors="replace") if log.is_file() else complaints
            ran.state = next((one["state"] for one in ran.events if one["event"] == "ended"), "")
        return found


def run(version: str, home: Path, orders: Sequence[dict[str, Any]]) -> dict[str, Ran]:
    """Carry out *orders* and wait for them."""
    return Jobs(version, home, orders).result()


def check(version: str, home: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder in an environment."""
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [str(python(version)), "-P", str(HERE / script), str(home), *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
    )


if __name__ == "__main__":
    for each in sys.argv[1:] or VERSIONS:
        print(python(each))
