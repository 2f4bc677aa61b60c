"""The folder of the DAGs, and the job in it as a module."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from typing import Any

from emr_drill.preflight import REPOSITORY

DAGS = REPOSITORY / "dags"
JOB = DAGS / "jobs" / "daily_totals.py"


@cache
def job() -> Any:
    """``dags/jobs/daily_totals.py``, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("daily_totals", JOB)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["daily_totals"] = module
    spec.loader.exec_module(module)
    return module
