"""CloudFormation: stacks that take time, fail, roll back and can be deleted while they are made.

Differences to moto 5.2.5, whose stacks are complete when CreateStack returns: see :mod:`emr_drill.stand_in.stack_run`
(threads), :mod:`emr_drill.stand_in.stack_update`, :mod:`emr_drill.stand_in.custom_resources` and
:mod:`emr_drill.stand_in.resource_types`.  CreateStack, UpdateStack, CancelUpdateStack, DeleteStack and the calls that
read are made right; change sets are refused.
"""

from __future__ import annotations

import contextlib
import threading
import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
from moto.cloudformation.exceptions import ValidationError
from moto.core.responses import ActionResult, EmptyResult

from emr_drill.stand_in import custom_resources, intrinsics, resource_types
from emr_drill.stand_in.patching import replace, restore
from emr_drill.stand_in.running_stack import ResourceDetail, RunningStack
from emr_drill.stand_in.stack_diary import StackDiary
from emr_drill.stand_in.stack_run import StackRun
from emr_drill.stand_in.template import TemplateProblem, check_parameters, check_references
from emr_drill.stand_in.template import resource_types as types_of

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


# moto's own would block everything until they are done, and do not notice that something fails.
REFUSED = ("create_change_set", "execute_change_set")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html: what an update may start from.
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})

# moto has no such call.
CANCEL_UPDATE = "cancel_update_stack"

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
    (responses.CloudFormationResponse, "update_stack"),
    *((responses.CloudFormationResponse, call) for call in REFUSED),
)


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
                if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
                    raise ValidationError(
                        message=f"Stack [{stack.stack_id}] cannot be deleted while in status {stack.status}"
                    )
                assert isinstance(stack, RunningStack)
                stack.run.delete()

    def update(self, call: responses.CloudFormationResponse) -> str:
        """Do what an UpdateStack *call* asks for; the stack's id.

        Raises:
            ValidationError: it cannot be updated, with this template or at all; or there is nothing to do.
        """
        with self._lock:
            stack = self.find(call._get_param("StackName"))
            if stack.status not in UPDATABLE:
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
                )
            url = call._get_param("TemplateURL")
            body = call._get_stack_from_s3_url(url) if url else call._get_param("TemplateBody")
            if call._get_bool_param("UsePreviousTemplate", False):
                body = stack.template
            parameters = {}
            for item in call._get_param("Parameters", []):
                key = item["ParameterKey"]
                if not item.get("UsePreviousValue"):
                    parameters[key] = item["ParameterValue"]
                elif key in stack.parameters:
                    parameters[key] = stack.parameters[key]
            self._check(body, parameters)
            self._check_update(stack, body, call._get_param("Tags"))
            version = stack.version_of(body, parameters)
            if not stack.changes(version):
                raise ValidationError(message="No updates are to be performed.")
            stack.run.update(version)
        return str(stack.stack_id)

    @staticmethod
    def _check_update(stack: RunningStack, body: str, tags: list[dict[str, str]] | None) -> None:
        if tags is not None and {item["Key"]: item["Value"] for item in tags} != stack.tags:
            raise ValidationError(
                message="the stand-in does not change the tags of a stack, which CloudFormation hands to its resources"
            )
        old, new = stack.template_dict["Resources"], RunningStack.parse_template(body)["Resources"]
        if other := [name for name in old.keys() & new.keys() if old[name]["Type"] != new[name]["Type"]]:
            raise ValidationError(
                message="Update of resource type is not permitted. The new template modifies resource type of the "
                f"following resources: [{', '.join(sorted(other))}]"
            )

    def cancel_update(self, name_or_id: str) -> None:
        """Take back the update of a stack that is under way.

        Raises:
            ValidationError: none is.
        """
        stack = self.find(name_or_id)
        if stack.status != "UPDATE_IN_PROGRESS":
            raise ValidationError(
                message=f"CancelUpdateStack cannot be called from current stack status {stack.status}"
            )
        stack.run.cancel_update()

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
            on_complete=lambda: stack.complete(backend),
            on_deleted=deleted,
        )
        self._runs.append(run)
        return run


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its stacks, and have moto's CloudFormation answer by them."""
    stand_in.stacks = stacks = Stacks(stand_in=stand_in)

    def create_stack(self: responses.CloudFormationResponse) -> ActionResult:
        return ActionResult({"StackId": stacks.create(self)})

    def update_stack(self: responses.CloudFormationResponse) -> ActionResult:
        return ActionResult({"StackId": stacks.update(self)})

    def cancel_update_stack(self: responses.CloudFormationResponse) -> ActionResult:
        stacks.cancel_update(self._get_param("StackName"))
        return EmptyResult()

    def delete_stack(self: models.CloudFormationBackend, name_or_stack_id: str) -> None:
        stacks.delete(name_or_stack_id)

    replace(models, "Stack", RunningStack)
    replace(models, "utcnow", lambda: datetime.fromtimestamp(stand_in.clock.now(), UTC).replace(tzinfo=None))
    replace(models.CloudFormationBackend, "delete_stack", delete_stack)
    replace(responses, "StackResourceDTO", ResourceDetail)
    replace(responses.CloudFormationResponse, "create_stack", create_stack)
    replace(responses.CloudFormationResponse, "list_stack_resources", _list_stack_resources)
    replace(responses.CloudFormationResponse, "update_stack", update_stack)
    setattr(responses.CloudFormationResponse, CANCEL_UPDATE, cancel_update_stack)
    for call in REFUSED:
        replace(responses.CloudFormationResponse, call, _refuse)
    intrinsics.install()
    resource_types.install(stand_in)
    custom_resources.install(stand_in)


def uninstall() -> None:
    """Give moto its own CloudFormation back."""
    for owner, name in REPLACED:
        restore(owner, name)
    with contextlib.suppress(AttributeError):
        delattr(responses.CloudFormationResponse, CANCEL_UPDATE)


def _refuse(self: responses.CloudFormationResponse) -> ActionResult:
    raise ValidationError(message="the stand-in has no change sets; call CreateStack or UpdateStack")


def _list_stack_resources(self: responses.CloudFormationResponse) -> ActionResult:
    stack, resources = self.cloudformation_backend.list_stack_resources(self._get_param("StackName"))
    return ActionResult({"StackResourceSummaries": [ResourceDetail(stack, resource) for resource in resources]})
