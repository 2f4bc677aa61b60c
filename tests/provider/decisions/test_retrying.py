"""Airflow's retry is told from a person's clear by numbers, and where they do not tell, nobody guesses (A6, B9)."""

from __future__ import annotations

import pytest

from emr_dr_airflow.decisions.retrying import first_try


@pytest.mark.parametrize(
    ("number", "max_tries", "retries", "first"),
    [
        (1, 0, 0, 1),
        (1, 3, 3, 1),
        (2, 3, 3, 1),
        (4, 3, 3, 1),
        # Cleared after try 2, and after try 1 of a task without retries.
        (3, 5, 3, 3),
        (4, 5, 3, 3),
        (2, 1, 0, 2),
        # Beyond its last try: reset by Airflow, or cleared while it ran.
        (2, 0, 0, None),
        (5, 3, 3, None),
        # The DAG's author changed the number of retries.
        (2, 1, 3, None),
        (2, 5, 0, None),
        (2, None, 1, None),
    ],
)
def test_the_first_try_since_a_clear(number: int, max_tries: int | None, retries: int, first: int | None) -> None:
    assert first_try(number, max_tries=max_tries, retries=retries) == first
