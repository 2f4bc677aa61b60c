"""What the controller asks of a prober, because it needs the VPC: one function for each action.

None of them raises because a service does not answer; that is part of what they answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dr_core.config import FunctionConfig
from dr_core.readings import RESOURCE_MANAGER_INFO, RESOURCE_MANAGER_METRICS, Answer, Answered, NotAnswered
from dr_core.routing import HEALTH_PATH
from prober.looking import fetch, resolve
from prober.trust import Trust, of_front_door, of_primary

# A submission starts spark-submit before it answers; a killed application is only marked.
_WRITE_LIMIT_SECONDS = 10
_DUPLICATE_NAME = "Duplicate session name"
_STATES_BEFORE_THE_END = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
_APPLICATIONS = "/ws/v1/cluster/apps"
# Livy's states of a batch or session that has come to its end (SessionState.scala); every other one counts as at work.
_FINAL = frozenset({"success", "dead", "killed", "error"})
# Each comes with the last lines of its log: a page is some hundred kilobytes.
_PAGE = 100


class _Refused(Exception):
    """A service did not give what was asked for; the text goes into the answer."""


class _Unreachable(Exception):
    """An address of the load balancer says nothing at all; the text tells how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """The actions of one prober.

    Attributes:
        config: of the deployment.
        pool: where requests go on at once.
        trust: whose certificates are believed; ``None`` where nobody shows one.
    """

    config: FunctionConfig
    pool: Executor
    trust: Trust | None = None

    def _ask(self, address: str, port: int, path: str, **how: Any) -> Answer:
        """One request to a service of the primary at *address*; see :func:`prober.looking.fetch`."""
        how = {"limit": self.config.policy.read_limit_seconds, **how}
        return fetch(address, port, path, peer=of_primary(self.config, self.trust, address), **how)

    def _ask_front_door(self, address: str, path: str) -> Answer:
        """One request to the load balancer at *address*."""
        limit, peer = self.config.policy.read_limit_seconds, of_front_door(self.config, self.trust)
        return fetch(address, self.config.front_door_port, path, limit=limit, peer=peer)

    def canary(self, *, address: str, name: str) -> dict[str, Any]:
        """Submit the canary job to the Livy at *address* unless a batch *name* exists there, and read it.

        Returns:
            ``{"id", "state", "app_id", "name"}``, or ``{"error"}``.
        """
        port = self.config.ports.livy
        by_name = f"/batches/{quote(name, safe='')}"
        try:
            found = self._ask(address, port, by_name)
            if isinstance(found, Answered) and found.status == 404:
                found = self._ask(
                    address, port, "/batches", limit=_WRITE_LIMIT_SECONDS, method="POST", body=self._canary_job(name)
                )
                # Somebody was quicker; or our own submission of a moment ago, whose answer was lost.
                if isinstance(found, Answered) and found.status == 400 and _DUPLICATE_NAME in found.body:
                    found = self._ask(address, port, by_name)
            batch = _object(found)
        except _Refused as refusal:
            return {"error": f"Livy at {address}:{port}: {refusal}"}
        return {name: batch.get(key) for name, key in _BATCH.items()}

    def _canary_job(self, name: str) -> dict[str, Any]:
        canary = self.config.canary
        job: dict[str, Any] = {"name": name, "file": canary.file, "args": list(canary.arguments)}
        return {**job, "className": canary.class_name} if canary.class_name else job

    def route(self, *, name: str, id: int, app_id: str | None, times: int) -> dict[str, Any]:
        """Ask for batch *id* through every address of the load balancer, *times* each on a new connection.

        An address that does not give even its fixed answer, asked twice, is left out: in an outage of an availability
        zone the dead node may stay in DNS, where nobody reaches it, and must not stand in the way of a failover.

        Returns:
            ``{"ok": bool, "addresses": {address: "ok" or what was wrong}, "unreachable": {address: what came}}``, and
            ``"error"`` when there is no address to judge.  Ok when at least one address is ok and none is wrong.
        """
        port, limit = self.config.front_door_port, self.config.policy.read_limit_seconds
        addresses = resolve(self.pool, self.config.load_balancer_host, port, limit=limit)

        def through(address: str) -> str:
            for _ in range(times):
                answer = self._ask_front_door(address, f"/batches/{id}")
                if isinstance(answer, NotAnswered) and not self._answers(address):
                    raise _Unreachable(answer.detail)
                try:
                    batch = _object(answer)
                except _Refused as refusal:
                    return str(refusal)
                if not _is_that_batch(batch, name=name, id=id, app_id=app_id):
                    return (
                        f"asked for batch {id} {name} {app_id}, "
                        f"got {batch.get('id')} {batch.get('name')} {batch.get('appId')}"
                    )
            return "ok"

        seen: dict[str, str] = {}
        unreachable: dict[str, str] = {}
        for address, asked in [(address, self.pool.submit(through, address)) for address in addresses]:
            try:
                seen[address] = asked.result()
            except _Unreachable as silence:
                unreachable[address] = str(silence)
        answer = {"ok": bool(seen) and set(seen.values()) == {"ok"}, "addresses": seen, "unreachable": unreachable}
        if not seen:
            answer["error"] = f"no address of the load balancer answers: {unreachable or 'it has none'}"
        return answer

    def _answers(self, address: str) -> bool:
        """Whether the load balancer itself says anything at *address*; an error of our own is no silence of it."""
        asked = (self._ask_front_door(address, HEALTH_PATH) for _ in range(2))
        return not all(isinstance(answer, NotAnswered) for answer in asked)

    def kill_applications(self, *, address: str) -> dict[str, Any]:
        """Kill everything that the ResourceManager at *address* runs or is about to run.

        The ResourceManager calls an application killed without a word of the nodes that it ran on, and a node that it
        has lost never hears of it: what ran there runs on.  One that was started again may know nothing of either.

        Returns:
            ``{"reachable": bool, "running": [ids that are still not at their end], "lost_nodes": how many nodes it has
            lost, "active_nodes": how many it has, "started_on": when it was started, in ms since 1970}``; null for
            each number that it does not say, and for the last one if it is not the active ResourceManager.
        """
        port = self.config.ports.resource_manager

        def kill(application: str) -> Answer:
            path = f"{_APPLICATIONS}/{quote(application, safe='')}/state"
            return self._ask(address, port, path, method="PUT", body={"state": "KILLED"})

        try:
            for killed in [self.pool.submit(kill, application) for application in self._running(address)]:
                killed.result()
            running = self._running(address)
        except _Refused:
            return {"reachable": False, "running": [], **_NOTHING_SAID}
        # After the list: a node that is lost, or a start, meanwhile must not be missed.
        return {"reachable": True, "running": running, **self._nodes(address), "started_on": self._started_on(address)}

    def work(self, *, address: str) -> dict[str, Any]:
        """What Livy and YARN at *address* still have to do; an interactive session counts, also while it is idle.

        One that does not answer, or oddly, says nothing about its work: ``unknown`` names it, and its lists are empty.

        Returns:
            ``{"reachable": bool, "batches": [ids], "sessions": [ids], "applications": [ids],
            "unknown": {"livy" or "resource_manager": why}}``.  Reachable when nothing is unknown: only then do empty
            lists mean that nothing is left to do.
        """
        unknown: dict[str, str] = {}
        batches: list[int] = []
        sessions: list[int] = []
        applications: list[str] = []
        asked = self.pool.submit(self._running, address)
        try:
            batches, sessions = self._unfinished(address, "/batches"), self._unfinished(address, "/sessions")
        except _Refused as refusal:
            batches, unknown["livy"] = [], str(refusal)
        try:
            applications = asked.result()
        except _Refused as refusal:
            unknown["resource_manager"] = str(refusal)
        return {
            "reachable": not unknown,
            "batches": batches,
            "sessions": sessions,
            "applications": applications,
            "unknown": unknown,
        }

    def _unfinished(self, address: str, collection: str) -> list[int]:
        """The ids of *collection* that have not come to their end, from all its pages.

        Livy forgets old ones while we read, which moves those behind them into a page that was read already: pages
        that disagree about the total say nothing.
        """

        def page(first: int) -> tuple[int, list[Any]]:
            return self._page(address, collection, first=first, size=_PAGE)

        total, items = page(0)
        pages = [each.result() for each in [self.pool.submit(page, first) for first in range(_PAGE, total, _PAGE)]]
        if any(again != total for again, _ in pages):
            raise _Refused(f"{collection} changed while it was read")
        listed = [*items, *(each for _, more in pages for each in more)]
        return [int(_member(each, "id")) for each in listed if _member(each, "state") not in _FINAL]

    def newest_id(self, *, address: str) -> dict[str, Any]:
        """The largest of the ids that the Livy at *address* issued last, of batches and of sessions.

        Both have a counter of their own, and Livy lists them in the order in which they came (SessionManager.scala).
        After its restart those that it remembers come in the order of its store instead, and an older one may be last
        until the next one comes.  What has ended is forgotten after a while.

        Returns:
            ``{"id"}``, which is null if it lists none, or ``{"error"}``.
        """
        try:
            ids = [self._last(address, collection) for collection in ("/batches", "/sessions")]
        except _Refused as refusal:
            return {"error": f"Livy at {address}:{self.config.ports.livy}: {refusal}"}
        return {"id": max((each for each in ids if each is not None), default=None)}

    def _last(self, address: str, collection: str) -> int | None:
        """The id of the last one that *collection* lists, ``None`` if it lists none: two reads of one at most."""
        total, items = self._page(address, collection, first=0, size=1)
        if total > 1:
            _, items = self._page(address, collection, first=total - 1, size=1)
        if not items and total:
            raise _Refused(f"{collection} changed while it was read")
        newest = _number(items[-1], "id") if items else None
        if items and newest is None:
            raise _Refused(f"listed something without an id: {str(items[-1])[:200]}")
        return newest

    def _page(self, address: str, collection: str, *, first: int, size: int) -> tuple[int, list[Any]]:
        """How many *collection* holds, and those from *first* on, *size* at most."""
        path = f"{collection}?from={first}&size={size}"
        found = _object(self._ask(address, self.config.ports.livy, path))
        total, items = found.get("total"), found.get("sessions")
        if not isinstance(total, int) or not isinstance(items, list):
            raise _Refused(f"answered {path} without total or sessions")
        return total, items

    def _nodes(self, address: str) -> dict[str, int | None]:
        try:
            found = _object(self._ask(address, self.config.ports.resource_manager, RESOURCE_MANAGER_METRICS))
            metrics = _member(found, "clusterMetrics")
        except _Refused:
            metrics = None
        return {"lost_nodes": _number(metrics, "lostNodes"), "active_nodes": _number(metrics, "activeNodes")}

    def _started_on(self, address: str) -> int | None:
        try:
            found = _object(self._ask(address, self.config.ports.resource_manager, RESOURCE_MANAGER_INFO))
            info = _member(found, "clusterInfo")
            return _number(info, "startedOn") if _member(info, "haState") == "ACTIVE" else None
        except _Refused:
            return None

    def _running(self, address: str) -> list[str]:
        path = f"{_APPLICATIONS}?states={_STATES_BEFORE_THE_END}"
        answer = self._ask(address, self.config.ports.resource_manager, path)
        # "apps" is null when there is none.
        applications = _member(_object(answer), "apps")
        listed = _member(applications, "app") if applications else []
        if not isinstance(listed, list):
            raise _Refused(f"listed something else than applications: {str(listed)[:200]}")
        return [str(_member(each, "id")) for each in listed]


_NOTHING_SAID: Mapping[str, None] = {"lost_nodes": None, "active_nodes": None, "started_on": None}
_BATCH: Mapping[str, str] = {"id": "id", "state": "state", "app_id": "appId", "name": "name"}


def _is_that_batch(batch: Mapping[str, Any], *, name: str, id: int, app_id: str | None) -> bool:
    """By id and name; by application too where both sides know it, as Livy does only once YARN accepted the batch."""
    applications = {app_id, batch.get("appId")} - {None}
    return batch.get("id") == id and batch.get("name") == name and len(applications) <= 1


def _member(body: Any, name: str) -> Any:
    if not isinstance(body, dict) or name not in body:
        raise _Refused(f"answered without {name}: {str(body)[:200]}")
    return body[name]


def _number(body: Any, name: str) -> int | None:
    """The whole number *name* of *body*, ``None`` if it has none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer, Answered):
        raise _Refused(answer.detail)
    if answer.status not in (200, 201):
        raise _Refused(f"answered {answer.status}: {answer.body[:200]}")
    try:
        body = json.loads(answer.body)
    except json.JSONDecodeError as error:
        raise _Refused(f"answered {answer.status} without JSON: {error}") from error
    if not isinstance(body, dict):
        raise _Refused(f"answered {answer.status} with something else than an object: {answer.body[:200]}")
    return body
