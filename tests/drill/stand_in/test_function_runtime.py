"""The function runtime: which process serves an invocation, how long things take, what is tried again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.stand_in import function_runtime
from emr_drill.stand_in.function_runtime import FunctionRuntime, Throttled, Unavailable
from emr_drill.timing import Event, Timing

from .fakes import function, wait_until
from .function_world import SPEED, alive, of_body, result, runtime_in


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[FunctionRuntime]:
    made = runtime_in(tmp_path)
    yield made
    made.close()


def test_has_lambdas_variables_and_its_own(runtime: FunctionRuntime) -> None:
    environment = result(runtime, "import os; return dict(os.environ)", environment={"OWN": "value"})
    assert environment["OWN"] == "value"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "example"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_an_idle_process_is_used_again(runtime: FunctionRuntime) -> None:
    """Warm processes keep what the first invocation left behind, as in Lambda."""
    code = "import os; return os.getpid()"
    assert result(runtime, code) == result(runtime, code)


def test_a_busy_function_gets_another_process(runtime: FunctionRuntime) -> None:
    asleep = of_body("import os, time; time.sleep(event); return os.getpid()")
    ids: list[Any] = []
    slow = threading.Thread(target=lambda: ids.append(runtime.invoke(asleep, "40").payload))
    slow.start()
    wait_until(runtime.process_ids)
    ids.append(runtime.invoke(asleep, "0").payload)
    slow.join()
    assert len(set(ids)) == 2


def test_new_code_gets_a_new_process(runtime: FunctionRuntime) -> None:
    answers = [runtime.invoke(of_body("return 1")), runtime.invoke(of_body("return 2"))]
    assert [answer.payload for answer in answers] == ["1", "2"]


def test_a_cold_start_lasts_as_long_as_the_table_says(tmp_path: Path) -> None:
    clock = Clock.start(speed=1)
    runtime = FunctionRuntime(clock=clock, timing=Timing(seed=3), workdir=tmp_path, endpoint=str)
    before = clock.now()
    at = result(runtime, "import time; return time.time()")
    runtime.close()
    assert at - before >= Timing(seed=3).draw(Event.COLD_START, "example")


def loads_once_there_is(file: Path) -> str:
    """Code whose loading takes until *file* is there, and whose handler returns the id of its process."""
    return (
        "import os, select\n"
        f"while not os.path.exists({str(file)!r}):\n    select.select([], [], [], 0.01)\n"
        "def handler(event, context):\n    return os.getpid()"
    )


def test_no_more_processes_load_at_once_than_the_machine_has_processors(
    runtime: FunctionRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a busy machine only starts processes, each of which makes it busier."""
    monkeypatch.setattr(function_runtime, "STARTS_AT_ONCE", 2)
    slow = function(loads_once_there_is(tmp_path / "go"))
    asking = [threading.Thread(target=runtime.invoke, args=(slow,)) for _ in range(4)]
    for each in asking:
        each.start()
    wait_until(lambda: runtime._running["example"] == 4)
    time.sleep(0.2)  # in which more would have started
    loading = len(runtime.process_ids())
    (tmp_path / "go").touch()
    for each in asking:
        each.join()
    assert loading == 2


def test_who_waits_for_its_turn_to_start_takes_a_process_that_becomes_idle(
    runtime: FunctionRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_runtime, "STARTS_AT_ONCE", 1)
    busy = of_body("import os, time; time.sleep(event); return os.getpid()")
    ids: list[Any] = []
    first = threading.Thread(target=lambda: ids.append(runtime.invoke(busy, "60").payload))
    first.start()
    wait_until(lambda: runtime.process_ids() and not runtime._starting)
    loading = function(loads_once_there_is(tmp_path / "go"), name="other")
    other = threading.Thread(target=runtime.invoke, args=(loading,))
    other.start()
    wait_until(lambda: runtime._starting)
    ids.append(runtime.invoke(busy, "0").payload)
    first.join()
    (tmp_path / "go").touch()
    other.join()
    assert len(set(ids)) == 1


def test_reserved_concurrency_is_kept(runtime: FunctionRuntime) -> None:
    one = of_body("import time; time.sleep(40)", concurrency=1)
    first = threading.Thread(target=runtime.invoke, args=(one,))
    first.start()
    wait_until(runtime.process_ids)
    with pytest.raises(Throttled):
        runtime.invoke(one)
    first.join()


def test_a_failed_asynchronous_invocation_is_tried_twice_more(tmp_path: Path) -> None:
    runtime = runtime_in(tmp_path, speed=1000)
    marks = tmp_path / "marks"
    code = "import time; open(event, 'a').write(f'{time.time()}\\n'); raise ValueError"
    runtime.invoke_later(of_body(code, timeout=6000), json.dumps(str(marks)))
    wait_until(lambda: marks.exists() and len(marks.read_text().splitlines()) == 3)
    runtime.close()
    first, second, third = map(float, marks.read_text().split())
    assert second - first >= 60 and third - second >= 120


def test_an_event_that_is_not_let_in_is_tried_until_it_is_too_old(runtime: FunctionRuntime, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    writes = "open(event, 'a').write('x')"
    runtime.block("example")
    runtime.invoke_later(of_body(writes, event_age=1), json.dumps(str(marks)))
    runtime.invoke_later(of_body(writes, event_age=9999), json.dumps(str(marks)))
    Clock.start(speed=SPEED).sleep(10)
    runtime.unblock("example")
    wait_until(marks.exists)
    assert marks.read_text() == "x"


def test_a_blocked_function_does_not_run(runtime: FunctionRuntime) -> None:
    """A14: an AZ that is gone takes its prober along."""
    runtime.block("example")
    with pytest.raises(Unavailable):
        runtime.invoke(of_body("return 1"))


def test_blocking_kills_what_runs(runtime: FunctionRuntime) -> None:
    answers: list[Any] = []
    asleep = of_body("import select; select.select([], [], [], 60)")
    thread = threading.Thread(target=lambda: answers.append(runtime.invoke(asleep)))
    thread.start()
    wait_until(runtime.process_ids)
    runtime.block("example")
    thread.join()
    assert json.loads(answers[0].payload)["errorType"] == "Runtime.ExitError"


def test_an_unblocked_function_runs(runtime: FunctionRuntime) -> None:
    runtime.block("example")
    runtime.unblock("example")
    assert result(runtime, "return 1") == 1


def test_output_goes_to_a_file_of_the_function(runtime: FunctionRuntime) -> None:
    result(runtime, "import sys; print('to output'); print('to errors', file=sys.stderr)")
    assert {"to output", "to errors"} <= set(runtime.log_file("example").read_text().splitlines())


def test_each_line_of_output_is_told_once(tmp_path: Path) -> None:
    lines: list[tuple[str, str]] = []
    runtime = runtime_in(tmp_path, on_log_line=lambda name, line: lines.append((name, line)))
    for number in range(2):
        result(runtime, "print('line', event)", number)
    runtime.close()
    assert lines == [("example", "line 0"), ("example", "line 1")]


def test_closing_ends_every_process(runtime: FunctionRuntime) -> None:
    result(runtime, "return 1")
    ids = runtime.process_ids()
    runtime.close()
    assert ids and not any(alive(number) for number in ids)


def test_says_what_to_do_when_the_runtimes_packages_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="make setup"):
        FunctionRuntime(
            clock=Clock.start(speed=1),
            timing=Timing(seed=1),
            workdir=tmp_path,
            endpoint=str,
            runtime_directory=tmp_path / "nowhere",
        )


def test_a_deployment_that_changes_the_limit_only_keeps_the_process(runtime: FunctionRuntime) -> None:
    code = "import os; return os.getpid()"
    assert len({runtime.invoke(of_body(code, timeout=limit)).payload for limit in (600, 700)}) == 1


def test_a_function_that_cannot_be_loaded_leaves_no_process(runtime: FunctionRuntime) -> None:
    answer = runtime.invoke(function("1 / 0"))
    assert (json.loads(answer.payload)["errorType"], runtime.process_ids()) == ("ZeroDivisionError", [])


def test_a_failed_invocation_is_told(tmp_path: Path) -> None:
    """A13: nothing fails unseen."""
    told: list[tuple[str, bool]] = []
    runtime = runtime_in(tmp_path, on_failure=lambda name, answer: told.append((name, answer.failed)))
    for body in ("return 1", "raise ValueError"):
        runtime.invoke(of_body(body))
    runtime.close()
    assert told == [("example", True)]


def test_nothing_runs_after_the_end(runtime: FunctionRuntime) -> None:
    runtime.close()
    with pytest.raises(Unavailable):
        runtime.invoke(of_body("return 1"))
