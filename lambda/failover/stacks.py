"""Incarnation stacks: created once for a generation, looked at, deleted by their id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import StackStatusType

# Logical id of the cluster in the incarnation template.
CLUSTER_LOGICAL_ID = "Cluster"

DEPLOYMENT_TAG = "emr-dr:deployment"
MANAGED_CLUSTER_TAG = "emr-dr:managed-cluster"
GENERATION_TAG = "emr-dr:generation"
# Amazon EMR's managed policies act only on what carries it (EMR Management Guide, "Service role for Amazon EMR").
MANAGED_POLICIES_TAG = "for-use-with-amazon-emr-managed-policies"

_GONE = re.compile("does not exist")
_NOT_YET = re.compile("does not exist|has not been created|is not created")
_EXISTING_STATUSES: tuple[StackStatusType, ...] = (
    "CREATE_IN_PROGRESS",
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "REVIEW_IN_PROGRESS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSeen:
    """A stack as CloudFormation describes it."""

    stack_id: str
    name: str
    status: str
    reason: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class IncarnationStacks:
    """The stacks of a deployment's incarnations.

    Attributes:
        client: CloudFormation.
        deployment: name of the deployment; stacks that do not carry it in their tag are nobody's to touch.
        role: ARN of the role that CloudFormation uses.
    """

    client: CloudFormationClient
    deployment: str
    role: str

    def tags(self, *, managed_cluster: str, generation: int) -> dict[str, str]:
        """The tags of an incarnation's stack and cluster."""
        return {
            DEPLOYMENT_TAG: self.deployment,
            MANAGED_CLUSTER_TAG: managed_cluster,
            GENERATION_TAG: str(generation),
            MANAGED_POLICIES_TAG: "true",
        }

    def create(self, *, name: str, template_url: str, parameters: Mapping[str, str], tags: Mapping[str, str]) -> str:
        """Create the stack *name*, or adopt the one that an earlier call of this step created; answer its id.

        A stack that fails deletes itself (``OnFailure``), so that a controller that dies leaves no cluster behind.
        The name alone makes the call happen once.  A token made of it would do harm: CloudFormation remembers tokens
        of deleted stacks, and a deployment that was destroyed and deployed again counts from generation 1 again.

        Raises:
            ValueError: a stack of this name exists that is not of this deployment.
        """
        try:
            answer = self.client.create_stack(
                StackName=name,
                TemplateURL=template_url,
                RoleARN=self.role,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                OnFailure="DELETE",
            )
        except self.client.exceptions.AlreadyExistsException:
            seen = self.describe(name)
            if seen is None:  # it was deleted in between; the machine calls the step again
                raise
            if not self.ours(seen, managed_cluster=tags[MANAGED_CLUSTER_TAG]):
                raise ValueError(
                    f"stack {name} exists and is not of deployment {self.deployment}: delete it, or rename this one"
                ) from None
            return seen.stack_id
        return answer["StackId"]

    def describe(self, stack: str) -> StackSeen | None:
        """The stack with this id or name; ``None`` if CloudFormation knows none (by id it knows deleted ones too)."""
        try:
            found = self.client.describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if _says(error, _GONE):
                return None
            raise
        return StackSeen(
            stack_id=found.get("StackId", ""),
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
        )

    def cluster_id(self, stack_id: str) -> str | None:
        """The id of the stack's EMR cluster; ``None`` as long as there is none.

        CloudFormation answers ValidationError for a resource that it has not begun to create.
        """
        try:
            answer = self.client.describe_stack_resource(StackName=stack_id, LogicalResourceId=CLUSTER_LOGICAL_ID)
        except ClientError as error:
            if _says(error, _NOT_YET):
                return None
            raise
        return answer["StackResourceDetail"].get("PhysicalResourceId") or None

    def first_failure(self, stack_id: str) -> str:
        """What went wrong first in a stack; empty if CloudFormation does not say, or cannot be asked.

        The reason of the stack itself only names the resources that failed.  Whoever wants to know gives the stack up
        anyway: an error of this call must not be in the way of that.
        """
        try:
            events = self.client.describe_stack_events(StackName=stack_id)["StackEvents"]
        except ClientError:
            return ""
        failures = [
            event.get("ResourceStatusReason", "")
            for event in reversed(events)  # the newest comes first
            if event.get("ResourceStatus", "").endswith("_FAILED")
            and event.get("LogicalResourceId") == CLUSTER_LOGICAL_ID
        ]
        return next(filter(None, failures), "")

    def delete(self, stack_id: str) -> None:
        """Ask for the deletion of a stack; its progress is read with :meth:`describe`."""
        self.client.delete_stack(StackName=stack_id)

    def names(self, *, prefix: str) -> Iterator[str]:
        """The names of all stacks that exist and begin with *prefix*, whether the record knows them or not."""
        pages = self.client.get_paginator("list_stacks").paginate(StackStatusFilter=list(_EXISTING_STATUSES))
        for page in pages:
            for summary in page["StackSummaries"]:
                if summary["StackName"].startswith(prefix):
                    yield summary["StackName"]

    def ours(self, seen: StackSeen, *, managed_cluster: str) -> bool:
        """Whether a stack is of this deployment and of *managed_cluster*."""
        return (
            seen.tags.get(DEPLOYMENT_TAG) == self.deployment and seen.tags.get(MANAGED_CLUSTER_TAG) == managed_cluster
        )


def _says(error: ClientError, pattern: re.Pattern[str]) -> bool:
    detail = error.response.get("Error", {})
    return detail.get("Code") == "ValidationError" and bool(pattern.search(detail.get("Message", "")))
