"""The tables of the matrix."""

from __future__ import annotations

from emr_drill.airflow_matrix.table import airflow_matrix_table, airflow_summary, runs_of

from .world import content, group, run

CONTENT = content(
    one=group(
        run(),
        run(outcome="disturbed"),
        run(operator="stock", outcome="doubled", strangers=[7]),
        run(struck=False, outcome="wrong"),
    ),
    real=group(run(case="expired"), services="real", strategy="active-active"),
)


def test_a_row_for_each_case_with_what_became_of_its_runs() -> None:
    table = airflow_matrix_table(CONTENT)
    (ghost,) = (line for line in table.splitlines() if line.startswith("| `ghost`"))

    assert ghost.endswith("| 1 right, 1 disturbed |  | 1 doubled, 1 others' batches deleted |  |")
    assert "| `switchover`" not in table  # nobody ran it


def test_what_the_fault_did_not_strike_is_not_in_the_rows_and_not_hidden() -> None:
    table = airflow_matrix_table(CONTENT)

    assert "1 wrong" not in next(line for line in table.splitlines() if line.startswith("| `ghost`"))
    assert "of 4 runs 1 wrong, 0 doubled" in table
    assert "1 runs are not in the table" in table and "1 wrong." in table


def test_the_summary_counts_every_word() -> None:
    lines = airflow_summary(CONTENT).splitlines()

    assert lines[2].startswith("| operator, mode | runs | right | disturbed | lost and said | silent | doubled | wrong")
    assert lines[4] == "| `EmrLivyOperator`, sync | 3 | 2 | 1 | 0 | 0 | 0 | 0 | 0 |"
    assert lines[6] == "| stock `LivyOperator`, sync | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 1 |"


def test_runs_are_counted_by_services() -> None:
    assert (runs_of(CONTENT, "simulated"), runs_of(CONTENT, "real")) == (3, 1)
