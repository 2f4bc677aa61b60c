"""The fault table: what can be broken, and what must come of it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from emr_drill import strategies
from emr_drill.errors import DrillError
from emr_drill.faults import certificates, cloud, fleets, in_a_row, overlapping, planned, services, standbys, zones
from emr_drill.faults.model import WARM, Fault

NONE = "none"


def _with_standby(fault: Fault) -> Fault:
    """The row with what must happen where a standby is kept, if it says that."""
    other = standbys.WITH_STANDBY.get(fault.name)
    return fault if other is None else replace(fault, otherwise={**fault.otherwise, WARM: other})


FAULTS: Mapping[str, Fault] = {
    fault.name: _with_standby(fault)
    for fault in (
        *services.ROWS,
        *zones.ROWS,
        *fleets.ROWS,
        *cloud.ROWS,
        *certificates.ROWS,
        *planned.ROWS,
        *in_a_row.ROWS,
        *overlapping.ROWS,
        *standbys.ROWS,
    )
}


def find(name: str) -> Fault:
    """The row called *name*.

    Raises:
        DrillError: there is none; names those that are alike.
    """
    if name in FAULTS:
        return FAULTS[name]
    alike = difflib.get_close_matches(name, FAULTS, n=3)
    hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(FAULTS)}"
    raise DrillError(f"there is no fault {name!r}: {hint} (`emr-dr drill --list-faults` explains each)")


def chosen(names: str, *, real: bool, strategy: str = strategies.DEFAULT) -> list[Fault]:
    """The rows that *names* stands for.

    Args:
        names: names with commas between them, or ``all``.
        real: whether they are for real services.
        strategy: what they are for.

    Raises:
        DrillError: a name is not known, or its row is not for real services, or not for the strategy.
    """
    rows = [fault for fault in FAULTS.values() if fault.is_for(strategy)]
    if names == "all":
        return [fault for fault in rows if fault.name != NONE and (fault.real or not real)]
    found = [find(name.strip()) for name in names.split(",")]
    for fault in found:
        if fault not in rows:
            able = ", ".join(name for name in strategies.STRATEGIES if fault.is_for(name))
            raise DrillError(f"{fault.name} is a fault of {able}, and {strategy} is drilled")
    for fault in found:
        if real and not fault.real:
            able = ", ".join(one.name for one in FAULTS.values() if one.real)
            raise DrillError(f"{fault.name} cannot be done to real services; these can: {able}")
    return found


def speed_of(fault: Fault, *, real: bool, asked: float | None) -> float:
    """The speed of a drill: what was *asked* for, else as fast as the row and the services allow."""
    if asked is not None:
        return asked
    return min(fault.fastest, fault.fastest_real) if real else fault.fastest
