"""A primary and its one node, made of real Livy, YARN, HDFS and Spark on a loopback address."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryPlan, Service, StepResult
from emr_drill.primary.shims import ScriptHost
from emr_drill.primary.systemd import Unit
from emr_drill.real import configuration, install
from emr_drill.real.daemons import (
    DATA_NODE,
    JAVA_OPTIONS,
    LIVY,
    NAME_NODE,
    NODE_MANAGER,
    OPENED,
    RESOURCE_MANAGER,
    STOP_LIMIT_SECONDS,
    Daemon,
    Daemons,
)
from emr_drill.real.install import HADOOP_JARS
from emr_drill.real.leash import containers, kill_marked

SERVICES: Mapping[Service, Daemon] = {
    Service.LIVY: LIVY,
    Service.RESOURCE_MANAGER: RESOURCE_MANAGER,
    Service.NAME_NODE: NAME_NODE,
}
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
            commands={
                "systemctl": Unit(_LivyProcess(self), stop_seconds=STOP_LIMIT_SECONDS).systemctl,
                "hdfs": self._hdfs,
            },
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
        self.revive(Service.LIVY)

    def run_script(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Run a step's shell script and wait for it."""
        return self._scripts.run(script, arguments)

    def kill(self, services: Sequence[Service]) -> None:
        """SIGKILL *services*; the node and its containers live on."""
        with self._lock:
            for service in services:
                self._daemons.kill(SERVICES[service])

    def freeze(self, services: Sequence[Service]) -> None:
        """SIGSTOP *services*: they take connections and answer nothing."""
        self._send(services, signal.SIGSTOP)

    def thaw(self, services: Sequence[Service]) -> None:
        """SIGCONT *services*."""
        self._send(services, signal.SIGCONT)

    def _send(self, services: Sequence[Service], number: signal.Signals) -> None:
        with self._lock:
            for service in services:
                self._daemons.send(SERVICES[service], number)

    def revive(self, service: Service) -> None:
        """Start *service* if it is dead and return when it answers.

        Raises:
            RuntimeError: it does not answer, or the machine is gone.
        """
        with self._lock:
            if self._daemons.running(SERVICES[service]):
                return
            self._spawn(SERVICES[service])
        self._daemons.wait(SERVICES[service])

    def set_safe_mode(self, on: bool) -> None:
        """Put HDFS into safe mode, or take it out, by its own command line.

        Raises:
            RuntimeError: the NameNode does not do it.
        """
        code, output = self._hadoop(
            "org.apache.hadoop.hdfs.tools.DFSAdmin", ["-safemode", "enter" if on else "leave"], ""
        )
        if code != 0:
            raise RuntimeError(
                f"the NameNode of {self._plan.cluster_id} did not change its safe mode:\n{output[-2000:]}"
            )

    def stop_nodes(self) -> None:
        """Stop the NodeManager, which signs off at the ResourceManager, and its containers."""
        self._daemons.kill(NODE_MANAGER, signal.SIGTERM)
        for _ in range(2):  # twice, as one that is just starting may be missed once
            for process in containers(str(self._plan.directory)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def slow(self, seconds: float) -> None:
        """Real services cannot be slowed.

        Raises:
            DrillError: always.
        """
        raise DrillError(
            f"real services cannot be made {seconds:g} s slower: nothing stands between them and their clients; "
            "use simulated services (--services simulated) for this fault"
        )

    def running(self) -> Mapping[Service, bool]:
        """Which services have a live process, frozen or not."""
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

    def _hdfs(self, arguments: Sequence[str], given: str) -> tuple[int, str]:
        """The real ``hdfs dfs``."""
        if not arguments or arguments[0] != "dfs":
            return 1, f"hdfs: only dfs is here, got {list(arguments)}\n"
        return self._hadoop("org.apache.hadoop.fs.FsShell", arguments[1:], given)

    def _hadoop(self, main: str, arguments: Sequence[str], given: str) -> tuple[int, str]:
        path = f"{configuration.hadoop_directory(self._plan)}:{HADOOP_JARS}/*"
        done = subprocess.run(
            [install.java(), *JAVA_OPTIONS, *OPENED, "-cp", path, main, *arguments],
            input=given,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


class _LivyProcess:
    """Livy's process as systemd sees it."""

    def __init__(self, primary: RealPrimary) -> None:
        self._primary = primary

    def alive(self) -> bool:
        return self._primary._daemons.running(LIVY)

    def start(self) -> None:
        self._primary.revive(Service.LIVY)

    def send(self, number: signal.Signals) -> None:
        self._primary._daemons.send(LIVY, number)

    def ended(self, seconds: float) -> bool:
        return self._primary._daemons.ended(LIVY, seconds)
