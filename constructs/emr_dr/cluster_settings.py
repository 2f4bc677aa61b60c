"""What a cluster is launched with: the section ``cluster`` of the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from emr_dr.fleet_settings import Fleets, InstanceType
from emr_dr.network_settings import AvailabilityZone
from emr_dr.settings_errors import Problem
from emr_dr.settings_section import Section

# The incarnation's own tags, and the one that lets EMR's service role touch a resource (it must not be overwritten).
RESERVED_TAG_PREFIXES = ("aws:", "emr-dr:", "for-use-with-amazon-emr-managed-policies")

# CreateStack takes 50, and the product has tags of its own.
MOST_TAGS = 40

# As CreateStack takes it, which gives the tags to a cluster at its launch.
TagValue = Annotated[str, Field(min_length=1, max_length=256)]


class Cluster(Section):
    """What every incarnation is launched with.

    A change starts a switchover to a new incarnation, but for scaling limits and tags: those the running cluster gets.
    """

    release_label: str = Field(
        default="emr-7.13.0",
        pattern=r"^emr-7\.\d+\.\d+$",
        description="EMR release of the 7 series; one that is not known here is taken, with a warning",
    )
    primary_instance_type: InstanceType = Field(default="m5.xlarge", description="machine of the one primary node")
    core_instance_type: InstanceType = Field(default="m5.xlarge", description="machine of the core nodes")
    minimum_instances: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="core nodes at launch, and the least that scaling keeps; changed in place, no cluster is replaced",
    )
    maximum_instances: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="the most core nodes that managed scaling starts; changed in place, no cluster is replaced",
    )
    maximum_instances_alone: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="active-active: the most core nodes while the other cluster is out of service, so that one may do "
        "the work of both; at least maximum_instances; null leaves it at that; changed in place",
    )
    fleets: Fleets | None = Field(
        default=None,
        description="instance fleets in place of the instance types and limits above; null: instance groups "
        "(docs/instance-fleets.md)",
    )
    availability_zone_preference: tuple[AvailabilityZone, ...] | None = Field(
        default=None,
        strict=False,
        description="AZs in the order in which to launch; null takes the order of the network's list",
    )
    spark_defaults: dict[str, str] = Field(
        default_factory=dict,
        description="additions to spark-defaults, values as text; nothing that says where jobs and their drivers run",
    )
    tags: dict[str, TagValue] = Field(
        default_factory=dict,
        max_length=MOST_TAGS,
        description="additional tags of clusters and their machines; changed in place, no cluster is replaced",
    )
    finished_batch_retention_hours: int = Field(
        default=24, ge=1, le=168, description="how long Livy answers for a batch that has ended"
    )


def problems(cluster: Cluster, *, zones: Sequence[str] | None) -> Iterator[Problem]:
    """What in the section does not fit the rest of it, or *zones*, the AZs of the network if they are named."""
    preference = cluster.availability_zone_preference
    if preference is not None:
        key = "cluster.availability_zone_preference"
        if zones is None:
            yield Problem(
                key=key,
                got=list(preference),
                allowed="null as long as network.availability_zones is null",
                remedy="name region and network.availability_zones too",
            )
        elif unknown := [zone for zone in preference if zone not in zones]:
            yield Problem(
                key=key,
                got=unknown,
                allowed=f"AZs of the network: {', '.join(zones)}",
                remedy="name one of these, or add the AZ to the network",
            )
        if len(set(preference)) < len(preference):
            yield Problem(key=key, got=list(preference), allowed="each AZ once", remedy="remove the repetition")
    if cluster.minimum_instances > cluster.maximum_instances:
        yield Problem(
            key="cluster.minimum_instances",
            got=cluster.minimum_instances,
            allowed=f"at most cluster.maximum_instances ({cluster.maximum_instances})",
            remedy="lower it, or raise cluster.maximum_instances",
        )
    alone = cluster.maximum_instances_alone
    if alone is not None and alone < cluster.maximum_instances:
        yield Problem(
            key="cluster.maximum_instances_alone",
            got=alone,
            allowed=f"null, or at least cluster.maximum_instances ({cluster.maximum_instances})",
            remedy="raise it, or lower cluster.maximum_instances",
        )
    for name in cluster.tags:
        if name.startswith(RESERVED_TAG_PREFIXES) or not re.fullmatch(r"[\w .:/=+@-]{1,128}", name):
            yield Problem(
                key=f"cluster.tags.{name}",
                got=name,
                allowed="names of 1 to 128 letters, digits and _ . : / = + - @ that begin with none of "
                + ", ".join(RESERVED_TAG_PREFIXES),
                remedy="choose another name",
            )
