"""What deployed code finds in its process: Lambda's surroundings, the drill's time, and the front door's names."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from emr_drill.clock import Clock
from emr_drill.stand_in import function_bootstrap
from emr_drill.stand_in.function_runtime import FunctionRuntime
from emr_drill.timing import Timing

from .fakes import wait_until
from .function_world import SPEED, alive, of_body, result, runtime_in

ASLEEP = of_body("import time; print('asleep'); time.sleep(600)").code.hex()


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture(scope="module")
def warm(workdir: Path) -> Iterator[FunctionRuntime]:
    """A runtime that all tests share which leave its processes as they were."""
    made = runtime_in(workdir)
    yield made
    made.close()


def test_returns_what_the_handler_returns(warm: FunctionRuntime) -> None:
    assert result(warm, "return {'got': event}", {"a": 1}) == {"got": {"a": 1}}


def test_decimals_become_numbers_as_in_lambda(warm: FunctionRuntime) -> None:
    assert result(warm, "import decimal; return decimal.Decimal('1.5')") == 1.5


def test_a_value_that_is_no_json_is_a_marshal_error(warm: FunctionRuntime) -> None:
    assert result(warm, "return object()")["errorType"] == "Runtime.MarshalError"


def test_finds_its_package_the_runtime_and_nothing_else(warm: FunctionRuntime) -> None:
    """A12: product code knows neither speed nor drill."""
    found = result(
        warm,
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


def test_an_exception_becomes_lambdas_error_object(warm: FunctionRuntime) -> None:
    answer = warm.invoke(of_body("raise KeyError('what')", name="raises"))
    error = json.loads(answer.payload)
    assert answer.failed
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'what'")
    assert "handler.py" in error["stackTrace"][0] and len(error["stackTrace"]) == 1


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
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as drill:
        try:
            assert drill.stdout is not None
            (number,) = json.loads(drill.stdout.readline())
        finally:
            drill.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(number))


@pytest.mark.parametrize(("value", "plain"), [("1.5", 1.5), ("1E+3", 1000.0)], ids=["fraction", "exponent"])
def test_a_decimal_is_told_as_a_number(value: str, plain: float) -> None:
    assert function_bootstrap.plain(Decimal(value)) == plain


def test_a_handler_is_found_in_a_folder() -> None:
    """Lambda takes ``folder/module.function`` as well."""
    found: object = function_bootstrap.load_handler("emr_drill/stand_in/function_bootstrap.plain")

    assert found is function_bootstrap.plain


def test_no_file_of_names_is_no_name(tmp_path: Path) -> None:
    """The load balancers write it when they have one."""
    runtime = runtime_in(tmp_path)
    found = result(runtime, "import socket; return socket.getaddrinfo('127.0.0.1', 80)[0][4]")
    runtime.close()
    assert found == ["127.0.0.1", 80]


CONNECT = """
import builtins, socket
try:
    if not hasattr(builtins, "kept"):
        builtins.kept = socket.create_connection(tuple(event["address"]), timeout=event["limit"])
    builtins.kept.sendall(b"x")
    return builtins.kept.recv(1).decode()
except OSError as error:
    return type(error).__name__
"""
FRESH = """
import socket
try:
    socket.create_connection(tuple(event["address"]), timeout=event["limit"]).close()
    return "connected"
except OSError as error:
    return type(error).__name__
"""


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """Says everything back, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(connection: socket.socket) -> None:
            with connection:
                while data := connection.recv(100):
                    connection.sendall(data)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[:2]


def test_a_function_without_a_network_reaches_nothing_until_it_has_one_again(
    tmp_path: Path, echo: tuple[str, int]
) -> None:
    """Neither over a new connection nor over one that it has; its own limits end the attempt, in machine time."""
    runtime = runtime_in(tmp_path)
    event = {"address": echo, "limit": 0.3}
    seen = [result(runtime, CONNECT, event)]
    runtime.cut_network("example")
    seen += [result(runtime, CONNECT, event), result(runtime, FRESH, event)]
    runtime.restore_network("example")
    seen += [result(runtime, FRESH, event)]
    runtime.close()

    assert seen == ["x", "TimeoutError", "TimeoutError", "connected"]


def test_a_network_that_comes_back_in_time_serves_who_waits(tmp_path: Path, echo: tuple[str, int]) -> None:
    runtime = runtime_in(tmp_path)
    runtime.cut_network("example")
    back = threading.Timer(0.5, runtime.restore_network, ["example"])
    back.start()
    found = result(runtime, FRESH, {"address": echo, "limit": 20})
    runtime.close()

    assert found == "connected"


def test_another_function_keeps_its_network(tmp_path: Path, echo: tuple[str, int]) -> None:
    runtime = runtime_in(tmp_path)
    runtime.cut_network("other")
    found = result(runtime, FRESH, {"address": echo, "limit": 20})
    runtime.close()

    assert found == "connected"


def test_without_a_network_no_name_is_resolved(tmp_path: Path) -> None:
    runtime = runtime_in(tmp_path)
    runtime.cut_network("example")
    found = result(
        runtime,
        """
        import socket
        try:
            return socket.getaddrinfo("localhost", 80)
        except socket.gaierror as error:
            return error.errno == socket.EAI_AGAIN
        """,
    )
    runtime.close()

    assert found is True


@pytest.mark.parametrize(("host", "known"), [("127.0.0.1", True), (None, True), ("a.b", False), ("localhost", False)])
def test_an_address_needs_no_resolver(host: str | None, known: bool) -> None:
    assert function_bootstrap.is_address(host) is known
