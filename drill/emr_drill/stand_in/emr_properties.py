"""``AWS::EMR::Cluster`` as RunJobFlow wants it.

CloudFormation's properties are strings, its instance groups have places of their own, and two names differ; the API
is typed.  The target is botocore's model of RunJobFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session

# CloudFormation's names and the API's, where they differ.
_RENAMED = {"ConfigurationProperties": "Properties", "StepProperties": "Properties"}
_GROUPS = {"MasterInstanceGroup": "MASTER", "CoreInstanceGroup": "CORE", "TaskInstanceGroups": "TASK"}
_FLEETS = {"MasterInstanceFleet": "MASTER", "CoreInstanceFleet": "CORE", "TaskInstanceFleets": "TASK"}


def coerce_cluster_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``run_job_flow`` for resolved *properties* of an ``AWS::EMR::Cluster``.

    Raises:
        ValueError: a property is not known to the API, or its value does not fit.
    """
    arguments = dict(properties)
    instances = dict(arguments.pop("Instances", {}))
    for places, list_name, role_name in (
        (_GROUPS, "InstanceGroups", "InstanceRole"),
        (_FLEETS, "InstanceFleets", "InstanceFleetType"),
    ):
        found = [
            {**one, role_name: role}
            for place, role in places.items()
            if place in instances
            for one in _as_list(instances.pop(place))
        ]
        if found:
            instances[list_name] = found
    # The documentation contradicts itself on CloudFormation's default; a cluster that ends after its steps is of no
    # use to anybody who keeps a stack for it.
    instances.setdefault("KeepJobFlowAliveWhenNoSteps", True)
    return _coerced(_run_job_flow(), {**arguments, "Instances": instances}, "AWS::EMR::Cluster")  # type: ignore[no-any-return]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@cache
def _run_job_flow() -> Any:
    return botocore.session.Session().get_service_model("emr").operation_model("RunJobFlow").input_shape


def _coerced(shape: Any, value: Any, where: str) -> Any:
    match shape.type_name:
        case "structure":
            found = {}
            for name, item in _expect(dict, value, where).items():
                member = _RENAMED.get(name, name)
                if member not in shape.members:
                    raise ValueError(f"{where} has no property {name}; allowed: {', '.join(sorted(shape.members))}")
                if item is not None:
                    found[member] = _coerced(shape.members[member], item, f"{where}.{name}")
            return found
        case "list":
            return [_coerced(shape.member, item, where) for item in _expect(list, value, where)]
        case "map":
            return {name: _text(item, f"{where}.{name}") for name, item in _expect(dict, value, where).items()}
        case "boolean":
            if isinstance(value, bool) or str(value).lower() in ("true", "false"):
                return str(value).lower() == "true"
        case "integer" | "long":
            try:
                return int(value)
            except (TypeError, ValueError):
                pass
        case "double" | "float":
            try:
                return float(value)
            except (TypeError, ValueError):
                pass
        case _:
            return _text(value, where)
    raise ValueError(f"{where} must be of type {shape.type_name}, got {value!r}")


def _expect(kind: type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{where} must be a {kind.__name__}, got {value!r}")
    return value


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"{where} must be a string, got {value!r}")
