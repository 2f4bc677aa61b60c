"""Names of batches: the same for the same try, another for all else, and safe wherever they are written (A6, B9)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr_dr_airflow.decisions.names import (
    LONGEST_NAME,
    MOST_EARLIER_TRIES,
    TaskTry,
    batch_name,
    earlier_tries,
    name_after,
    names_of,
    traceable,
)

TASK = TaskTry(dag_id="etl", run_id="scheduled__1", run_key="7", task_id="load", map_index=-1, number=1)

tasks = st.builds(
    TaskTry,
    dag_id=st.text(min_size=1, max_size=250),
    run_id=st.text(min_size=1, max_size=250),
    run_key=st.text(max_size=32),
    task_id=st.text(min_size=1, max_size=250),
    map_index=st.integers(-1, 10_000),
    number=st.integers(1, 10_000),
    installation=st.text(max_size=80),
)


@given(task=tasks, resubmission=st.integers(0, 100))
def test_a_name_is_short_and_safe_in_a_path_and_never_all_digits(task: TaskTry, resubmission: int) -> None:
    name = batch_name(task, resubmission)

    assert re.fullmatch(r"[a-z][a-z0-9-]*", name)
    assert len(name) <= LONGEST_NAME


@given(one=tasks, other=tasks, resubmissions=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_only_the_same_try_has_the_same_name(one: TaskTry, other: TaskTry, resubmissions: tuple[int, int]) -> None:
    same = one == other and resubmissions[0] == resubmissions[1]

    assert (batch_name(one, resubmissions[0]) == batch_name(other, resubmissions[1])) is same


@pytest.mark.parametrize(
    "change",
    [
        {"dag_id": "etl-"},
        {"run_id": "x"},
        {"run_key": "8"},
        {"task_id": "l"},
        {"map_index": 0},
        {"number": 2},
        {"installation": "other"},
    ],
)
def test_every_part_of_a_try_counts(change: dict[str, object]) -> None:
    """Also the key of the run's row: a run that was deleted and made again has the same id."""
    assert batch_name(replace(TASK, **change), 0) != batch_name(TASK, 0)  # type: ignore[arg-type]


def test_parts_do_not_run_into_each_other() -> None:
    assert batch_name(replace(TASK, run_id="ab", run_key="c"), 0) != batch_name(
        replace(TASK, run_id="a", run_key="bc"), 0
    )


def test_a_name_tells_a_person_whose_it_is() -> None:
    assert re.fullmatch(r"j-etl-load-[0-9a-f]{16}-t1-r0", batch_name(TASK, 0))


@given(task=tasks, resubmission=st.integers(0, 20))
def test_the_name_after_one_that_was_lost_is_that_of_the_next_resubmission(task: TaskTry, resubmission: int) -> None:
    assert name_after(batch_name(task, resubmission)) == batch_name(task, resubmission + 1)


@pytest.mark.parametrize(("number", "resubmission"), [(0, 0), (1, -1)])
def test_numbers_below_the_first_are_refused(number: int, resubmission: int) -> None:
    with pytest.raises(ValueError, match="count from"):
        batch_name(replace(TASK, number=number), resubmission)


def test_every_earlier_try_is_looked_for_the_last_one_first() -> None:
    """The one before may have ended before it had looked for those before it."""
    assert earlier_tries(TASK) == ()
    assert [each.number for each in earlier_tries(replace(TASK, number=4))] == [3, 2, 1]
    assert earlier_tries(replace(TASK, number=2)) == (TASK,)


def test_there_is_a_bound_to_looking_back() -> None:
    numbers = [each.number for each in earlier_tries(replace(TASK, number=1000))]

    assert numbers == list(range(999, 999 - MOST_EARLIER_TRIES, -1))


def test_a_try_may_have_a_fixed_number_of_batches() -> None:
    """Whatever the task may resubmit now: it may have been more when the try began."""
    assert names_of(TASK) == tuple(batch_name(TASK, resubmission) for resubmission in range(10))


def test_an_application_leads_back_to_its_dag_run() -> None:
    conf = traceable({"spark.executor.cores": 2, "spark.yarn.tags": "team, nightly"}, TASK, name="j-x", label="Load")

    assert conf == {
        "spark.executor.cores": 2,
        "spark.yarn.tags": "team,nightly,j-x",
        "spark.emr_dr.correlation_id": "j-x",
        "spark.emr_dr.dag_id": "etl",
        "spark.emr_dr.run_id": "scheduled__1",
        "spark.emr_dr.task_id": "load",
        "spark.emr_dr.map_index": "-1",
        "spark.emr_dr.try_number": "1",
        "spark.emr_dr.name": "Load",
    }


def test_what_the_user_gave_is_not_changed() -> None:
    conf = {"spark.yarn.tags": "mine"}
    traceable(conf, TASK, name="j-x")

    assert conf == {"spark.yarn.tags": "mine"}
