"""Changes of resources in place, as an update of a stack makes them.

Only what is listed in :data:`CHANGES` can be changed: types and properties that differ between two templates of our
stacks when a setting or the code is another one.  Everything else is refused by name, so that an update which the
stand-in cannot carry out never looks as if it had been.  Nothing is replaced: no property here is one that
CloudFormation replaces a resource for (``createOnlyProperties`` of its schema; a test compares).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emr_drill.stand_in import custom_resources
from emr_drill.stand_in.function_layers import check_layers
from emr_drill.stand_in.resource_recipes import RECIPES
from emr_drill.stand_in.resource_types import INERT, Properties

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

# Stand-in, the resource's model, and its old and new properties, resolved.
Apply = Callable[["StandIn", Any, Properties, Properties], None]

SERVICE_TOKEN = "ServiceToken"
RECIPE = {recipe.type: recipe for recipe in RECIPES}


class CannotChange(Exception):
    """An update asks for what the stand-in, or CloudFormation, does not do; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How resources of a type are changed.

    Attributes:
        properties: those that can be changed.
        apply: does it.
    """

    properties: frozenset[str]
    apply: Apply


def change(stand_in: StandIn, kind: str, resource: Any, old: Properties, new: Properties) -> None:
    """Change *resource* in place; one that takes time has only been asked to change when this returns.

    Args:
        stand_in: where it is.
        kind: its type.
        resource: its model.
        old: its properties, resolved.
        new: those that it shall have.

    Raises:
        CannotChange: it cannot be done; nothing was done.
    """
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    if isinstance(resource, custom_resources.CustomResource):
        if SERVICE_TOKEN in changed:
            raise CannotChange("Modifying service token is not allowed.")
        resource.update(new)
        return
    if kind in INERT:
        return
    known = CHANGES.get(kind)
    if known is None:
        raise CannotChange(
            f"the stand-in cannot change a {kind} ({', '.join(sorted(changed))}), only "
            f"{', '.join(sorted(CHANGES))} and custom resources (emr_drill.stand_in.resource_updates)"
        )
    if refused := changed - known.properties:
        raise CannotChange(
            f"the stand-in cannot change {', '.join(sorted(refused))} of a {kind}, only "
            f"{', '.join(sorted(known.properties))}, and replaces nothing (emr_drill.stand_in.resource_updates)"
        )
    known.apply(stand_in, resource, old, new)


FUNCTION_DEFAULTS: Properties = {"Description": "", "Layers": [], "MemorySize": 128, "Timeout": 3}


def _function(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
    """What runs goes on with what it was started with; invocations from now on have the new code and configuration."""
    client = stand_in.client("lambda")
    name = new.get("FunctionName") or resource.function_name
    check_layers(
        new.get("Layers") or (),
        runtime=str(new.get("Runtime") or ""),
        region=stand_in.region,
        architecture=str((new.get("Architectures") or ["x86_64"])[0]),
    )
    configuration: Properties = {
        key: new.get(key, FUNCTION_DEFAULTS.get(key))
        for key in FUNCTION.properties - {"Code", "Environment"}
        if old.get(key) != new.get(key)
    }
    for key in ("MemorySize", "Timeout"):
        if key in configuration:
            configuration[key] = int(configuration[key])
    if old.get("Environment") != new.get("Environment"):
        variables = (new.get("Environment") or {}).get("Variables") or {}
        configuration["Environment"] = {"Variables": {key: str(value) for key, value in variables.items()}}
    if configuration:
        client.update_function_configuration(FunctionName=name, **configuration)
    if old.get("Code") != new.get("Code"):
        client.update_function_code(FunctionName=name, **new["Code"])


def _state_machine(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
    """Executions that run keep the definition that they were started with."""
    stand_in.client("stepfunctions").update_state_machine(
        stateMachineArn=resource.arn, definition=new["DefinitionString"]
    )


def _role_policy(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
    for role in new["Roles"]:
        stand_in.client("iam").put_role_policy(
            RoleName=role, PolicyName=new["PolicyName"], PolicyDocument=json.dumps(new["PolicyDocument"])
        )


def _log_group(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
    client, name = stand_in.client("logs"), resource.physical_resource_id
    if "RetentionInDays" in new:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(new["RetentionInDays"]))
    else:
        client.delete_retention_policy(logGroupName=name)


def _made_again(kind: str) -> Apply:
    """For what is overwritten by being made once more under its name."""

    def apply(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
        RECIPE[kind].create(stand_in, new, resource.physical_resource_id)

    return apply


def _schedule(stand_in: StandIn, resource: Any, old: Properties, new: Properties) -> None:
    """Fires from now on as the new one says."""
    recipe, name = RECIPE["AWS::Scheduler::Schedule"], resource.physical_resource_id
    assert recipe.delete is not None
    recipe.delete(stand_in, name)
    recipe.create(stand_in, new, name)


FUNCTION = Change(
    properties=frozenset(
        {"Code", "Description", "Environment", "Handler", "Layers", "MemorySize", "Runtime", "Timeout"}
    ),
    apply=_function,
)
ALARM_PROPERTIES = frozenset(
    {
        *(
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
        ),
        *("EvaluationPeriods", "ExtendedStatistic", "InsufficientDataActions", "MetricName", "Metrics", "Namespace"),
        *("OKActions", "Period", "Statistic", "Threshold", "TreatMissingData", "Unit"),
    }
)
CHANGES: dict[str, Change] = {
    "AWS::CloudWatch::Alarm": Change(properties=ALARM_PROPERTIES, apply=_made_again("AWS::CloudWatch::Alarm")),
    "AWS::IAM::Policy": Change(properties=frozenset({"PolicyDocument"}), apply=_role_policy),
    "AWS::Lambda::EventInvokeConfig": Change(
        properties=frozenset({"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"}),
        apply=_made_again("AWS::Lambda::EventInvokeConfig"),
    ),
    "AWS::Lambda::Function": FUNCTION,
    "AWS::Logs::LogGroup": Change(properties=frozenset({"RetentionInDays"}), apply=_log_group),
    "AWS::SNS::TopicPolicy": Change(
        properties=frozenset({"PolicyDocument"}), apply=_made_again("AWS::SNS::TopicPolicy")
    ),
    "AWS::SQS::QueuePolicy": Change(
        properties=frozenset({"PolicyDocument"}), apply=_made_again("AWS::SQS::QueuePolicy")
    ),
    "AWS::Scheduler::Schedule": Change(
        properties=frozenset({"Description", "FlexibleTimeWindow", "ScheduleExpression", "State", "Target"}),
        apply=_schedule,
    ),
    "AWS::StepFunctions::StateMachine": Change(properties=frozenset({"DefinitionString"}), apply=_state_machine),
}
