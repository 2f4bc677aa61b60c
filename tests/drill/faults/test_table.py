"""The fault table as a whole."""

from __future__ import annotations

import re

import pytest

from dr_core import metrics
from emr_drill.errors import DrillError
from emr_drill.faults.alarms import ALARMS, SILENCE_ALARMS
from emr_drill.faults.model import Fault, Moment, Outcome, Page
from emr_drill.faults.seen import names
from emr_drill.faults.table import FAULTS, NONE, chosen, find, speed_of
from emr_drill.faults.traces import Seen
from emr_drill.strategies import STRATEGIES

from .noting import scene

ROWS = list(FAULTS.values())
NAMES = names(scene([]))
# What must be rehearsed.
REQUIRED = {
    *("kill-primary", "kill-livy", "hang-livy", "restart-livy", "stop-resourcemanager", "hang-resourcemanager"),
    *("kill-namenode", "namenode-safemode", "no-nodemanagers", "slow-services", "az-blackhole", "prober-network-gone"),
    *("terminate-by-user", "throttled-api", "denied-api", "dynamodb-away", "no-capacity-one-az", "no-capacity-all"),
    *("stuck-starting", "canary-fails", "bad-seed-once", "bad-seed-always", "doubled-events", "old-returns"),
    *("cancelled-before-fence", "controller-crash-launch", "lost-answer-create-stack"),
    "az-blackhole-of-two",
    *("switchover", "evacuate", "upgrade", "rollback", "bad-upgrade", "limits-and-tags", "in-a-row"),
}


def test_nothing_that_must_be_rehearsed_is_missing() -> None:
    assert REQUIRED - FAULTS.keys() == set()


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_a_row_tells_people_what_is_done_what_must_happen_and_who_notices(fault: Fault) -> None:
    assert fault.what and fault.must and fault.notices
    assert not fault.must.endswith(".")


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_a_row_begins_with_its_fault(fault: Fault) -> None:
    assert fault.acts[0].after is Moment.FAULT and fault.acts[0].seconds == 0


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_what_waits_for_a_page_has_a_page_to_wait_for(fault: Fault) -> None:
    waits = any(act.after is Moment.PAGE for act in fault.acts)

    assert not waits or fault.expect.pages


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_no_row_waits_for_a_launch_or_cut_over_that_must_not_come(fault: Fault) -> None:
    moments = {act.after for act in fault.acts}

    assert Moment.LAUNCH not in moments or fault.expect.launches[1] > 0
    assert Moment.CUT_OVER not in moments or fault.expect.outcome in (Outcome.FAILOVER, Outcome.PLANNED)
    assert Moment.REST not in moments or fault.expect.launches[0] > 1


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_a_row_whose_fault_never_struck_does_not_hold(fault: Fault) -> None:
    seen = Seen(names=NAMES, since=0.0, until=30.0)

    assert all(trace.why_not(seen) is not None for trace in fault.struck)
    assert bool(fault.struck) is (fault.name != NONE)


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_what_a_row_looks_for_has_words_and_names_what_there_is(fault: Fault) -> None:
    for trace in (*fault.struck, *fault.expect.shows):
        assert trace.what and not trace.what.endswith(".")
        assert all(pattern.format_map(NAMES) for pattern in trace.like.values())
    assert not fault.expect.zone or fault.expect.zone in NAMES


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_nobody_is_woken_up_for_nothing(fault: Fault) -> None:
    """What needs no person has no page; what does is told of as an outcome, or by a page of its own."""
    quiet = {"restart-livy", "slow-services", "prober-network-gone", "limits-and-tags", "none"}

    assert bool(fault.expect.told) is (fault.name not in quiet)
    assert fault.name not in quiet or not fault.expect.allowed


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_metrics_of_pages_are_those_that_functions_write(fault: Fault) -> None:
    known = {value for value in vars(metrics).values() if isinstance(value, str)}

    assert {page.metric for page in fault.expect.allowed if page.metric} <= ALARMS & known
    assert {page.missing for page in fault.expect.allowed if page.missing} <= SILENCE_ALARMS.keys() & known
    assert all(re.compile(page.subject) for page in fault.expect.allowed)


def test_at_least_eight_rows_are_run_with_real_services() -> None:
    assert sum(fault.real for fault in ROWS if fault.name != "none") >= 8


def test_a_row_is_found_by_its_name() -> None:
    assert find("hang-livy") is FAULTS["hang-livy"]


def test_a_wrong_name_is_told_with_those_that_are_alike() -> None:
    with pytest.raises(DrillError, match="there is no fault 'hang-livi': did you mean hang-livy"):
        find("hang-livi")


def test_a_name_like_no_other_is_told_with_all() -> None:
    with pytest.raises(DrillError, match="there are kill-primary, kill-all-primaries, kill-livy"):
        find("zzz")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_all_is_every_row_of_the_strategy_that_breaks_something(strategy: str) -> None:
    names = {fault.name for fault in chosen("all", real=False, strategy=strategy)}

    assert names == {fault.name for fault in ROWS if fault.is_for(strategy)} - {"none"}


def test_both_halves_can_only_be_killed_where_there_are_two() -> None:
    """A2."""
    of_two = [fault.name for fault in ROWS if fault.is_for("active-active") and not fault.is_for("active-passive")]
    assert of_two == ["kill-all-primaries", "sick-while-moved"]
    with pytest.raises(DrillError, match="kill-all-primaries is a fault of active-active, and active-passive"):
        chosen("kill-all-primaries", real=False)


def test_rows_are_for_strategies_that_there_are() -> None:
    assert {name for fault in ROWS for name in (*fault.strategies, *fault.otherwise)} <= STRATEGIES.keys()


def test_a_row_may_lead_to_something_else_under_another_strategy() -> None:
    """A2: of two AZs that are left, one has the other half."""
    row = FAULTS["no-capacity-one-az"]

    assert row.under("active-passive") is row
    assert Page(subject="shares .* with") in row.under("active-active").expect.told
    assert "the AZ of the other managed cluster" in row.under("active-active").must


def test_all_with_real_services_is_every_row_that_can_be_done_to_them() -> None:
    assert chosen("all", real=True) == [fault for fault in ROWS if fault.real and fault.name != "none"]


def test_several_names_are_chosen_in_their_order() -> None:
    assert [fault.name for fault in chosen("hang-livy, none", real=False)] == ["hang-livy", "none"]


def test_what_real_services_cannot_have_is_refused() -> None:
    with pytest.raises(DrillError, match="slow-services cannot be done to real services; these can: kill-primary"):
        chosen("slow-services", real=True)


@pytest.mark.parametrize(
    ("name", "real", "asked", "speed"),
    [
        ("kill-livy", False, None, 25.0),
        ("kill-livy", True, None, 5.0),
        ("hang-livy", True, None, 2.0),
        ("restart-livy", False, None, 25.0),
        ("restart-livy", True, None, 2.0),
        ("restart-livy", True, 7.0, 7.0),
    ],
)
def test_a_drill_is_as_fast_as_its_row_and_the_services_allow(
    name: str, real: bool, asked: float | None, speed: float
) -> None:
    """B11: a real Livy is away for seconds of the machine, however fast the drill's clock is."""
    assert speed_of(FAULTS[name], real=real, asked=asked) == speed
