"""Settings of clusters of instance fleets."""

from __future__ import annotations

from typing import Any

CORE_TYPES: list[dict[str, Any]] = [{"type": "m5.xlarge"}, {"type": "m5.2xlarge", "units": 2}]
TASK: dict[str, Any] = {
    "types": [{"type": "m5.2xlarge", "units": 2}, {"type": "r5.2xlarge", "units": 2}],
    "units": 4,
    "spot_percent": 75,
}
FLEETS: dict[str, Any] = {
    "maximum_units": 20,
    "primary": {"types": ["m5.xlarge", "m5a.xlarge"]},
    "core": {"types": CORE_TYPES, "units": 2},
}
WITH_TASK: dict[str, Any] = {**FLEETS, "task": TASK}
