"""Looks at the network before anything is launched in it: what only AWS knows of the settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dr_core.network import ExpectedNetwork, problems
from dr_core.record import ManagedCluster
from failover.record_store import Change

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from failover.record_store import RecordStore

PROPERTY = "Network"
# More than one: whoever tries again with --disable-rollback goes back over several.
REMEMBERED = 5


class NetworkError(ValueError):
    """The network is not what the settings say; the message is for whoever deploys."""


@dataclass(frozen=True, kw_only=True)
class NetworkCheck:
    """The look at subnets, route tables and endpoints.

    Attributes:
        client: makes EC2's client, which takes its time and is needed for a deploy alone.
    """

    client: Callable[[], EC2Client]

    def of_request(self, event: Mapping[str, Any], *, name: str, record: RecordStore) -> None:
        """Check the network of a request of CloudFormation, unless it is an update to one that was accepted before.

        The record knows the latest networks that were accepted; CloudFormation does not: on the way back from a failed
        update it gives the properties that failed as the old ones.  What became of an accepted network meanwhile holds
        up neither that way back nor an update of something else.  A creation is checked always.

        Args:
            event: a ``Create`` or ``Update``.
            name: name of the managed cluster.
            record: remembers what is accepted.

        Raises:
            NetworkError: it is not what the settings say.
        """
        text = event["ResourceProperties"].get(PROPERTY)
        if text is None:
            return
        known = record.managed_cluster(name)
        accepted = known.accepted_networks if known is not None else ()
        digest = hashlib.sha256(text.encode()).hexdigest()
        if event["RequestType"] == "Create" or digest not in accepted:
            self.check(ExpectedNetwork.from_json(text))
        if accepted[-1:] != (digest,):
            latest = (*(each for each in accepted if each != digest), digest)[-REMEMBERED:]
            record.change(Change(key=ManagedCluster.key(name), values={"accepted_networks": latest}))

    def check(self, expected: ExpectedNetwork) -> None:
        """Check that the network is as *expected*.

        Raises:
            NetworkError: it is not.
        """
        in_vpc: Any = [{"Name": "vpc-id", "Values": [expected.vpc]}]
        # By a filter: an id that there is not would be an error of the whole call.
        by_id: Any = [{"Name": "subnet-id", "Values": [each.id for each in expected.subnets]}]
        client = self.client()
        subnets = client.get_paginator("describe_subnets").paginate(Filters=by_id)
        route_tables = client.get_paginator("describe_route_tables").paginate(Filters=in_vpc)
        endpoints = client.get_paginator("describe_vpc_endpoints").paginate(Filters=in_vpc)
        found = problems(
            expected,
            subnets=[each for page in subnets for each in page["Subnets"]],
            route_tables=[each for page in route_tables for each in page["RouteTables"]],
            endpoints=[each for page in endpoints for each in page["VpcEndpoints"]],
        )
        if found:
            raise NetworkError("the network is not what the settings say: " + "; ".join(found))
