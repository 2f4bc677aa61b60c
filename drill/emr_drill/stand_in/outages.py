"""Outages of the network: a whole AZ, or the prober of one.

In a lost AZ, primaries and nodes of load balancers take no part any more, and functions that run in that AZ alone reach
nothing; the functions themselves run on, for Lambda is no part of an AZ.  What such a function does then ends with
its own limits or with Lambda's.  Names still lead to the lost nodes: the worst case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.awslambda.models import lambda_backends
from moto.ec2.models import ec2_backends

from emr_drill.errors import DrillError

if TYPE_CHECKING:
    from emr_drill.stand_in.server import StandIn


class Outages:
    """What the drill does to networks.  AZs are named as AWS does, ``us-east-1a``."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def black_hole_zone(self, zone: str, *, hold_terminations: bool = False) -> None:
        """Let nobody reach anything in an AZ.

        Args:
            zone: the AZ.
            hold_terminations: let EMR end no machine there before :meth:`restore_zone`; clusters stay TERMINATING.

        Raises:
            DrillError: no such AZ.
        """
        self._check(zone)
        self._stand_in.load_balancers.lose_zone(zone)
        self._stand_in.clusters.lose_zone(zone, hold_terminations=hold_terminations)
        for name in self._functions_in(zone):
            self._stand_in.functions.cut_network(name)
        self._note(f"{zone} is gone")

    def restore_zone(self, zone: str) -> None:
        """Let everything in an AZ be reached again that is still there.

        Raises:
            DrillError: no such AZ.
        """
        self._check(zone)
        self._stand_in.load_balancers.regain_zone(zone)
        self._stand_in.clusters.regain_zone(zone)
        for name in self._functions_in(zone):
            self._stand_in.functions.restore_network(name)
        self._note(f"{zone} is back")

    def cut_prober(self, zone: str) -> None:
        """Take the network from the functions that run in one AZ alone, which are its probers; nothing else is lost.

        Raises:
            DrillError: there is no such function.
        """
        for name in self._probers(zone):
            self._stand_in.functions.cut_network(name)
        self._note(f"the prober of {zone} has no network")

    def restore_prober(self, zone: str) -> None:
        """Give those functions their network back.

        Raises:
            DrillError: there is no such function.
        """
        for name in self._probers(zone):
            self._stand_in.functions.restore_network(name)
        self._note(f"the prober of {zone} has its network back")

    def _probers(self, zone: str) -> list[str]:
        self._check(zone)
        found = self._functions_in(zone)
        if not found:
            raise DrillError(f"no function runs in {zone} alone: deploy a strategy with a prober there first")
        return found

    def _functions_in(self, zone: str) -> list[str]:
        """Names of the functions all of whose subnets are in *zone*."""
        place = self._stand_in.account, self._stand_in.region
        subnets = ec2_backends[place[0]][place[1]].describe_subnets()
        zones = {subnet.id: subnet.availability_zone for subnet in subnets}
        return [
            function.function_name
            for function in lambda_backends[place[0]][place[1]].list_functions()
            if {zones.get(subnet) for subnet in (function.vpc_config or {}).get("SubnetIds", [])} == {zone}
        ]

    def _check(self, zone: str) -> None:
        zones = ec2_backends[self._stand_in.account][self._stand_in.region].describe_availability_zones()
        names = sorted(one.name for one in zones)
        if zone not in names:
            raise DrillError(f"there is no availability zone {zone!r}; allowed: {', '.join(names)}")

    def _note(self, what: str) -> None:
        self._stand_in.journal.append({"at": self._stand_in.clock.now(), "kind": "outage", "what": what})


def install(stand_in: StandIn) -> None:
    """Give *stand_in* its ``outages``."""
    stand_in.outages = Outages(stand_in)
