"""The script: one run is one look, and whatever follows from it.  See the package for what of it is the recipe's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

FIXED_WAIT_SECONDS = 120.0
"""The recipe's wait after RunJobFlow, simulated seconds; nobody asks whether the cluster is ready then."""
ADDRESS_SECONDS = 10.0
"""How often the script asks for the new primary's address after that (the kindest reading), simulated seconds."""
LAUNCHING = frozenset({"STARTING", "BOOTSTRAPPING"})
ENDING = frozenset({"TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"})
ALIVE = ["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"]


class ScriptError(Exception):
    """A run could not go on; the next one begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a person built, and wrote into the script.

    Attributes:
        prefix: clusters are called ``<prefix><number>``, numbered from 1.
        subnets: subnet of each AZ, in order of preference.
        groups: ARN of the target group of each port.
        request: arguments of RunJobFlow but name and subnet.
    """

    prefix: str
    subnets: Mapping[str, str]
    groups: Mapping[int, str]
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What one run did to an unwell cluster; times are simulated seconds since 1970.

    Attributes:
        began: when the look that failed was over.
        why: what was wrong.
        old: the old cluster's id, ``None`` if none was left.
        new: the new cluster's id.
        ended: when the addresses were swapped.
    """

    began: float
    why: str
    old: str | None
    new: str
    ended: float


class Seen(StrEnum):
    """What a run saw that did nothing."""

    WELL = "every service is well"
    LAUNCHING = "the cluster is still being launched"


class Script:
    """The script and what it needs of the world.

    Nothing is kept from one run to the next, as in a script that a schedule starts, and no run knows of another: two at
    once both act.

    Args:
        site: what a person built.
        emr: client of EMR's API.
        balancer: client of the load balancers' API (``elbv2``).
        look: gives what is wrong with the services of the primary at an address; nothing if all is well.
        now: gives simulated time.
        sleep: waits for simulated seconds; may raise to end the run.
        say: gets a line for each thing that is done.
    """

    def __init__(
        self,
        *,
        site: Site,
        emr: Any,
        balancer: Any,
        look: Callable[[str], Sequence[str]],
        now: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._site = site
        self._emr = emr
        self._balancer = balancer
        self._look = look
        self._now = now
        self._sleep = sleep
        self._say = say

    def run(self) -> Replacement | Seen:
        """One run: look once, and replace the cluster if one thing is not well.

        Returns:
            What was done, or what was seen if that was nothing.

        Raises:
            ScriptError: the new cluster ended before it had an address.
            ClientError: AWS refused something; the run ends there, as the recipe's does.
        """
        old = self._newest()
        if old is None:
            return self._replace(None, "no cluster is left")
        if old["Status"]["State"] in LAUNCHING:
            return Seen.LAUNCHING  # the kindest reading: one that is being launched is not looked at
        address = self._address(old["Id"])
        complaints = self._look(address) if address else ["the primary has no address"]
        if not complaints:
            return Seen.WELL
        # One failed look is enough: the recipe asks nobody else, and does not look again.
        return self._replace(old["Id"], "; ".join(complaints))

    def launch(self, zone: str) -> str:
        """RunJobFlow in an AZ; the new cluster's id."""
        number = 1 + len(self._clusters())
        request = dict(self._site.request)
        request["Name"] = f"{self._site.prefix}{number}"
        request["Instances"] = {**request["Instances"], "Ec2SubnetId": self._site.subnets[zone]}
        return str(self._emr.run_job_flow(**request)["JobFlowId"])

    def register(self, address: str) -> None:
        """Swap addresses: in each target group whatever was registered goes, and *address* comes."""
        for arn in self._site.groups.values():
            health = self._balancer.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            known = [one["Target"] for one in health if one["TargetHealth"]["State"] != "draining"]
            others = [{"Id": one["Id"], "Port": one["Port"]} for one in known if one["Id"] != address]
            if others:
                self._balancer.deregister_targets(TargetGroupArn=arn, Targets=others)
            self._balancer.register_targets(TargetGroupArn=arn, Targets=[{"Id": address}])

    def address_when_known(self, cluster_id: str) -> str:
        """The primary's address of a new cluster, asked for until EMR knows it.

        Raises:
            ScriptError: the cluster ended before that.
        """
        while not (address := self._address(cluster_id)):
            if self._state(cluster_id) in ENDING:
                raise ScriptError(f"the new cluster {cluster_id} ended before it had an address")
            self._sleep(ADDRESS_SECONDS)
        return address

    def _replace(self, old: str | None, why: str) -> Replacement:
        began = self._now()
        zone = self._other_zone(old)
        new = self.launch(zone)
        self._say(f"{why}: launching {new} in {zone}, then waiting {FIXED_WAIT_SECONDS:.0f} s whatever happens")
        self._sleep(FIXED_WAIT_SECONDS)
        address = self.address_when_known(new)
        if old is not None:
            self._end(old)
        self.register(address)
        self._say(f"{address} of {new} is registered in place of every other address, ready or not")
        return Replacement(began=began, why=why, old=old, new=new, ended=self._now())

    def _end(self, cluster_id: str) -> None:
        try:
            self._emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=False)
            self._emr.terminate_job_flows(JobFlowIds=[cluster_id])
        except ClientError:
            if self._state(cluster_id) not in ENDING:
                raise
            self._say(f"the old cluster {cluster_id} ends by itself")
        else:
            self._say(f"lifted the termination protection of the old cluster {cluster_id} and ended it")

    def _clusters(self, **states: Any) -> list[dict[str, Any]]:
        """The site's clusters, newest first."""
        pages = self._emr.get_paginator("list_clusters").paginate(**states)
        found = [one for page in pages for one in page["Clusters"] if one["Name"].startswith(self._site.prefix)]
        return sorted(found, key=lambda one: one["Status"]["Timeline"]["CreationDateTime"], reverse=True)

    def _newest(self) -> dict[str, Any] | None:
        return next(iter(self._clusters(ClusterStates=ALIVE)), None)

    def _state(self, cluster_id: str) -> str:
        return str(self._emr.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"])

    def _address(self, cluster_id: str) -> str:
        found = self._emr.list_instances(ClusterId=cluster_id, InstanceGroupTypes=["MASTER"])["Instances"]
        return str(found[0].get("PrivateIpAddress") or "") if found else ""

    def _other_zone(self, cluster_id: str | None) -> str:
        """The first AZ that is not the old cluster's; which one, the recipe leaves open."""
        zones = list(self._site.subnets)
        if cluster_id is None:
            return zones[0]
        cluster = self._emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        here = cluster["Ec2InstanceAttributes"]["Ec2AvailabilityZone"]
        return next(zone for zone in zones if zone != here)
