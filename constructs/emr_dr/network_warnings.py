"""What whoever synthesizes has to know of the network that the settings ask for."""

from __future__ import annotations

from aws_cdk import Annotations
from constructs import IConstruct

from emr_dr.network_settings import Network

ONE_NAT = (
    "network.nat_gateways is one: when its AZ is lost, what runs in the others loses its way out as well. Clusters are "
    "launched and jobs go on, which need S3 alone; managed scaling, Airflow and jobs that call anything else do not"
)
NO_WAY_OUT = (
    "the subnets have no way out: whether EMR's managed scaling works there is documented both ways, so watch the "
    "first growth of a cluster, or set cluster.minimum_instances to what jobs need at most; jobs reach S3, DynamoDB "
    "and what has an endpoint, and nothing else (docs/network.md)"
)


def warn_of_network(scope: IConstruct, network: Network) -> None:
    """Say what the network lacks, if it lacks something."""
    if not network.has_way_out:
        Annotations.of(scope).add_warning_v2("emr-dr:no-way-out", NO_WAY_OUT)
    elif network.existing is None and network.nat_gateways == "one":
        Annotations.of(scope).add_warning_v2("emr-dr:one-nat", ONE_NAT)
