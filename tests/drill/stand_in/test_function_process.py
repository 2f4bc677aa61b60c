"""One process of a function: how it starts, how an invocation ends, how it is killed."""

from __future__ import annotations

import io
import json
import os
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.stand_in import function_bootstrap, function_process
from emr_drill.stand_in.function_process import Answer, FunctionProcess, error_answer

from .fakes import function, wait_until
from .function_world import SPEED, alive

Start = Callable[..., FunctionProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process without waiting for it; its code stands alone, so that it loads in no time."""
    processes: list[FunctionProcess] = []

    def started(code: str, **settings: Any) -> FunctionProcess:
        made = function(code, **settings)
        with zipfile.ZipFile(io.BytesIO(made.code)) as archive:
            archive.extractall(tmp_path / "code")
        clock = Clock.start(speed=SPEED)
        environment = {
            function_bootstrap.CLOCK: clock.to_json(),
            function_bootstrap.NAMES: str(tmp_path / "names.json"),
            function_bootstrap.CUT: str(tmp_path / "cut"),
            function_bootstrap.RUNTIME: str(tmp_path / "no-packages"),
            "AWS_LAMBDA_FUNCTION_NAME": made.name,
            "AWS_LAMBDA_FUNCTION_VERSION": made.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(made.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": "group",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            "LAMBDA_TASK_ROOT": str(tmp_path / "code"),
            "_HANDLER": made.handler,
            "PATH": os.defpath,
        }
        process = FunctionProcess(function=made, clock=clock, environment=environment, log=tmp_path / "log")
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.close()


@pytest.fixture
def ready(start: Start) -> Start:
    """Starts a process whose handler has this body, and waits until it is loaded."""

    def started(body: str, **settings: Any) -> FunctionProcess:
        process = start(f"def handler(event, context):\n{textwrap.indent(body, '    ')}", **settings)
        assert process.start("r-0") is None
        return process

    return started


def call(process: FunctionProcess, event: str = "null") -> Answer:
    return process.call(event, request_id="r-1")


def error(answer: Answer) -> dict[str, Any]:
    """The error object of an invocation that failed."""
    assert answer.failed
    found: dict[str, Any] = json.loads(answer.payload)
    return found


def test_answers_with_what_the_handler_returns(ready: Start) -> None:
    assert call(ready("return [event]"), '{"a": 1}') == Answer(payload='[{"a": 1}]')


def test_serves_one_invocation_after_the_other(ready: Start) -> None:
    process = ready("return event + 1")

    assert [call(process, event).payload for event in ("1", "2")] == ["2", "3"]


def test_an_answer_longer_than_a_pipe_holds_arrives_whole(ready: Start) -> None:
    assert len(json.loads(call(ready("return 'x' * 300_000")).payload)) == 300_000


def test_an_exception_is_an_answer_and_not_the_end(ready: Start) -> None:
    process = ready("raise ValueError('no')")

    assert (error(call(process))["errorType"], process.alive) == ("ValueError", True)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import not_there", "Runtime.ImportModuleError", "Unable to import module 'handler': No module named"),
        ("", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'handler'"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("{}.missing", "AttributeError", "has no attribute 'missing'"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_told_in_lambdas_words(
    start: Start, code: str, kind: str, message: str
) -> None:
    answer = start(code).start("r-0")

    assert answer is not None and error(answer)["errorType"] == kind
    assert message in error(answer)["errorMessage"]


def test_a_process_whose_handler_cannot_be_loaded_is_gone(start: Start) -> None:
    process = start("1 / 0")
    process.start("r-0")

    assert not process.alive


def test_a_process_that_ends_while_it_loads_fails_the_start(start: Start) -> None:
    answer = start("import os; os._exit(4)").start("r-0")

    assert answer is not None and error(answer)["errorMessage"].endswith("Runtime exited with error: exit status 4")


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("import os; os._exit(3)", "exit status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal: killed"),
    ],
)
def test_a_process_that_ends_fails_the_invocation(ready: Start, body: str, how: str) -> None:
    found = error(call(ready(body)))

    assert found == {
        "errorMessage": f"RequestId: r-1 Error: Runtime exited with error: {how}",
        "errorType": "Runtime.ExitError",
    }


def test_a_function_that_exceeds_its_limit_is_killed(ready: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts in the drill's time: 30 s are 0.3 s at this speed."""
    monkeypatch.setattr(function_process, "LEAST_LIMIT_SECONDS", 0)
    process = ready("import select; select.select([], [], [], 60)", timeout=30)

    found = error(call(process))

    assert found["errorType"] == "Sandbox.Timedout"
    assert found["errorMessage"].endswith("Task timed out after 30.00 seconds")
    assert not process.alive


def test_a_busy_machine_is_no_reason_to_kill(ready: Start) -> None:
    """With a fast clock the machine's own work would exceed any limit."""
    process = ready("import select; select.select([], [], [], 0.5); return 'done'", timeout=30)

    assert call(process).payload == '"done"'


def test_the_limit_is_the_present_functions(ready: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm process outlives a change of the limit."""
    monkeypatch.setattr(function_process, "LEAST_LIMIT_SECONDS", 0)
    process = ready("import select; select.select([], [], [], 60)", timeout=600)
    process.function = function("", timeout=10)

    assert error(call(process))["errorMessage"].endswith("Task timed out after 10.00 seconds")


def test_the_context_knows_when_time_is_up(ready: Start) -> None:
    process = ready("return context.get_remaining_time_in_millis()", timeout=30)

    assert 0 < int(call(process).payload) <= 30_000


def test_a_killed_process_fails_the_invocation(ready: Start) -> None:
    process = ready("return 1")
    process.kill()

    assert error(call(process))["errorType"] == "Runtime.ExitError"


def test_a_kill_takes_along_what_the_function_started(ready: Start) -> None:
    process = ready("import subprocess; return subprocess.Popen(['sleep', '600']).pid")
    child = int(call(process).payload)

    process.kill()

    wait_until(lambda: not alive(child))
    assert not alive(process.id)


def test_output_goes_to_the_log(ready: Start, tmp_path: Path) -> None:
    call(ready("import sys; print('to output'); print('to errors', file=sys.stderr)"))

    assert (tmp_path / "log").read_text().splitlines() == ["to output", "to errors"]


def test_closing_twice_is_no_error(ready: Start) -> None:
    process = ready("return 1")
    process.close()
    process.close()

    assert not process.alive


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"timeout": 9}, True),
        ({"concurrency": 1}, True),
        ({"sha": "other"}, False),
        ({"handler": "handler.other"}, False),
        ({"memory": 512}, False),
        ({"environment": {"A": "2"}}, False),
    ],
)
def test_a_process_serves_what_differs_in_limits_only(changes: dict[str, Any], same: bool) -> None:
    deployed: dict[str, Any] = {"sha": "one", "environment": {"A": "1"}}

    assert (function("", **deployed).revision == function("", **{**deployed, **changes}).revision) is same


def test_an_error_of_lambda_names_the_request() -> None:
    answer = error_answer(kind="Runtime.ExitError", message="why", request_id="r-9")

    assert error(answer) == {"errorMessage": "RequestId: r-9 Error: why", "errorType": "Runtime.ExitError"}
