"""Looks at the network before anything is launched in it: what only AWS knows of the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dr_core.network import ExpectedNetwork, problems

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PROPERTY = "Network"


class NetworkError(ValueError):
    """The network is not what the settings say; the message is for whoever deploys."""


@dataclass(frozen=True, kw_only=True)
class NetworkCheck:
    """The look at subnets, route tables and endpoints.

    Attributes:
        client: makes EC2's client, which takes its time and is needed for a deploy alone.
    """

    client: Callable[[], EC2Client]

    def of_request(self, event: Mapping[str, Any]) -> None:
        """Check the network of a request of CloudFormation, when it is new or has changed.

        An update that has failed is taken back with the old properties: a network that was accepted once does not hold
        that up, nor does what became of it meanwhile hold up an update of something else.

        Raises:
            NetworkError: it is not what the settings say.
        """
        text = event["ResourceProperties"].get(PROPERTY)
        before = event.get("OldResourceProperties", {}).get(PROPERTY)
        if text is not None and text != before:
            self.check(ExpectedNetwork.from_json(text))

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
