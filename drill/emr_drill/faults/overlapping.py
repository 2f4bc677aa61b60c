"""Rows of the fault table in which something fails while a person has something done."""

from __future__ import annotations

from dr_core.requests import Reason
from emr_drill.faults.model import Act, Expectation, Fault, Moment, Old, Outcome, Page
from emr_drill.faults.planned import asks
from emr_drill.faults.services import PROBERS, kills, seen_bad
from emr_drill.faults.traces import Trace
from emr_drill.ports import Service

# The other cluster is on its way by then, and takes some minutes more.
UNDER_WAY_SECONDS = 20.0

ROWS: tuple[Fault, ...] = (
    Fault(
        name="sick-while-moved",
        acts=(
            asks("a person asks for a switchover", reason=Reason.MANUAL),
            Act(
                what="the ResourceManager of what is to be replaced ends; Livy and HDFS live on",
                do=kills("", Service.RESOURCE_MANAGER).do,
                after=Moment.LAUNCH,
                seconds=UNDER_WAY_SECONDS,
            ),
        ),
        expect=Expectation(
            outcome=Outcome.PLANNED,
            operations={"switched over": (1, 1)},
            launches=(1, 1),
            old=Old.ENDED,
            jobs_lost=True,
            pages=(Page(subject="is unhealthy while operation"),),
            shows=(
                Trace(
                    what="it gets no new jobs from then on, which a message says before the other one takes over",
                    kind="notification",
                    like={"message": "*It gets no new jobs while another managed cluster serves*"},
                ),
            ),
        ),
        must="it gets no new jobs, with a message; the switchover goes on as its recovery, and nobody waits for jobs "
        "of a dead ResourceManager: their clients are told by 410 and run them again",
        notices=PROBERS,
        struck=(seen_bad(Service.RESOURCE_MANAGER),),
        strategies=("active-active",),
        managed_cluster="a",
    ),
)
