"""Runs the shell scripts of EMR steps, unchanged, on a directory that stands for a machine.

The scripts are those that run on a real primary.  What they cannot have here - other users, systemd, HDFS's command
line, the root of a file system - is answered by shims, found first in PATH; see ``shim_command.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from emr_drill.ports import StepResult
from emr_drill.primary import shim_command

# Commands that get a shim; every other one is the machine's own.
COMMANDS = (
    *shim_command.CONTROLLED,
    *("sudo", "runuser", "chown", "chmod", "install", "mkdir", "rm", "mv", "cp", "ln", "tee", "touch", "cat", "test"),
    *("ls", "stat", "find", "grep", "sed"),
)
LIMIT_SECONDS = 180  # machine time; a script that hangs must not hang the drill
KEPT_OUTPUT = 20_000

# Gets arguments (without the command's name) and standard input; gives exit code and output.
Command = Callable[[Sequence[str], str], tuple[int, str]]


class ScriptHost:
    """A machine as scripts see it.

    Args:
        directory: the machine's root directory.
        address: the machine's address.
        commands: what answers for ``systemctl`` and ``hdfs``.
        environment: more variables for scripts.
    """

    def __init__(
        self,
        *,
        directory: Path,
        address: str,
        commands: Mapping[str, Command],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = directory.absolute()
        self._address = address
        self._commands = commands
        self._environment = dict(environment or {})
        self._shims = self._directory / "shims"
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._server: _ControlServer | None = None

    def start(self) -> None:
        """Make the shims and answer them."""
        for folder in ("shims", "tmp", "home/hadoop", "etc", "var/lib", "var/log"):
            (self._directory / folder).mkdir(parents=True, exist_ok=True)
        for name in COMMANDS:
            shim = self._shims / name
            shim.write_text(
                f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S "
                f'{shlex.quote(str(Path(shim_command.__file__).absolute()))} {name} "$@"\n'
            )
            shim.chmod(0o755)
        self._server = _ControlServer((self._address, 0), self._commands)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="machine control", daemon=True).start()

    def run(self, script: bytes, arguments: Sequence[str]) -> StepResult:
        """Run *script* with *arguments*, of which those that are paths of the machine are mapped, and wait for it."""
        file = self._directory / "tmp" / f"step-{os.urandom(4).hex()}.sh"
        file.write_bytes(script)
        root = str(self._directory)
        with self._lock:
            if self._closed:
                return StepResult(exit_code=-signal.SIGKILL, output="the machine is gone")
            assert self._server is not None, "start() comes first"
            host, port = self._server.server_address[:2]
            process = subprocess.Popen(
                ["bash", str(file), *(shim_command.mapped(argument, root) for argument in arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._directory / "home" / "hadoop",
                start_new_session=True,
                env={
                    "PATH": os.pathsep.join([str(self._shims), os.environ.get("PATH", os.defpath)]),
                    "HOME": str(self._directory / "home" / "hadoop"),
                    "USER": "hadoop",
                    "TMPDIR": str(self._directory / "tmp"),
                    "LANG": "C.UTF-8",
                    "EMR_DRILL_MACHINE": root,
                    "EMR_DRILL_SHIMS": str(self._shims),
                    "EMR_DRILL_CONTROL": f"{host!s}:{port}",
                    **self._environment,
                },
            )
            self._running.add(process)
        try:
            output, _ = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            output += f"\nkilled: still running after {LIMIT_SECONDS} s".encode()
        finally:
            with self._lock:
                self._running.discard(process)
        return StepResult(exit_code=process.returncode, output=output.decode(errors="replace")[-KEPT_OUTPUT:])

    def close(self) -> None:
        """End every script and stop answering."""
        with self._lock:
            self._closed = True
            running = list(self._running)
            server, self._server = self._server, None
        for process in running:
            _kill(process)
        if server is not None:
            server.shutdown()
            server.server_close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


class _ControlServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], commands: Mapping[str, Command]) -> None:
        self.commands = commands
        super().__init__(address, _ControlHandler)


class _ControlHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _ControlServer)
        try:
            asked = json.loads(self.rfile.readline())
            name, *arguments = asked["command"]
            exit_code, output = self.server.commands[name](arguments, asked["input"])
        except Exception as error:  # noqa: BLE001 - a step must fail with what went wrong, not hang
            exit_code, output = 1, f"{type(error).__name__}: {error}\n"
        self.wfile.write(json.dumps({"exit_code": exit_code, "output": output}).encode())
