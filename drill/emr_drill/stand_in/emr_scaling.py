"""What EMR refuses of a policy of managed scaling for a cluster of instance groups or of instance fleets.

The words are not EMR's, which are not documented; what is refused follows from the API reference of ``ComputeLimits``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNITS_OF_GROUPS, UNITS_OF_FLEETS = ("Instances", "VCPU"), ("InstanceFleetUnits",)
PARTS = ("MaximumCoreCapacityUnits", "MaximumOnDemandCapacityUnits")


def problem_of(policy: Mapping[str, Any], *, fleets: bool) -> str | None:
    """Why a policy is refused for a cluster of *fleets*, or of groups; ``None`` if it is taken."""
    limits = policy.get("ComputeLimits")
    if not limits:
        return "ManagedScalingPolicy has to have ComputeLimits."
    unit = limits["UnitType"]
    units = UNITS_OF_FLEETS if fleets else UNITS_OF_GROUPS
    if unit not in units:
        kind = "fleets" if fleets else "groups"
        return f"UnitType of a cluster of instance {kind} is {' or '.join(units)}, got {unit}."
    minimum, maximum = limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]
    if not 1 <= minimum <= maximum:
        return f"MinimumCapacityUnits is at least 1 and at most MaximumCapacityUnits, got {minimum} and {maximum}."
    for part in PARTS:
        if not 0 <= limits.get(part, maximum) <= maximum:
            return f"{part} is at most MaximumCapacityUnits, got {limits[part]} and {maximum}."
    return None


def maximum_of(policy: Mapping[str, Any] | None) -> int | None:
    """The most that a policy allows; ``None`` if there is none."""
    return None if policy is None else int(policy["ComputeLimits"]["MaximumCapacityUnits"])
