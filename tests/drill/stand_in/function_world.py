"""Functions without moto: code that a test writes, and what runs it."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

from emr_drill.clock import Clock
from emr_drill.stand_in.function_process import Function
from emr_drill.stand_in.function_runtime import FunctionRuntime
from emr_drill.timing import Timing

from .fakes import function

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


def result(runtime: FunctionRuntime, code: str, event: Any = None, **settings: Any) -> Any:
    """What a handler with *code* as its body returns."""
    answer = runtime.invoke(function(EVALUATOR, **settings), json.dumps({"code": code, "event": event}))
    return json.loads(answer.payload)


def of_body(code: str, **settings: Any) -> Function:
    return function("def handler(event, context):\n" + textwrap.indent(textwrap.dedent(code), "    "), **settings)


def alive(number: int) -> bool:
    """Whether a process of that id runs; one that only waits to be collected does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
