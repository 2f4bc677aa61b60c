"""The script's look at a cluster: one question to each of three services."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

# Limits on sockets are never scaled: machine seconds.  The recipe has none; one that hung for ever would never act.
LIMIT_SECONDS = 3.0
RESOURCE_MANAGER, NAME_NODE, LIVY = "ResourceManager", "NameNode", "Livy"
NAME_NODE_STATUS = "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus"


def failed_services(address: str, *, ports: dict[str, int], limit_seconds: float = LIMIT_SECONDS) -> list[str]:
    """What is wrong with the cluster whose primary has *address*: a sentence for each service that is not well.

    The questions are the recipe's: ``/ws/v1/cluster`` must be STARTED, NameNodeStatus active, and ``/sessions`` must be
    answered.  That a NameNode in safe mode is "active" and a ResourceManager without nodes is STARTED, it does not see.

    Args:
        address: the primary's.
        ports: port of each service, by the names above.
        limit_seconds: time limit of one question, machine time.
    """
    checks: dict[str, tuple[str, Callable[[Any], bool]]] = {
        RESOURCE_MANAGER: ("/ws/v1/cluster", lambda body: body["clusterInfo"]["state"] == "STARTED"),
        NAME_NODE: (NAME_NODE_STATUS, lambda body: body["beans"][0]["State"] == "active"),
        LIVY: ("/sessions", lambda body: "sessions" in body),
    }
    complaints = []
    for service, (path, good) in checks.items():
        complaint = _ask(address, ports[service], path, good, limit_seconds)
        if complaint:
            complaints.append(f"{service} {complaint}")
    return complaints


def _ask(address: str, port: int, path: str, good: Callable[[Any], bool], limit_seconds: float) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=limit_seconds)
    try:
        connection.request("GET", path, headers={"Connection": "close", "Accept": "application/json"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            return f"answered {response.status}"
        return "" if good(json.loads(content)) else f"answered {content[:100].decode(errors='replace')}"
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        return f"did not answer: {type(error).__name__}: {error}"
    finally:
        connection.close()
