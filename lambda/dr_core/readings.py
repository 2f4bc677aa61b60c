"""What the answers of a service mean.

An answer says something about the service only if the service was asked properly.  No connection, no answer in time
and errors of the server's own (5xx) speak against it, and so does a 200 whose body is not what the service says when
it works: a service in service was verified with these very reads, so its format did not change under it.  A status
that refuses our request (3xx, 4xx), TLS that both sides speak differently and everything that fails on our side say
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dr_core.evidence import Reading, Service, Verdict, healthy, unhealthy, unknown

RESOURCE_MANAGER_INFO = "/ws/v1/cluster/info"
RESOURCE_MANAGER_METRICS = "/ws/v1/cluster/metrics"
NAME_NODE_STATUS = "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus"
NAME_NODE_STATE = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
# One session is enough to see the format; a list of all can be long.
LIVY_SESSIONS = "/sessions?size=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The service sent a whole answer in time.

    Attributes:
        status: HTTP status.
        body: the body, as text.
        certificate: what is to be told of the certificate of whoever sent it; empty if nothing.
    """

    status: int
    body: str
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnswered:
    """The service was asked and did not answer: refused, closed the connection, or took too long.

    Attributes:
        detail: which of these.
        certificate: as of :class:`Answered`, if one was shown.
    """

    detail: str
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsked:
    """Asking failed on our side, or the service speaks TLS in a way that we do not.

    Attributes:
        detail: which of these.
        certificate: as of :class:`Answered`, if one was shown.
    """

    detail: str
    certificate: str = ""


Answer = Answered | NotAnswered | NotAsked


class _Odd(Exception):
    """A body that is not what the service says when it works."""


def read_services(answers: Mapping[str, Answer]) -> dict[Service, Reading]:
    """What every service showed.

    Args:
        answers: the answer to each path of :func:`paths`.
    """
    return {
        service: _together([_read(answers[path], meaning) for path, meaning in meanings.items()])
        for service, meanings in _MEANINGS.items()
    }


def certificates(answers: Iterable[Answer]) -> tuple[str, ...]:
    """What is to be told of the certificates of those who were asked; each thing once, sorted.

    Nothing of it says anything about a service: see ``prober.trust``.
    """
    told = {answer.certificate for answer in answers}
    return tuple(sorted(told - {""}))


def paths() -> dict[Service, tuple[str, ...]]:
    """What to read of each service."""
    return {service: tuple(meanings) for service, meanings in _MEANINGS.items()}


def _together(readings: list[Reading]) -> Reading:
    """The worst of several readings of one service: unhealthy, then unknown, then healthy with every detail."""
    for verdict in (Verdict.UNHEALTHY, Verdict.UNKNOWN):
        for reading in readings:
            if reading.verdict is verdict:
                return reading
    nodes = [reading.active_nodes for reading in readings if reading.active_nodes is not None]
    return healthy(", ".join(reading.detail for reading in readings), active_nodes=nodes[0] if nodes else None)


def _read(answer: Answer, meaning: Callable[[Any], Reading]) -> Reading:
    match answer:
        case NotAsked():
            return unknown(answer.detail)
        case NotAnswered():
            return unhealthy(answer.detail)
        case Answered(status=200):
            try:
                return meaning(json.loads(answer.body))
            except (json.JSONDecodeError, _Odd) as error:
                return unhealthy(f"answered 200 with something else than expected: {error}")
        case Answered() if answer.status >= 500:
            return unhealthy(f"answered {answer.status}")
        case _:
            return unknown(f"refused our request with {answer.status}")


def _resource_manager_info(body: Any) -> Reading:
    state = _text(_member(body, "clusterInfo"), "state")
    return healthy("state STARTED") if state == "STARTED" else unhealthy(f"state {state}, not STARTED")


def _resource_manager_metrics(body: Any) -> Reading:
    nodes = _whole_number(_member(body, "clusterMetrics"), "activeNodes")
    return healthy(f"active nodes: {nodes}", active_nodes=nodes) if nodes >= 1 else unhealthy("no active node")


def _name_node_status(body: Any) -> Reading:
    state = _text(_bean(body), "State")
    return healthy("state active") if state == "active" else unhealthy(f"state {state}, not active")


def _name_node_state(body: Any) -> Reading:
    # NameNodeStatus says "active" in safe mode too; only this bean tells.
    state = _text(_bean(body), "FSState")
    return healthy("file system operational") if state == "Operational" else unhealthy(f"file system in state {state}")


def _livy_sessions(body: Any) -> Reading:
    total = _whole_number(body, "total")
    if not isinstance(_member(body, "sessions"), list):
        raise _Odd("sessions is not a list")
    return healthy(f"sessions: {total}")


_MEANINGS: dict[Service, dict[str, Callable[[Any], Reading]]] = {
    Service.LIVY: {LIVY_SESSIONS: _livy_sessions},
    Service.RESOURCE_MANAGER: {
        RESOURCE_MANAGER_INFO: _resource_manager_info,
        RESOURCE_MANAGER_METRICS: _resource_manager_metrics,
    },
    Service.NAME_NODE: {NAME_NODE_STATUS: _name_node_status, NAME_NODE_STATE: _name_node_state},
}


def _member(body: Any, name: str) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise _Odd(f"no {name}")
    return body[name]


def _bean(body: Any) -> Any:
    beans = _member(body, "beans")
    # An empty list while the NameNode starts.
    if not isinstance(beans, list) or not beans:
        raise _Odd("no bean")
    return beans[0]


def _text(body: Any, name: str) -> str:
    value = _member(body, name)
    if not isinstance(value, str):
        raise _Odd(f"{name} is not a text")
    return value


def _whole_number(body: Any, name: str) -> int:
    value = _member(body, name)
    if not isinstance(value, int):
        raise _Odd(f"{name} is not a whole number")
    return value
