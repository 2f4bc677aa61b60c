"""Asks a prober for what needs the VPC: the canary, a look through the front door, what runs, its end, its ids."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.config import ProberFunction
from dr_core.retirement_plan import Work
from failover.errors import NoProberAnsweredError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The canary's batch as a prober read it; *error* is set when Livy did not answer or refused."""

    error: str = ""
    batch_id: int | None = None
    state: str = ""
    app_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Applications:
    """What a ResourceManager says after its applications were told to end.

    Attributes:
        reachable: whether it answered.
        running: ids of the applications that it lists as not at their end.
        lost_nodes: how many nodes it has lost, which never hear that an application was killed; ``None`` if that is
            not known.
        active_nodes: how many nodes it has; likewise.
        started_at: when it was started, seconds since 1970; likewise, and of one that is not the active one.
    """

    reachable: bool
    running: tuple[str, ...]
    lost_nodes: int | None = None
    active_nodes: int | None = None
    started_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Probers:
    """The probers of a deployment."""

    client: LambdaClient
    probers: tuple[ProberFunction, ...]

    def canary(self, *, address: str, name: str, near: str | None) -> Canary:
        """Submit the canary *name* to the Livy at *address* if it has none of that name, and read it."""
        answer = self._ask({"action": "canary", "address": address, "name": name}, near=near, good=_has_id)
        if not _has_id(answer):
            return Canary(error=str(answer.get("error", answer)))
        return Canary(
            batch_id=int(answer["id"]), state=str(answer.get("state") or "starting"), app_id=answer.get("app_id")
        )

    def route_problems(self, *, name: str, batch_id: int, app_id: str | None, near: str | None) -> dict[str, str]:
        """Addresses of the load balancer through which the canary's id does not reach its owner, and what came instead.

        Empty if every address leads there.
        """
        request = {"action": "route", "name": name, "id": batch_id, "app_id": app_id, "times": 3}
        answer = self._ask(request, near=near, good=lambda each: bool(each.get("ok")))
        if answer.get("ok"):
            return {}
        problems = {address: text for address, text in answer.get("addresses", {}).items() if text != "ok"}
        return problems or {"load balancer": str(answer.get("error", "no address found"))}

    def kill_applications(self, *, address: str, near: str | None) -> Applications:
        """Tell every application of the ResourceManager at *address* to end, and say what still runs.

        The first prober that can be asked has the last word: a ResourceManager that hangs costs each prober seconds,
        and a retirement asks again.
        """
        request = {"action": "kill_applications", "address": address}
        answer = self._ask(request, near=near, good=lambda _: True)
        started_on = answer.get("started_on")
        return Applications(
            reachable=bool(answer.get("reachable")),
            running=tuple(answer.get("running", ())),
            lost_nodes=answer.get("lost_nodes"),
            active_nodes=answer.get("active_nodes"),
            started_at=None if started_on is None else started_on / 1000,
        )

    def work(self, *, address: str, near: str | None) -> Work:
        """What the Livy and the ResourceManager at *address* still have to do.

        A second prober is asked if the first could not read both: it may be the one whose network is away.
        """
        answer = self._ask({"action": "work", "address": address}, near=near, good=lambda each: bool(each["reachable"]))
        return Work(
            batches=tuple(answer["batches"]),
            sessions=tuple(answer["sessions"]),
            applications=tuple(answer["applications"]),
            unknown=answer["unknown"],
        )

    def newest_id(self, *, address: str, near: str | None) -> int | None:
        """The largest of the ids that the Livy at *address* issued last; ``None`` if that is not known.

        The first prober that can be asked has the last word: nothing depends on it, and a Livy that hangs costs each
        prober seconds.
        """
        answer = self._ask({"action": "newest_id", "address": address}, near=near, good=lambda _: True)
        return int(answer["id"]) if _has_id(answer) else None

    def _ask(
        self, request: Mapping[str, Any], *, near: str | None, good: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any]:
        """The first *good* answer, else the last answer; the prober in the AZ *near* is asked first."""
        last: dict[str, Any] | None = None
        problems: list[str] = []
        for prober in self._nearest_first(near):
            try:
                last = self._invoke(prober.function_name, request)
            except (BotoCoreError, ClientError, NoProberAnsweredError) as error:
                problems.append(f"{prober.function_name}: {error}")
                continue
            if good(last):
                return last
        if last is None:
            raise NoProberAnsweredError(
                f"no prober answered {request['action']}: {'; '.join(problems) or 'none exists'}"
            )
        return last

    def _nearest_first(self, near: str | None) -> Iterable[ProberFunction]:
        return sorted(self.probers, key=lambda prober: prober.availability_zone != near)

    def _invoke(self, function_name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.client.invoke(FunctionName=function_name, Payload=json.dumps(request).encode())
        payload = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise NoProberAnsweredError(payload[:300])
        data = json.loads(payload)
        if not isinstance(data, dict):
            raise NoProberAnsweredError(f"not an object: {payload[:300]}")
        return data


def _has_id(answer: Mapping[str, Any]) -> bool:
    return answer.get("id") is not None
