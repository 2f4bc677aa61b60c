"""One node of an application load balancer: an HTTP/1.1 proxy that knows the rules as of a few seconds ago."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate

from emr_drill.clock import Clock
from emr_drill.front_door.health import HealthState
from emr_drill.front_door.health_checks import USER_AGENT
from emr_drill.front_door.http_messages import (
    Head,
    MessageError,
    encode,
    phrase,
    read_body,
    read_head,
    without_hop_by_hop,
)
from emr_drill.front_door.model import Answer, FixedResponse, Forward, LoadBalancer, Rule, Target, TargetGroup, Verdicts
from emr_drill.front_door.propagation import NodeView
from emr_drill.front_door.rules import Request, first_match
from emr_drill.front_door.upstream import CLOSE_NOTICED_AFTER, Pool, TargetError

# time, node, listener port, method, target of the request, status, target, priority of the rule
RequestHook = Callable[[float, str, int, str, str, int, str, str], None]


class ApplicationLoadBalancerNode:
    """The node of one AZ.  Requests are served on one event loop; :meth:`answer` may be called from any thread.

    Args:
        address: where it listens.
        zone: its AZ.
        view: what it knows of the load balancer.
        health: health of the targets.
        clock: simulated time.
        on_request: called after each request that is not a health check; see ``LoadBalancers.on_request``.
        close_noticed_after: see ``upstream.CLOSE_NOTICED_AFTER``.
    """

    def __init__(
        self,
        *,
        address: str,
        zone: str,
        view: NodeView[LoadBalancer],
        health: Verdicts,
        clock: Clock,
        on_request: RequestHook,
        close_noticed_after: float = CLOSE_NOTICED_AFTER,
    ) -> None:
        self.address = address
        self.zone = zone
        self.view = view
        self._health = health
        self._clock = clock
        self._on_request = on_request
        self._pool = Pool(close_noticed_after=close_noticed_after)
        self._turns: Counter[str] = Counter()

    def close(self) -> None:
        """Close idle connections to targets."""
        self._pool.close()

    def answer(self, port: int, request: Request) -> Answer:
        """What the node would do with *request* on *port* now."""
        view = self.view.at(self._clock.now())
        listener = view.listener(port)
        rule = first_match(listener.rules, request) if listener else None
        if rule is None:
            return Answer(node=self.address, zone=self.zone, rule="", status=503)
        if isinstance(rule.action, FixedResponse):
            return Answer(node=self.address, zone=self.zone, rule=rule.label, status=rule.action.status)
        groups = [group for arn, weight in rule.action.groups if weight and (group := view.group(arn))]
        targets = tuple(target for group in groups for target in self._candidates(group))
        return Answer(
            node=self.address,
            zone=self.zone,
            rule=rule.label,
            status=None if targets else 503,
            group=groups[0].name if groups else "",
            group_arn=groups[0].arn if groups else "",
            targets=targets,
        )

    async def serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's connection on *port* until either side closes or it was idle too long."""
        peer = writer.get_extra_info("peername")
        client = peer[0] if peer else ""
        scheme = "http" if writer.get_extra_info("ssl_object") is None else "https"
        while True:
            try:
                async with asyncio.timeout(self.view.at(self._clock.now()).idle_timeout_seconds):
                    head = await read_head(reader)
                    if head is None:
                        return
                    if (head.get("expect") or "").lower() == "100-continue":
                        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    body = await read_body(reader, head, until_close=False)
            except TimeoutError:
                return
            except (MessageError, asyncio.LimitOverrunError) as error:
                writer.write(_generated(400, str(error)))
                await writer.drain()
                return
            keep = head.keeps_alive
            status, target, rule, answer = await self._handle(port, head, body, client, scheme=scheme, keep=keep)
            writer.write(answer)
            await writer.drain()
            if not (head.get("user-agent") or "").startswith(USER_AGENT):
                self._on_request(self._clock.now(), self.address, port, head.first, head.second, status, target, rule)
            if not keep:
                return

    async def _handle(
        self, port: int, head: Head, body: bytes, client: str, *, scheme: str, keep: bool
    ) -> tuple[int, str, str, bytes]:
        """Status, target, rule's priority, and the bytes of the answer."""
        view = self.view.at(self._clock.now())
        listener = view.listener(port)
        request = Request(method=head.first, target=head.second, headers=head.headers)
        rule = first_match(listener.rules, request) if listener else None
        if rule is None:
            return 503, "", "", _generated(503, keep=keep)
        if isinstance(rule.action, FixedResponse):
            action = rule.action
            content = b"" if head.first == "HEAD" else action.body.encode()
            answer = _answer(action.status, action.content_type, content, keep=keep)
            return action.status, "", rule.label, answer
        group, target = self._choose(view, rule, rule.action)
        if group is None or target is None:
            return 503, "", rule.label, _generated(503, keep=keep)
        try:
            answered, content = await self._pool.exchange(
                target,
                _forwarded(head, body, client, port, scheme),
                method=head.first,
                idle_timeout=view.idle_timeout_seconds,
                encrypted=group.encrypted,
            )
        except TargetError as error:
            return error.status, str(target), rule.label, _generated(error.status, keep=keep)
        return int(answered.second), str(target), rule.label, _passed_on(answered, content, head.first, keep=keep)

    def _choose(self, view: LoadBalancer, rule: Rule, forward: Forward) -> tuple[TargetGroup | None, Target | None]:
        """The next target, round robin, and its group."""
        groups = [arn for arn, weight in forward.groups for _ in range(weight)]
        if not groups:
            return None, None
        group = view.group(groups[self._next(rule.arn) % len(groups)])
        candidates = self._candidates(group) if group else []
        return group, candidates[self._next(group.arn) % len(candidates)] if group and candidates else None

    def _next(self, key: str) -> int:
        self._turns[key] += 1
        return self._turns[key] - 1

    def _candidates(self, group: TargetGroup) -> list[Target]:
        """Healthy targets; without any, all unhealthy ones (fail open).  New ones without a verdict get nothing."""
        states = {target: self._health.state(group.arn, target) for target in group.targets}
        healthy = [target for target, state in states.items() if state is HealthState.HEALTHY]
        return healthy or [target for target, state in states.items() if state is HealthState.UNHEALTHY]


def _forwarded(head: Head, body: bytes, client: str, port: int, scheme: str) -> bytes:
    """The request as the target gets it."""
    before = [value for name, value in head.headers if name.lower() == "x-forwarded-for"]
    own = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "expect")
    headers = [(name, value) for name, value in without_hop_by_hop(head.headers) if name.lower() not in own]
    headers += [
        ("X-Forwarded-For", ", ".join([*before, client])),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Port", str(port)),
        ("Connection", "keep-alive"),
    ]
    if body or head.get("content-length") is not None or head.get("transfer-encoding") is not None:
        headers.append(("Content-Length", str(len(body))))
    return encode(f"{head.first} {head.second} HTTP/1.1", headers, body)


def _passed_on(head: Head, body: bytes, method: str, *, keep: bool) -> bytes:
    """A target's answer as the client gets it."""
    headers = without_hop_by_hop(head.headers)
    if method == "HEAD":
        headers += [("Content-Length", length)] if (length := head.get("content-length")) else []
    elif head.second not in ("204", "304"):
        headers.append(("Content-Length", str(len(body))))
    headers.append(("Connection", "keep-alive" if keep else "close"))
    return encode(f"HTTP/1.1 {head.second} {head.third}", headers, body)


def _generated(status: int, detail: str = "", *, keep: bool = False) -> bytes:
    """An answer of the load balancer itself, as AWS words it."""
    title = f"{status} {phrase(status)}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    page += f"{detail}</body>\r\n</html>\r\n"
    return _answer(status, "text/html", page.encode(), keep=keep)


def _answer(status: int, content_type: str, body: bytes, *, keep: bool) -> bytes:
    headers = [
        ("Server", "awselb/2.0"),
        ("Date", formatdate(usegmt=True)),
        ("Content-Type", f"{content_type}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "keep-alive" if keep else "close"),
    ]
    return encode(f"HTTP/1.1 {status} {phrase(status)}", headers, body)
