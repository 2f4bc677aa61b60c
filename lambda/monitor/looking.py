"""One look at the incarnation in service of one managed cluster.

In stages, each of which only begins what the next one waits for, so that looks at several managed clusters take no
longer than one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from dr_core.addresses import gone_with_its_address
from dr_core.attendance import probers_heard
from dr_core.config import FunctionConfig, ManagedClusterResources
from dr_core.evidence import LOAD_BALANCER, Evidence, Reading, Service, Verdict
from dr_core.record import Incarnation
from dr_core.verdicts import Judgement, consider_termination, judge, looked_at_since, termination_unknown
from monitor.cloud import Cloud
from monitor.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """What looks are made with.

    Attributes:
        config: of the deployment.
        store: the tables.
        cloud: AWS.
        pool: where calls go on at once; a call never waits for another one of it.
    """

    config: FunctionConfig
    store: Store
    cloud: Cloud
    pool: Executor


class Look:
    """A look: :meth:`ask`, then :meth:`read`, then :meth:`judge`.

    Attributes:
        incarnation: what is looked at.
        heard: after :meth:`judge`, the probers that have a voice.
        certificates: after :meth:`judge`, what the probers tell of certificates.
    """

    def __init__(
        self,
        eyes: Eyes,
        *,
        incarnation: Incarnation,
        resources: ManagedClusterResources,
        address_owner: Incarnation | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            incarnation: the one in service; it has an address.
            resources: of its managed cluster.
            address_owner: the younger incarnation that has its address now; ``None`` if that is its own still.
        """
        self.incarnation = incarnation
        self.heard: frozenset[str] = frozenset()
        self.certificates: frozenset[str] = frozenset()
        self._eyes = eyes
        self._resources = resources
        self._address_owner = address_owner
        self._asked: dict[Service, Future[Reading]] = {}
        self._told: Evidence | None = None
        self._writing: Future[None]
        self._seen: Future[list[Evidence]]

    def ask(self) -> None:
        """Begin to ask the load balancers; of an address that was handed on they would say how its owner is."""
        if self._address_owner is not None:
            return
        address = str(self.incarnation.primary_address)
        self._asked = {
            service: self._eyes.pool.submit(self._eyes.cloud.target_health, groups, address)
            for service, groups in self._target_groups().items()
        }

    def read(self) -> None:
        """Take the load balancers' word as evidence beside the probers', begin to keep it and to read theirs."""
        services = (
            {service: future.result() for service, future in self._asked.items()}
            if self._address_owner is None
            else gone_with_its_address(self._address_owner)
        )
        told = Evidence(
            incarnation=self.incarnation.id,
            observer=LOAD_BALANCER,
            services=services,
            observed_at=time.time(),
            front_door=True,
        )
        since = looked_at_since(now=told.observed_at, policy=self._eyes.config.policy)
        self._told = told
        self._writing = self._eyes.pool.submit(self._eyes.store.write_evidence, told)
        self._seen = self._eyes.pool.submit(self._eyes.store.evidence, told.incarnation, since=since)

    def judge(self) -> Judgement:
        """The verdict on all that was seen."""
        assert self._told is not None, "ask and read come first"
        seen, now, policy = [*self._seen.result(), self._told], time.time(), self._eyes.config.policy
        self.heard = probers_heard(seen, now=now, policy=policy)
        self.certificates = frozenset(told for each in seen for told in each.certificates)
        judgement = judge(seen, now=now, policy=policy, serving_from=self.incarnation.judged_from)
        self._writing.result()
        if judgement.verdict is Verdict.UNHEALTHY and self.incarnation.cluster_id is not None:
            return self._consider_termination(judgement, self.incarnation.cluster_id)
        return judgement

    def _target_groups(self) -> Mapping[Service, Sequence[str]]:
        """Whose word counts for each service.

        An incarnation that was taken out of the balanced group keeps its slot: its ids are still routed there.
        """
        slots = [each.target_group for each in self._eyes.config.slots if each.number == self.incarnation.slot]
        balanced = (
            [] if slots and self.incarnation.isolated_at is not None else [self._eyes.config.balanced_target_group]
        )
        return {
            Service.LIVY: [*balanced, *slots],
            Service.RESOURCE_MANAGER: [self._resources.resource_manager_target_group],
            Service.NAME_NODE: [self._resources.name_node_target_group],
        }

    def _consider_termination(self, judgement: Judgement, cluster_id: str) -> Judgement:
        try:
            termination = self._eyes.cloud.termination(cluster_id)
        except (BotoCoreError, ClientError) as error:
            return termination_unknown(judgement, why=str(error))
        asked_at = self.incarnation.terminate_requested_at
        if termination is not None and asked_at is None:
            # The controller writes down that it ends a cluster before it asks EMR: what EMR says of an end is younger
            # than the record that this round began with.
            present = self._eyes.store.incarnation(self.incarnation.generation)
            asked_at = present.terminate_requested_at if present is not None else None
        return consider_termination(judgement, termination, asked_at=asked_at)
