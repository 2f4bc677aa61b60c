"""The row in which one thing comes after the other, and at last the deployment is deleted: nothing may pile up."""

from __future__ import annotations

from dataclasses import replace

from emr_drill.faults.model import Expectation, Fault, Moment, Old, Otherwise, Outcome, Page, Range
from emr_drill.faults.planned import (
    DEPLOYS,
    EVACUATES,
    FASTEST_UNDER_LOAD,
    JOBS_ENDED,
    SETTINGS,
    SPARK_DEFAULT,
    ends_as,
)
from emr_drill.faults.remains import Remains
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, seen_bad
from emr_drill.jobs.plan import Load
from emr_drill.ports import Service

# Monitor and probers have looked at what serves, and some jobs run there, before the next thing is done.
REST_SECONDS = 60.0
# The last act of two managed clusters is done some 6,000 s after the first.
LIMIT_SECONDS = 14_400.0
# Fewer at a time than where one change alone is made: whatever happens, some jobs run and more come.
LOAD = Load(every=24.0)

# As many as the settings' default lets happen before the next one waits for a person (failovers_before_block).
FAILOVERS = 2

REMAINS = (
    Remains(
        kind="AWS::DynamoDB::Table",
        logical_id="TablesRecord",
        why="the record, the only account of what ran; delete it by hand when nobody will ask",
    ),
)


def in_a_row(*, replaced_by_upgrade: int) -> Expectation:
    """Two failovers, an upgrade that replaces so many clusters, and an evacuation."""
    planned = replaced_by_upgrade + 1
    operations: dict[str, Range] = {"failed over": (FAILOVERS, FAILOVERS), "switched over": (planned, planned)}
    return Expectation(
        outcome=Outcome.IN_A_ROW,
        operations=operations,
        launches=(FAILOVERS + planned, FAILOVERS + planned),
        old=Old.ENDED,
        jobs_lost=True,
        pages=(Page(subject="failed over"), Page(subject="switched over")),
        may=(JOBS_ENDED,),
        shows=(ends_as("UPDATE_COMPLETE"),),
        limit_seconds=LIMIT_SECONDS,
    )


LEAVES = (
    "the next thing is done to what serves then; when the stack is deleted at the end, every cluster, incarnation "
    "stack, target, execution, schedule, function and rule of the strategy goes with it, and only what is retained on "
    "purpose is left: the record"
)

ROWS: tuple[Fault, ...] = (
    Fault(
        name="in-a-row",
        acts=(
            KILLS_PRIMARY,
            replace(KILLS_PRIMARY, what="the same again", after=Moment.REST, seconds=REST_SECONDS),
            replace(DEPLOYS, after=Moment.REST, seconds=REST_SECONDS),
            replace(EVACUATES, after=Moment.REST, seconds=REST_SECONDS),
        ),
        expect=in_a_row(replaced_by_upgrade=1),
        must=f"another incarnation takes over each time, and the one before is retired; {LEAVES}",
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER),),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=SPARK_DEFAULT,
        load=LOAD,
        managed_cluster="a",
        remains=REMAINS,
        otherwise={
            "active-active": Otherwise(
                expect=in_a_row(replaced_by_upgrade=2),
                must="another incarnation takes over each time, by the upgrade for both managed clusters, and the one "
                f"before is retired; {LEAVES}",
            )
        },
    ),
)
