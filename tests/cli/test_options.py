"""Checks of options that several commands have."""

from __future__ import annotations

import math

import pytest
import typer

from emr_dr_cli.options import check_block, check_seeds, check_speed


@pytest.mark.parametrize("value", [10, 55, 99])
def test_blocks(value: int) -> None:
    assert check_block(value) == value


@pytest.mark.parametrize("value", [9, 100, -1, 0])
def test_other_blocks_are_refused_with_what_is_allowed(value: int) -> None:
    with pytest.raises(typer.BadParameter, match=f"must be 10 to 99, got {value}"):
        check_block(value)


@pytest.mark.parametrize("value", [0.1, 1, 25.0, None])
def test_speeds(value: float | None) -> None:
    assert check_speed(value) == value


@pytest.mark.parametrize("value", [0, -1.5, math.inf, -math.inf, math.nan])
def test_other_speeds_are_refused_with_what_is_allowed(value: float) -> None:
    with pytest.raises(typer.BadParameter, match=f"must be a number above 0 .*, got {value:g}"):
        check_speed(value)


@pytest.mark.parametrize("value", ["1", "1,2,3", "4, 5", None])
def test_seeds(value: str | None) -> None:
    assert check_seeds(value) == value


@pytest.mark.parametrize("value", ["", "1,", "a", "-1"])
def test_other_seeds_are_refused_with_an_example(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 1,2,3, got"):
        check_seeds(value)
