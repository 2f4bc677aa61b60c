"""What runs inside a function's process: the place of Lambda's own runtime.

Started as ``python -I -S function_bootstrap.py``, so that the deployed code finds the standard library, its own package
and what the Lambda runtime brings along (``build/function-runtime``), and nothing of the drill.  Three things differ
from Lambda, and the deployed code can see none of them:

* Time.  ``time`` and ``datetime`` tell the drill's time.  Modules that put limits on sockets and threads are loaded
  first and keep the machine's time, for what they wait for does not run any faster.
* Names.  A host name that the drill's load balancers own resolves to their addresses.
* Life.  The process ends with the pipe that brings its requests, hence never outlives the drill.

Standard input brings one request a line, standard output takes one answer a line (the deployed code's own output
goes to the log):

* first, unasked: ``{"ready": true}``, or ``{"error": ERROR}`` if the handler cannot be loaded;
* request: ``{"id": str, "arn": str, "event": JSON text, "deadline": seconds since 1970 in the drill's time}``;
* answer: ``{"payload": JSON text}`` or ``{"error": ERROR}`` with Lambda's error object.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import queue
import select
import socket
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

CLOCK = "EMR_DRILL_CLOCK"
NAMES = "EMR_DRILL_NAMES"
CUT = "EMR_DRILL_CUT"
RUNTIME = "EMR_DRILL_RUNTIME"

# Loaded before time is replaced.  The SDK belongs here for its urllib3; its own pauses between attempts are looked up
# when they are made and follow the drill's time, as on AWS.
LOADED_FIRST = (
    "asyncio",
    "concurrent.futures.thread",
    "http.client",
    "selectors",
    "ssl",
    "subprocess",
    "urllib3",
    "boto3",
)
# What a socket does with a network; and how long, in machine seconds, the kernel tries to connect and a resolver to
# resolve before they give up, and how often a wait looks whether the network is back.
NETWORK_CALLS = ("connect", "recv", "recv_into", "send", "sendall")
CONNECT_LIMIT_SECONDS, RESOLVE_LIMIT_SECONDS, LOOK_SECONDS = 130.0, 5.0, 0.05
# Whatever these look up in ``time`` is a limit for the machine.
MACHINE_TIME = ("asyncio", "concurrent", "http", "queue", "selectors", "socket", "ssl", "subprocess", "threading")
MACHINE_TIME_THIRD_PARTY = ("urllib3",)


def main() -> None:
    """Serve requests until the pipe that brings them ends."""
    requests_pipe, answers = os.dup(0), os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", buffering=0, closefd=False), "utf-8", write_through=True)
    clock = json.loads(os.environ.pop(CLOCK))
    names, cut = Path(os.environ.pop(NAMES)), os.environ.pop(CUT)
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], os.environ.pop(RUNTIME)]
    requests = read_requests(requests_pipe)
    monotonic = time.monotonic
    replace_time(**clock)
    resolve_names(names)
    lose_network(cut, monotonic)
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except BaseException as error:  # noqa: BLE001 - Lambda reports whatever a module raises while it loads
        traceback.print_exc(file=sys.stdout)
        answers.write(json.dumps({"error": error_object(error, "")}) + "\n")
        return
    answers.write(json.dumps({"ready": True}) + "\n")
    while True:
        answer = json.dumps(run(handler, json.loads(requests.get())))
        answers.write(answer + "\n")


def read_requests(pipe: int) -> queue.SimpleQueue[str]:
    """Requests, read by a thread of their own so that the end of the pipe also ends a process that is at work."""
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        with os.fdopen(pipe, encoding="utf-8") as lines:
            for line in lines:
                requests.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True, name="requests").start()
    return requests


def load_handler(name: str) -> Callable[[Any, Any], Any]:
    """The function that ``module.submodule.function`` names.

    Raises:
        ImportError: no such module.
        AttributeError: the module has no such function.
    """
    module, _, function = name.rpartition(".")
    handler: Callable[[Any, Any], Any] = getattr(importlib.import_module(module.replace("/", ".")), function)
    return handler


def run(handler: Callable[[Any, Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    """One invocation: the answer for the pipe."""
    try:
        result = handler(json.loads(request["event"]), Context(request))
    except Exception as error:  # noqa: BLE001 - Lambda turns every exception into an answer
        traceback.print_exc(file=sys.stdout)
        return {"error": error_object(error, request["id"])}
    try:
        return {"payload": json.dumps(result, default=plain)}
    except (TypeError, ValueError) as error:
        text = f"Unable to marshal response: {error}"
        return {
            "error": {
                "errorMessage": text,
                "errorType": "Runtime.MarshalError",
                "requestId": request["id"],
                "stackTrace": [],
            }
        }


def plain(value: object) -> float:
    """Decimals become numbers, as in Lambda's own Python runtime."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def error_object(error: BaseException, request_id: str) -> dict[str, Any]:
    """Lambda's answer for an exception that the deployed code did not catch."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


class Context:
    """The second argument of a handler; attributes and method as in Lambda."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["id"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = request["arn"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = float(request["deadline"])

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))


def replace_time(*, speed: float, machine_origin: float, origin: float) -> None:
    """Make ``time`` and ``datetime`` tell the drill's time, except to modules that limit sockets and threads."""
    for name in LOADED_FIRST:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            if name not in ("urllib3", "boto3"):
                raise
    machine: Any = types.ModuleType("time")
    vars(machine).update(vars(time))
    machine_monotonic: Callable[[], float] = machine.monotonic
    for name, module in list(sys.modules.items()):
        keeps = name.split(".")[0] in (*MACHINE_TIME, *MACHINE_TIME_THIRD_PARTY)
        if keeps and vars(module).get("time") is time:
            put(module, time=machine)

    def monotonic() -> float:
        return machine_origin + (machine_monotonic() - machine_origin) * speed

    def now() -> float:
        return origin + (machine_monotonic() - machine_origin) * speed

    def sleep(seconds: float) -> None:
        machine.sleep(seconds / speed)

    put(
        time,
        time=now,
        time_ns=lambda: int(now() * 1e9),
        monotonic=monotonic,
        monotonic_ns=lambda: int(monotonic() * 1e9),
        sleep=sleep,
        gmtime=lambda seconds=None: machine.gmtime(now() if seconds is None else seconds),
        localtime=lambda seconds=None: machine.localtime(now() if seconds is None else seconds),
        strftime=lambda text, when=None: machine.strftime(text, machine.localtime(now()) if when is None else when),
    )
    replace_datetime(now)


def replace_datetime(now: Callable[[], float]) -> None:
    """Put a ``datetime.datetime`` in place whose now, utcnow and today follow *now*."""
    import datetime  # only the module's attribute is replaced: who holds the class already keeps the machine's time

    original = datetime.datetime

    class SameInstances(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, original)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, original)

    class Simulated(original, metaclass=SameInstances):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(now(), datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now())

    Simulated.__name__ = Simulated.__qualname__ = "datetime"
    Simulated.__module__ = "datetime"
    put(datetime, datetime=Simulated)


def resolve_names(file: Path) -> None:
    """Resolve the host names in *file* (JSON, name to list of addresses) before asking the machine.

    The file is read again whenever it has changed; a file that is not there holds no names.
    """
    original = socket.getaddrinfo
    seen: tuple[int, dict[str, list[str]]] = (-1, {})

    def addresses(host: object) -> list[str]:
        nonlocal seen
        try:
            changed = file.stat().st_mtime_ns
            if changed != seen[0]:
                seen = (changed, json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return []
        name = host.decode() if isinstance(host, bytes) else str(host)
        return seen[1].get(name.rstrip(".").lower(), [])

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
        found = addresses(host)
        if not found:
            return original(host, port, *arguments, **named)
        return [entry for address in found for entry in original(address, port, *arguments, **named)]

    put(socket, getaddrinfo=getaddrinfo)


def lose_network(file: str, monotonic: Callable[[], float]) -> None:
    """As long as *file* exists, let every use of the network wait until its own limit is over.

    Args:
        file: path of a file.
        monotonic: the machine's clock, which limits of sockets follow.
    """

    def back_within(limit: float) -> bool:
        until = monotonic() + limit
        while os.path.exists(file):  # noqa: PTH110 - asked before each use of a socket
            if monotonic() >= until:
                return False
            select.select([], [], [], LOOK_SECONDS)
        return True

    def cuttable(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *arguments: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                limit = self.gettimeout()
                if not back_within(CONNECT_LIMIT_SECONDS if limit is None else limit):
                    raise TimeoutError(errno.ETIMEDOUT, "timed out")
            return original(self, *arguments)

        return call

    for name in NETWORK_CALLS:
        setattr(socket.socket, name, cuttable(getattr(socket.socket, name)))
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> list[Any]:
        if not is_address(host) and not back_within(RESOLVE_LIMIT_SECONDS):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *arguments, **named)

    put(socket, getaddrinfo=getaddrinfo)


def is_address(host: object) -> bool:
    """Whether *host* needs no resolver."""
    return host is None or all(part.isdigit() for part in str(host).split("."))


def put(module: types.ModuleType, **symbols: object) -> None:
    """Put *symbols* into the places of those that *module* has."""
    for name, symbol in symbols.items():
        setattr(module, name, symbol)


if __name__ == "__main__":
    main()
