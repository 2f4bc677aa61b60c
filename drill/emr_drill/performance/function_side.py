"""What is measured within a function's process: started as ``python -I -S function_side.py``, as Lambda would have it.

Arguments: the folder with the function's package and ``dr_core``, the folder of what Lambda's runtime brings along,
what to measure, and its argument.  The answer is one line of JSON on standard output.

* ``import <module>``: seconds until the handler's module is loaded, of the wall and of the processor.
* ``prober <rounds>``, ``monitor <rounds>``: seconds of each round by the deployed code, and the memory of the process.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(folder: str, runtime: str, what: str, argument: str) -> dict[str, Any]:
    """Measure *what*."""
    sys.path[:0] = [folder, runtime]
    match what:
        case "import":
            return _timed(lambda: importlib.import_module(argument))
        case "prober" | "monitor":
            return _rounds(what, int(argument))
        case other:
            raise ValueError(f"got {other!r}, allowed: import, prober, monitor")


def _rounds(function: str, count: int) -> dict[str, Any]:
    handler: Any = importlib.import_module(f"{function}.handler")
    made: list[Any] = []
    ready = _timed(lambda: made.append(getattr(handler, f"_{function}")()))
    rounds = [_timed(made[0].round) for _ in range(count)]
    return {
        "ready": ready,
        "rounds": rounds,
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> float:
    """The most memory of this process since its program was loaded; Linux only, 0 elsewhere.

    Not by getrusage, which counts what the process was forked from as well.
    """
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return round(int(lines["VmHWM"].split()[0]) / 1024, 1)


def _timed(work: Callable[[], object]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": round(time.perf_counter() - wall, 4),
        "processor_seconds": round(time.process_time() - processor, 4),
    }


if __name__ == "__main__":
    answer = main(*sys.argv[1:5])
    # The functions write their log to standard output.
    print(f"\n{json.dumps(answer)}")
