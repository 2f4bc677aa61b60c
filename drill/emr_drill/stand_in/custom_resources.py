"""Custom resources: events to a function, and the answers that it puts to the ResponseURL.

moto 5.2.5 sends Create events only, has no time-out, and takes an answer of a request that nobody waits for any more.
Event and answer: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import moto.cloudformation.parsing as parsing
from moto.core.common_models import CloudFormationModel

from emr_drill.stand_in.http_server import Application
from emr_drill.stand_in.patching import replace

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn

TYPE = "AWS::CloudFormation::CustomResource"  # besides Custom::...
RESPONSE_PATH = "/cloudformation-custom-resource-response/"
DEFAULT_TIMEOUT_SECONDS = 3600.0  # ServiceTimeout's default
LARGEST_ANSWER_BYTES = 4096


def as_strings(value: Any) -> Any:
    """*value* as CloudFormation delivers properties: every number and truth value as text."""
    if isinstance(value, Mapping):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


@dataclass(slots=True, kw_only=True)
class Request:
    """One event that a function has to answer.

    Attributes:
        id: CloudFormation's RequestId.
        kind: ``Create``, ``Update`` or ``Delete``.
        deadline: simulated seconds since 1970; without an answer by then it has failed.
        answer: what was put to the ResponseURL, once it was.
    """

    id: str
    kind: str
    deadline: float
    answer: dict[str, Any] | None = None


@dataclass(slots=True)
class ResponseDesk:
    """Takes answers; WSGI middleware for the ResponseURLs of all requests.

    Attributes:
        requests: those that may still be answered, by the last part of their URL.
    """

    application: Application
    requests: dict[str, Request] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(RESPONSE_PATH):
            return self.application(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        allowed = environ["REQUEST_METHOD"] == "PUT"
        if allowed:
            self.take(path.removeprefix(RESPONSE_PATH), body)
        start_response("200 OK" if allowed else "405 Method Not Allowed", [("Content-Length", "0")])
        return [b""]

    def take(self, key: str, body: bytes) -> None:
        """Accept an answer; only the first one to a request counts."""
        with self._lock:
            request = self.requests.pop(key, None)
        if request is not None:
            request.answer = _read_answer(body)

    def expect(self, request: Request) -> str:
        """Be ready for the answer to *request*; the last part of its URL."""
        key = uuid.uuid4().hex
        with self._lock:
            self.requests[key] = request
        return key

    def forget(self, request: Request) -> None:
        """Nobody waits for *request* any more."""
        with self._lock:
            self.requests = {key: kept for key, kept in self.requests.items() if kept is not request}


def _read_answer(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST_ANSWER_BYTES:
        return {"Status": "FAILED", "Reason": "Response object is too long."}
    try:
        answer = dict(json.loads(body))
    except ValueError:
        return {"Status": "FAILED", "Reason": "Invalid response object: not JSON"}
    if answer.get("Status") not in ("SUCCESS", "FAILED"):
        return {"Status": "FAILED", "Reason": f"Invalid Status in response object: {answer.get('Status')!r}"}
    if not answer.get("PhysicalResourceId") and answer["Status"] == "SUCCESS":
        return {"Status": "FAILED", "Reason": "Invalid PhysicalResourceId"}
    return answer


class CustomResource(CloudFormationModel):
    """A ``Custom::...`` resource; slow, see :class:`emr_drill.stand_in.stack_resources.SlowResource`."""

    def __init__(
        self, *, stand_in: StandIn, logical_id: str, stack_id: str, type_name: str, name: str, properties: Any
    ) -> None:
        self._stand_in = stand_in
        self._logical_id = logical_id
        self._stack_id = stack_id
        self._type = type_name
        self._properties = as_strings(properties)
        self._request: Request | None = None
        self.physical_resource_id = name
        self.data: dict[str, Any] = {}

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: Any,
    ) -> CustomResource:
        resource = cls(
            stand_in=_installed[-1],
            logical_id=kwargs["LogicalId"],
            stack_id=kwargs["StackId"],
            type_name=kwargs["ResourceType"],
            name=resource_name,
            properties=cloudformation_json["Properties"],
        )
        resource.send("Create")
        return resource

    def send(self, kind: str, old_properties: Any = None) -> None:
        """Send an event to the function.

        Args:
            kind: ``Create``, ``Update`` or ``Delete``.
            old_properties: of an update.
        """
        clock = self._stand_in.clock
        timeout = float(self._properties.get("ServiceTimeout", DEFAULT_TIMEOUT_SECONDS))
        if self._request is not None:
            self._stand_in.responses.forget(self._request)
        self._request = Request(id=str(uuid.uuid4()), kind=kind, deadline=clock.now() + timeout)
        event = {
            "RequestType": kind,
            "ServiceToken": self._properties["ServiceToken"],
            "ResponseURL": self._stand_in.endpoint + RESPONSE_PATH + self._stand_in.responses.expect(self._request),
            "StackId": self._stack_id,
            "RequestId": self._request.id,
            "LogicalResourceId": self._logical_id,
            "ResourceType": self._type,
            "ResourceProperties": self._properties,
        }
        if kind != "Create":
            event["PhysicalResourceId"] = self.physical_resource_id
        if old_properties is not None:
            event["OldResourceProperties"] = as_strings(old_properties)
        self._stand_in.client("lambda").invoke(
            FunctionName=self._properties["ServiceToken"], InvocationType="Event", Payload=json.dumps(event)
        )

    def update(self, properties: Mapping[str, Any]) -> None:
        """Send an update to *properties*, all of them."""
        old, self._properties = self._properties, as_strings(properties)
        self.send("Update", old)

    def creation_result(self) -> str | None:
        """See SlowResource."""
        request = self._request
        assert request is not None
        if request.answer is None:
            if self._stand_in.clock.now() < request.deadline:
                return None
            self._stand_in.responses.forget(request)
            return (
                "CloudFormation did not receive a response from your Custom Resource. "
                f"Please check your logs for requestId [{request.id}]"
            )
        given = request.answer.get("PhysicalResourceId") or self.physical_resource_id
        if request.kind == "Update" and given != self.physical_resource_id:
            return (
                f"the answer to an Update has another PhysicalResourceId ({given} for {self.physical_resource_id}): "
                "CloudFormation would delete the old one, the stand-in replaces nothing"
            )
        self.physical_resource_id = given
        if request.answer["Status"] == "FAILED":
            return (
                "Received response status [FAILED] from custom resource. "
                f"Message returned: {request.answer.get('Reason')} (RequestId: {request.id})"
            )
        self.data = request.answer.get("Data") or {}
        return ""

    def deletion_result(self) -> str | None:
        """See SlowResource."""
        return self.creation_result()

    def delete(self, account_id: str, region_name: str) -> None:
        """Begin to delete it."""
        self.send("Delete")

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """A value of the answer's ``Data``."""
        return self.data[attribute_name]


# moto makes resources by their class, so there is one stand-in at a time.
_installed: list[StandIn] = []


def install(stand_in: StandIn) -> None:
    """Have moto make custom resources of *stand_in* by :class:`CustomResource`."""
    _installed[:] = [stand_in]
    replace(parsing, "CustomModel", CustomResource)
