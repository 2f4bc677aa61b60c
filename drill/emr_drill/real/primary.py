"""A primary and its one node, made of real Livy, YARN, HDFS and Spark on a loopback address."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from emr_drill.ports import PrimaryPlan, Service, StepResult
from emr_drill.primary.shims import ScriptHost
from emr_drill.real import configuration, install
from emr_drill.real.daemons import (
    DATA_NODE,
    JAVA_OPTIONS,
    LIVY,
    NAME_NODE,
    NODE_MANAGER,
    OPENED,
    RESOURCE_MANAGER,
    Daemon,
    Daemons,
)
from emr_drill.real.install import HADOOP_JARS
from emr_drill.real.leash import kill_marked

SERVICES: Mapping[Service, Daemon] = {
    Service.LIVY: LIVY,
    Service.RESOURCE_MANAGER: RESOURCE_MANAGER,
    Service.NAME_NODE: NAME_NODE,
}
LIVY_UNITS = ("livy-server", "livy-server.service")
# Where Livy keeps batches and sessions; on a primary the package's own directories, here made at the start.
FOLDERS = ("mnt", "tmp", "logs/containers", "var/lib/livy")


class RealPrimaryFactory:
    """Makes primaries of real services; needs Java and what ``emr-dr real-services install`` fetched."""

    def check(self) -> None:
        """Raise DrillError, with the remedy, if Java or the services are missing."""
        install.check()

    def create(self, plan: PrimaryPlan) -> RealPrimary:
        """A primary that is not started yet."""
        return RealPrimary(plan)


class RealPrimary:
    """NameNode, ResourceManager and Livy, and a node with DataNode and NodeManager; about 1 GiB without jobs."""

    def __init__(self, plan: PrimaryPlan) -> None:
        self._plan = plan
        java = Path(install.java()).resolve()
        self._environment = configuration.environment(plan, java_home=str(java.parents[1]))
        self._daemons = Daemons(plan=plan, environment=self._environment)
        self._lock = threading.RLock()
        self._terminated = False
        self._leash: subprocess.Popen[bytes] | None = None
        self._scripts = ScriptHost(
            directory=plan.directory,
            address=plan.address,
            commands={"systemctl": self._systemctl, "hdfs": self._hdfs},
        )

    @property
    def address(self) -> str:
        """What the services listen on."""
        return self._plan.address

    def start(self) -> None:
        """Start the services and return when they answer.

        Raises:
            RuntimeError: one does not; carries the end of its log.
        """
        for folder in FOLDERS:
            (self._plan.directory / folder).mkdir(parents=True, exist_ok=True)
        configuration.write(self._plan)
        with self._lock:
            self._check_alive()
            self._leash = subprocess.Popen(
                [sys.executable, "-m", "emr_drill.real.leash", str(self._plan.directory)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        self._scripts.start()
        self._daemons.format_name_node()
        for daemon in (NAME_NODE, RESOURCE_MANAGER, DATA_NODE, NODE_MANAGER):
            self._spawn(daemon)
        for daemon in (NAME_NODE, RESOURCE_MANAGER, DATA_NODE, NODE_MANAGER):
            self._daemons.wait(daemon)
        self._start_livy()

    def run_script(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Run a step's shell script and wait for it."""
        return self._scripts.run(script, arguments)

    def kill(self, services: Sequence[Service]) -> None:
        """SIGKILL *services*; the node and its containers live on."""
        with self._lock:
            for service in services:
                self._daemons.kill(SERVICES[service])

    def running(self) -> Mapping[Service, bool]:
        """Which services have a live process."""
        return {service: self._daemons.running(daemon) for service, daemon in SERVICES.items()}

    def terminate(self) -> None:
        """Kill everything, containers too; a second time does nothing."""
        with self._lock:
            if self._terminated:
                return
            self._terminated = True
            for daemon in (*SERVICES.values(), NODE_MANAGER, DATA_NODE):
                self._daemons.kill(daemon)
        self._scripts.close()
        kill_marked(str(self._plan.directory))
        if self._leash is not None and self._leash.stdin is not None:
            self._leash.stdin.close()
            self._leash.wait(timeout=30)

    def _spawn(self, daemon: Daemon) -> None:
        with self._lock:
            self._check_alive()
            self._daemons.start(daemon)

    def _check_alive(self) -> None:
        if self._terminated:
            raise RuntimeError(f"{self._plan.cluster_id} is terminated, nothing can start there")

    def _start_livy(self) -> None:
        if not self._daemons.running(LIVY):
            self._spawn(LIVY)
            self._daemons.wait(LIVY)

    def _systemctl(self, arguments: Sequence[str], _given: str) -> tuple[int, str]:
        words = [one for one in arguments if not one.startswith("-")]
        if len(words) != 2 or words[1] not in LIVY_UNITS:
            return 5, f"Unit {' '.join(words[1:]) or '(none)'} could not be found.\n"
        match words[0]:
            case "stop":
                self._daemons.kill(LIVY, signal.SIGTERM)
            case "start":
                self._start_livy()
            case "restart":
                self._daemons.kill(LIVY, signal.SIGTERM)
                self._start_livy()
            case "is-active" | "status":
                return (0, "active\n") if self._daemons.running(LIVY) else (3, "inactive\n")
            case other:
                return 1, f"Unknown command verb {other}.\n"
        return 0, ""

    def _hdfs(self, arguments: Sequence[str], given: str) -> tuple[int, str]:
        """The real ``hdfs dfs``."""
        if not arguments or arguments[0] != "dfs":
            return 1, f"hdfs: only dfs is here, got {list(arguments)}\n"
        path = f"{configuration.hadoop_directory(self._plan)}:{HADOOP_JARS}/*"
        done = subprocess.run(
            [install.java(), *JAVA_OPTIONS, *OPENED, "-cp", path, "org.apache.hadoop.fs.FsShell", *arguments[1:]],
            input=given,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr
