"""Clusters whose launch was given up: seen to their end, so that nobody pays for one that nobody sees."""

from __future__ import annotations

from collections.abc import Iterable

from dr_core.launch_plan import Dying
from dr_core.record import Incarnation, IncarnationState
from failover.deployment import Deployment
from failover.leftovers import abandon
from failover.removal import with_cluster


def dying(deployment: Deployment, incarnations: Iterable[Incarnation]) -> list[Dying]:
    """Those of *incarnations* that were given up and whose cluster has not ended; each has a retirement that runs.

    One whose retirement was lost (its execution failed, or who gave it up died before it was started) gets one now.
    """
    given_up = [each for each in incarnations if each.state is IncarnationState.ABANDONED]
    return [found for found in (_seen(deployment, each) for each in given_up) if found is not None]


def _seen(deployment: Deployment, incarnation: Incarnation) -> Dying | None:
    abandon(deployment, incarnation)
    found, _ = with_cluster(deployment, incarnation)
    if found.cluster_id is None:
        return None
    cluster = deployment.clusters.describe(found.cluster_id)
    if cluster is None or cluster.ended:
        return None
    ending = cluster.state == "TERMINATING"
    return Dying(generation=found.generation, ending_since=found.terminate_requested_at if ending else None)
