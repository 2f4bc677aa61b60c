"""One node of a network load balancer: passes TCP connections on to a node of the application load balancer behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from emr_drill.clock import Clock
from emr_drill.front_door.health import HealthState
from emr_drill.front_door.model import Answer, Forward, LoadBalancer, Target, TargetGroup, Verdicts
from emr_drill.front_door.propagation import NodeView

# Machine seconds.
CONNECT_LIMIT = 10.0

# AZ and address of every node of the application load balancer with an ARN.
NodesOf = Callable[[str], list[tuple[str, str]]]


class NetworkLoadBalancerNode:
    """The node of one AZ.

    Args:
        address: where it listens.
        zone: its AZ.
        view: what it knows of the load balancer.
        health: health of the targets.
        clock: simulated time.
        nodes_of: where an ``alb`` target's nodes are.
    """

    def __init__(
        self,
        *,
        address: str,
        zone: str,
        view: NodeView[LoadBalancer],
        health: Verdicts,
        clock: Clock,
        nodes_of: NodesOf,
    ) -> None:
        self.address = address
        self.zone = zone
        self.view = view
        self._health = health
        self._clock = clock
        self._nodes_of = nodes_of
        self._turns: Counter[int] = Counter()

    def close(self) -> None:
        """Nothing is kept between connections."""

    def answer(self, port: int) -> Answer:
        """Where a connection to *port* would go now."""
        group, places = self._places(port)
        targets = tuple(Target(id=address, port=target_port) for address, target_port in places)
        return Answer(
            node=self.address,
            zone=self.zone,
            rule="default" if group else "",
            status=None if targets else 503,
            group=group.name if group else "",
            group_arn=group.arn if group else "",
            targets=targets,
        )

    async def serve(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's connection on, until both directions are closed or one breaks."""
        _, places = self._places(port)
        if not places:
            writer.transport.abort()
            return
        self._turns[port] += 1
        address, target_port = places[(self._turns[port] - 1) % len(places)]
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                onward_reader, onward_writer = await asyncio.open_connection(address, target_port)
        except OSError:  # TimeoutError is one
            writer.transport.abort()
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, onward_writer))
                group.create_task(_pump(onward_reader, writer))
        except* OSError:
            pass  # one side broke; both are closed below
        finally:
            onward_writer.transport.abort()

    def _places(self, port: int) -> tuple[TargetGroup | None, list[tuple[str, int]]]:
        """Address and port of everything that a connection may go to."""
        view = self.view.at(self._clock.now())
        listener = view.listener(port)
        action = listener.rules[-1].action if listener else None
        if not isinstance(action, Forward):
            return None, []
        group = next((found for arn, weight in action.groups if weight and (found := view.group(arn))), None)
        if group is None:
            return None, []
        states = {target: self._health.state(group.arn, target) for target in group.targets}
        good = [target for target, state in states.items() if state is not HealthState.UNHEALTHY]
        cross_zone = view.cross_zone if group.cross_zone is None else group.cross_zone
        places = []
        for target in good or states:  # all unhealthy: fail open
            nodes = self._nodes_of(target.id) if group.target_type == "alb" else [(self.zone, target.id)]
            places += [(address, target.port) for zone, address in nodes if cross_zone or zone == self.zone]
        return group, places


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
