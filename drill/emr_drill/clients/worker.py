"""A client's program, in an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emr_drill.errors import DrillError

FOLDER = Path(__file__).resolve().parent
READY_SECONDS = 120.0  # machine time, for Airflow to be imported
STOP_SECONDS = 5.0  # machine time


class Worker:
    """A program in an environment: orders in, events out.

    Args:
        interpreter: of the environment.
        script: what it runs.
        home: for its files; its log lies beside it.
        hear: gets each event.
    """

    def __init__(self, interpreter: Path, script: Path, home: Path, hear: Callable[[dict[str, Any]], None]) -> None:
        self._name = home.name
        self._hear = hear
        self._ready = threading.Event()
        self._log = home.with_name(f"{home.name}.log")
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TZ", "USER") if key in os.environ}
        with self._log.open("w") as log:
            # -P: the script's folder is not for imports.
            self._process = subprocess.Popen(
                [str(interpreter), "-P", str(script), str(home)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                start_new_session=True,
                env={**kept, "NO_PROXY": "*"},
            )
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name=home.name, daemon=True)
        self._reader.start()

    def wait_ready(self) -> None:
        """Wait until it takes orders.

        Raises:
            DrillError: it does not start; carries the end of its log.
        """
        if not self._ready.wait(READY_SECONDS):
            raise DrillError(f"{self._name} does not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def run(self, order: dict[str, Any]) -> None:
        """Hand over one order."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """End it and what it started."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=STOP_SECONDS)
        end_group(self._process)
        self._reader.join(timeout=STOP_SECONDS)
        if not self._reader.is_alive():
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a word of a library
            if event["event"] == "ready":
                self._ready.set()
            else:
                self._hear(event)


def end_group(process: subprocess.Popen[str]) -> None:
    """End what we started, with its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
