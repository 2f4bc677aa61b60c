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
from emr_drill.primary.simulated.process import slow_file
from emr_drill.primary.systemd import Unit

START_SECONDS = 30.0  # machine time; a process starts in a fraction of one second
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.02
LOG_LINES = 20
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
        self._leashes: dict[str, subprocess.Popen[bytes]] = {}  # of frozen services
        self._livy = Unit(_LivyProcess(self), stop_seconds=STOP_SECONDS)
        files = hdfs_root(plan.directory)
        self._scripts = ScriptHost(
            directory=plan.directory,
            address=plan.address,
            commands={
                "systemctl": self._livy.systemctl,
                "hdfs": HdfsCommand(directory=plan.directory, files=files, up=self._name_node_answers),
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
            for service in services:
                self._unleash(service)
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()

    def freeze(self, services: Sequence[Service]) -> None:
        """SIGSTOP *services*: they take connections and answer nothing."""
        with self._lock:
            for service in services:
                if self._alive(service) and service not in self._leashes:
                    self._leashes[service] = _leash(self._processes[service].pid)
                    self._processes[service].send_signal(signal.SIGSTOP)

    def thaw(self, services: Sequence[Service]) -> None:
        """SIGCONT *services*."""
        with self._lock:
            for service in services:
                self._unleash(service)
                if self._alive(service):
                    self._processes[service].send_signal(signal.SIGCONT)

    def revive(self, service: Service) -> None:
        """Start *service* if it is dead and return when it answers.

        Raises:
            RuntimeError: it does not answer, or the machine is gone.
        """
        with self._lock:
            if self._alive(service):
                return
            self._spawn(service)
        self._wait_for(service)

    def running(self) -> Mapping[Service, bool]:
        """Which services have a live process, frozen or not."""
        return {service: self._alive(service) for service in Service}

    def set_safe_mode(self, on: bool) -> None:
        """Put HDFS into safe mode, or take it out.

        Raises:
            RuntimeError: the NameNode is dead.
        """
        with self._lock:
            if not self._alive(Service.NAME_NODE):
                raise RuntimeError(f"the NameNode of {self._plan.cluster_id} is dead and has no safe mode")
            self._processes[Service.NAME_NODE].send_signal(signal.SIGUSR1 if on else signal.SIGUSR2)

    def stop_nodes(self) -> None:
        """Stop every node: they sign off at the ResourceManager, their containers die."""
        with self._lock:
            process = self._processes.get(NODES)
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            process.wait()

    def slow(self, seconds: float) -> None:
        """Let every answer of Livy, ResourceManager and NameNode take *seconds* of machine time longer."""
        new = slow_file(self._plan.directory).with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(slow_file(self._plan.directory))

    def terminate(self) -> None:
        """Kill everything, containers too; a second time does nothing."""
        with self._lock:
            self._terminated = True
            for service in list(self._leashes):
                self._unleash(service)
            processes = list(self._processes.values())
            for process in processes:
                process.kill()
        self._scripts.close()
        for process in processes:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _unleash(self, name: str) -> None:
        """A frozen service goes on, or its end is seen to."""
        if (leash := self._leashes.pop(name, None)) is not None:
            leash.kill()
            leash.wait()
            if leash.stdin is not None:
                leash.stdin.close()

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

    def _name_node_answers(self) -> bool:
        return self._alive(Service.NAME_NODE) and Service.NAME_NODE not in self._leashes


class _LivyProcess:
    """Livy's process as systemd sees it."""

    def __init__(self, primary: SimulatedPrimary) -> None:
        self._primary = primary

    def alive(self) -> bool:
        return self._primary._alive(Service.LIVY)

    def start(self) -> None:
        self._primary.revive(Service.LIVY)

    def send(self, number: signal.Signals) -> None:
        with self._primary._lock:
            if number in (signal.SIGCONT, signal.SIGKILL):
                self._primary._unleash(Service.LIVY)
            if self.alive():
                self._primary._processes[Service.LIVY].send_signal(number)

    def ended(self, seconds: float) -> bool:
        process = self._primary._processes.get(Service.LIVY)
        try:
            return process is None or process.wait(seconds) is not None
        except subprocess.TimeoutExpired:
            return False


def _leash(process: int) -> subprocess.Popen[bytes]:
    """What kills a frozen process when the drill is gone, however it went: a frozen one cannot see to that itself."""
    return subprocess.Popen(
        ["sh", "-c", f"read -r _; kill -KILL {process}"], stdin=subprocess.PIPE, start_new_session=True
    )


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True
