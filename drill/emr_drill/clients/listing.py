"""What every Livy server itself says of its batches, asked directly and all the time.

That is the truth that clients behind a load balancer are compared with: which server has which batch under which id,
and which batches disappear because somebody deleted them.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emr_drill.clock import Clock

LOOK_SECONDS = 2.0  # machine time
LIMIT_SECONDS = 4.0  # machine time
PAGE = 1000
# Looks in a row that must miss a batch: a server that has just been restarted reads its store.
LOOKS_WITHOUT = 2


@dataclass(slots=True, kw_only=True)
class Batch:
    """A batch of one server.

    Attributes:
        cluster: name of its cluster.
        id: its id there.
        name: the name that its client gave it.
        application: its YARN application, once known.
        state: when it was last seen.
        missed: how many looks in a row it was not there, while its server answered.
    """

    cluster: str
    id: int
    name: str
    application: str = ""
    state: str = ""
    missed: int = 0

    @property
    def deleted(self) -> bool:
        """Whether somebody deleted it."""
        return self.missed >= LOOKS_WITHOUT


class Listing:
    """Looks at every server again and again.

    Args:
        clock: simulated time.
        servers: gives name of the cluster and address of each server that there is.
        port: Livy's.
    """

    def __init__(self, *, clock: Clock, servers: Callable[[], Sequence[tuple[str, str]]], port: int = 8998) -> None:
        self._clock = clock
        self._servers = servers
        self._port = port
        self._found: dict[tuple[str, int], Batch] = {}
        self._by_name: dict[str, Batch] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look for the last time, and end."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)

    @property
    def batches(self) -> list[Batch]:
        """Every batch that was ever seen and has a name."""
        return list(self._found.values())

    def of(self, name: str) -> Batch | None:
        """The batch of that name, the newest if there are several."""
        return self._by_name.get(name)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
        for _ in range(LOOKS_WITHOUT):
            self.look()

    def look(self) -> None:
        """Ask every server once."""
        for cluster, address in self._servers():
            listed = _list(address, self._port)
            if listed is not None:
                self.take(cluster, listed)

    def take(self, cluster: str, listed: Sequence[dict[str, Any]]) -> None:
        """Compare one server's answer with what was known of it."""
        there = set()
        for item in listed:
            name = str(item.get("name") or "")
            if not name:
                continue
            key = (cluster, int(item["id"]))
            there.add(key)
            batch = self._found.get(key)
            if batch is None:
                batch = self._found[key] = Batch(cluster=cluster, id=key[1], name=name)
                self._by_name[name] = batch
            batch.application = item.get("appId") or batch.application
            batch.state, batch.missed = str(item.get("state")), 0
        for key, batch in self._found.items():
            if key[0] == cluster and key not in there:
                batch.missed += 1


def _list(address: str, port: int) -> list[dict[str, Any]] | None:
    """The batches of one server; ``None`` if it does not say."""
    connection = http.client.HTTPConnection(address, port, timeout=LIMIT_SECONDS)
    try:
        connection.request("GET", f"/batches?from=0&size={PAGE}", headers={"Connection": "close"})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            return None
        found: list[dict[str, Any]] = json.loads(content)["sessions"]
        return found
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()
