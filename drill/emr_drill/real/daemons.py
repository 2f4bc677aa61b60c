"""Starts, kills and waits for the Java daemons of one real primary."""

from __future__ import annotations

import http.client
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emr_drill.ports import PrimaryPlan
from emr_drill.real import configuration
from emr_drill.real.install import HADOOP_JARS, HADOOP_WEB, java, livy_jars

START_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 60.0
# Small heaps and the cheapest compiler: a drill has up to three primaries on two cores.
JAVA_OPTIONS = ("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# Hadoop 3.4 on Java 17.
OPENED = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """One daemon.

    Attributes:
        name: name of its log.
        main: Java class.
        port: port that answers HTTP once it is up; ``None`` to wait for nothing.
        path: what to ask there.
    """

    name: str
    main: str
    port: int | None
    path: str = "/"


NAME_NODE = Daemon(
    name="name-node", main="org.apache.hadoop.hdfs.server.namenode.NameNode", port=9870, path="/jmx?qry=none"
)
DATA_NODE = Daemon(name="data-node", main="org.apache.hadoop.hdfs.server.datanode.DataNode", port=None)
RESOURCE_MANAGER = Daemon(
    name="resource-manager",
    main="org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    port=8088,
    path="/ws/v1/cluster/info",
)
NODE_MANAGER = Daemon(
    name="node-manager",
    main="org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    port=8042,
    path="/ws/v1/node/info",
)
LIVY = Daemon(name="livy", main="org.apache.livy.server.LivyServer", port=8998, path="/version")


class Daemons:
    """The daemons of one primary.

    Args:
        plan: the primary.
        environment: of every process.
    """

    def __init__(self, *, plan: PrimaryPlan, environment: Mapping[str, str]) -> None:
        self._plan = plan
        self._environment = dict(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def format_name_node(self) -> None:
        """Make an empty file system.

        Raises:
            RuntimeError: it failed; carries the log's end.
        """
        done = subprocess.run(
            [*self._command(NAME_NODE), "-format", "-force", "-nonInteractive"],
            env=self._environment,
            cwd=self._plan.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"formatting HDFS of {self._plan.name} failed:\n{done.stderr[-2000:]}")

    def start(self, daemon: Daemon) -> None:
        """Start *daemon* without waiting for it."""
        log = self._log(daemon)
        with log.open("ab") as output:
            self._processes[daemon.name] = subprocess.Popen(
                self._command(daemon),
                env=self._environment,
                cwd=self._plan.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self, daemon: Daemon) -> None:
        """Wait until *daemon* answers.

        Raises:
            RuntimeError: it ended or did not answer in time; carries the log's end.
        """
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while time.monotonic() < deadline:
            process = self._processes[daemon.name]
            if process.poll() is not None:
                break
            if daemon.port is None or answers(self._plan.address, daemon.port, daemon.path):
                return
            time.sleep(0.2)
        tail = self._log(daemon).read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{daemon.name} of {self._plan.name} did not come up on {self._plan.address}:\n{tail}")

    def running(self, daemon: Daemon) -> bool:
        """Whether its process lives."""
        process = self._processes.get(daemon.name)
        return process is not None and process.poll() is None

    def kill(self, daemon: Daemon, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal and, for one that ends it, wait for the end (its port is free then).

        A daemon that does not end in a minute of SIGTERM, a frozen one say, gets SIGKILL.
        """
        self.send(daemon, signal_number)
        if signal_number == signal.SIGTERM and not self.ended(daemon, STOP_LIMIT_SECONDS):
            self.send(daemon, signal.SIGKILL)
        if signal_number in (signal.SIGKILL, signal.SIGTERM):
            self.ended(daemon, STOP_LIMIT_SECONDS)

    def send(self, daemon: Daemon, signal_number: int) -> None:
        """Send a signal; nothing if its process is dead."""
        if self.running(daemon):
            self._processes[daemon.name].send_signal(signal_number)

    def ended(self, daemon: Daemon, seconds: float) -> bool:
        """Wait for the end of its process, at most *seconds* of machine time; whether it came."""
        process = self._processes.get(daemon.name)
        try:
            return process is None or process.wait(seconds) is not None
        except subprocess.TimeoutExpired:
            return False

    def _log(self, daemon: Daemon) -> Path:
        return self._plan.directory / "logs" / f"{daemon.name}.log"

    def _command(self, daemon: Daemon) -> Sequence[str]:
        hadoop = configuration.hadoop_directory(self._plan)
        options = (*JAVA_OPTIONS, f"-Djava.io.tmpdir={self._plan.directory / 'tmp'}")
        if daemon is LIVY:
            path = f"{configuration.livy_directory(self._plan)}:{livy_jars()}/*:{hadoop}"
            return [java(), *options, "-cp", path, daemon.main]
        path = f"{hadoop}:{HADOOP_WEB}:{HADOOP_JARS}/*"
        home = f"-Dhadoop.home.dir={HADOOP_JARS.parent}"
        return [java(), *options, home, *OPENED, "-cp", path, daemon.main]


def answers(address: str, port: int, path: str) -> bool:
    """Whether an HTTP server answers there with anything below 500."""
    connection = http.client.HTTPConnection(address, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
