"""A stand-in for Java: a small program that answers on a daemon's port as the real one does when it is up."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from emr_drill.clock import Clock
from emr_drill.ports import PrimaryPlan
from emr_drill.real import configuration, daemons, install, primary

# Plain sockets, as importing an HTTP server takes longer than everything else here.
JAVA = """#!{python} -IS
import json, os, signal, socket, sys, time
note = open({notes!r}, "a", buffering=1)
words = sys.argv[1:]
if words == ["-version"]:
    sys.exit(print('openjdk version "17.0.1"', file=sys.stderr))
behaviour = json.load(open({behaviour!r}))
name = next(word for word in words if word.startswith("org.apache.")).rpartition(".")[2]
signal.signal(signal.SIGTERM, lambda *_: (note.write(f"{{name}} ended in peace\\n"), sys.exit(143)))
note.write(" ".join([name, *words[words.index(next(w for w in words if w.endswith("." + name))) + 1:]]) + "\\n")
print(name, "says hello", file=sys.stderr, flush=True)
if name == "FsShell":
    sys.exit(print("Found 0 items, and", sys.stdin.read()))
if name == "DFSAdmin" and name not in behaviour["dies"]:
    sys.exit(print("Safe mode is changed"))
if "-format" in words or name in behaviour["dies"]:
    sys.exit(1 if name in behaviour["dies"] else 0)
ports = {{"NameNode": 9870, "ResourceManager": 8088, "NodeManager": 8042, "LivyServer": 8998}}
if name not in ports:
    time.sleep(60)
with socket.create_server((os.environ["SPARK_LOCAL_IP"], ports[name])) as server:
    while True:
        with server.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{{}}")
"""

_hosts = itertools.count(10)


@dataclass(frozen=True, kw_only=True)
class FakeJava:
    """A Java installation.

    Attributes:
        home: JAVA_HOME.
        notes: what was started: the class's short name and its arguments, a line each.
    """

    home: Path
    notes: Path

    def started(self) -> list[str]:
        """What was started so far."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def dies(self, *names: str) -> None:
        """Let the daemons with these classes end at once."""
        (self.home / "behaviour.json").write_text(json.dumps({"dies": names}))


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeJava:
    """The Java that services run on, and installed jars that nobody reads."""
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    made = FakeJava(home=home, notes=home / "notes")
    program = home / "bin" / "java"
    program.write_text(
        JAVA.format(python=sys.executable, notes=str(made.notes), behaviour=str(home / "behaviour.json"))
    )
    program.chmod(0o755)
    made.dies()
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.delenv(install.LIVY_VARIABLE, raising=False)
    monkeypatch.setattr(daemons, "START_LIMIT_SECONDS", 20.0)
    return made


@pytest.fixture
def plan(tmp_path: Path) -> PrimaryPlan:
    """A primary on an address that no other test uses, as the template makes it."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return PrimaryPlan(
        cluster_id="j-1ABCDEFGHIJKL",
        name="emr-dr-active-passive-a-g2",
        address=f"127.{180 + worker % 10}.{1 + os.getpid() % 250}.{next(_hosts)}",
        directory=tmp_path / "machine",
        ledger=tmp_path / "ledger.jsonl",
        clock=Clock.start(speed=10),
        classifications={
            "livy-conf": {
                "livy.server.recovery.mode": "recovery",
                "livy.server.recovery.state-store.url": "file:///var/lib/livy/emr-dr/recovery",
                "livy.server.port": "1",
                "livy.spark.master": "yarn",
                "livy.spark.deploy-mode": "cluster",
            },
            "spark-defaults": {"spark.sql.shuffle.partitions": "400", "spark.executor.instances": "50"},
            "yarn-site": {"yarn.resourcemanager.am.max-attempts": "1"},
        },
    )


@pytest.fixture
def written(plan: PrimaryPlan) -> PrimaryPlan:
    """The plan of a primary whose configuration is written."""
    for folder in primary.FOLDERS:
        (plan.directory / folder).mkdir(parents=True, exist_ok=True)
    configuration.write(plan)
    return plan
