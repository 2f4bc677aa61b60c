"""Which action of which service a request is for, and what AWS answers when it does not let it in.

Actions are named as ``<signing name>:<operation>``: ``elasticmapreduce:RunJobFlow``, ``dynamodb:PutItem``,
``lambda:Invoke``.  Each protocol has its own shape of an error and several services their own codes; they are those
that botocore's parsers read and its retries know.
"""

from __future__ import annotations

import functools
import io
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

import botocore.exceptions
import botocore.session

from emr_drill.stand_in.latency import called_service

# What botocore calls a service, where its signatures have another name.
BOTO_NAMES = {"elasticloadbalancing": "elbv2", "elasticmapreduce": "emr", "monitoring": "cloudwatch"}
BOTO_NAMES |= {"states": "stepfunctions"}


class Refusal(StrEnum):
    """Why AWS does not do what it is asked for."""

    THROTTLED = "throttled"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What a service answers.

    Attributes:
        code: the error code that a client sees.
        message: for people.
        status: of HTTP.
    """

    code: str
    message: str
    status: int


# (refusal, protocol) to code and status; then what single services do differently.
_CODES: dict[tuple[Refusal, str], tuple[str, int]] = {
    (Refusal.THROTTLED, "json"): ("ThrottlingException", 400),
    (Refusal.THROTTLED, "query"): ("Throttling", 400),
    (Refusal.THROTTLED, "ec2"): ("RequestLimitExceeded", 503),
    (Refusal.THROTTLED, "rest-json"): ("ThrottlingException", 429),
    (Refusal.THROTTLED, "rest-xml"): ("SlowDown", 503),
    (Refusal.DENIED, "json"): ("AccessDeniedException", 400),
    (Refusal.DENIED, "query"): ("AccessDenied", 403),
    (Refusal.DENIED, "ec2"): ("UnauthorizedOperation", 403),
    (Refusal.DENIED, "rest-json"): ("AccessDeniedException", 403),
    (Refusal.DENIED, "rest-xml"): ("AccessDenied", 403),
}
_OWN_CODES: dict[tuple[Refusal, str], tuple[str, int]] = {
    (Refusal.THROTTLED, "lambda"): ("TooManyRequestsException", 429),
    (Refusal.DENIED, "sns"): ("AuthorizationError", 403),
}
_MESSAGES = {"ec2": "Request limit exceeded.", "rest-xml": "Please reduce your request rate."}


@functools.cache
def protocol_of(service: str) -> str:
    """The protocol that clients speak with the service of that signing name.

    Raises:
        botocore.exceptions.UnknownServiceError: there is no such service.
    """
    model = _session().get_service_model(BOTO_NAMES.get(service, service))
    return str(model.resolved_protocol)  # the first of a service's protocols that clients can speak


def refused(refusal: Refusal, action: str) -> Error:
    """What *action*'s service answers."""
    service, _, operation = action.partition(":")
    protocol = protocol_of(service)
    code, status = _OWN_CODES.get((refusal, service)) or _CODES[refusal, protocol]
    if refusal is Refusal.THROTTLED:
        return Error(code=code, message=_MESSAGES.get(protocol, "Rate exceeded"), status=status)
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/function/function is not authorized to perform: "
        f"{service}:{operation} because no identity-based policy allows the {service}:{operation} action"
    )
    return Error(code=code, message=message, status=status)


def encoded(error: Error, service: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of *error* in the protocol of *service*."""
    request_id = str(uuid.uuid4())
    protocol = protocol_of(service)
    code, message = escape(error.code), escape(error.message)
    if protocol in ("json", "rest-json"):
        content = {"__type": error.code, "message": error.message, "Message": error.message}
        headers = {
            "Content-Type": "application/x-amz-json-1.1" if protocol == "json" else "application/json",
            "x-amzn-RequestId": request_id,
            "x-amzn-ErrorType": error.code,
        }
        return headers, json.dumps(content).encode()
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if protocol == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    elif protocol == "rest-xml":
        text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId>"
        text += "</ErrorResponse>"
    return {"Content-Type": "text/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def action_of(environ: dict[str, Any]) -> str | None:
    """The action that a signed request is for; None for one that is not signed, or that nobody knows.

    The request's body, where the action stands in it, can be read again afterwards.
    """
    service = called_service(environ)
    if not service:
        return None
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    operation = target.rpartition(".")[2] or _named(environ) or _matched(service, environ)
    return f"{service}:{operation}" if operation else None


def _named(environ: dict[str, Any]) -> str:
    """The operation that stands in the path (CBOR), in the query or in the form."""
    if found := re.fullmatch(r"/service/[^/]+/operation/([^/]+)", environ.get("PATH_INFO", "")):
        return found[1]
    asked = parse_qs(environ.get("QUERY_STRING", ""))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        asked |= parse_qs(body.decode(errors="replace"))
    return str(asked.get("Action", [""])[0])


def _matched(service: str, environ: dict[str, Any]) -> str:
    """The operation whose method, path and query fit best."""
    try:
        rules = _rules(service)
    except botocore.exceptions.UnknownServiceError:
        return ""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    for rule in rules:
        fits = rule.method == environ.get("REQUEST_METHOD") and rule.path.fullmatch(environ.get("PATH_INFO", ""))
        given = query.keys() | environ.keys()
        if fits and rule.needs <= given and all(query.get(name) == value for name, value in rule.query.items()):
            return rule.operation
    return ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One operation of a service whose protocol is about paths; *needs* are names in the query and headers."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: dict[str, str]
    needs: frozenset[str]

    @property
    def particularity(self) -> tuple[int, int, str]:
        """Rules that demand more come first."""
        return -len(self.query) - len(self.needs), self.path.pattern.count("["), self.operation


@functools.cache
def _rules(service: str) -> tuple[_Rule, ...]:
    """Those of *service*, the most particular ones first."""
    model = _session().get_service_model(BOTO_NAMES.get(service, service))
    rules = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = str(http.get("requestUri", "/")).partition("?")
        pattern = "".join(
            ".*" if part.endswith("+}") else "[^/]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"(\{[^}]*\})", path.rstrip("/") or "/")
        )
        wanted = dict(parse_qsl(query, keep_blank_values=True))
        needs = frozenset(_needs(model.operation_model(name).input_shape))
        rules.append(_Rule(name, str(http.get("method", "")), re.compile(f"{pattern}/?"), wanted, needs))
    return tuple(sorted(rules, key=lambda rule: rule.particularity))


def _needs(shape: Any) -> Iterator[str]:
    for member in shape.required_members if shape else ():
        found = shape.members[member].serialization
        if found.get("location") == "querystring":
            yield str(found["name"])
        elif found.get("location") == "header":
            yield f"HTTP_{str(found['name']).upper().replace('-', '_')}"


@functools.cache
def _session() -> Any:
    return botocore.session.get_session()
