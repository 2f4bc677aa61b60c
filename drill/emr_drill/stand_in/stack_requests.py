"""What a call asks of CloudFormation: CreateStack, UpdateStack and CreateChangeSet say it in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import s3_backends

if TYPE_CHECKING:
    import moto.cloudformation.responses as responses

    from emr_drill.stand_in.running_stack import RunningStack


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRequest:
    """What a stack shall be.

    Attributes:
        name: of the stack, or its id.
        template: text.
        parameters: by name; previous values are filled in.
        tags: of the stack; ``None`` if the call says nothing of them.
        notification_arns: topics that hear of each event.
        role_arn: what CloudFormation works with.
    """

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] | None
    notification_arns: Sequence[str]
    role_arn: str | None


def read_request(
    call: responses.CloudFormationResponse, *, endpoint: str, stack: RunningStack | None = None
) -> StackRequest:
    """What *call* asks for.

    Args:
        call: its arguments, parsed by botocore's model.
        endpoint: URL of the stand-in, in which a template's address may lie.
        stack: the one to change, whose template and parameters the call may go on using.

    Raises:
        ValidationError: it gives no template, or two.
    """
    tags = call._get_param("Tags")
    return StackRequest(
        name=call._get_param("StackName"),
        template=_template(call, endpoint=endpoint, stack=stack),
        parameters=_parameters(call._get_param("Parameters", []), stack),
        tags=None if tags is None else {item["Key"]: item["Value"] for item in tags},
        notification_arns=call._get_param("NotificationARNs", []),
        role_arn=call._get_param("RoleARN"),
    )


def _template(call: responses.CloudFormationResponse, *, endpoint: str, stack: RunningStack | None) -> str:
    body, url = call._get_param("TemplateBody"), call._get_param("TemplateURL")
    previous = call._get_bool_param("UsePreviousTemplate", False)
    if (body is not None) + (url is not None) + previous != 1:
        raise ValidationError(message="Either Template URL or Template Body must be specified.")
    if previous:
        if stack is None:
            raise ValidationError(message="UsePreviousTemplate: there is no previous template")
        return str(stack.template)
    if url is None:
        return str(body)
    if not url.startswith(f"{endpoint}/"):
        return str(call._get_stack_from_s3_url(url))
    # The CDK's command line gives the address that it would upload to, with the bucket in the path; moto would take
    # the first part of an IP address for the bucket.
    bucket, _, key = url.removeprefix(f"{endpoint}/").partition("/")
    found = s3_backends[call.current_account][call.partition].get_object(bucket, key)
    if found is None:
        raise ValidationError(message=f"S3 error: The specified key does not exist. ({url})")
    return bytes(found.value).decode()


def _parameters(given: Sequence[Mapping[str, Any]], stack: RunningStack | None) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for item in given:
        key = item["ParameterKey"]
        if not item.get("UsePreviousValue"):
            parameters[key] = item["ParameterValue"]
        elif stack is not None and key in stack.parameters:
            parameters[key] = stack.parameters[key]
    return parameters
