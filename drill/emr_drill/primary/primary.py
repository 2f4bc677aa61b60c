"""A primary and its nodes, made of simulated services."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import emr_drill
from emr_drill.ports import PrimaryPlan, Service, StepResult
from emr_drill.primary.shims import ScriptHost
from emr_drill.primary.simulated.batches import hdfs_root
from emr_drill.primary.simulated.configuration import NODE_PORT, SUBMIT_PORT, Configuration
from emr_drill.primary.simulated.hdfs_command import HdfsCommand

START_SECONDS = 30.0  # machine time; a process starts in a fraction of one second
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.02
LOG_LINES = 20
LIVY_UNITS = ("livy-server", "livy-server.service")
NODES = "nodes"
_MODULES = {
    Service.NAME_NODE: "name_node",
    Service.RESOURCE_MANAGER: "resource_manager",
    Service.LIVY: "livy",
    NODES: "nodes",
}


class SimulatedPrimaryFactory:
    """Makes primaries of simulated services; needs nothing but Python."""

    def check(self) -> None:
        """Nothing can be missing."""

    def create(self, plan: PrimaryPlan) -> SimulatedPrimary:
        """A primary that is not started yet.

        Raises:
            ValueError: a setting of the plan cannot be read.
        """
        return SimulatedPrimary(plan, configuration=Configuration.of(plan))


class SimulatedPrimary:
    """Four processes in sessions of their own: NameNode, ResourceManager, Livy, and all nodes."""

    def __init__(self, plan: PrimaryPlan, *, configuration: Configuration) -> None:
        self._plan = plan
        self._configuration = configuration
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.RLock()
        self._terminated = False
        files = hdfs_root(plan.directory)
        self._scripts = ScriptHost(
            directory=plan.directory,
            address=plan.address,
            commands={
                "systemctl": self._systemctl,
                "hdfs": HdfsCommand(
                    directory=plan.directory, files=files, up=lambda: self.running()[Service.NAME_NODE]
                ),
            },
        )
        self._ports = {
            Service.NAME_NODE: (configuration.name_node_port,),
            Service.RESOURCE_MANAGER: (configuration.resource_manager_port, SUBMIT_PORT),
            Service.LIVY: (configuration.livy_port,),
            NODES: (NODE_PORT,),
        }

    @property
    def address(self) -> str:
        """What the services listen on."""
        return self._plan.address

    def start(self) -> None:
        """Start the services and return when they answer.

        Raises:
            RuntimeError: one does not; carries the end of its log.
        """
        hdfs_root(self._plan.directory).mkdir(parents=True, exist_ok=True)
        self._scripts.start()
        for name in _MODULES:
            self._spawn(name)
        for name in _MODULES:
            self._wait_for(name)

    def run_script(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Run a step's shell script and wait for it."""
        return self._scripts.run(script, arguments)

    def kill(self, services: Sequence[Service]) -> None:
        """SIGKILL *services*; containers live on."""
        with self._lock:
            processes = [self._processes[service] for service in services if service in self._processes]
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()

    def running(self) -> Mapping[Service, bool]:
        """Which services have a live process."""
        return {service: self._alive(service) for service in Service}

    def set_safe_mode(self, on: bool) -> None:
        """Put HDFS into safe mode, or take it out."""
        with self._lock:
            self._processes[Service.NAME_NODE].send_signal(signal.SIGUSR1 if on else signal.SIGUSR2)

    def terminate(self) -> None:
        """Kill everything, containers too; a second time does nothing."""
        with self._lock:
            self._terminated = True
            processes = list(self._processes.values())
            for process in processes:
                process.kill()
        self._scripts.close()
        for process in processes:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _alive(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def _log(self, name: str) -> Path:
        return self._plan.directory / "var" / "log" / f"{_MODULES[name]}.log"

    def _spawn(self, name: str) -> None:
        with self._lock:
            if self._terminated:
                raise RuntimeError(f"{self._plan.cluster_id} is terminated, {name} cannot start")
            if (before := self._processes.pop(name, None)) is not None and before.stdin is not None:
                before.stdin.close()
            with self._log(name).open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [
                        sys.executable,
                        "-S",
                        "-m",
                        f"emr_drill.primary.simulated.{_MODULES[name]}",
                        self._configuration.to_json(),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={
                        "PATH": os.defpath,
                        "PYTHONPATH": str(Path(emr_drill.__file__).parents[1]),
                        "PYTHONDONTWRITEBYTECODE": "1",
                        "EMR_DRILL_MACHINE": str(self._plan.directory),
                    },
                )

    def _wait_for(self, name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not all(_connects(self.address, port) for port in self._ports[name]):
            if not self._alive(name) or time.monotonic() > deadline:
                lines = self._log(name).read_text(errors="replace").splitlines()[-LOG_LINES:]
                raise RuntimeError(f"{_MODULES[name]} of {self._plan.cluster_id} does not start:\n" + "\n".join(lines))
            time.sleep(LOOK_SECONDS)

    def _systemctl(self, arguments: Sequence[str], _given: str) -> tuple[int, str]:
        words = [one for one in arguments if not one.startswith("-")]
        if len(words) != 2 or words[1] not in LIVY_UNITS:
            return 5, f"Unit {' '.join(words[1:]) or '(none)'} could not be found.\n"
        match words[0]:
            case "stop":
                self._stop_livy()
            case "start":
                if not self._alive(Service.LIVY):
                    self._start_livy()
            case "restart":
                self._stop_livy()
                self._start_livy()
            case "is-active" | "status":
                alive = self._alive(Service.LIVY)
                return (0, "active\n") if alive else (3, "inactive\n")
            case other:
                return 1, f"Unknown command verb {other}.\n"
        return 0, ""

    def _start_livy(self) -> None:
        self._spawn(Service.LIVY)
        self._wait_for(Service.LIVY)

    def _stop_livy(self) -> None:
        process = self._processes.get(Service.LIVY)
        if process is None or process.poll() is not None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
        process.kill()
        process.wait()


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True
