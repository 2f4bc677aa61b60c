"""What a drill found out about the time since its fault, as the fault table's judgement wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emr_drill.faults.judging import ENDED, Found
from emr_drill.faults.model import Moment
from emr_drill.faults.scene import BY_HAND
from emr_drill.jobs.submitter import Submission
from emr_drill.observe import Deployment, Execution
from emr_drill.report import Report

if TYPE_CHECKING:
    from emr_drill.rehearsal import Timeline

# A rule or a target that changed takes effect on every node within 12 s (10 s and its jitter); requests on their way.
PROPAGATION_SECONDS = 15.0


def facts(
    report: Report,
    *,
    timeline: Timeline,
    deployment: Deployment,
    submissions: Sequence[Submission],
    executions: Sequence[Execution],
    told: tuple[list[str], dict[str, float]],
) -> Found:
    """The facts about a fault that struck.

    Args:
        report: its job counts and whether the system recovered must be filled in.
        timeline: when what happened; has a scene.
        deployment: the record.
        submissions: the submitter's log.
        executions: every execution of the operation machine.
        told: see :func:`emr_drill.observe.told`.
    """
    scene = timeline.scene
    assert scene is not None, "there are facts about a fault only after it struck"
    items = deployment.incarnations()
    records = {str(item["id"]): item for item in deployment.records("operation")}
    operations = [
        (str(item.get("outcome") or one.status), str(item.get("message") or ""))
        for one in executions
        if one.name not in timeline.operations_before and not one.name.startswith(BY_HAND)
        for item in [records.get(one.name, {})]
    ]
    clusters = scene.clusters.states()
    by_hand = {item["stack_name"] for item in items if str(item.get("operation", "")).startswith(BY_HAND)}
    old = next(item for item in items if item["generation"] == scene.generation)
    return Found(
        operations=operations,
        launched=[one[1] for one in clusters if one[0] not in timeline.clusters_before and one[1] not in by_hand],
        subjects=told[0],
        metrics=told[1],
        jobs=report.jobs,
        recovered=report.recovered,
        old_serves=old["state"] == "serving",
        old_state=next(one[4] for one in clusters if one[0] == scene.cluster_id),
        alive=[one[1] for one in clusters if one[4] not in ENDED],
        serving=[str(item["stack_name"]) for item in items if item["state"] in ("serving", "standby")],
        submits_to_old=_submits_to(str(old["stack_name"]), submissions, timeline, deployment),
        unretired=[_unretired(item) for item in items if item["state"] not in ("serving", "standby", "retired")],
        acts_left=[act.text for act in timeline.acts_left],
    )


def _submits_to(name: str, submissions: Sequence[Submission], timeline: Timeline, deployment: Deployment) -> int:
    """How many jobs the old incarnation took after it had been replaced."""
    cut_over = timeline.moments.get(Moment.CUT_OVER)
    if cut_over is None:
        return 0
    return sum(
        one.id is not None and one.at > cut_over + PROPAGATION_SECONDS and deployment.owner(one.id) == name
        for one in submissions
    )


def _unretired(item: dict[str, Any]) -> str:
    return f"generation {item['generation']} in {item['availability_zone']} is {item['state']}"
