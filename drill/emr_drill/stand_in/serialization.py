"""One request at a time for services whose promises depend on it.

moto handles requests in threads without locks, so that two conditional writes at the same moment could both succeed:
the check of the one runs between the check and the write of the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from emr_drill.stand_in.http_server import Application
from emr_drill.stand_in.latency import called_service

# Handlers of these services neither wait nor make requests themselves, so that their locks cannot be held for long.
SERIALIZED_SERVICES = frozenset({"cloudformation", "dynamodb", "elasticloadbalancing"})
SERIALIZED_TARGETS = frozenset({"AWSStepFunctions.StartExecution"})


class Serialization:
    """WSGI middleware with a lock for each service in :data:`SERIALIZED_SERVICES` and each of the single actions."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._locks = {name: threading.Lock() for name in SERIALIZED_SERVICES | SERIALIZED_TARGETS}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        lock = self._locks.get(target) or self._locks.get(called_service(environ))
        if lock is None:
            return self._application(environ, start_response)
        with lock:
            return self._application(environ, start_response)
