"""Whether the whole platform goes, or the clean-up alone.

CloudFormation sends the same Delete for both.  An update that takes the resource out of the template (an older version
of the app, another name) deletes it while the stack is ``UPDATE_COMPLETE_CLEANUP_IN_PROGRESS``, the way back of the
update that brought it while it is ``UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS`` (CloudFormation user guide, "Stack
status codes").  Groups, their rules and the clusters in them stay then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# The deletion, and the way back of the first creation: there are no others in which nothing of a stack stays.
GOES = frozenset({"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


class StatusUnknownError(Exception):
    """It could not be read what becomes of the stack; the message says why, and what to do."""


def platform_goes(cloudformation: CloudFormationClient, stack_id: str) -> bool:
    """Whether nothing of the stack stays.

    Raises:
        StatusUnknownError: its status could not be read.  To take that for "it stays" would have CloudFormation forget
            the clean-up in a deletion, which could then not be asked for again; to take it for "it goes" could cut off
            clusters that run.  A failure has neither: a deletion can be repeated, and an update ends all the same.
    """
    try:
        (stack,) = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        return stack["StackStatus"] in GOES
    except (BotoCoreError, ClientError, ValueError) as error:
        raise StatusUnknownError(
            f"whether {stack_id} is being deleted could not be read ({type(error).__name__}: {error}), so that nothing "
            "was removed: let this function's role call cloudformation:DescribeStacks on that stack, then delete the "
            "stack again"
        ) from error
