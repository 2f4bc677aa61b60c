"""The cases of the benchmark."""

from __future__ import annotations

import pytest

from emr_drill.clients.cases import CASES, CONTROL, PRODUCT, Case
from emr_drill.clients.kinds import KINDS
from emr_drill.faults.table import chosen

RUNNABLE = [case for case in CASES.values() if not case.missing]


def test_there_are_enough_real_jobs() -> None:
    real = [case.plan for case in RUNNABLE if case.services == "real" and case.system == PRODUCT]

    assert sum(plan.long + plan.short + plan.during + plan.after for plan in real) >= 200


@pytest.mark.parametrize("case", RUNNABLE, ids=lambda case: case.name)
def test_a_case_names_a_row_for_its_strategy(case: Case) -> None:
    if case.system == PRODUCT:
        assert chosen(case.fault, real=False, strategy=case.strategy)


@pytest.mark.parametrize("case", [case for case in RUNNABLE if case.services == "real"], ids=lambda case: case.name)
def test_every_client_takes_part_in_every_case_with_real_services(case: Case) -> None:
    assert tuple(case.plan.kinds) == KINDS


def test_the_control_runs_the_jobs_of_the_case_it_stands_beside() -> None:
    assert CASES["control"].system == CASES["control-kill"].system == CONTROL
    assert CASES["control"].plan == CASES["both-busy"].plan
    assert CASES["control-kill"].plan == CASES["kill"].plan


def test_a_case_whose_row_is_not_there_says_so() -> None:
    assert Case(name="x", what="", fault="no-such-row").missing == "row no-such-row of the fault table"
    assert Case(name="x", what="", strategy="hot").missing == "strategy hot"
