"""The function runtime: what deployed code finds, how long things take, how invocations end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.stand_in.function_process import Function
from emr_drill.stand_in.function_runtime import FunctionRuntime, Throttled, Unavailable
from emr_drill.timing import Event, Timing

from .fakes import fake_stand_in, function, wait_until

SPEED = 100.0
# Runs whatever a test sends, so that many tests can share one warm process.
EVALUATOR = """
import textwrap

def handler(event, context):
    names = {}
    exec("def body(event, context):\\n" + textwrap.indent(textwrap.dedent(event["code"]), "    "), names)
    return names["body"](event["event"], context)
"""


def runtime_in(workdir: Path, *, speed: float = SPEED, **settings: Any) -> FunctionRuntime:
    return FunctionRuntime(
        clock=Clock.start(speed=speed),
        timing=Timing(seed=1),
        workdir=workdir,
        endpoint=lambda: "http://127.0.0.1:9",
        **settings,
    )


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[FunctionRuntime]:
    made = runtime_in(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture(scope="module")
def warm(workdir: Path) -> Iterator[FunctionRuntime]:
    """A runtime that all tests share which leave its processes as they were."""
    made = runtime_in(workdir)
    yield made
    made.close()


def result(runtime: FunctionRuntime, code: str, event: Any = None, **settings: Any) -> Any:
    """What a handler with *code* as its body returns."""
    answer = runtime.invoke(function(EVALUATOR, **settings), json.dumps({"code": code, "event": event}))
    return json.loads(answer.payload)


def of_body(code: str, **settings: Any) -> Function:
    return function("def handler(event, context):\n" + textwrap.indent(textwrap.dedent(code), "    "), **settings)


def test_returns_what_the_handler_returns(warm: FunctionRuntime) -> None:
    assert result(warm, "return {'got': event}", {"a": 1}) == {"got": {"a": 1}}


def test_decimals_become_numbers_as_in_lambda(warm: FunctionRuntime) -> None:
    assert result(warm, "import decimal; return decimal.Decimal('1.5')") == 1.5


def test_a_value_that_is_no_json_is_a_marshal_error(warm: FunctionRuntime) -> None:
    assert result(warm, "return object()")["errorType"] == "Runtime.MarshalError"


def test_finds_its_package_the_runtime_and_nothing_else(runtime: FunctionRuntime) -> None:
    """A12: product code knows neither speed nor drill."""
    found = result(
        runtime,
        """
        import os, sys
        return {"path": sys.path[:2], "modules": sorted(sys.modules), "environment": sorted(os.environ),
                "site": [entry for entry in sys.path if "site-packages" in entry]}
        """,
    )
    assert [Path(entry).parent.name for entry in found["path"]] == ["code", "build"]
    assert found["site"] == []
    assert not [name for name in found["modules"] if name.split(".")[0] in ("emr_drill", "moto", "site")]
    assert not [name for name in found["environment"] if "DRILL" in name]


def test_has_lambdas_variables_and_its_own(runtime: FunctionRuntime) -> None:
    environment = result(runtime, "import os; return dict(os.environ)", environment={"OWN": "value"})
    assert environment["OWN"] == "value"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "example"
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_can_use_the_sdk_and_powertools(warm: FunctionRuntime) -> None:
    code = """
    import boto3, aws_lambda_powertools
    return boto3.client("dynamodb").meta.endpoint_url
    """
    assert result(warm, code) == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "expression",
    [
        "time.time()",
        "time.monotonic()",
        "time.time_ns() / 1e9",
        "datetime.datetime.now(datetime.timezone.utc).timestamp()",
        "datetime.datetime.now().timestamp()",
        "datetime.datetime.utcnow().timestamp()",
        "datetime.datetime.today().timestamp()",
        "calendar.timegm(time.gmtime())",
    ],
)
def test_time_is_the_drills(warm: FunctionRuntime, expression: str) -> None:
    """Between two readings a tenth of a machine's second passes, hence at least ten of the drill's."""
    code = f"""
    import calendar, datetime, os, select, time, warnings
    warnings.simplefilter("ignore")
    before = {expression}
    select.select([], [], [], 0.12)
    return {expression} - before
    """
    assert result(warm, code) >= 10


def test_a_function_and_the_drill_read_the_same_time(tmp_path: Path) -> None:
    clock = Clock.start(speed=SPEED)
    runtime = FunctionRuntime(clock=clock, timing=Timing(seed=1), workdir=tmp_path, endpoint=str)
    before = clock.now()
    at = result(runtime, "import time; return time.time()")
    after = clock.now()
    runtime.close()
    assert before < at < after


def test_sleep_follows_the_drills_time(warm: FunctionRuntime) -> None:
    code = """
    import time
    before = time.perf_counter()
    time.sleep(20)
    return time.perf_counter() - before
    """
    assert 0.2 <= result(warm, code) < 20


def test_dates_of_the_two_kinds_are_instances_of_each_other(warm: FunctionRuntime) -> None:
    code = """
    import _datetime, datetime
    return [isinstance(_datetime.datetime(2020, 1, 1), datetime.datetime),
            isinstance(datetime.datetime.now(), _datetime.datetime),
            (datetime.datetime.now() - datetime.datetime(2020, 1, 1)).days > 0]
    """
    assert result(warm, code) == [True, True, True]


@pytest.mark.parametrize(
    "wait",
    [
        "socket.create_connection(address, timeout=0.3).recv(1)",
        "http.client.HTTPConnection(*address, timeout=0.3).request('GET', '/') or answer(address)",
        "urllib3.request('GET', 'http://%s:%d/' % address, retries=False, timeout=urllib3.Timeout(total=0.3))",
        "queue.Queue().get(timeout=0.3)",
        "threading.Event().wait(0.3) or 1 / 0",
        "next(concurrent.futures.as_completed([concurrent.futures.Future()], timeout=0.3))",
    ],
)
def test_limits_of_sockets_and_threads_are_the_machines(warm: FunctionRuntime, wait: str) -> None:
    """Measured by a clock that is not replaced; scaled, 0.3 s would be over in 3 ms."""
    code = f"""
    import concurrent.futures, http.client, queue, socket, threading, time, urllib3
    server = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    address = server.getsockname()
    def answer(address):
        connection = http.client.HTTPConnection(*address, timeout=0.3)
        connection.request("GET", "/")
        connection.getresponse()
    before = time.perf_counter()
    try:
        {wait}
    except Exception as error:
        return time.perf_counter() - before
    """
    assert 0.29 <= result(warm, code) < 30


def test_time_that_asyncio_waits_is_the_machines(warm: FunctionRuntime) -> None:
    code = """
    import asyncio, time
    before = time.perf_counter()
    asyncio.run(asyncio.sleep(0.2))
    return time.perf_counter() - before
    """
    assert 0.19 <= result(warm, code) < 20


def test_resolves_the_names_of_load_balancers(warm: FunctionRuntime, workdir: Path) -> None:
    (workdir / "names.json").write_text(json.dumps({"nlb.example": ["127.10.1.3", "127.10.2.3"]}))
    code = """
    import socket
    return [entry[4] for entry in socket.getaddrinfo("NLB.example.", 8998, type=socket.SOCK_STREAM)]
    """
    assert result(warm, code) == [["127.10.1.3", 8998], ["127.10.2.3", 8998]]


def test_notices_that_names_have_changed(warm: FunctionRuntime, workdir: Path) -> None:
    names = workdir / "names.json"
    code = "import socket; return socket.gethostbyname_ex and socket.getaddrinfo(event, 80)[0][4][0]"
    names.write_text(json.dumps({"alb.example": ["127.10.1.2"]}))
    first = result(warm, code, "alb.example")
    names.write_text(json.dumps({"alb.example": ["127.11.1.2"]}))
    assert [first, result(warm, code, "alb.example")] == ["127.10.1.2", "127.11.1.2"]


def test_the_context_is_lambdas(warm: FunctionRuntime) -> None:
    code = """
    import time
    first = context.get_remaining_time_in_millis()
    time.sleep(100)
    second = context.get_remaining_time_in_millis()
    return [context.function_name, context.invoked_function_arn, first <= 600_000, first - second >= 100_000]
    """
    arn = "arn:aws:lambda:us-east-1:123456789012:function:example"
    assert result(warm, code) == ["example", arn, True, True]


def test_an_exception_becomes_lambdas_error_object(runtime: FunctionRuntime) -> None:
    answer = runtime.invoke(of_body("raise KeyError('what')"))
    error = json.loads(answer.payload)
    assert answer.failed
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'what'")
    assert "handler.py" in error["stackTrace"][0] and len(error["stackTrace"]) == 1


@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("import not_there", "handler.handler", "Runtime.ImportModuleError"),
        ("", "handler.handler", "Runtime.HandlerNotFound"),
        ("1 / 0", "handler.handler", "ZeroDivisionError"),
    ],
)
def test_a_handler_that_cannot_be_loaded_fails_the_invocation(
    runtime: FunctionRuntime, code: str, handler: str, kind: str
) -> None:
    answer = runtime.invoke(function(code, handler=handler))
    assert answer.failed and json.loads(answer.payload)["errorType"] == kind


def test_a_process_that_ends_fails_the_invocation(runtime: FunctionRuntime) -> None:
    assert result(runtime, "import os; os._exit(3)")["errorType"] == "Runtime.ExitError"


def test_a_function_that_exceeds_its_limit_is_killed(runtime: FunctionRuntime) -> None:
    """The limit counts in the drill's time: 30 s are 0.3 s at this speed."""
    answer = runtime.invoke(of_body("import select; select.select([], [], [], 60)", timeout=30))
    error = json.loads(answer.payload)
    assert (answer.failed, error["errorType"]) == (True, "Sandbox.Timedout")
    assert error["errorMessage"].endswith("Task timed out after 30.00 seconds")
    assert runtime.process_ids() == []


def test_an_idle_process_is_used_again(warm: FunctionRuntime) -> None:
    """Warm processes keep what the first invocation left behind, as in Lambda."""
    code = "import os; return os.getpid()"
    assert result(warm, code) == result(warm, code)


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


def test_no_retry_where_the_function_wants_none(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path, speed=1000) as stand_in:
        marks = tmp_path / "marks"
        code = f"def handler(event, context): open({str(marks)!r}, 'a').write('x'); raise ValueError"
        stand_in.deploy("f", code, Timeout=6000)
        client = stand_in.client("lambda")
        client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
        client.invoke(FunctionName="f", InvocationType="Event")
        wait_until(lambda: stand_in.journal)
        stand_in.clock.sleep(200)
        assert marks.read_text() == "x"


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


def test_a_failure_is_in_the_journal(tmp_path: Path) -> None:
    """A13: nothing fails unseen."""
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): raise ValueError('no')")
        stand_in.client("lambda").invoke(FunctionName="f")
        (entry,) = stand_in.journal
    assert (entry["kind"], entry["function"], entry["error"]) == ("function failed", "f", "ValueError")


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


def test_a_process_does_not_outlive_a_drill_that_is_killed(tmp_path: Path) -> None:
    """Ctrl-C, a crash or SIGKILL: nothing is left running, not even a function that is at work."""
    script = f"""
import json, sys, threading, time
from pathlib import Path
from emr_drill.clock import Clock
from emr_drill.timing import Timing
from emr_drill.stand_in.function_runtime import FunctionRuntime
from emr_drill.stand_in.function_process import Function
clock, workdir = Clock.start(speed=1), Path({str(tmp_path)!r})
runtime = FunctionRuntime(clock=clock, timing=Timing(seed=1), workdir=workdir, endpoint=str)
code = bytes.fromhex({ASLEEP!r})
asleep = Function(name="f", arn="a", handler="handler.handler", timeout=600, code_sha256="x", code=code)
threading.Thread(target=runtime.invoke, args=(asleep,), daemon=True).start()
while not runtime.log_file("f").exists() or "asleep" not in runtime.log_file("f").read_text():
    time.sleep(0.01)
print(json.dumps(runtime.process_ids()), flush=True)
time.sleep(600)
"""
    drill = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert drill.stdout is not None
    (number,) = json.loads(drill.stdout.readline())
    drill.send_signal(signal.SIGKILL)
    drill.wait()
    drill.stdout.close()
    wait_until(lambda: not alive(number))


def test_says_what_to_do_when_the_runtimes_packages_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="make setup"):
        FunctionRuntime(
            clock=Clock.start(speed=1),
            timing=Timing(seed=1),
            workdir=tmp_path,
            endpoint=str,
            runtime_directory=tmp_path / "nowhere",
        )


def test_moto_runs_a_deployed_function(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): return [context.invoked_function_arn, event]")
        answer = stand_in.client("lambda").invoke(FunctionName="f", Payload=b'{"a": 1}')
        assert json.load(answer["Payload"]) == ["arn:aws:lambda:us-east-1:123456789012:function:f", {"a": 1}]
        assert "FunctionError" not in answer


def test_moto_reports_an_error_as_lambda_does(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): raise ValueError('no')")
        answer = stand_in.client("lambda").invoke(FunctionName="f")
        assert (answer["FunctionError"], json.load(answer["Payload"])["errorType"]) == ("Unhandled", "ValueError")


def test_an_event_invocation_does_not_wait(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        mark = tmp_path / "mark"
        stand_in.deploy("f", f"import time\ndef handler(event, context): time.sleep(30); open({str(mark)!r}, 'w')")
        answer = stand_in.client("lambda").invoke(FunctionName="f", InvocationType="Event")
        assert (answer["StatusCode"], mark.exists()) == (202, False)
        wait_until(mark.exists)


def test_a_blocked_function_is_a_service_error_to_its_caller(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        stand_in.deploy("f", "def handler(event, context): pass")
        stand_in.functions.block("f")
        with pytest.raises(ClientError, match="ServiceException"):
            stand_in.client("lambda").invoke(FunctionName="f")


def test_a_function_reaches_the_stand_in(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        code = "import boto3\ndef handler(event, context): return boto3.client('sts').get_caller_identity()['Account']"
        stand_in.deploy("f", code, Timeout=600)
        assert json.load(stand_in.client("lambda").invoke(FunctionName="f")["Payload"]) == "123456789012"


def alive(number: int) -> bool:
    """Whether a process of that id runs; one that only waits to be collected does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


ASLEEP = of_body("import time; print('asleep'); time.sleep(600)").code.hex()
