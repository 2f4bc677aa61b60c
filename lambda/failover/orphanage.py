"""What becomes of stacks and clusters with our tags that no record knows."""

from __future__ import annotations

import time

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from dr_core import metrics
from dr_core.id_ranges import prefix_of
from dr_core.naming import stack_name
from dr_core.orphans import Orphan, Sighting, Treatment, orphans, seen_now, treat
from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.reality import Look, look
from failover.record_store import Change

logger = Logger()

# What keeps an orphan for good; a pause alone only puts its removal off.
_KEEP = (
    "Then change the tag emr-dr:deployment on its stack and on its cluster before you resume. The time runs on while "
    "you pause: what carries the tag after that is removed within minutes."
)


def see_to_orphans(deployment: Deployment, seen: Look, *, paused: bool) -> list[str]:
    """Tell of orphans that are new, end those whose time is over; answer what failed.  Nothing on an incomplete look.

    Args:
        deployment: whose.
        seen: a look at everything.
        paused: whether a person paused what the product does by itself.
    """
    if seen.unknown:
        return []  # what could not be read may be what tells an orphan from one that serves
    found = _orphans(deployment, seen)
    failed = []
    for orphan in found:
        try:
            _see_to(deployment, orphan, seen, paused=paused)
        except (BotoCoreError, ClientError) as error:
            logger.warning("could not see to an orphan", extra={"orphan": orphan.id, "error": str(error)})
            failed.append(orphan.id)
    deployment.notices.count(metrics.ORPHANS, value=len(found))
    return failed


def _orphans(deployment: Deployment, seen: Look) -> list[Orphan]:
    return orphans(seen.found, incarnations=seen.recorded.incarnations, deployment=deployment.config.deployment)


def _see_to(deployment: Deployment, orphan: Orphan, seen: Look, *, paused: bool) -> None:
    key = Sighting.key(orphan.id)
    item = deployment.record.get(key).get((Sighting.KIND, orphan.id))
    sighting = seen_now(orphan, Sighting.from_item(item) if item else None, now=time.time())
    treatment = treat(
        orphan,
        sighting,
        managed_clusters=seen.recorded.managed_clusters,
        paused=paused,
        limit=deployment.config.policy.orphan_seconds,
    )
    match treatment:
        case Treatment.TELL:
            _tell_new(deployment, orphan)
        case Treatment.REMOVE:
            _remove(deployment, orphan)
        case Treatment.WAIT:
            pass
    # After the message, so that a run which dies in between tells twice, not never.
    deployment.record.change(
        Change(key=key, values={"first_seen": sighting.first_seen, "last_seen": sighting.last_seen})
    )


def _remove(deployment: Deployment, orphan: Orphan) -> None:
    """Record an orphan as an incarnation that goes, and start its retirement, if a fresh look says the same of it.

    The retirement asks once more whose the cluster is before it ends it.
    """
    again = look(deployment)
    if again.unknown or orphan not in _orphans(deployment, again):
        return
    incarnation = Incarnation(
        generation=orphan.generation,
        managed_cluster=orphan.managed_cluster,
        state=IncarnationState.RETIRING,
        stack_name=stack_name(deployment.config.deployment, orphan.managed_cluster, orphan.generation),
        cluster_id=orphan.cluster_id,
        id_prefix=prefix_of(orphan.generation),
        created_at=time.time(),
    )
    if not deployment.record.put_new(incarnation.to_item()) and not _retire_again(deployment, orphan):
        return
    deployment.executions.retire(incarnation, planned=False)
    deployment.notices.tell(
        subject=f"{orphan.id} is being removed",
        happened=f"{_what(orphan)} is in no record, and has been there for "
        f"{deployment.config.policy.orphan_seconds // 60} minutes.",
        done="Its retirement was started: it ends the cluster and deletes the stack.",
        to_do="Nothing, unless you need it. Then pause first, as a retirement that was stopped is started again: "
        f"{_pause(deployment)} After that stop the execution of its retirement. {_KEEP}",
    )


def _retire_again(deployment: Deployment, orphan: Orphan) -> bool:
    """Let an incarnation be retired once more that was retired, and of which something is there; whether it will be."""
    return deployment.record.change(
        Change(
            key=Incarnation.key(orphan.generation),
            values={
                "state": IncarnationState.RETIRING,
                "cluster_id": orphan.cluster_id,
                "stack_id": None,
                # Of what was retired: whose it is now nobody knows, and nothing may be killed there.
                "primary_address": None,
                "terminate_requested_at": None,
                "hidden_at": None,
                "unrouted_at": None,
                "fenced_at": None,
            },
            condition="#state = :retired AND #managed_cluster = :name",
            condition_values={"retired": IncarnationState.RETIRED, "name": orphan.managed_cluster},
        )
    )


def _tell_new(deployment: Deployment, orphan: Orphan) -> None:
    if orphan.kept:
        done = f"Nothing, and nothing will be by itself: {orphan.kept}."
        to_do = (
            f"Find out whose it is. As long as it runs it costs money: end cluster {orphan.cluster_id} yourself "
            "if nobody needs it."
        )
    else:
        minutes = deployment.config.policy.orphan_seconds // 60
        done = f"Nothing yet. It is removed in {minutes} minutes."
        to_do = f"Nothing, if nobody needs it. If it is wanted, pause at once: {_pause(deployment)} {_KEEP}"
    deployment.notices.tell(
        subject=f"{orphan.id} is in no record",
        happened=f"{_what(orphan)} carries the name and the tags of this deployment, and no record knows it.",
        done=done,
        to_do=to_do,
    )


def _pause(deployment: Deployment) -> str:
    """The command that pauses, as a person types it."""
    return (
        f"aws lambda invoke --function-name {deployment.config.deployment}-control --cli-binary-format "
        'raw-in-base64-out --payload \'{"action": "pause", "because": "..."}\' /dev/stdout'
    )


def _what(orphan: Orphan) -> str:
    cluster = f"cluster {orphan.cluster_id}" if orphan.cluster_id else "its stack"
    return f"Generation {orphan.generation} of managed cluster {orphan.managed_cluster} ({orphan.id}, {cluster})"
