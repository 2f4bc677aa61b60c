"""The drill's worker in an environment with the provider, made impatient, and telling of metrics.

Runs where Airflow and the built wheel are installed; arguments: the drill's worker script, and its directory.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

IMPATIENT = {
    "polling_seconds": 0.3,
    "settle_seconds": 0.2,
    "ghost_seconds": 2.0,
    "again_seconds": 0.1,
    "longest_again_seconds": 0.5,
}


def load(script: Path) -> Any:
    """The drill's worker as a module."""
    spec = importlib.util.spec_from_file_location("airflow_worker", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["airflow_worker"] = module
    spec.loader.exec_module(module)
    return module


class Recorder:
    """In the place of Airflow's metrics."""

    def __init__(self, told: Any) -> None:
        self._told = told

    def incr(self, name: str, tags: Any = None) -> None:
        self._told.event("metric", name=name, tags=tags)

    def timing(self, name: str, length: Any, tags: Any = None) -> None:
        self._told.event("metric", name=name, tags=tags, seconds=length.total_seconds())


def main(script: Path, home: Path) -> int:
    """Like the drill's, with changes."""
    worker = load(script)
    run = worker.run

    def patched(job: dict[str, Any], told: Any, *rest: Any) -> None:
        from dataclasses import replace

        # Looked up by name: what a test puts into their place is not what they declare.
        operators: Any = importlib.import_module("emr_dr_airflow.operators")
        reporting: Any = importlib.import_module("emr_dr_airflow.reporting")

        limits = operators.EmrLivyOperator._limits
        operators.EmrLivyOperator._limits = lambda self: replace(limits(self), **IMPATIENT)
        recorder = Recorder(told)
        reporting.stats = lambda: recorder
        options = job.setdefault("options", {})
        if "outage_limit" in options:
            from datetime import timedelta

            options["outage_limit"] = timedelta(seconds=options["outage_limit"])
        run(job, told, *rest)

    worker.run = patched
    result: int = worker.main(home)
    return result


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]).resolve()))
