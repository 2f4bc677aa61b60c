"""Rows of the fault table in which something comes in the way of what a person has done."""

from __future__ import annotations

from dataclasses import replace

from dr_core.requests import Reason
from emr_drill.faults.model import Act, Expectation, Fault, Moment, Old, Outcome, Page
from emr_drill.faults.planned import (
    ASKED,
    DEPLOYED,
    DEPLOYS,
    FASTEST_UNDER_LOAD,
    LOAD_WITH_OVERLONG,
    OVERDUE,
    SETTINGS,
    SPARK_DEFAULT,
    asks,
    ends_as,
    planned,
)
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
    Fault(
        name="deploy-while-evacuated",
        acts=(
            asks("a person evacuates the AZ and has jobs finish", reason=Reason.EVACUATION),
            replace(DEPLOYS, after=Moment.LAUNCH, seconds=UNDER_WAY_SECONDS),
        ),
        expect=replace(
            planned(
                stopped=1,
                leaves_zone=True,
                pages=(Page(subject="switchover of a was stopped"),),
                shows=(
                    ends_as("UPDATE_COMPLETE"),
                    Trace(
                        what="whoever evacuates is told that the deploy leaves the AZ",
                        kind="notification",
                        like={"message": "*deploy that superseded it leaves the availability zone in its place*"},
                    ),
                ),
            ),
            launches=(2, 2),
        ),
        must="the evacuation is stopped, with a message, and the cluster with the new setting takes over in another AZ "
        f"all the same; {OVERDUE}",
        notices=ASKED,
        struck=(DEPLOYED,),
        strategies=("active-passive",),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=SPARK_DEFAULT,
        load=LOAD_WITH_OVERLONG,
        managed_cluster="a",
    ),
)
