"""Rows of the fault table about clusters of instance fleets."""

from __future__ import annotations

from emr_drill.faults.model import Act, Fault, Otherwise, failover
from emr_drill.faults.planned import (
    ASKED,
    BAKED,
    DEPLOYED,
    FASTEST_UNDER_LOAD,
    LOAD_WITH_OVERLONG,
    OVERDUE,
    SETTINGS,
    ends_as,
    planned,
)
from emr_drill.faults.scene import Scene
from emr_drill.faults.services import KILLS_PRIMARY, PROBERS, TAKES_OVER, seen_bad
from emr_drill.faults.traces import Trace
from emr_drill.ports import Service
from emr_drill.stand_in.emr_fleets import SPOT

PRIMARY_TYPES = CORE_TYPES = ("m5.xlarge", "m5a.xlarge")
TASK_TYPES = ("m5.2xlarge", "r5.2xlarge")
FLEETS = (
    # An active-active drill sets it, for instance groups.
    "set.cluster.maximum_instances_alone=null",
    "set.cluster.fleets={maximum_units: 10, maximum_units_alone: 20, "
    f"primary: {{types: [{', '.join(PRIMARY_TYPES)}]}}, "
    f"core: {{units: 2, types: [{', '.join(f'{{type: {name}}}' for name in CORE_TYPES)}]}}, "
    f"task: {{units: 2, types: [{', '.join(f'{{type: {name}, units: 2}}' for name in TASK_TYPES)}]}}}}",
)


def _use_up(scene: Scene) -> None:
    for zone in scene.zones:
        scene.clusters.use_up(zone, PRIMARY_TYPES[0])
        for name in TASK_TYPES:
            scene.clusters.use_up(zone, name, markets=(SPOT,))


ROWS: tuple[Fault, ...] = (
    Fault(
        name="types-used-up",
        acts=(
            Act(
                what="clusters are of instance fleets; no AZ has machines left of the type that primary and core "
                "prefer, nor any spot machine for task nodes",
                do=_use_up,
            ),
            KILLS_PRIMARY,
        ),
        expect=failover(),
        must=f"{TAKES_OVER}; it is launched at the first try, of the other instance types, its task nodes on demand "
        "when the time for spot machines is over",
        notices=PROBERS,
        struck=(
            seen_bad(Service.RESOURCE_MANAGER),
            Trace(
                what="the new cluster's machines are of the other types, its task nodes on demand",
                kind="cluster",
                like={
                    "state": "BOOTSTRAPPING",
                    "machines": f"MASTER: {PRIMARY_TYPES[1]} ON_DEMAND; CORE: {CORE_TYPES[1]} ON_DEMAND, "
                    f"{CORE_TYPES[1]} ON_DEMAND; TASK: {TASK_TYPES[0]} ON_DEMAND",
                },
            ),
        ),
        settings=FLEETS,
        otherwise={
            "active-active": Otherwise(
                expect=failover(survivor_grows=True),
                must=f"{TAKES_OVER}; it is launched at the first try, of the other instance types; meanwhile managed "
                "scaling of the other half may start more units, and no more than before when both serve again",
            )
        },
    ),
    Fault(
        name="to-fleets",
        acts=(
            Act(what="a person deploys instance fleets in place of instance groups", do=lambda scene: scene.deploy()),
        ),
        expect=planned(shows=(ends_as("UPDATE_COMPLETE"),)),
        must=f"clusters of instance fleets take over from those of instance groups, one after the other; {OVERDUE}",
        notices=ASKED,
        struck=(
            DEPLOYED,
            Trace(
                what="the new cluster is of instance fleets",
                kind="cluster",
                like={"state": "WAITING", "machines": f"MASTER: {PRIMARY_TYPES[0]} ON_DEMAND; *"},
            ),
        ),
        fastest=FASTEST_UNDER_LOAD,
        settings=SETTINGS,
        change=FLEETS,
        load=LOAD_WITH_OVERLONG,
        managed_cluster="a",
        otherwise={
            "active-active": Otherwise(
                expect=planned(times=2, shows=(ends_as("UPDATE_COMPLETE"), BAKED)),
                must="one after the other is replaced by a cluster of instance fleets, the second one when the first "
                f"one has served well; {OVERDUE}",
            )
        },
    ),
)
