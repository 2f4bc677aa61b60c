"""Puts together what a drill of the baseline found: the clients' log, the ledger, and what the script did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emr_drill.baseline.homes import Homes
from emr_drill.baseline.schedule import Runs
from emr_drill.clock import Clock
from emr_drill.jobs.judgement import judge, recovered_at, refused_after
from emr_drill.jobs.ledger import read
from emr_drill.jobs.submitter import Submitter
from emr_drill.report import IncarnationLine, OperationLine, Report

if TYPE_CHECKING:
    from emr_drill.stand_in.emr import EmrClusters

ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
LEDGER_FILE, CLUSTERS_FOLDER = "ledger.jsonl", "clusters"


def fill(
    report: Report,
    *,
    runs: Runs,
    submitter: Submitter,
    clusters: EmrClusters,
    workdir: Path,
    fault_at: float,
    clock: Clock,
) -> None:
    """Fill *report* when nothing moves any more.

    Recovery is the clients': the first job accepted after the fault after which none was refused, or taken and lost.
    """
    seen = clusters.states()
    homes = Homes(clusters={one.cluster_id: one.name for one in seen}, directory=workdir / CLUSTERS_FOLDER)
    ended = {one.name: at for one in seen for state, at in clusters.history(one.cluster_id) if state in ENDED}
    judgement = judge(submitter.jobs, read(workdir / LEDGER_FILE), homes.owner, ended.get)
    report.jobs = judgement.counts.to_dict()
    report.complaints = judgement.complaints + [f"a run of the script ended early: {text}" for text in runs.failures]
    report.applications = {
        batch.name: batch.application for progress in submitter.jobs for batch in progress.tries if batch.application
    }
    report.submits_refused = refused_after(submitter.submissions, fault_at)
    recovered = recovered_at(submitter.submissions, fault_at, judgement.lost)
    report.recovered = recovered is not None and not report.problem
    if recovered is not None:
        report.submits_again_seconds = report.recovery_seconds = round(recovered - fault_at, 1)
    report.operations = [
        OperationLine(
            kind="replacement",
            reason=done.why,
            outcome="swapped",
            phases={"detect": round(done.began - fault_at, 1), "replace": round(done.ended - done.began, 1)},
        )
        for done in runs.replacements
    ]
    report.incarnations = []
    for number, one in enumerate(seen, start=1):
        history = dict(reversed(clusters.history(one.cluster_id)))  # the first time that it was in each state
        issued = homes.issued(one.name)
        report.incarnations.append(
            IncarnationLine(
                managed_cluster="-",
                generation=number,
                availability_zone=one.availability_zone,
                first_id=0,
                last_id=max(issued, default=0),
                serving_from=_since(history.get("WAITING"), clock),
                serving_to=_since(history.get("TERMINATING"), clock),
                end=one.state,
            )
        )
        if any(done.new == one.cluster_id for done in runs.replacements) and "WAITING" in history:
            report.emr_launch_seconds = round(history["WAITING"] - history["STARTING"], 1)


def _since(moment: float | None, clock: Clock) -> float | None:
    return None if moment is None else round(moment - clock.origin, 1)
