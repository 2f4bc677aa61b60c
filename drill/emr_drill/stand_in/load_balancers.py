"""Load balancers of the stand-in: what the ELBv2 API was told is what the drill's traffic meets.

Entries of the journal (``at`` in simulated seconds since 1970):

* ``{"at", "kind": "load_balancer_change", "load_balancer": name, "what": "rules" | "targets" | "attributes",
  "effective": {node's address: when that node knows}}``
* ``{"at", "kind": "target_health", "group": name, "target": "address:port", "before": state, "after": state}``
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, MutableSequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from moto.elbv2.models import elbv2_backends

from emr_drill.addresses import Addresses
from emr_drill.authority import Certificate
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.front_door.application_load_balancer import ApplicationLoadBalancerNode, RequestHook
from emr_drill.front_door.health import CheckResult, HealthState
from emr_drill.front_door.health_checks import HealthBoard, Membership
from emr_drill.front_door.model import Answer, LoadBalancer, Target, TargetGroup
from emr_drill.front_door.network_load_balancer import NetworkLoadBalancerNode
from emr_drill.front_door.propagation import NodeView
from emr_drill.front_door.rules import Request
from emr_drill.front_door.server import FrontDoorServer, check_address
from emr_drill.front_door.tls import Certificates
from emr_drill.front_door.upstream import CLOSE_NOTICED_AFTER
from emr_drill.stand_in import load_balancers_cloudformation, load_balancers_moto
from emr_drill.stand_in.load_balancers_snapshot import snapshot
from emr_drill.timing import Event, Timing

ACCOUNT = "123456789012"
NAMES_FILE = "names.json"
LIVY_PORT = 8998
# How long a network load balancer passes connections on to a node of the application load balancer that is gone,
# simulated seconds: two of its health checks, and a bit.
GONE_NODE_NOTICED_SECONDS = 30.0

Node = ApplicationLoadBalancerNode | NetworkLoadBalancerNode


class Host(Protocol):
    """The stand-in, as far as load balancers need it."""

    load_balancers: LoadBalancers

    @property
    def clock(self) -> Clock: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def addresses(self) -> Addresses: ...
    @property
    def workdir(self) -> Path: ...
    @property
    def region(self) -> str: ...
    @property
    def journal(self) -> MutableSequence[dict[str, Any]]: ...


def install(stand_in: Host) -> None:
    """Patch moto's ELBv2, and give *stand_in* its ``load_balancers``, which must be closed when it ends."""
    stand_in.load_balancers = LoadBalancers(stand_in)
    load_balancers_moto.connect(stand_in.load_balancers)
    load_balancers_cloudformation.apply()


def zone_number(zone: str) -> int:
    """Number of the AZ called *zone*, from 1: ``us-east-1a`` is 1."""
    return ord(zone[-1]) - ord("a") + 1


@dataclass(slots=True, kw_only=True)
class _Balancer:
    """A load balancer and its nodes, in the order of AZs."""

    published: LoadBalancer
    nodes: list[Node]


class LoadBalancers:
    """Every load balancer of one drill: nodes on loopback addresses that serve what the API was told.

    Attributes:
        on_request: called on the data path's thread after each request through an application load balancer (health
            checks left out) with simulated time, node's address, listener port, method, target of the request, status,
            target (``address:port``, empty if the node answered by itself) and the rule's priority (``default`` for the
            default rule).  Must be quick and must not call back.
    """

    def __init__(self, stand_in: Host, *, close_noticed_after: float = CLOSE_NOTICED_AFTER) -> None:
        self.on_request: RequestHook | None = None
        self._clock = stand_in.clock
        self._timing = stand_in.timing
        self._addresses = stand_in.addresses
        self._region = stand_in.region
        self._journal = stand_in.journal
        self._names_file = stand_in.workdir / NAMES_FILE
        self._close_noticed_after = close_noticed_after
        self._lock = threading.RLock()
        self._balancers: dict[str, _Balancer] = {}
        self._gone: dict[str, float] = {}  # AZ, since when
        self._aliases: dict[str, str] = {}  # name, DNS name of the load balancer
        self.certificates = Certificates(stand_in.workdir)
        self._closed = False
        check_address(stand_in.addresses.application_load_balancer(1))
        self._server = FrontDoorServer()
        self._board = HealthBoard(clock=self._clock, loop=self._server.loop, on_change=self._health_changed)
        self._write_names()

    # ------------------------------------------------------------------ what the drill asks

    def dns_names(self) -> dict[str, list[str]]:
        """DNS name of each load balancer, and each alias of one, to its nodes' addresses, in the order of AZs."""
        with self._lock:
            names = {
                balancer.published.dns_name: [node.address for node in balancer.nodes]
                for balancer in self._balancers.values()
            }
            return names | {alias: names[name] for alias, name in self._aliases.items() if name in names}

    def alias(self, name: str, dns_name: str | None) -> None:
        """Let *name* lead to the load balancer with *dns_name*; ``None`` for nowhere any more."""
        with self._lock:
            if dns_name is None:
                self._aliases.pop(name, None)
            else:
                self._aliases[name] = dns_name
            self._write_names()

    def hold_certificate(self, arn: str, certificate: Certificate) -> None:
        """Have *certificate* under *arn*, in place of the one that was there; listeners use it from now on."""
        load_balancers_moto.hold_certificate(ACCOUNT, self._region, arn, certificate)
        self.show_certificate(arn, certificate)

    def show_certificate(self, arn: str, certificate: Certificate) -> None:
        """Have listeners show *certificate* as the one under *arn*, though Certificate Manager would not take it."""
        self.certificates.hold(arn, certificate)
        self._note(self._clock.now(), "certificate", arn=arn, ends=certificate.ends)
        self.refresh()

    def owners_of(
        self, path: str, *, port: int = LIVY_PORT, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> list[Answer]:
        """What each node of the application load balancer on *port* would do with a request now; nothing is sent.

        A node whose AZ is gone answers nobody and is left out.
        """
        request = Request(method=method, target=path, headers=tuple((headers or {}).items()))
        with self._lock:
            return [
                node.answer(port, request)
                for balancer in self._balancers.values()
                for node in balancer.nodes
                if isinstance(node, ApplicationLoadBalancerNode)
                and balancer.published.listener(port)
                and node.zone not in self._gone
            ]

    def settled_at(self, *, kind: str | None = None) -> float:
        """Simulated time at which every change made so far has reached every node; minus infinity if there was none.

        Args:
            kind: ``application`` or ``network`` to look at such load balancers only.
        """
        with self._lock:
            times = [
                node.view.settled_at
                for balancer in self._balancers.values()
                if kind in (None, balancer.published.kind)
                for node in balancer.nodes
            ]
        return max(times, default=float("-inf"))

    def lose_zone(self, zone: str) -> None:
        """Let every node of an AZ take no connection and answer nothing; names still lead to it."""
        with self._lock:
            self._gone.setdefault(zone, self._clock.now())
        for address in self._addresses_in(zone):
            self._server.silence(address)

    def regain_zone(self, zone: str) -> None:
        """Let the nodes of an AZ answer again."""
        with self._lock:
            self._gone.pop(zone, None)
        for address in self._addresses_in(zone):
            self._server.unsilence(address)

    def _addresses_in(self, zone: str) -> tuple[str, str]:
        number = zone_number(zone)
        return self._addresses.application_load_balancer(number), self._addresses.network_load_balancer(number)

    def close(self) -> None:
        """Stop listening and checking.  May be called more than once."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            load_balancers_moto.disconnect(self)
            nodes = [node for balancer in self._balancers.values() for node in balancer.nodes]
            self._balancers.clear()

        async def stop() -> None:
            await self._board.close()
            for node in nodes:
                node.close()

        self._server.call(stop())
        self._server.close()

    # ------------------------------------------------------------------ what the API tells (DataPath)

    def refresh(self) -> None:
        """Compare the API's state with what was published, and publish the difference to the nodes.

        Raises:
            DrillError: a node's address or port cannot be listened on.
        """
        with self._lock:
            if self._closed:
                return
            wanted = {balancer.arn: balancer for balancer in snapshot(elbv2_backends[ACCOUNT][self._region])}
            for arn in self._balancers.keys() - wanted.keys():
                self._remove(arn)
            for arn, balancer in wanted.items():
                known = self._balancers.get(arn)
                if known is None or known.published.zones != balancer.zones:
                    self._add(balancer)
                elif known.published != balancer:
                    self._publish(known, balancer)
            self._board.replace(self._memberships())
            self._write_names()
            self._listen()

    def target_health(self, group_arn: str) -> list[tuple[str, int, str, str | None, str | None]]:
        """See ``load_balancers_moto.DataPath.target_health``."""
        group = elbv2_backends[ACCOUNT][self._region].target_groups[group_arn]
        registered = {Target(id=known["Id"], port=int(known["Port"])) for known in list(group.targets.values())}
        found: list[tuple[str, int, str, str | None, str | None]] = []
        for target, (state, check) in self._board.reported(group_arn).items():
            if state is not HealthState.DRAINING or target not in registered:
                found.append((target.id, target.port, str(state), *_reason(state, check)))
                registered.discard(target)
        # What is left is in a group that no listener uses (any more).
        text = "Target group is not configured to receive traffic from the load balancer"
        found += [(target.id, target.port, "unused", "Target.NotInUse", text) for target in sorted(registered, key=str)]
        return found

    # ------------------------------------------------------------------ inside

    def _add(self, balancer: LoadBalancer) -> None:
        if balancer.arn in self._balancers:
            self._remove(balancer.arn)
        make: Callable[[LoadBalancer, str], Node] = (
            self._application_node if balancer.kind == "application" else self._network_node
        )
        nodes = [make(balancer, zone) for zone in balancer.zones]
        self._balancers[balancer.arn] = _Balancer(published=balancer, nodes=nodes)

    def _application_node(self, balancer: LoadBalancer, zone: str) -> Node:
        return ApplicationLoadBalancerNode(
            address=self._addresses.application_load_balancer(zone_number(zone)),
            zone=zone,
            view=NodeView(balancer),
            health=self._board,
            clock=self._clock,
            on_request=self._requested,
            close_noticed_after=self._close_noticed_after,
        )

    def _network_node(self, balancer: LoadBalancer, zone: str) -> Node:
        return NetworkLoadBalancerNode(
            address=self._addresses.network_load_balancer(zone_number(zone)),
            zone=zone,
            view=NodeView(balancer),
            health=self._board,
            clock=self._clock,
            nodes_of=self._nodes_in_use,
        )

    def _remove(self, arn: str) -> None:
        balancer = self._balancers.pop(arn)
        for node in balancer.nodes:
            for address, port in self._server.listening:
                if address == node.address and balancer.published.listener(port):
                    self._server.stop_listening(address, port)
            self._server.loop.call_soon_threadsafe(node.close)

    def _publish(self, known: _Balancer, balancer: LoadBalancer) -> None:
        before, known.published = known.published, balancer
        targets = {group.arn: group.targets for group in before.groups} != {
            group.arn: group.targets for group in balancer.groups
        }
        what = "rules" if before.listeners != balancer.listeners else "targets" if targets else "attributes"
        event = Event.NLB_CHANGE if balancer.kind == "network" and targets else Event.ALB_CHANGE
        now = self._clock.now()
        effective = {
            node.address: node.view.publish(
                balancer, effective_at=now + self._timing.draw(event, f"{node.address} {what}")
            )
            for node in known.nodes
        }
        self._note(now, "load_balancer_change", load_balancer=balancer.name, what=what, effective=effective)

    def _listen(self) -> None:
        wanted = {
            (node.address, listener.port): (listener, node)
            for balancer in self._balancers.values()
            for node in balancer.nodes
            for listener in balancer.published.listeners
        }
        for address, port in self._server.listening - wanted.keys():
            self._server.stop_listening(address, port)
        for (address, port), (listener, node) in wanted.items():
            tls = self.certificates.context(listener.certificate)
            if listener.certificate and tls is None:
                raise DrillError(
                    f"the listener on port {port} names a certificate that is not there: {listener.certificate}"
                )
            if (address, port) in self._server.listening and self._server.speaks(address, port) is not tls:
                self._server.stop_listening(address, port)
            if (address, port) not in self._server.listening:
                self._server.listen(address, port, _handler(node, port), tls)

    def _memberships(self) -> Iterable[Membership]:
        return [
            membership
            for balancer in self._balancers.values()
            for group in balancer.published.groups
            for target in group.targets
            if (membership := self._membership(balancer, group, target)) is not None
        ]

    def _membership(self, balancer: _Balancer, group: TargetGroup, target: Target) -> Membership | None:
        def healthy() -> float:
            return self._timing.draw(Event.ALB_TARGET_HEALTHY, str(target))

        def unhealthy() -> float:
            return self._timing.draw(Event.ALB_TARGET_UNHEALTHY, str(target))

        def settled() -> float:
            return max(node.view.settled_at for node in balancer.nodes)

        if balancer.published.kind == "application":
            return Membership(
                group=group,
                target=target,
                addresses=(target.id,),
                healthy_at=lambda: self._clock.now() + healthy(),
                healthy_after=healthy,
                unhealthy_after=unhealthy,
            )
        # A network load balancer's times are in its registrations (Event.NLB_CHANGE); verdicts follow the checks.
        addresses = tuple(address for _, address in self._nodes_of(target.id))
        if group.target_type != "alb":
            addresses = (target.id,)
        if not addresses:
            return None
        return Membership(
            group=group,
            target=target,
            addresses=addresses,
            healthy_at=settled,
            healthy_after=lambda: 0.0,
            unhealthy_after=lambda: 0.0,
        )

    def _nodes_of(self, arn: str) -> list[tuple[str, str]]:
        balancer = self._balancers.get(arn)
        return [(node.zone, node.address) for node in balancer.nodes] if balancer else []

    def _nodes_in_use(self, arn: str) -> list[tuple[str, str]]:
        """Those that a network load balancer has not noticed to be gone."""
        gone = {zone for zone, at in self._gone.items() if self._clock.now() > at + GONE_NODE_NOTICED_SECONDS}
        return [(zone, address) for zone, address in self._nodes_of(arn) if zone not in gone]

    def _requested(
        self, time: float, node: str, port: int, method: str, path: str, status: int, target: str, rule: str
    ) -> None:
        if self.on_request is not None:
            self.on_request(time, node, port, method, path, status, target, rule)

    def _health_changed(
        self, time: float, group: TargetGroup, target: Target, before: HealthState, after: HealthState
    ) -> None:
        self._note(time, "target_health", group=group.name, target=str(target), before=str(before), after=str(after))

    def _note(self, time: float, kind: str, **details: Any) -> None:
        self._journal.append({"at": time, "kind": kind, **details})

    def _write_names(self) -> None:
        text = json.dumps(self.dns_names(), indent=1)
        if self._names_file.exists() and self._names_file.read_text() == text:
            return
        fresh = self._names_file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self._names_file)  # readers see the old or the new file, never half of one


def _handler(node: Node, port: int) -> Any:
    async def serve(reader: Any, writer: Any) -> None:
        await node.serve(port, reader, writer)

    return serve


def _reason(state: HealthState, check: CheckResult | None) -> tuple[str | None, str | None]:
    """Reason code and description of the API for *state*, whose last check was *check*."""
    if state is HealthState.INITIAL:
        if check is None:
            return "Elb.RegistrationInProgress", "Target registration is in progress"
        return "Elb.InitialHealthChecking", "Initial health checks in progress"
    if state is HealthState.UNHEALTHY:
        # The last check may have passed: it takes more than one to be healthy again.
        if check is None or check.passed:
            return "Target.FailedHealthChecks", "Health checks failed"
        return check.reason, check.description
    if state is HealthState.DRAINING:
        return "Target.DeregistrationInProgress", "Target deregistration is in progress"
    return None, None
