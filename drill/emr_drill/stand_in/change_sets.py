"""Change sets: what the CDK's command line deploys by.

moto 5.2.5 makes stacks while it executes one, and notices neither failures nor what stays the same.  Here one is made
when the call returns, says what :mod:`emr_drill.stand_in.stack_changes` finds, and is executed by the same code as
CreateStack and UpdateStack.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import moto.cloudformation.responses as responses
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError
from moto.cloudformation.utils import generate_changeset_id
from moto.core.responses import ActionResult, EmptyResult

from emr_drill.stand_in.patching import replace
from emr_drill.stand_in.stack_changes import ResourceChange, changes

if TYPE_CHECKING:
    from emr_drill.stand_in.cloudformation import Stacks
    from emr_drill.stand_in.running_stack import RunningStack
    from emr_drill.stand_in.stack_requests import StackRequest

IN_REVIEW = "REVIEW_IN_PROGRESS"
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
CALLS = ("create_change_set", "delete_change_set", "describe_change_set", "execute_change_set", "list_change_sets")


class ChangeSetNotFound(CloudFormationError):
    """There is none of that name."""

    code = "ChangeSetNotFound"


class InvalidChangeSetStatus(CloudFormationError):
    """It cannot be executed, or not any more."""

    code = "InvalidChangeSetStatus"


@dataclass(slots=True, kw_only=True)
class ChangeSet:
    """A change that may be made of a stack.

    Attributes:
        id: its ARN.
        name: unique among those of a stack.
        stack: what it is about.
        kind: ``CREATE`` or ``UPDATE``.
        request: what the stack shall be.
        changes: what differs.
        on_failure: what becomes of a stack that it fails to create, as in CreateStack.
        created: simulated, UTC, naive.
        description: of whoever made it.
        capabilities: that the call gave.
        token: of the call.
        made_for: template and parameters of the stack when it was made.
        execution: ``AVAILABLE``, ``UNAVAILABLE`` or ``EXECUTE_COMPLETE``.
    """

    id: str
    name: str
    stack: RunningStack
    kind: str
    request: StackRequest
    changes: Sequence[ResourceChange]
    on_failure: str
    created: datetime
    description: str | None
    capabilities: Sequence[str]
    token: str | None
    made_for: tuple[str, Mapping[str, str]]
    execution: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.execution == "UNAVAILABLE"

    @property
    def execution_status(self) -> str:
        """Whether it can be executed: ``OBSOLETE`` after the stack was changed by something else."""
        if self.execution == "AVAILABLE" and _present(self.stack) != self.made_for:
            return "OBSOLETE"
        return self.execution

    def summary(self) -> dict[str, Any]:
        """As ListChangeSets has it."""
        return {
            "StackId": self.stack.stack_id,
            "StackName": self.stack.name,
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "ExecutionStatus": self.execution_status,
            "Status": "FAILED" if self.empty else "CREATE_COMPLETE",
            "StatusReason": NO_CHANGES if self.empty else None,
            "CreationTime": self.created,
            "Description": self.description,
        }

    def described(self, *, values: bool) -> dict[str, Any]:
        """As DescribeChangeSet has it, with every value if it is asked for them."""
        return {
            **self.summary(),
            "Parameters": dict(self.request.parameters),  # moto turns these into a list, and wraps each change
            "NotificationARNs": list(self.request.notification_arns),
            "Capabilities": list(self.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in (self.request.tags or {}).items()],
            "Changes": [each.described(values=values) for each in self.changes],
            "OnStackFailure": self.on_failure,
        }


def _present(stack: RunningStack) -> tuple[str, Mapping[str, str]]:
    return str(stack.template), dict(stack.parameters)


class ChangeSets:
    """Every change set of the stand-in.  One call at a time, see :mod:`emr_drill.stand_in.serialization`."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._all: list[ChangeSet] = []

    def create(self, call: responses.CloudFormationResponse) -> ChangeSet:
        """Do what a CreateChangeSet *call* asks for.

        Raises:
            AlreadyExistsException: there is one of that name.
            ValidationError: the stack cannot be made, or changed, so.
        """
        self._refuse_unknown(call)
        name, kind = call._get_param("ChangeSetName"), call._get_param("ChangeSetType") or "UPDATE"
        stack_name, token = call._get_param("StackName"), call._get_param("ClientToken")
        # A new stack is not reserved before its template is known to be right.
        existing = self._existing(stack_name, needed=kind == "UPDATE")
        for known in self._of(existing):
            if known.name == name and token and known.token == token:
                return known
            if known.name == name:
                raise AlreadyExistsException(f"ChangeSet {name} already exists")
        if kind == "CREATE" and existing is not None and existing.status != IN_REVIEW:
            raise ValidationError(
                message=f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
            )
        request = self._stacks.read(call, existing)
        if kind == "UPDATE":
            assert existing is not None
            stack, version = existing, self._stacks.updated(existing, request)
            anything = stack.changes(version)
        else:
            self._stacks.check(request)
            stack = self._stacks.reserve(stack_name)
            version, anything = stack.version_of(request.template, dict(request.parameters)), True
        made = ChangeSet(
            id=generate_changeset_id(name, stack.region_name, stack.account_id),
            name=name,
            stack=stack,
            kind=kind,
            request=request,
            changes=changes(stack.version, version) if anything else [],
            on_failure=call._get_param("OnStackFailure") or "ROLLBACK",
            created=self._stacks.now(),
            description=call._get_param("Description"),
            capabilities=call._get_param("Capabilities", []),
            token=token,
            made_for=_present(stack),
            execution="AVAILABLE" if anything else "UNAVAILABLE",
        )
        self._all.append(made)
        return made

    @staticmethod
    def _refuse_unknown(call: responses.CloudFormationResponse) -> None:
        """What would look as if it had been done.

        ``ImportExistingResources``, which ``cdk bootstrap`` asks for, would take in what is there under the name of a
        new resource, such as a bucket that was kept.  Nothing is, in a new stand-in; what is fails the stack.
        """
        asked = {
            "ChangeSetType IMPORT": call._get_param("ChangeSetType") == "IMPORT",
            "DeploymentMode": call._get_param("DeploymentMode") is not None,
            "DeploymentConfig.Mode EXPRESS": (call._get_param("DeploymentConfig") or {}).get("Mode") == "EXPRESS",
            "RollbackConfiguration": bool(call._get_param("RollbackConfiguration")),
        }
        if unknown := [name for name, given in asked.items() if given]:
            raise ValidationError(message=f"the stand-in's change sets do not know {', '.join(unknown)}")

    def _existing(self, name_or_id: str, *, needed: bool) -> RunningStack | None:
        with contextlib.suppress(ValidationError):
            return self._stacks.find(name_or_id)
        if needed:
            raise ValidationError(message=f"Stack [{name_or_id}] does not exist")
        return None

    def _of(self, stack: RunningStack | None) -> list[ChangeSet]:
        return [each for each in self._all if each.stack is stack]

    def find(self, call: responses.CloudFormationResponse) -> ChangeSet:
        """The one that a *call* names.

        Raises:
            ChangeSetNotFound: there is none.
            ValidationError: there is no such stack.
        """
        wanted, stack_name = call._get_param("ChangeSetName"), call._get_param("StackName")
        among = self._all if stack_name is None else self._of(self._existing(stack_name, needed=True))
        for each in among:
            if wanted == each.id or (stack_name is not None and wanted == each.name):
                return each
        raise ChangeSetNotFound(f"ChangeSet [{wanted}] does not exist")

    def delete(self, call: responses.CloudFormationResponse) -> None:
        """Forget the one that a *call* names, if there is one."""
        with contextlib.suppress(ChangeSetNotFound):
            self._all.remove(self.find(call))

    def of(self, stack_name: str) -> list[ChangeSet]:
        """Those of a stack."""
        return self._of(self._existing(stack_name, needed=True))

    def execute(self, call: responses.CloudFormationResponse) -> None:
        """Begin to do what the one that a *call* names says; every other one of its stack is void.

        Raises:
            ChangeSetNotFound: there is none.
            InvalidChangeSetStatus: it has no changes, or was made for what the stack no longer is.
            ValidationError: something else is under way.
        """
        chosen = self.find(call)
        if chosen.execution_status != "AVAILABLE":
            raise InvalidChangeSetStatus(
                f"ChangeSet [{chosen.id}] cannot be executed in its current execution status of "
                f"[{chosen.execution_status}]"
            )
        keep = call._get_bool_param("DisableRollback", False)
        if chosen.kind == "CREATE":
            on_failure = "DO_NOTHING" if keep else chosen.on_failure
            self._stacks.fill(chosen.stack, chosen.request, on_failure=on_failure)
        elif keep:
            raise ValidationError(message="the stand-in takes every update back that fails: DisableRollback is unknown")
        else:
            chosen.stack.run.update(self._stacks.updated(chosen.stack, chosen.request))
        chosen.execution = "EXECUTE_COMPLETE"
        self._all = [each for each in self._all if each.stack is not chosen.stack or each is chosen]


# moto answers by its class, so there is one stand-in at a time.
_installed: list[ChangeSets] = []


def installed() -> ChangeSets:
    """Those of the stand-in that runs."""
    return _installed[-1]


def install(stacks: Stacks) -> None:
    """Have moto's CloudFormation answer by the change sets of *stacks*."""
    sets = ChangeSets(stacks)
    _installed[:] = [sets]

    def create_change_set(self: responses.CloudFormationResponse) -> ActionResult:
        made = sets.create(self)
        return ActionResult({"Id": made.id, "StackId": made.stack.stack_id})

    def delete_change_set(self: responses.CloudFormationResponse) -> ActionResult:
        sets.delete(self)
        return EmptyResult()

    def describe_change_set(self: responses.CloudFormationResponse) -> ActionResult:
        values = self._get_bool_param("IncludePropertyValues", False)
        return ActionResult(sets.find(self).described(values=bool(values)))

    def execute_change_set(self: responses.CloudFormationResponse) -> ActionResult:
        sets.execute(self)
        return EmptyResult()

    def list_change_sets(self: responses.CloudFormationResponse) -> ActionResult:
        return ActionResult({"Summaries": [each.summary() for each in sets.of(self._get_param("StackName"))]})

    for call in (create_change_set, delete_change_set, describe_change_set, execute_change_set, list_change_sets):
        replace(responses.CloudFormationResponse, call.__name__, call)
