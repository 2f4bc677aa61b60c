"""Puts together what was written down since a fault: journal, evidence of the probers, log of the clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emr_drill.faults.alarms import SILENCE_ALARMS
from emr_drill.faults.traces import Entry, Seen, silent_minutes

if TYPE_CHECKING:
    from emr_drill.faults.scene import Scene
    from emr_drill.jobs.submitter import Submission
    from emr_drill.observe import Deployment
    from emr_drill.rehearsal import Timeline


def seen(
    journal: Sequence[Entry],
    *,
    timeline: Timeline,
    scene: Scene,
    evidence: Iterable[Mapping[str, Any]],
    submissions: Iterable[Submission],
    until: float,
) -> Seen:
    """What was written down since the fault.

    Args:
        journal: of the stand-in.
        timeline: when what happened.
        scene: where the fault struck.
        evidence: items of the evidence table about the incarnation that was in service.
        submissions: the clients' log.
        until: when the drill ended.
    """
    return Seen(
        entries=[
            *list(journal)[timeline.journal_before :],
            *(entry for item in evidence for entry in readings(item)),
            *(submit(one) for one in submissions if one.at >= timeline.fault_at),
        ],
        names=names(scene),
        moments={str(moment): at for moment, at in timeline.moments.items()},
        since=timeline.fault_at,
        until=until,
    )


def names(scene: Scene) -> dict[str, str]:
    """What stands for what in a row; an AZ that there is not has no name."""
    others = [*scene.other_zones, "", ""]
    return {
        "old": scene.cluster_id,
        "zone": scene.availability_zone,
        "preferred": others[0],
        "third": others[1],
        "standby": scene.standby or "",
    }


def readings(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An item of the evidence table as entries, one for each service."""
    return [
        {
            "at": float(item["observed_at"]),
            "kind": "evidence",
            "observer": item["observer"],
            "service": service,
            "verdict": reading["verdict"],
            "detail": reading["detail"],
        }
        for service, reading in item["services"].items()
    ]


def submit(submission: Submission) -> dict[str, Any]:
    """A client's POST as an entry."""
    return {
        "at": submission.at,
        "kind": "submit",
        "accepted": submission.accepted,
        "seconds": submission.answered - submission.at,
    }


def silences(found: Seen) -> dict[str, int]:
    """For how many whole minutes each metric was missing that is written all the time."""
    times = {
        metric: [
            float(entry["at"])
            for entry in found.entries
            if entry.get("kind") == "metric" and entry["name"] == metric and float(entry["value"]) > 0
        ]
        for metric in SILENCE_ALARMS
    }
    return {metric: silent_minutes(at, since=found.since, until=found.until) for metric, at in times.items()}


def submits_to_given_up(
    submissions: Iterable[Submission], *, incarnations: Iterable[Mapping[str, Any]], deployment: Deployment
) -> int:
    """How many jobs went to incarnations that never came into service."""
    given_up = {str(item["stack_name"]) for item in incarnations if "serving_from" not in item}
    if not given_up:
        return 0
    return sum(one.id is not None and deployment.owner(one.id) in given_up for one in submissions)
