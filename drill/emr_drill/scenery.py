"""Finds where a fault strikes: what is in service at that moment, and what there is beside it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from emr_drill.errors import DrillError
from emr_drill.faults.scene import Scene

if TYPE_CHECKING:
    from emr_drill.deploys import Deploys
    from emr_drill.observe import Deployment
    from emr_drill.stand_in.server import StandIn


def find_scene(
    *,
    stand_in: StandIn,
    deployment: Deployment,
    seed: int,
    managed_cluster: str = "",
    zone: str | None = None,
    deploys: Deploys | None = None,
) -> Scene:
    """What a fault that strikes now finds.

    Args:
        stand_in: AWS.
        deployment: the strategy stack.
        seed: of several managed clusters decides which one is struck.
        managed_cluster: which one is struck; empty for any.
        zone: AZ in which one is struck; ``None`` for any.
        deploys: deploys changed settings; ``None`` if there are none.

    Raises:
        DrillError: nothing is in service, or nothing in *zone*, so that there is nothing to break.
    """
    incarnations = deployment.incarnations()
    all_serving = [item for item in incarnations if item["state"] == "serving"]
    if not all_serving:
        raise DrillError("no incarnation is in service, so that there is nothing to break")
    serves_in = {str(item["availability_zone"]): item for item in all_serving}
    if zone is not None and zone not in serves_in:
        raise DrillError(f"nothing is in service in {zone}, only in {', '.join(sorted(serves_in))}: name one of these")
    # Of several managed clusters any may be the one that is struck.
    wanted = [one for one in all_serving if one["managed_cluster"] == managed_cluster]
    if zone is not None:
        wanted = [serves_in[zone]]
    serving = random.Random(f"scene {seed}").choice(wanted or all_serving)
    return Scene(
        stand_in=stand_in,
        deployment=deployment,
        cluster_id=str(serving["cluster_id"]),
        generation=int(serving["generation"]),
        managed_cluster=str(serving["managed_cluster"]),
        availability_zone=str(serving["availability_zone"]),
        others={
            str(one["availability_zone"]): str(one["managed_cluster"]) for one in all_serving if one is not serving
        },
        deploys=deploys,
        standby=next((str(one["cluster_id"]) for one in incarnations if one["state"] == "standby"), None),
    )
