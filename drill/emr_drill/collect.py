"""Puts together what a drill found: history, record, ledger, log of submits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dr_core.metrics import FENCE_OVERDUE
from dr_core.naming import is_standby_operation
from emr_drill.clock import Clock
from emr_drill.facts import facts
from emr_drill.faults.judging import judge_row
from emr_drill.faults.lost import lost_jobs
from emr_drill.faults.model import ASKED_FOR, FASTEST, Fault, Outcome
from emr_drill.faults.seen import seen, silences, submits_to_given_up
from emr_drill.jobs.client import CONNECT_SECONDS
from emr_drill.jobs.judgement import Judgement, judge, recovered_at, refused_after
from emr_drill.jobs.ledger import read
from emr_drill.jobs.source import JobSource
from emr_drill.jobs.submitter import Submission
from emr_drill.observe import IDS_PER_PREFIX, Deployment, Execution, request_of, told
from emr_drill.owners import Findings
from emr_drill.report import PHASE_SUM_TOLERANCE_SECONDS, IncarnationLine, OperationLine, Report
from emr_drill.stand_in.guard import CALL_REFUSED

if TYPE_CHECKING:
    from emr_drill.clients.judgement import StockJudgement
    from emr_drill.rehearsal import Timeline
    from emr_drill.stand_in.server import StandIn

MEASURING_SPEED = 5.0
MACHINE_SECONDS_BETWEEN = 1.0
# How operations end that answer a fault.
ANSWERS = ("failed over", "repaired")


def collect(
    report: Report,
    *,
    stand_in: StandIn,
    deployment: Deployment,
    submitter: JobSource,
    findings: Findings,
    ledger: Path,
    fault: Fault,
    timeline: Timeline,
    clock: Clock,
    standby: bool = False,
    stock: StockJudgement | None = None,
) -> None:
    """Fill *report* when nothing moves any more.

    Args:
        standby: whether the strategy keeps one.
        stock: what became of the jobs if stock clients ran them.
    """
    fault_at = timeline.fault_at
    incarnations = deployment.incarnations()
    operations = deployment.records("operation")
    executions = deployment.executions("operation")
    outcome_of = {str(item["id"]): item for item in operations}
    managed_clusters = [each.name for each in deployment.config.managed_clusters]
    # Where somebody else serves meanwhile, recovery is not the sum of the phases.
    shared = len(managed_clusters) > 1
    report.managed_clusters = len(managed_clusters)

    judgement: Judgement | StockJudgement = stock or judge(
        submitter.jobs, read(ledger), lambda batch: None if batch.id is None else deployment.owner(batch.id)
    )
    report.jobs = judgement.counts.to_dict()
    report.complaints = judgement.complaints
    report.applications = {
        batch.name: batch.application for progress in submitter.jobs for batch in progress.tries if batch.application
    }
    report.incarnations = [_incarnation_line(item, clock) for item in incarnations]
    report.operations = [_operation_line(one, outcome_of.get(one.name, {})) for one in executions]
    report.inert_types = sorted(stand_in.inert_types)
    report.permissions_checked = stand_in.guard.checked
    report.owner_checks = {
        "asked": findings.asked,
        "whole_rounds": findings.whole_rounds,
        **{str(status): n for status, n in findings.statuses.items()},
    }

    answer = next((one for one in executions if _answers_fault(one, outcome_of, fault_at)), None)
    recovered = recovered_at(submitter.submissions, fault_at, judgement.lost)
    if timeline.scene is not None and shared:
        generation = timeline.scene.generation
        struck = next(str(item["stack_name"]) for item in incarnations if item["generation"] == generation)
        report.isolated_seconds = _isolated(submitter.submissions, deployment, struck, fault_at)
    report.submits_refused = refused_after(submitter.submissions, fault_at)
    report.submits_again_seconds = None if recovered is None else round(recovered - fault_at, 1)
    if fault.expect.outcome in {Outcome.NOTHING, Outcome.CANCEL, Outcome.IN_A_ROW, *ASKED_FOR}:
        report.recovered = recovered is not None
    elif answer is not None and recovered is not None:
        _phases(report, answer, recovered, fault_at)
        if shared:
            report.redundancy_seconds = _redundancy(executions, outcome_of, fault_at, outcomes=ANSWERS)
        if standby:
            report.redundancy_seconds = _redundancy(executions, outcome_of, fault_at, outcomes=("stands by",))
        taker = next((item for item in incarnations if item.get("operation") == answer.name), None)
        if taker and "create_stack_at" in taker and "waiting_at" in taker:
            # Of what stood by before the fault nothing is left to wait for.
            begun = max(taker["create_stack_at"], fault_at)
            report.emr_launch_seconds = round(max(0.0, taker["waiting_at"] - begun), 1)
        if report.emr_launch_seconds is not None and not shared:
            report.overhead_seconds = round((report.recovery_seconds or 0) - report.emr_launch_seconds, 1)
    report.invariants_broken = [
        *findings.complaints,
        *broken_invariants(
            incarnations=incarnations,
            executions=executions,
            managed_cluster_of={name: str(item.get("managed_cluster")) for name, item in outcome_of.items()},
            managed_clusters=managed_clusters,
        ),
        *(broken_standbys(incarnations) if standby else []),
        *refused_calls(stand_in.journal),
        *([] if shared else _phase_sum(report, answer, fault, submitter.submissions)),
    ]
    if timeline.survivor is not None:
        report.survivor = timeline.survivor.seen(stand_in.journal, since=fault_at)
    if timeline.scene is not None:
        subjects, metrics = told(stand_in.journal, since=timeline.journal_before)
        report.pages = subjects
        written = seen(
            stand_in.journal,
            timeline=timeline,
            scene=timeline.scene,
            evidence=deployment.evidence_since(timeline.scene.generation, fault_at),
            submissions=submitter.submissions,
            until=clock.now(),
        )
        found = replace(
            facts(
                report,
                timeline=timeline,
                deployment=deployment,
                submissions=submitter.submissions,
                executions=executions,
                told=(subjects, metrics),
            ),
            seen=written,
            silent=silences(written),
            serving_in=[
                str(item["availability_zone"])
                for item in incarnations
                if item["state"] == "serving" and item["managed_cluster"] == timeline.scene.managed_cluster
            ],
            lost=lost_jobs(submitter.jobs, judgement.lost, list(stand_in.journal)),
            submits_refused=report.submits_refused,
            survivor=report.survivor,
            submits_to_given_up=submits_to_given_up(
                submitter.submissions, incarnations=incarnations, deployment=deployment
            ),
        )
        if stock is not None:
            # What stock clients do to themselves on a 5xx is no fault of the system: counted, and not judged here.
            found = replace(found, jobs={**report.jobs, "doubled": 0, "resubmitted": 0})
        report.fault_row = judge_row(fault, found, fence_overdue=metrics.get(FENCE_OVERDUE, 0) > 0)


def _phases(report: Report, answer: Execution, recovered: float, fault_at: float) -> None:
    claimed = answer.first_entered("Claim") or answer.started
    report.phases = {
        name: round(seconds, 1) for name, seconds in {"detect": claimed - fault_at, **answer.phases()}.items()
    }
    report.recovery_seconds = round(recovered - fault_at, 1)
    report.recovered = answer.status == "SUCCEEDED"


def _redundancy(
    executions: Sequence[Execution], outcome_of: dict[str, Any], fault_at: float, *, outcomes: Sequence[str]
) -> float | None:
    """Seconds until the last operation after the fault with one of these *outcomes* had come to its end."""
    ends = [
        end
        for one in executions
        if _answers_fault(one, outcome_of, fault_at, outcomes=outcomes)
        and (end := one.first_entered("CutOverDone") or one.first_entered("Repaired")) is not None
    ]
    return round(max(ends) - fault_at, 1) if ends else None


def _isolated(submissions: Sequence[Submission], deployment: Deployment, struck: str, fault_at: float) -> float | None:
    """Seconds until no new job went to the cluster called *struck* any more, by the clients' log."""
    after = [one for one in submissions if one.at >= fault_at]
    gone_there = [
        number
        for number, one in enumerate(after)
        if not one.accepted or (one.id is not None and deployment.owner(one.id) == struck)
    ]
    if not gone_there:
        return 0.0
    following = after[gone_there[-1] + 1 :]
    return round(following[0].answered - fault_at, 1) if following else None


def _answers_fault(
    execution: Execution, outcome_of: dict[str, Any], fault_at: float, *, outcomes: Sequence[str] = ANSWERS
) -> bool:
    outcome = outcome_of.get(execution.name, {}).get("outcome")
    return execution.started >= fault_at and outcome in outcomes


def phase_sum_tolerance(*, services: str, speed: float, sockets_wait: bool = False) -> float:
    """By how much the phases' sum may differ from recovery, seconds on the drill's clock.

    The two come from different places: the machine's history, and the submitter's log.  The rule is five seconds, and
    holds where figures are measured (simulated services, speed 5 or less).  Faster, or with real services, the
    machine's own work counts: between the first accepted submit and the end of `CutOver` lies a function's call, and
    one second of the machine is *speed* seconds on the drill's clock.  Where a fault makes sockets wait for their
    limits (*sockets_wait*), a submitter may try an address of the front door that is dead first, which takes its limit.
    """
    machine = CONNECT_SECONDS if sockets_wait else 0.0
    if services != "simulated" or speed > MEASURING_SPEED:
        machine += MACHINE_SECONDS_BETWEEN
    return PHASE_SUM_TOLERANCE_SECONDS + speed * machine


def under_way(submissions: Sequence[Submission], at: float) -> float:
    """How many seconds after *at* a submit that was under way then failed: the next one could not be sent before."""
    return max(
        (one.answered - at for one in submissions if not one.accepted and one.at <= at < one.answered), default=0
    )


def _phase_sum(report: Report, answer: Execution | None, fault: Fault, submissions: Sequence[Submission]) -> list[str]:
    if answer is None or not report.phases or report.recovery_seconds is None or not fault.adds_up:
        return []
    ended = answer.first_entered("CutOverDone")
    if ended is None:  # mended in place: jobs are accepted before the operation knows it
        return []
    if not report.submits_refused:  # Livy lives: jobs are accepted all the time, and when they are next is chance
        return []
    total = sum(report.phases.values())
    tolerance = phase_sum_tolerance(services=report.services, speed=report.speed, sockets_wait=fault.fastest < FASTEST)
    if -tolerance <= report.recovery_seconds - total <= tolerance + under_way(submissions, ended):
        return []
    return [
        f"the phases add up to {total:.0f} s by the machine's history, but recovery took "
        f"{report.recovery_seconds:.0f} s by the submitter's log (they may differ by {tolerance:.0f} s)"
    ]


def broken_invariants(
    *,
    incarnations: Sequence[dict[str, Any]],
    executions: Sequence[Execution],
    managed_cluster_of: Mapping[str, str],
    managed_clusters: Sequence[str],
) -> list[str]:
    """What the record and the history show to be broken of the controller's invariants; a sentence each.

    Args:
        incarnations: items of the record.
        executions: of the operation machine.
        managed_cluster_of: which managed cluster an operation works on, by the execution's name.
        managed_clusters: the names of all.
    """
    broken = []
    prefixes = [item["id_prefix"] for item in incarnations]
    if len(set(prefixes)) != len(prefixes):
        broken.append(f"two incarnations share an id range: prefixes {prefixes}")
    generations = [item["generation"] for item in incarnations]
    if len(set(generations)) != len(generations):
        broken.append(f"a generation was used twice: {generations}")
    stacks = [item["stack_name"] for item in incarnations]
    if len(set(stacks)) != len(stacks):
        broken.append(f"two stacks for a generation: {stacks}")
    for name in managed_clusters:
        serving = [
            item["generation"]
            for item in incarnations
            if item["state"] == "serving" and item["managed_cluster"] == name
        ]
        if len(serving) != 1:
            broken.append(f"one incarnation of {name} should be in service at the end, the record has {serving}")
    for first, second in _pairs(executions):
        same = managed_cluster_of.get(first.name) == managed_cluster_of.get(second.name)
        # The launch of a standby gives way: the other one begins by stopping it.
        gave_way = is_standby_operation(first.name) and first.status == "ABORTED"
        if same and not gave_way and second.started < (first.stopped or float("inf")):
            broken.append(f"operations {first.name} and {second.name} ran at the same time")
    return broken


def refused_calls(journal: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the product did without the right to: a sentence for each kind of call.  None belongs to a fault."""
    found = {
        f"the role {entry['role']} may not {entry['action']} on {entry['resource']}: {entry['why']}"
        for entry in list(journal)
        if entry.get("kind") == CALL_REFUSED
    }
    return sorted(found)


def broken_standbys(incarnations: Sequence[dict[str, Any]]) -> list[str]:
    """What the record shows to be wrong with what stands by; a sentence each."""
    standbys = [item for item in incarnations if item["state"] == "standby"]
    if len(standbys) != 1:
        return [f"one incarnation should stand by at the end, the record has {[one['generation'] for one in standbys]}"]
    (standby,) = standbys
    zones = [item["availability_zone"] for item in incarnations if item["state"] == "serving"]
    if standby["availability_zone"] in zones:
        return [f"generation {standby['generation']} stands by in {standby['availability_zone']}, beside what serves"]
    return []


def _pairs(executions: Sequence[Execution]) -> list[tuple[Execution, Execution]]:
    ordered = sorted(executions, key=lambda one: one.started)
    return [(first, second) for number, first in enumerate(ordered) for second in ordered[number + 1 :]]


def _incarnation_line(item: dict[str, Any], clock: Clock) -> IncarnationLine:
    first = item["id_prefix"] * IDS_PER_PREFIX

    def since(name: str) -> float | None:
        return round(item[name] - clock.origin, 1) if name in item else None

    return IncarnationLine(
        managed_cluster=item["managed_cluster"],
        generation=item["generation"],
        availability_zone=item["availability_zone"],
        first_id=first,
        last_id=first + IDS_PER_PREFIX - 1,
        serving_from=since("serving_from"),
        serving_to=since("serving_to"),
        end=item["state"],
    )


def _operation_line(execution: Execution, item: dict[str, Any]) -> OperationLine:
    request = request_of(item)
    return OperationLine(
        kind=str(request.get("kind", "")),
        reason=str(request.get("reason", "")),
        outcome=str(item.get("outcome", execution.status)),
        phases={name: round(seconds, 1) for name, seconds in execution.phases().items()},
    )
