"""What runs functions: warm processes, cold starts, retries, faults.

A function has as many processes as it had invocations at the same time; an idle one is used again, else a new one
starts (a cold start, whose length comes from the drill's timing table).
"""

from __future__ import annotations

import io
import os
import threading
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from moto.awslambda.exceptions import LambdaClientError

from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.stand_in import function_bootstrap
from emr_drill.stand_in.crashes import BEFORE, DURING, Crashes
from emr_drill.stand_in.deliveries import Deliveries
from emr_drill.stand_in.function_process import Answer, Function, FunctionProcess
from emr_drill.timing import Event, Timing

RUNTIME_DIRECTORY = Path(__file__).parents[3] / "build" / "function-runtime"
NAMES_FILE = "names.json"
# How many processes of one drill load at once.  Loading is the machine's own work: more at a time come later, every
# invocation that meets none idle starts another, and a machine that is busy enough never again does anything else.
STARTS_AT_ONCE = os.cpu_count() or 1
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: a failed asynchronous invocation
# is tried again after one and after two more minutes; one that was not let in, 1 s to 5 min apart until it is too old.
RETRY_SECONDS = (60.0, 120.0)
FIRST_ADMISSION_SECONDS, LAST_ADMISSION_SECONDS = 1.0, 300.0


class NotAdmitted(LambdaClientError):
    """Lambda did not run the function; nothing of it happened."""


class Throttled(NotAdmitted):
    """Reserved concurrency is used up."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


class Unavailable(NotAdmitted):
    """The function cannot run at the moment (a fault of the drill)."""

    code = 500

    def __init__(self) -> None:
        super().__init__("ServiceException", "Internal Server Error")


class FunctionRuntime:
    """Runs functions.  Thread-safe."""

    def __init__(
        self,
        *,
        clock: Clock,
        timing: Timing,
        workdir: Path,
        endpoint: Callable[[], str],
        runtime_directory: Path = RUNTIME_DIRECTORY,
        on_log_line: Callable[[str, str], None] | None = None,
        on_failure: Callable[[str, Answer], None] | None = None,
        on_dropped: Callable[[Function, str], None] | None = None,
        crashes: Crashes | None = None,
        deliveries: Deliveries | None = None,
    ) -> None:
        """Prepare to run functions.

        Args:
            clock: the drill's time, which the functions live by.
            timing: how long cold starts take.
            workdir: code goes to ``functions/code``, output to ``functions/<name>.log``; host names are read from
                ``names.json``.
            endpoint: gives the URL that the functions' SDK calls go to; asked at each cold start.
            runtime_directory: packages that the Lambda runtime and its layers bring along.
            on_log_line: called with function name and line for each line of output, after the invocation that wrote it.
            on_failure: called with function name and answer after each invocation that failed.
            on_dropped: called with function and event when an asynchronous invocation is given up.
            crashes: invocations that shall die; none by default.
            deliveries: how often and how late an asynchronous invocation comes; once and at once by default.

        Raises:
            DrillError: *runtime_directory* does not exist.
        """
        if not runtime_directory.is_dir():
            raise DrillError(
                f"the packages of the Lambda runtime are missing: no directory {runtime_directory}; run `make setup`"
            )
        self._clock = clock
        self._timing = timing
        self._directory = workdir / "functions"
        self._names = workdir / NAMES_FILE
        self._endpoint = endpoint
        self._runtime_directory = runtime_directory
        self._on_log_line = on_log_line
        self._on_failure = on_failure
        self._on_dropped = on_dropped
        self._crashes = crashes or Crashes(now=clock.now, journal=[])
        self._deliveries = deliveries or Deliveries(clock)
        self._lock = threading.Lock()
        self._turns = threading.Condition(self._lock)
        self._starting = 0
        self._unpacking = threading.Lock()
        self._idle: dict[str, list[FunctionProcess]] = {}
        self._processes: set[FunctionProcess] = set()
        self._running: Counter[str] = Counter()
        self._blocked: set[str] = set()
        self._logs: dict[str, _Log] = {}
        self._closed = threading.Event()
        self._directory.mkdir(parents=True, exist_ok=True)

    def invoke(self, function: Function, event: str = "{}") -> Answer:
        """Run *function* and wait for its answer.

        Args:
            function: what to run.
            event: JSON text.

        Raises:
            NotAdmitted: it was not run.
        """
        self._admit(function)
        try:
            answer = self._run(function, event)
        finally:
            with self._lock:
                self._running[function.name] -= 1
        if answer.failed and self._on_failure is not None and not self._closed.is_set():
            self._on_failure(function.name, answer)
        return answer

    def invoke_later(self, function: Function, event: str = "{}") -> None:
        """Run *function* asynchronously, with Lambda's retries."""
        self._deliveries.deliver(lambda: self._deliver(function, event), name=f"asynchronous {function.name}")

    def crash(
        self, function_suffix: str, step: str | None = None, when: str = DURING, times: int = 1, calls: int = 1
    ) -> None:
        """Let the next invocations of a function die; see :meth:`emr_drill.stand_in.crashes.Crashes.plan`."""
        self._crashes.plan(function_suffix, step, when, times, calls)

    def block(self, name: str) -> None:
        """Make a function impossible to run, as when its AZ is gone; what runs of it is killed."""
        with self._lock:
            self._blocked.add(name)
            processes = [process for process in self._processes if process.function.name == name]
        for process in processes:
            process.kill()

    def unblock(self, name: str) -> None:
        """Let a blocked function run again."""
        with self._lock:
            self._blocked.discard(name)

    def cut_network(self, name: str) -> None:
        """Let nothing that a function sends or asks for arrive, as in an AZ without a network; it runs on."""
        self._cut_file(name).touch()

    def restore_network(self, name: str) -> None:
        """Give a function its network back."""
        self._cut_file(name).unlink(missing_ok=True)

    def _cut_file(self, name: str) -> Path:
        return self._directory / f"{name}.cut"

    def log_file(self, name: str) -> Path:
        """Where the output of a function goes."""
        return self._directory / f"{name}.log"

    def role_of(self, access_key: str) -> str:
        """The role of the function that has an access key; empty for a key of somebody else."""
        with self._lock:
            return next((each.function.role for each in self._processes if each.access_key == access_key), "")

    def process_ids(self) -> list[int]:
        """The live processes."""
        with self._lock:
            return [process.id for process in self._processes if process.alive]

    def close(self) -> None:
        """Kill every process; nothing runs afterwards.  May be called more than once."""
        with self._lock:
            self._closed.set()
            idle = [process for processes in self._idle.values() for process in processes]
            self._idle.clear()
            busy = self._processes.difference(idle)
        for process in busy:  # whoever waits for its answer gives back the pipes
            process.kill()
        for process in idle:
            self._discard(process)

    def _admit(self, function: Function) -> None:
        with self._lock:
            if self._closed.is_set() or function.name in self._blocked:
                raise Unavailable
            if function.concurrency is not None and self._running[function.name] >= function.concurrency:
                raise Throttled
            self._running[function.name] += 1

    def _run(self, function: Function, event: str) -> Answer:
        request_id = str(uuid.uuid4())
        process = self._take_idle_or_turn(function)
        if process is None:
            process, failure = self._start(function, request_id)
            if failure is not None:
                self._give_back(process)
                return failure
        answer = self._call(process, event, request_id)
        self._give_back(process)
        return answer

    def _call(self, process: FunctionProcess, event: str, request_id: str) -> Answer:
        crash = self._crashes.take(process.function.name, event)
        if crash is None:
            return process.call(event, request_id=request_id)
        if crash.when == BEFORE:
            return process.crashed(request_id)
        if crash.when == DURING:
            self._crashes.doom(process.access_key, process, crash.calls)
        process.call(event, request_id=request_id)
        self._crashes.spare(process.access_key)
        return process.crashed(request_id)

    def _take_idle_or_turn(self, function: Function) -> FunctionProcess | None:
        """An idle process; None if one may be started now.  Who waits for a turn takes one that becomes idle."""
        while True:
            with self._turns:
                self._turns.wait_for(lambda: self._idle.get(function.name) or self._starting < STARTS_AT_ONCE)
                idle = self._idle.get(function.name)
                if not idle:
                    self._starting += 1
                    return None
                process = idle.pop()
            if process.alive and process.function.revision == function.revision:
                process.function = function
                return process
            self._discard(process)

    def _start(self, function: Function, request_id: str) -> tuple[FunctionProcess, Answer | None]:
        began = self._clock.elapsed()
        length = self._timing.draw(Event.COLD_START, function.name)
        try:
            environment = self._environment(function, self._unpack(function))
            with self._lock:  # both may have come to be while it waited for its turn
                if self._closed.is_set() or function.name in self._blocked:
                    raise Unavailable
                process = FunctionProcess(
                    function=function, clock=self._clock, environment=environment, log=self.log_file(function.name)
                )
                self._processes.add(process)
            failure = process.start(request_id)
        finally:
            self._next_turn()
        self._clock.sleep(length - (self._clock.elapsed() - began))
        return process, failure

    def _next_turn(self) -> None:
        with self._turns:
            self._starting -= 1
            self._turns.notify_all()

    def _give_back(self, process: FunctionProcess) -> None:
        self._read_log(process.function.name)
        with self._lock:
            keep = process.alive and not self._closed.is_set()
            if keep:
                self._idle.setdefault(process.function.name, []).append(process)
                self._turns.notify_all()
        if not keep:
            self._discard(process)

    def _discard(self, process: FunctionProcess) -> None:
        with self._lock:
            self._processes.discard(process)
        process.close()

    def _deliver(self, function: Function, event: str) -> None:
        pauses = iter(RETRY_SECONDS[: function.attempts])
        accepted_at, admission = self._clock.now(), FIRST_ADMISSION_SECONDS
        while not self._closed.is_set():
            try:
                answer = self.invoke(function, event)
            except NotAdmitted:
                pause: float | None = admission
                admission = min(admission * 2, LAST_ADMISSION_SECONDS)
            else:
                if not answer.failed:
                    return
                pause = next(pauses, None)
            if pause is None or self._clock.now() + pause - accepted_at > function.event_age:
                if self._on_dropped is not None and not self._closed.is_set():
                    self._on_dropped(function, event)
                return
            self._clock.wait(self._closed, pause)

    def _unpack(self, function: Function) -> Path:
        directory = self._directory / "code" / function.code_sha256.replace("/", "_").rstrip("=")
        with self._unpacking:
            if not directory.is_dir():
                partial = directory.with_suffix(".partial")
                with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
                    archive.extractall(partial)
                partial.rename(directory)
        return directory

    def _environment(self, function: Function, code: Path) -> dict[str, str]:
        clock: Mapping[str, str] = {
            function_bootstrap.CLOCK: self._clock.to_json(),
            function_bootstrap.NAMES: str(self._names),
            function_bootstrap.CUT: str(self._cut_file(function.name)),
            function_bootstrap.RUNTIME: str(self._runtime_directory),
        }
        lambda_own = {
            # Of each process its own, as on Lambda.
            "AWS_ACCESS_KEY_ID": f"ASIA{uuid.uuid4().hex[:16].upper()}",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "test",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_ENDPOINT_URL": self._endpoint(),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"[{function.version}]{uuid.uuid4().hex}",
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": function.handler,
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
        }
        return {**function.environment, **lambda_own, **clock}

    def _read_log(self, name: str) -> None:
        if self._on_log_line is None:
            return
        with self._lock:
            log = self._logs.setdefault(name, _Log(self.log_file(name)))
        for line in log.new_lines():
            self._on_log_line(name, line)


class _Log:
    """Reads a growing file, each line once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._position = 0
        self._lock = threading.Lock()

    def new_lines(self) -> list[str]:
        with self._lock, self._file.open("rb") as content:
            content.seek(self._position)
            text, _, _ = content.read().rpartition(b"\n")
            self._position += len(text) + 1 if text else 0
        return text.decode(errors="replace").splitlines()
