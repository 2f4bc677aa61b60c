"""One warm process of a function, and what is asked of it.

The process runs :mod:`emr_drill.stand_in.function_bootstrap`; its head describes the lines that go to and fro.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emr_drill.clock import Clock
from emr_drill.stand_in import function_bootstrap

BOOTSTRAP = Path(function_bootstrap.__file__)
# How long a process may take to load its handler, in machine seconds: it is the machine's own work.
START_LIMIT_SECONDS = 60.0
# An invocation is not killed sooner, in machine seconds: with a fast clock a minute's limit is two seconds here, and
# what takes these on a busy machine is the machine's own work.  Who is killed for it is replaced by a process that has
# to be started, which makes the machine busier still.
LEAST_LIMIT_SECONDS = 10.0
LONGEST_EVENT_AGE_SECONDS = 6 * 3600.0  # Lambda's maximum and default


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """What a process is made from: one function as it is deployed now.

    Attributes:
        name: function name.
        arn: function ARN.
        handler: ``module.function``.
        timeout: time limit of one invocation, in seconds.
        memory: in MB; told to the function, not enforced.
        environment: the function's own variables.
        code_sha256: identifies *code*.
        code: the zip.
        region: AWS region.
        version: ``$LATEST`` or a number.
        concurrency: how many invocations may run at once; None for no limit.
        runtime: ``python3.14``; told to the function, which runs on the drill's own Python.
        attempts: how many more times a failed asynchronous invocation is tried.
        event_age: how many seconds an event waits for its invocation before it is dropped.
        dead_letters: ARN of the queue or topic that gets dropped events; empty for none.
        role: ARN of the role that its calls are made with.
    """

    name: str
    arn: str
    handler: str
    timeout: float
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    code_sha256: str
    code: bytes = field(repr=False)
    region: str = "us-east-1"
    version: str = "$LATEST"
    concurrency: int | None = None
    runtime: str = "python3.14"
    attempts: int = 2
    event_age: float = LONGEST_EVENT_AGE_SECONDS
    dead_letters: str = ""
    role: str = ""

    @property
    def revision(self) -> tuple[object, ...]:
        """Equal for two deployments of a function that one process can serve."""
        return (self.code_sha256, self.handler, self.memory, self.version, tuple(sorted(self.environment.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an invocation ended.

    Attributes:
        payload: JSON text: what the handler returned, or Lambda's error object.
        failed: whether *payload* is an error object.
    """

    payload: str
    failed: bool = False


def error_answer(*, kind: str, message: str, request_id: str) -> Answer:
    """The answer that Lambda itself gives in place of a function that could not."""
    return Answer(
        payload=json.dumps({"errorMessage": f"RequestId: {request_id} Error: {message}", "errorType": kind}),
        failed=True,
    )


class FunctionProcess:
    """A process that has loaded one function's handler and serves one invocation at a time."""

    def __init__(self, *, function: Function, clock: Clock, environment: Mapping[str, str], log: Path) -> None:
        """Start the process; :meth:`start` waits until its handler is loaded.

        Args:
            function: what it serves.
            clock: the drill's time.
            environment: the whole environment, the bootstrap's variables too.
            log: file that output is appended to.
        """
        self.function = function
        self.access_key = environment.get("AWS_ACCESS_KEY_ID", "")
        self._clock = clock
        self._unread = b""
        self._ending = threading.Lock()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(BOOTSTRAP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=dict(environment),
                cwd=environment["LAMBDA_TASK_ROOT"],
                start_new_session=True,  # Ctrl-C at the drill's terminal is the drill's, not the function's
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    @property
    def id(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return self._process.poll() is None

    def start(self, request_id: str) -> Answer | None:
        """Wait until the handler is loaded; the error answer if it cannot be."""
        line = self._read(START_LIMIT_SECONDS)
        ready = json.loads(line) if line else {}
        if ready.get("ready"):
            return None
        self.kill()
        if "error" in ready:
            return Answer(payload=json.dumps(_import_error(ready["error"], self.function.handler)), failed=True)
        return self._ended(request_id)

    def call(self, event: str, *, request_id: str) -> Answer:
        """Serve one invocation.

        The function's time limit is counted in the drill's time; a process that exceeds it is killed, as in Lambda, but
        not before it had :data:`LEAST_LIMIT_SECONDS` of the machine.

        Args:
            event: JSON text.
            request_id: AWS request id.
        """
        limit = self.function.timeout
        request = {"id": request_id, "arn": self.function.arn, "event": event, "deadline": self._clock.now() + limit}
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError):  # it died, or was killed, since the last invocation
            return self._ended(request_id)
        line = self._read(max(LEAST_LIMIT_SECONDS, self._clock.machine_seconds(limit)))
        if line is None:
            self.kill()
            message = f"Task timed out after {limit:.2f} seconds"
            return error_answer(kind="Sandbox.Timedout", message=message, request_id=request_id)
        if not line:
            return self._ended(request_id)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            return Answer(payload=json.dumps(answer["error"]), failed=True)
        return Answer(payload=answer["payload"])

    def crashed(self, request_id: str) -> Answer:
        """Kill the process while it serves an invocation; the answer that Lambda gives in its place."""
        return self._ended(request_id)

    def kill(self) -> None:
        """End the process and everything it started, and wait for it.  May be called more than once."""
        with self._ending:
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended just now
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Kill the process and give back its pipes; only when nobody waits for an answer any more."""
        self.kill()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):  # a request that was never read
                pipe.close()

    def _read(self, limit: float) -> bytes | None:
        """One line, empty if the process has ended, None if none came within *limit* machine seconds."""
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                piece = os.read(self._answers.fileno(), 1 << 16)
                if not piece:
                    return b""
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _ended(self, request_id: str) -> Answer:
        self.kill()
        code = self._process.returncode
        how = f"signal: {(signal.strsignal(-code) or str(-code)).lower()}" if code < 0 else f"exit status {code}"
        message = f"Runtime exited with error: {how}"
        return error_answer(kind="Runtime.ExitError", message=message, request_id=request_id)


def _import_error(error: dict[str, Any], handler: str) -> dict[str, Any]:
    """Lambda's own words for a handler that cannot be loaded."""
    module, _, name = handler.rpartition(".")
    if error["errorType"] in ("ImportError", "ModuleNotFoundError"):
        message = f"Unable to import module '{module}': {error['errorMessage']}"
        return {**error, "errorType": "Runtime.ImportModuleError", "errorMessage": message}
    if error["errorType"] == "AttributeError" and f"'{name}'" in error["errorMessage"]:
        message = f"Handler '{name}' missing on module '{module}'"
        return {**error, "errorType": "Runtime.HandlerNotFound", "errorMessage": message}
    return error
