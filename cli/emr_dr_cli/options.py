"""Checks of options that several commands have; each says what it got and what is allowed."""

from __future__ import annotations

import math

import typer

from emr_drill.addresses import FIRST_BLOCK, LAST_BLOCK

# Of what is printed where no terminal says how wide it is.
WIDTH_OF_A_LOG = 160
BLOCK_RANGE = f"{FIRST_BLOCK} to {LAST_BLOCK}"


def check_block(value: int) -> int:
    """*value*, if it is an address block.

    Raises:
        typer.BadParameter: it is none.
    """
    if not FIRST_BLOCK <= value <= LAST_BLOCK:
        raise typer.BadParameter(f"must be {BLOCK_RANGE}, got {value}")
    return value


def check_speed(value: float | None) -> float | None:
    """*value*, if a clock can run at that speed; None stands for the default.

    Raises:
        typer.BadParameter: it cannot.
    """
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"must be a number above 0 (1 is as slow as AWS), got {value:g}")
    return value


def check_seeds(value: str | None) -> str | None:
    """*value*, if it is numbers with commas between them.

    Raises:
        typer.BadParameter: it is not.
    """
    if value is not None and not all(one.strip().isdecimal() for one in value.split(",")):
        raise typer.BadParameter(f"must be whole numbers with commas between them, such as 1,2,3, got {value!r}")
    return value
