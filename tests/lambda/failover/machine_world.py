"""A world for runs that anything may happen in: two managed clusters, strangers, a gate before every call."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from dr_core.config import ManagedClusterResources, SlotResources
from dr_core.evidence import Service
from dr_core.routing import PREFIX_HEADER
from failover.clients import Clients
from failover.deployment import Deployment

from . import invariants, machine_evidence, machine_jobs
from .facts import Memory
from .fakes import FakeStackAnswers, FakeTopics
from .gate import Gate
from .machine_fakes import (
    Gated,
    MachineCloudFormation,
    MachineEmr,
    MachineLoadBalancing,
    MachineProbers,
    MachineStateMachines,
)
from .machine_items import Items
from .memory_dynamodb import MemoryDynamoDB
from .parts import CONFIG, DEPLOYMENT, ZONES, AtOnce, Clock, Cluster, Stack
from .world import World

NAMES = ("a", "b")
MACHINE_CONFIG = replace(
    CONFIG,
    managed_clusters=tuple(
        ManagedClusterResources(
            name=name, resource_manager_target_group=f"rm-{name}", name_node_target_group=f"nn-{name}"
        )
        for name in NAMES
    ),
    slots=tuple(
        SlotResources(
            number=number, target_group=f"slot-{number}", id_rule=f"id-{number}", header_rule=f"header-{number}"
        )
        for number in (1, 2, 3, 4, 5)
    ),
    # Long enough for everything that has to happen meanwhile; each second more is a step that waits.
    policy=replace(CONFIG.policy, linger_seconds=240),
)
# The same, with a standby for one of the two.
WARM_CONFIG = replace(
    MACHINE_CONFIG,
    managed_clusters=tuple(replace(each, standby=each.name == "a") for each in MACHINE_CONFIG.managed_clusters),
)
STRANGERS = {"10.9.9.9": "rm-a", "10.9.9.8": "somebody-elses"}
# The generation of a whose stack would have the name of a stranger's.
TAKEN = 7
# Names that our stacks will have one day, one that looks like ours, and another.
_FOREIGN_NAMES = (f"{DEPLOYMENT}-a-g{TAKEN}", f"{DEPLOYMENT}-b-g9", f"{DEPLOYMENT}-a-g1-copy", "somebody-elses")
# Services that fail alone, while Livy answers and takes jobs.
_ALONE = {"safe mode": Service.NAME_NODE, "no NodeManagers": Service.RESOURCE_MANAGER}
ALL_SERVICES = tuple(Service)
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")


@cache
def _matches(expression: str, path: str) -> bool:
    return re.search(expression, path) is not None


class MachineWorld(World):
    """See the module.

    Attributes:
        sights: what probers see, by generation; the truth if it is not in there.
        issued: generations and ids of theirs that clients may know.
        sick_at: when a generation was last sick, or seen so by enough vantage points.
        requested: when somebody of ours first asked EMR to end a cluster, by its id.
        ended_because: EMR's code for a cluster that ended, where it was not us.
        partly: the one service that fails at an address, where Livy answers and takes jobs.
        late_jobs: those that still reach somebody who left the balanced group.
        ends_at_once: whether the services of a cluster die when EMR begins to end it, and not when it has ended.
        left_as_planned: when a generation went out of service as planned.
        written_off: those of them whose ResourceManager was seen dead before their retirement began.
        jobs_ended: when the last jobs of a generation ended by themselves.
        died_first: clusters that were dead when they went out of service.
        healthy_at: when an address was last healthy in the balanced group.
        strangers: addresses that are not ours, and the groups that they are in.
        violations: what was found to be wrong.

    Args:
        clock: whose time it is.
        standby: whether managed cluster ``a`` keeps a standby.
    """

    LAUNCH_SECONDS = 40.0
    TERMINATION_SECONDS = 120.0

    def __init__(self, clock: Clock, *, standby: bool = False) -> None:
        self.standby = standby
        self.gate = Gate(clock, after=self._after)
        self.sights: dict[int, str] = {}
        self.issued: set[tuple[int, int]] = set()
        self.sick_at: dict[int, float] = {}
        self.requested: dict[str, float] = {}
        self.ended_because: dict[str, str] = {}
        self.foreign_stacks: set[str] = set()
        self.hanging: dict[str, bool] = {}
        self.hanging_clusters: dict[str, bool] = {}
        self.hang_next = False
        self.hand_on_addresses = False
        self.partly: dict[str, Service] = {}
        self.late_jobs: list[machine_jobs.LateJob] = []
        self.ends_at_once = False
        self.healthy_at: dict[str, float] = {}
        self._by_address: dict[str, list[Cluster]] = {}
        self._routed: dict[tuple[int, bool], str | None] = {}
        # Whose address is whose, and the items that say so.
        self._owners: tuple[list[dict[str, Any]], dict[str | None, int]] = ([], {})
        self.left_as_planned: dict[int, float] = {}
        self.written_off: set[int] = set()
        self.died_first: set[str] = set()
        self.jobs_ended: dict[int, float] = {}
        self.strangers = dict(STRANGERS)
        self.violations: list[str] = []
        self.memory = Memory()
        super().__init__(clock)
        self._add_strangers()

    def _deployment(self) -> Deployment:
        self.known = self.record.items = Items()
        self.dynamodb = MemoryDynamoDB(
            self.record.items, gate=self.gate, evidence=self._evidence_of, tables=("record", "evidence")
        )
        self.cloudformation = MachineCloudFormation(self)

        def gated(fake: object) -> Any:
            return Gated(fake, self.gate)

        emr = MachineEmr(self)
        self.clients = SimpleNamespace(
            dynamodb=self.dynamodb,
            cloudformation=gated(self.cloudformation),
            emr=gated(emr),
            emr_once=Gated(emr, self.gate, once=True),
            load_balancing=gated(MachineLoadBalancing(self)),
            functions=gated(MachineProbers(self)),
            state_machines=gated(MachineStateMachines(self)),
            topics=gated(FakeTopics(self)),
            cloud_watch=None,  # the settings name no alarm
        )
        deployment = Deployment.of(WARM_CONFIG if self.standby else MACHINE_CONFIG, cast("Clients", self.clients))
        return replace(deployment, stack_answers=gated(FakeStackAnswers(self)), pool=AtOnce())

    def _add_strangers(self) -> None:
        """Stacks, clusters and a target that look like ours and are not."""
        for number, name in enumerate(_FOREIGN_NAMES):
            tags = {"emr-dr:deployment": "another", "emr-dr:managed-cluster": "a"} if number % 2 else {}
            cluster = Cluster(
                cluster_id=f"j-FOREIGN{number}",
                name=name,
                tags=tags,
                address=f"10.8.0.{number}",
                started=0.0,
                protected=bool(number % 2),
                applications=["application_foreign"],
            )
            stack = Stack(
                stack_id=f"arn:stack/{name}/foreign", name=name, tags=tags, parameters={}, cluster=cluster, created=0.0
            )
            self.clusters[cluster.cluster_id] = cluster
            self.stacks[stack.stack_id] = stack
            self.foreign_stacks.add(stack.stack_id)
        for address, group in self.strangers.items():
            self.targets.setdefault(group, {})[address] = 0.0

    # What the test and the fakes look at.

    def items(self, kind: str) -> list[dict[str, Any]]:
        """The items of one kind."""
        return self.known.of(kind)

    def living(self, address: str | None) -> Cluster | None:
        """The cluster that has this address now."""
        return self._living(address)[0]

    def _living(self, address: str | None) -> tuple[Cluster | None, str]:
        if not self._by_address:
            for each in self.clusters.values():
                self._by_address.setdefault(each.address, []).append(each)
        for each in reversed(self._by_address.get(address or "", ())):
            state = self.cluster_state(each)
            if state not in _ENDED:
                return each, state
        return None, ""

    def addresses_changed(self) -> None:
        """A cluster was started."""
        self._by_address.clear()

    def foreign_clusters(self) -> list[Cluster]:
        """Clusters that are not ours."""
        return [each for each in self.clusters.values() if each.cluster_id.startswith("j-FOREIGN")]

    def cluster_of(self, generation: int) -> Cluster | None:
        """The latest cluster of a generation of ours."""
        found = [
            stack.cluster
            for stack in self.stacks.values()
            if stack.cluster is not None
            and stack.stack_id not in self.foreign_stacks
            and stack.parameters["Generation"] == str(generation)
        ]
        return found[-1] if found else None

    def cluster_state(self, cluster: Cluster) -> str:
        """Asked for more often than anything else; a launch is too short for what :class:`World` says of one."""
        now = self.clock.now
        if cluster.ended_at is not None:
            return "TERMINATED" if now >= cluster.ended_at + self.TERMINATION_SECONDS else "TERMINATING"
        age = now - cluster.started
        if cluster.fails:
            return "TERMINATED_WITH_ERRORS" if age >= 30 else "STARTING"
        if self.hanging_clusters.get(cluster.cluster_id):
            return "STARTING"
        if age >= self.LAUNCH_SECONDS:
            return "WAITING"
        return "BOOTSTRAPPING" if age >= self.LAUNCH_SECONDS / 2 else "STARTING"

    def bad_services(self, address: str) -> tuple[Service, ...]:
        cluster, state = self._living(address)
        if cluster is None or (state != "WAITING" and (state != "TERMINATING" or self.ends_at_once)):
            return ALL_SERVICES
        bad = super().bad_services(address)
        alone = self.partly.get(address)
        return bad if alone is None or alone in bad else (*bad, alone)

    def works(self, address: str) -> bool:
        """Whether every service at an address does its work."""
        return not self.bad_services(address)

    def health(self, target_group: str) -> dict[str, str]:
        self.let_steps_work()
        service = {"rm": Service.RESOURCE_MANAGER, "nn": Service.NAME_NODE}.get(target_group[:2], Service.LIVY)
        return {
            address: "unhealthy"
            if service in self.bad_services(address)
            else "healthy"
            if self.clock.now >= registered + self.HEALTHY_SECONDS
            else "initial"
            for address, registered in self.targets.get(target_group, {}).items()
        }

    def healthy(self, target_group: str) -> list[str]:
        """The addresses that the load balancer calls healthy in a group."""
        return [address for address, state in self.health(target_group).items() if state == "healthy"]

    def routes(self, batch_id: int, *, header: bool = False) -> tuple[str, ...]:
        """Where the front door may send a request for a batch: addresses, ``410``, or nowhere (5xx)."""
        if (batch_id, header) not in self._routed:
            self._routed[batch_id, header] = self._route(batch_id, header=header)
        group = self._routed[batch_id, header]
        return ("410",) if group is None else tuple(self.targets.get(group, ()))

    def _route(self, batch_id: int, *, header: bool) -> str | None:
        """The target group of the rule that a request for a batch meets, if one does."""
        path, prefix = f"/batches/{batch_id}", str(batch_id // 1_000_000)
        for slot in MACHINE_CONFIG.slots:
            conditions = self.rules.get(slot.header_rule if header else slot.id_rule, [])
            for condition in conditions[:1]:
                if header:
                    values = condition.get("HttpHeaderConfig", {}).get("Values", [])
                    matches = condition["HttpHeaderConfig"]["HttpHeaderName"] == PREFIX_HEADER and prefix in values
                else:
                    matches = any(_matches(each, path) for each in condition["PathPatternConfig"]["RegexValues"])
                if matches:
                    return slot.target_group
        return None

    def rules_changed(self) -> None:
        """A rule was changed."""
        self._routed.clear()

    def _evidence_of(self, incarnation: str, since: str) -> list[dict[str, Any]]:
        return machine_evidence.evidence_of(self, incarnation, since)

    # What happens by itself.

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        if seconds > 0:
            self.clock.now += seconds
            self.live_on()

    def live_on(self) -> None:
        """What the clock brings about, and what follows from it."""
        self.cloudformation.begin_clusters()
        if self.late_jobs:
            machine_jobs.go_on(self)
        in_service = self.healthy("balanced")
        if in_service:
            owners = self._owners_of_addresses()
            for address in in_service:
                self.healthy_at[address] = self.clock.now
                cluster = self.living(address)
                if cluster is None or address not in owners:
                    continue
                generation = int(cluster.tags["emr-dr:generation"])
                # Of a cluster that has the address of a dead one nobody knows before its launch has looked.
                if generation == owners[address]:
                    self.issued.add((generation, 1 if cluster.bad_seed else cluster.first_id + 1))
        for item in self.items("managed-cluster"):
            if (serving := item.get("serving_generation")) is None:
                continue
            known = self.record.items["incarnation", f"g{int(serving):06d}"].get("primary_address")
            if known is not None and not self.works(known):
                self.sick_at[int(serving)] = self.clock.now

    def _owners_of_addresses(self) -> dict[str | None, int]:
        """The youngest generation with each address that is not retired."""
        items = self.items("incarnation")
        if self._owners[0] is not items:  # which is another list after each change
            found = {
                item.get("primary_address"): int(item["generation"])
                for item in sorted(items, key=lambda item: int(item["generation"]))
                if item["state"] != "retired"
            }
            self._owners = items, found
        return self._owners[1]

    def befall(self, cluster: Cluster, what: str) -> None:
        """Something happens to one of our clusters."""
        match what:
            case "dies":
                self.unhealthy.add(cluster.address)
                cluster.rm_reachable = False
            case "hangs":
                self.unhealthy.add(cluster.address)
                cluster.stubborn = True
            case "Livy fails":
                self.livy_fails.add(cluster.address)
            case "safe mode" | "no NodeManagers":
                self.partly[cluster.address] = _ALONE[what]
            case "returns":
                self.forget_faults(cluster.address)
                cluster.rm_reachable, cluster.stubborn = True, False
            case "jobs":
                takes_jobs = Service.LIVY not in self.bad_services(cluster.address)
                if takes_jobs and cluster.address in self.targets.get("balanced", {}):
                    cluster.applications.append("application_1_0002")
                    cluster.batches.append(cluster.first_id + 1)
            case "jobs end":
                if cluster.batches:
                    self.jobs_ended[int(cluster.tags["emr-dr:generation"])] = self.clock.now
                cluster.applications.clear()
                cluster.batches.clear()
            case "person ends" | "EMR ends":
                cluster.ended_at = self.clock.now
                self.ended_because[cluster.cluster_id] = "USER_REQUEST" if what == "person ends" else "INSTANCE_FAILURE"
                if what == "EMR ends":
                    self.unhealthy.add(cluster.address)
        self.live_on()

    def forget_faults(self, address: str) -> None:
        """Whatever was wrong at an address is over."""
        self.unhealthy.discard(address)
        self.livy_fails.discard(address)
        self.partly.pop(address, None)

    def drift(self, number: int) -> None:
        """Somebody takes one of our targets out of its group."""
        ours = [group for group, targets in self.targets.items() if any(each not in self.strangers for each in targets)]
        if ours:
            targets = self.targets[ours[number % len(ours)]]
            targets.pop(next(each for each in targets if each not in self.strangers))

    def trouble(self, what: str, number: int) -> None:
        """Something around the clusters goes wrong until :meth:`heal`."""
        zone = ZONES[number % len(ZONES)]
        match what:
            case "zone":
                self.broken_zones.add(zone)
            case "seed":
                self.bad_seed = True
            case "canary":
                self.canary_state = "dead"
            case "prober":
                self.dead_probers.add(f"prober-{zone}")
            case "delete":
                self.delete_fails = 1 + number % 3
            case "hang":
                self.hang_next = True
            case "blind":
                self.blind_probers.add(f"prober-{zone}")
            case "restart":
                self.restart_helps = False
            case "seed again":
                self.seed_helps = False
            case "steps":
                self.step_end = "FAILED"
            case "addresses":
                self.hand_on_addresses = True
            case "quick ends":
                self.ends_at_once = True

    def heal(self) -> None:
        """Every fault ends; what is dead stays dead."""
        self.sights.clear()
        self.broken_zones.clear()
        self.dead_probers.clear()
        self.blind_probers.clear()
        self.ends_at_once = False
        self.restart_helps, self.seed_helps, self.step_end = True, True, "COMPLETED"
        self.bad_seed, self.canary_state, self.delete_fails, self.hang_next = False, "success", 0, False
        for cluster in self.clusters.values():
            if cluster not in self.foreign_clusters():
                self.befall(cluster, "jobs end")

    def _after(self, name: str) -> None:
        """Called after each call that changed something."""
        self.live_on()
        invariants.check(self)

    def wrong(self, text: str) -> None:
        """Note down a violation, with who did it."""
        invocation = self.gate.current
        by = (
            f" (by {invocation.name}, call {invocation.calls}: {', '.join(invocation.effects[-6:])})"
            if invocation
            else ""
        )
        self.violations.append(f"{text}{by}")
