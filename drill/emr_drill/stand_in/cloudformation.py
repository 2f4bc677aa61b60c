"""CloudFormation: stacks that take time, fail, roll back and can be deleted while they are made.

Differences to moto 5.2.5, whose stacks are complete when CreateStack returns: see :mod:`emr_drill.stand_in.stack_run`
(threads), :mod:`emr_drill.stand_in.stack_update`, :mod:`emr_drill.stand_in.custom_resources` and
:mod:`emr_drill.stand_in.resource_types`.  CreateStack, UpdateStack, CancelUpdateStack, DeleteStack, change sets
(:mod:`emr_drill.stand_in.change_sets`) and the calls that read are made right.
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
from moto.cloudformation.utils import generate_stack_id
from moto.core.responses import ActionResult, EmptyResult

from emr_drill.stand_in import change_sets, custom_resources, intrinsics, resource_types
from emr_drill.stand_in.change_sets import IN_REVIEW
from emr_drill.stand_in.patching import replace, restore
from emr_drill.stand_in.running_stack import ResourceDetail, RunningStack
from emr_drill.stand_in.stack_diary import StackDiary
from emr_drill.stand_in.stack_requests import StackRequest, read_request
from emr_drill.stand_in.stack_resources import StackVersion
from emr_drill.stand_in.stack_run import StackRun
from emr_drill.stand_in.template import TemplateProblem, check_parameters, check_references
from emr_drill.stand_in.template import resource_types as types_of

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html: what an update may start from.
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})

# moto has no such calls.
CANCEL_UPDATE, PROTECT = "cancel_update_stack", "update_termination_protection"
# What a stack is of which nothing but the name is known, until a change set that creates it is executed.
NOTHING = '{"Resources": {}}'

# By this module, change_sets, custom_resources, intrinsics and resource_types.
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
    *((responses.CloudFormationResponse, call) for call in change_sets.CALLS),
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
        request, token = self.read(call), call._get_param("ClientRequestToken")
        self.check(request)
        with self._lock:
            for existing in list(self.backend.stacks.values()):
                if token and existing.name == request.name and getattr(existing, "token", None) == token:
                    return str(existing.stack_id)
            stack: Any = self.backend.create_stack(
                name=request.name,
                template=request.template,
                parameters=dict(request.parameters),
                notification_arns=list(request.notification_arns),
                tags=dict(request.tags or {}),
                role_arn=request.role_arn,
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
            request = self.read(call, stack)
            version = self.updated(stack, request)
            if not stack.changes(version):
                raise ValidationError(message="No updates are to be performed.")
            stack.run.update(version)
        return str(stack.stack_id)

    def now(self) -> datetime:
        """Simulated time as moto keeps it: naive, UTC."""
        return _moment(self._stand_in.clock.now())

    def read(self, call: responses.CloudFormationResponse, stack: RunningStack | None = None) -> StackRequest:
        """What *call* asks for, of *stack* if it is one that exists."""
        return read_request(call, endpoint=self._stand_in.endpoint, stack=stack)

    def updated(self, stack: RunningStack, request: StackRequest) -> StackVersion:
        """What *stack* would be after the update that *request* asks for.

        Raises:
            ValidationError: it cannot be updated, with this template or at all.
        """
        if stack.status not in UPDATABLE:
            raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
        self.check(request)
        if request.tags is not None and dict(request.tags) != stack.tags:
            raise ValidationError(
                message="the stand-in does not change the tags of a stack, which CloudFormation hands to its resources"
            )
        old, new = stack.template_dict["Resources"], RunningStack.parse_template(request.template)["Resources"]
        if other := [name for name in old.keys() & new.keys() if old[name]["Type"] != new[name]["Type"]]:
            raise ValidationError(
                message="Update of resource type is not permitted. The new template modifies resource type of the "
                f"following resources: [{', '.join(sorted(other))}]"
            )
        return stack.version_of(request.template, dict(request.parameters))

    def reserve(self, name: str) -> RunningStack:
        """The stack of that name, or a new one with nothing in it, as a change set that creates one needs it."""
        with self._lock:
            for known in self.backend.stacks.values():
                if known.name == name:
                    assert isinstance(known, RunningStack)
                    return known
            kind: Any = RunningStack  # of whose base's abstract functions moto leaves two out
            stack: RunningStack = kind(
                stack_id=generate_stack_id(name, self._stand_in.region, self._stand_in.account),
                name=name,
                template=NOTHING,
                parameters={},
                account_id=self._stand_in.account,
                region_name=self._stand_in.region,
            )
            stack.template = ""
            stack.cross_stack_resources = self.backend.exports
            self.backend.stacks[stack.stack_id] = stack
            stack.run = self._run(stack, "ROLLBACK")
            stack.diary.status(IN_REVIEW, "User Initiated")
        return stack

    def fill(self, stack: RunningStack, request: StackRequest, *, on_failure: str) -> None:
        """Begin to make what *request* asks for of a stack that was only reserved so far."""
        with self._lock:
            stack.tags, stack.role_arn = dict(request.tags or {}), request.role_arn
            stack.notification_arns = list(request.notification_arns)
            stack.adopt(stack.version_of(request.template, dict(request.parameters)))
            stack.run = self._run(stack, on_failure)
            stack.diary.status("CREATE_IN_PROGRESS", "User Initiated")
        stack.run.create()

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

    def check(self, request: StackRequest) -> None:
        """Read a template as CloudFormation does before it makes anything.

        Raises:
            ValidationError: it would refuse it, or the stand-in does not know a type in it.
        """
        template = RunningStack.parse_template(request.template)
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
            check_parameters(template, request.parameters)
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

    def update_termination_protection(self: responses.CloudFormationResponse) -> ActionResult:
        stack = stacks.find(self._get_param("StackName"))
        stack.enable_termination_protection = bool(self._get_bool_param("EnableTerminationProtection", False))
        return ActionResult({"StackId": stack.stack_id})

    def delete_stack(self: models.CloudFormationBackend, name_or_stack_id: str) -> None:
        stacks.delete(name_or_stack_id)

    replace(models, "Stack", RunningStack)
    replace(models, "utcnow", lambda: _moment(stand_in.clock.now()))
    replace(models.CloudFormationBackend, "delete_stack", delete_stack)
    replace(responses, "StackResourceDTO", ResourceDetail)
    replace(responses.CloudFormationResponse, "create_stack", create_stack)
    replace(responses.CloudFormationResponse, "list_stack_resources", _list_stack_resources)
    replace(responses.CloudFormationResponse, "update_stack", update_stack)
    setattr(responses.CloudFormationResponse, CANCEL_UPDATE, cancel_update_stack)
    setattr(responses.CloudFormationResponse, PROTECT, update_termination_protection)
    change_sets.install(stacks)
    intrinsics.install()
    resource_types.install(stand_in)
    custom_resources.install(stand_in)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def uninstall() -> None:
    """Give moto its own CloudFormation back."""
    for owner, name in REPLACED:
        restore(owner, name)
    for call in (CANCEL_UPDATE, PROTECT):
        with contextlib.suppress(AttributeError):
            delattr(responses.CloudFormationResponse, call)


def _list_stack_resources(self: responses.CloudFormationResponse) -> ActionResult:
    stack, resources = self.cloudformation_backend.list_stack_resources(self._get_param("StackName"))
    return ActionResult({"StackResourceSummaries": [ResourceDetail(stack, resource) for resource in resources]})
