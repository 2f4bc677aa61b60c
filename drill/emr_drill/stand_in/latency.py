"""Every AWS API call takes a while."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from emr_drill.clock import Clock
from emr_drill.stand_in.http_server import Application
from emr_drill.timing import Event, Timing

INTERNAL_HEADER = "X-Stand-In-Internal"
_INTERNAL_KEY = "HTTP_" + INTERNAL_HEADER.upper().replace("-", "_")
_CREDENTIAL_SCOPE = re.compile(r"Credential=([^/]*)/\d{8}/[^/]*/([^/]*)/aws4_request")


def called_service(environ: dict[str, Any]) -> str:
    """The service that a signed request is for, by its signature's scope (``dynamodb``); empty for an unsigned one."""
    found = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found[2] if found else ""


def calling_key(environ: dict[str, Any]) -> str:
    """The access key that signed a request; empty for an unsigned one."""
    found = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def internal(environ: dict[str, Any]) -> bool:
    """Whether a request is one of the drill or of the stand-in's own parts."""
    return _INTERNAL_KEY in environ


class ApiCallLatency:
    """WSGI middleware that lets a signed request take as long as the timing table says, in simulated time.

    The time that the application itself needed counts: only the remainder is waited for.  Requests with the header
    :data:`INTERNAL_HEADER` are those of the drill and of the stand-in's own parts, and take no simulated time.
    """

    def __init__(self, application: Application, *, clock: Clock, timing: Timing) -> None:
        self._application = application
        self._clock = clock
        self._timing = timing

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        service = called_service(environ)
        if not service or internal(environ):
            return self._application(environ, start_response)
        began = self._clock.elapsed()
        length = self._timing.draw(Event.API_CALL, service)
        answer = self._application(environ, start_response)
        self._clock.sleep(length - (self._clock.elapsed() - began))
        return answer
