"""The machines of an incarnation: in instance groups, or in instance fleets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_emr as emr

from dr_core import specs
from dr_core.scaling import Unit
from emr_dr.cluster_settings import Cluster
from emr_dr.fleet_settings import Fleets, TaskFleet, WeightedType

GROUP_LIMITS: dict[str, str] = {
    specs.MINIMUM_PARAMETER: "core nodes at launch, and the least that managed scaling keeps",
    specs.MAXIMUM_PARAMETER: "the most core nodes that managed scaling starts",
}
FLEET_LIMITS: dict[str, str] = {
    specs.MINIMUM_UNITS: "the least units of core and task nodes that managed scaling keeps",
    specs.MAXIMUM_UNITS: "the most units of core and task nodes that managed scaling starts",
    specs.MAXIMUM_CORE_UNITS: "the most of them in core nodes",
    specs.MAXIMUM_ON_DEMAND_UNITS: "the most of them on demand",
    specs.CORE_UNITS: "units of the core fleet at launch",
}
TASK_LIMITS: dict[str, str] = {
    specs.TASK_ON_DEMAND_UNITS: "units of the task fleet at launch that are on demand",
    specs.TASK_SPOT_UNITS: "units of the task fleet at launch that are spot",
}

# EMR starts these in every cluster with the label CORE on core nodes (EMR Management Guide, "Understand node types").
DRIVERS_ON_CORE_NODES = {
    "yarn.node-labels.enabled": "true",
    "yarn.node-labels.am.default-node-label-expression": "CORE",
}
"""``yarn-site`` of a cluster with task nodes: EC2 takes spot machines back, and a driver that was there takes its job
along, whereas Spark runs lost executors' tasks again."""


def limit_parameters(cluster: Cluster) -> dict[str, str]:
    """The template's parameters that are numbers, with what each says.

    Not literal, so that other limits are no other template.
    """
    if cluster.fleets is None:
        return GROUP_LIMITS
    return FLEET_LIMITS | (TASK_LIMITS if cluster.fleets.task else {})


def least(parameter: str) -> int:
    """The least that a number may be."""
    return 0 if parameter in TASK_LIMITS else 1


def machines(cluster: Cluster, *, subnet: str, numbers: Mapping[str, float]) -> dict[str, Any]:
    """The members of ``JobFlowInstancesConfig`` that say which machines and where.

    Args:
        cluster: the settings.
        subnet: where they run.  One, of groups and of fleets: the AZ is the controller's choice.
        numbers: of :func:`limit_parameters`.
    """
    if cluster.fleets is None:
        return {
            "ec2_subnet_id": subnet,
            "master_instance_group": _group("primary", cluster.primary_instance_type, 1),
            "core_instance_group": _group("core", cluster.core_instance_type, numbers[specs.MINIMUM_PARAMETER]),
        }
    fleets = cluster.fleets
    primary = [WeightedType(type=each) for each in fleets.primary.types]
    found: dict[str, Any] = {
        # EMR takes a list for fleets, one id for groups.
        "ec2_subnet_ids": [subnet],
        "master_instance_fleet": _fleet("primary", fleets, primary, on_demand=1, spot=0),
        "core_instance_fleet": _fleet("core", fleets, fleets.core.types, on_demand=numbers[specs.CORE_UNITS], spot=0),
    }
    if fleets.task is not None:
        found["task_instance_fleets"] = [
            _fleet(
                "task",
                fleets,
                fleets.task.types,
                on_demand=numbers[specs.TASK_ON_DEMAND_UNITS],
                spot=numbers[specs.TASK_SPOT_UNITS],
                task=fleets.task,
            )
        ]
    return found


def compute_limits(cluster: Cluster, numbers: Mapping[str, float]) -> emr.CfnCluster.ComputeLimitsProperty:
    """Between what managed scaling moves the cluster, by *numbers* of :func:`limit_parameters`."""
    if cluster.fleets is None:
        minimum, maximum = numbers[specs.MINIMUM_PARAMETER], numbers[specs.MAXIMUM_PARAMETER]
        core = on_demand = maximum
    else:
        minimum, maximum = numbers[specs.MINIMUM_UNITS], numbers[specs.MAXIMUM_UNITS]
        core, on_demand = numbers[specs.MAXIMUM_CORE_UNITS], numbers[specs.MAXIMUM_ON_DEMAND_UNITS]
    return emr.CfnCluster.ComputeLimitsProperty(
        unit_type=str(Unit.INSTANCES if cluster.fleets is None else Unit.FLEET_UNITS),
        minimum_capacity_units=minimum,
        maximum_capacity_units=maximum,
        maximum_core_capacity_units=core,
        maximum_on_demand_capacity_units=on_demand,
    )


def in_words(cluster: Cluster) -> str:
    """The machines as a person calls them."""
    fleets = cluster.fleets
    if fleets is None:
        return f"primary {cluster.primary_instance_type}, core {cluster.core_instance_type}"
    named = {"primary": list(fleets.primary.types), "core": [each.type for each in fleets.core.types]}
    if fleets.task is not None:
        named["task"] = [each.type for each in fleets.task.types]
    return "instance fleets: " + ", ".join(f"{fleet} {' or '.join(types)}" for fleet, types in named.items())


def _group(name: str, instance_type: str, count: float) -> emr.CfnCluster.InstanceGroupConfigProperty:
    return emr.CfnCluster.InstanceGroupConfigProperty(
        name=name, instance_type=instance_type, instance_count=count, market="ON_DEMAND"
    )


def _fleet(
    name: str,
    fleets: Fleets,
    types: Sequence[WeightedType],
    *,
    on_demand: float,
    spot: float,
    task: TaskFleet | None = None,
) -> emr.CfnCluster.InstanceFleetConfigProperty:
    """A fleet.  Both targets are there, also where one is 0: EMR refuses to change a fleet that has one only."""
    spot_specification = None if task is None else _spot_specification(task)
    return emr.CfnCluster.InstanceFleetConfigProperty(
        name=name,
        target_on_demand_capacity=on_demand,
        target_spot_capacity=spot,
        instance_type_configs=[
            emr.CfnCluster.InstanceTypeConfigProperty(
                instance_type=each.type,
                weighted_capacity=each.units,
                # 0 is the first choice.
                priority=place,
            )
            for place, each in enumerate(types)
        ],
        launch_specifications=emr.CfnCluster.InstanceFleetProvisioningSpecificationsProperty(
            on_demand_specification=emr.CfnCluster.OnDemandProvisioningSpecificationProperty(
                allocation_strategy=fleets.on_demand_allocation
            ),
            spot_specification=spot_specification,
        ),
    )


def _spot_specification(task: TaskFleet) -> emr.CfnCluster.SpotProvisioningSpecificationProperty:
    return emr.CfnCluster.SpotProvisioningSpecificationProperty(
        allocation_strategy=task.spot_allocation,
        timeout_duration_minutes=task.spot_timeout_minutes,
        timeout_action=task.spot_timeout_action.upper().replace("-", "_"),
    )
