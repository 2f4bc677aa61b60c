"""CloudFormation: stacks that take time, fail, roll back and can be deleted while they are made.

Differences to moto 5.2.5, whose stacks are complete when CreateStack returns: see :mod:`emr_drill.stand_in.stack_run`
(threads), :mod:`emr_drill.stand_in.custom_resources` and :mod:`emr_drill.stand_in.resource_types`.  Only CreateStack,
DeleteStack and the calls that read are made right; UpdateStack and change sets are refused.
"""

from __future__ import annotations

import json
import threading
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
from moto.cloudformation.exceptions import ValidationError
from moto.core.responses import ActionResult

from emr_drill.stand_in import custom_resources, intrinsics, resource_types
from emr_drill.stand_in.custom_resources import CustomResource
from emr_drill.stand_in.patching import replace, restore
from emr_drill.stand_in.resource_deletions import DELETIONS
from emr_drill.stand_in.stack_diary import StackDiary
from emr_drill.stand_in.stack_run import StackRun
from emr_drill.stand_in.template import TemplateProblem, check_parameters, check_references
from emr_drill.stand_in.template import resource_types as types_of

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


# moto's own would block everything until they are done, and do not notice that something fails.
REFUSED = ("update_stack", "create_change_set", "execute_change_set")

# By this module, custom_resources, intrinsics and resource_types.
REPLACED: tuple[tuple[type | types.ModuleType, str], ...] = (
    (models, "Stack"),
    (models, "utcnow"),
    (models.CloudFormationBackend, "delete_stack"),
    (parsing, "CustomModel"),
    (parsing, "clean_json"),
    (parsing, "get_model_map"),
    (parsing, "resource_name_property_from_type"),
    (responses, "StackResourceDTO"),
    (responses.CloudFormationResponse, "create_stack"),
    (responses.CloudFormationResponse, "list_stack_resources"),
    *((responses.CloudFormationResponse, call) for call in REFUSED),
)


class ResourceNotMade(KeyError):
    """Something asked for a resource before the stack made it."""


class MadeResources(parsing.ResourceMap):
    """The resources of a stack; looking one up never makes it, as moto's own map does."""

    def __getitem__(self, key: str) -> Any:
        if key in self._parsed_resources:
            return self._parsed_resources[key]
        body = self._resource_json_map.get(key)
        if body is None:
            raise KeyError(key)
        condition = body.get("Condition")
        if condition is not None and not self.lazy_condition_map[condition]:
            return None
        raise ResourceNotMade(f"resource {key} is not made yet")

    def load_parameters(self) -> None:
        """moto splits lists that are given, but not those that are defaults."""
        super().load_parameters()
        for name, body in self._template.get("Parameters", {}).items():
            value = self.resolved_parameters[name]
            if body["Type"] == "CommaDelimitedList" and isinstance(value, str):
                self.resolved_parameters[name] = self._parsed_resources[name] = value.split(",")

    def _delete_resource(self, parsed_resource: Any, resource_json: dict[str, Any]) -> None:
        deletion = DELETIONS.get(resource_json["Type"])
        if deletion is None:
            super()._delete_resource(parsed_resource, resource_json)
            return
        properties = intrinsics.resolve(resource_json.get("Properties", {}), self)
        deletion(resource_types.installed(), getattr(parsed_resource, "physical_resource_id", ""), properties)

    def validate_outputs(self) -> None:
        """moto asks its models for attributes here, and they name too few; a wrong output fails when it is made."""


PlainStack = models.Stack


class RunningStack(PlainStack):
    """A stack whose resources a :class:`StackRun` makes and deletes."""

    class Meta(PlainStack.Meta):
        """moto finds some values by the name of the class, which is another one here."""

        serialization_aliases = {  # noqa: RUF012 - moto's own form
            **PlainStack.Meta.serialization_aliases,
            "StackName": "name",
            "StackStatus": "status",
        }

    run: StackRun
    diary: StackDiary
    token: str | None = None
    stack_status_reason: str | None = None
    deletion_time: datetime | None = None
    _outputs: list[dict[str, Any]] | None = None

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        """JSON is read as JSON: moto tries YAML first, which takes seconds for a large template."""
        try:
            return dict(json.loads(template))
        except ValueError:
            return dict(PlainStack.parse_template(template))

    def _create_resource_map(self) -> parsing.ResourceMap:
        made = MadeResources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        made.load()
        return made

    def create_resources(self) -> None:
        """Nothing yet: :func:`_create_stack` begins when it knows all options of the call."""

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """Those of a complete stack; moto makes resources to work them out."""
        return self._outputs

    @property
    def exports(self) -> list[parsing.Export]:
        """None before the outputs are worked out, see :meth:`complete`."""
        return [] if self._outputs is None else self.output_map.exports

    @property
    def stack_resources(self) -> Any:
        """Those that exist or existed."""
        made = [self.resource_map._parsed_resources.get(name) for name in self.template_dict["Resources"]]
        return [resource for resource in made if resource is not None]

    def complete(self, backend: models.CloudFormationBackend) -> None:
        """Work out outputs and exports."""
        exports = {str(export.value): export.name for export in self.output_map.exports}
        for name in exports.values():
            if name in backend.exports:
                raise ValidationError(message=f"Export with name {name} is already exported by another stack")
        self._outputs = [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": exports.get(str(output.value)),
            }
            for output in [self.output_map[key] for key in self.output_map.outputs]
            if output is not None
        ]
        backend.exports.update({export.name: export for export in self.output_map.exports})


class ResourceDetail(responses.StackResourceDTO):
    """A resource in an answer, with a status of its own instead of its stack's."""

    def __init__(self, stack: Any, resource: Any) -> None:
        super().__init__(stack, resource)
        status, reason, moment = stack.diary.resources[self.logical_resource_id]
        self.resource_status = status
        self.resource_status_reason = reason
        self.timestamp = self.last_updated_timestamp = moment


class Stacks:
    """Every stack of the stand-in."""

    def __init__(self, *, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._lock = threading.Lock()
        self._runs: list[StackRun] = []

    @property
    def backend(self) -> models.CloudFormationBackend:
        """What moto keeps of them."""
        return models.cloudformation_backends[self._stand_in.account][self._stand_in.region]

    def find(self, name_or_id: str) -> RunningStack:
        """A stack by its name or id, deleted ones by their id only.

        Raises:
            ValidationError: there is none.
        """
        found = self.backend.get_stack(name_or_id)
        assert isinstance(found, RunningStack)
        return found

    def create(self, call: responses.CloudFormationResponse) -> str:
        """Do what a CreateStack *call* asks for; the stack's id."""
        name, token = call._get_param("StackName"), call._get_param("ClientRequestToken")
        url = call._get_param("TemplateURL")
        body = call._get_stack_from_s3_url(url) if url else call._get_param("TemplateBody")
        parameters = call._get_params_from_list(call._get_param("Parameters", []))
        self._check(body, parameters)
        with self._lock:
            for existing in list(self.backend.stacks.values()):
                if token and existing.name == name and getattr(existing, "token", None) == token:
                    return str(existing.stack_id)
            stack: Any = self.backend.create_stack(
                name=name,
                template=body,
                parameters=parameters,
                notification_arns=call._get_param("NotificationARNs", []),
                tags={item["Key"]: item["Value"] for item in call._get_param("Tags", [])},
                role_arn=call._get_param("RoleARN"),
                enable_termination_protection=call._get_bool_param("EnableTerminationProtection", False),
                timeout_in_mins=call._get_param("TimeoutInMinutes"),
                stack_policy_body=call._get_param("StackPolicyBody"),
            )
            stack.token = token
            disabled = call._get_bool_param("DisableRollback", False)
            stack.run = self._run(stack, call._get_param("OnFailure") or ("DO_NOTHING" if disabled else "ROLLBACK"))
        stack.run.create()
        return str(stack.stack_id)

    def delete(self, name_or_id: str) -> None:
        """Begin to delete a stack; nothing happens if there is none."""
        for stack in list(self.backend.stacks.values()):
            if name_or_id in (stack.name, stack.stack_id):
                if stack.enable_termination_protection:
                    raise ValidationError(
                        message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
                    )
                assert isinstance(stack, RunningStack)
                stack.run.delete()

    def update_custom_resource(self, name_or_id: str, resource: str, properties: Mapping[str, Any]) -> CustomResource:
        """Send an Update event, as an update of the stack with changed properties does.

        Args:
            name_or_id: of a complete stack.
            resource: logical id of a custom resource.
            properties: the new ones; those not named stay as they are.

        Returns:
            The resource; its ``creation_result()`` tells how the update goes.
        """
        found = self.find(name_or_id).resource_map[resource]
        assert isinstance(found, CustomResource)
        found.update(properties)
        return found

    def close(self) -> None:
        """Stop what is under way.  May be called more than once."""
        with self._lock:
            runs = list(self._runs)
        for run in runs:
            run.close()

    def _check(self, body: str, parameters: dict[str, str]) -> None:
        template = RunningStack.parse_template(body)
        if not template.get("Resources"):
            raise ValidationError(message="Template format error: At least one Resources member must be defined.")
        used = types_of(template)
        if unknown := used - resource_types.known(used):
            raise ValidationError(
                message=f"Template format error: Unrecognized resource types: [{', '.join(sorted(unknown))}]; "
                "the stand-in neither makes them nor lists them as inert (emr_drill.stand_in.resource_types)"
            )
        try:
            check_references(template)
            check_parameters(template, parameters)
        except TemplateProblem as problem:
            raise ValidationError(message=str(problem)) from problem
        self._stand_in.inert_types |= resource_types.inert(used)

    def _run(self, stack: RunningStack, on_failure: str) -> StackRun:
        backend = self.backend

        def deleted() -> None:
            with self._lock:
                for name, export in list(backend.exports.items()):
                    if export.exporting_stack_id == stack.stack_id:
                        del backend.exports[name]
                backend.deleted_stacks = {**backend.deleted_stacks, stack.stack_id: stack}
                backend.stacks = {key: kept for key, kept in backend.stacks.items() if kept is not stack}

        stack.diary = StackDiary(stack, now=self._stand_in.clock.now, on_event=self._stand_in.journal.append)
        run = StackRun(
            stack,
            diary=stack.diary,
            on_failure=on_failure,
            on_created=lambda: stack.complete(backend),
            on_deleted=deleted,
        )
        self._runs.append(run)
        return run


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its stacks, and have moto's CloudFormation answer by them."""
    stand_in.stacks = stacks = Stacks(stand_in=stand_in)

    def create_stack(self: responses.CloudFormationResponse) -> ActionResult:
        return ActionResult({"StackId": stacks.create(self)})

    def delete_stack(self: models.CloudFormationBackend, name_or_stack_id: str) -> None:
        stacks.delete(name_or_stack_id)

    replace(models, "Stack", RunningStack)
    replace(models, "utcnow", lambda: datetime.fromtimestamp(stand_in.clock.now(), UTC).replace(tzinfo=None))
    replace(models.CloudFormationBackend, "delete_stack", delete_stack)
    replace(responses, "StackResourceDTO", ResourceDetail)
    replace(responses.CloudFormationResponse, "create_stack", create_stack)
    replace(responses.CloudFormationResponse, "list_stack_resources", _list_stack_resources)
    for call in REFUSED:
        replace(responses.CloudFormationResponse, call, _refuse)
    intrinsics.install()
    resource_types.install(stand_in)
    custom_resources.install(stand_in)


def uninstall() -> None:
    """Give moto its own CloudFormation back."""
    for owner, name in REPLACED:
        restore(owner, name)


def _refuse(self: responses.CloudFormationResponse) -> ActionResult:
    raise ValidationError(message="the stand-in creates and deletes stacks only; begin a new drill to change one")


def _list_stack_resources(self: responses.CloudFormationResponse) -> ActionResult:
    stack, resources = self.cloudformation_backend.list_stack_resources(self._get_param("StackName"))
    return ActionResult({"StackResourceSummaries": [ResourceDetail(stack, resource) for resource in resources]})
