"""``--upgrade``, ``--switchover`` and ``--evacuate [AZ]``: other words for rows of the fault table."""

from __future__ import annotations

from collections.abc import Mapping

from emr_drill.errors import DrillError


def planned_row(asked: Mapping[str, bool], *, zone: str | None, fault: str | None) -> str | None:
    """The row that the options stand for; ``None`` if none of them was given.

    Args:
        asked: name of a row -> whether its option was given.
        zone: the AZ to leave, if one was named.
        fault: what ``--fault`` was given, if it was.

    Raises:
        DrillError: two were given that cannot go together.
    """
    given = [name for name, was in asked.items() if was]
    words = [f"--{name}" for name in given] + ([f"--fault {fault}"] if fault is not None else [])
    if given and len(words) > 1:
        raise DrillError(
            f"{' and '.join(words)} are drills of their own: give one of them (--{given[0]} is short for "
            f"--fault {given[0]}, and `--fault {','.join(dict.fromkeys([*given, *([fault] if fault else [])]))}` runs "
            "one after the other)"
        )
    if zone is not None and given != ["evacuate"]:
        raise DrillError(f"an AZ ({zone}) is what --evacuate leaves: `emr-dr drill --evacuate {zone}`")
    return given[0] if given else None
