"""What whoever synthesizes has to know of the clusters that the settings ask for."""

from __future__ import annotations

from typing import Final

from aws_cdk import Annotations
from constructs import IConstruct

from emr_dr.settings import Settings

# Of the EMR Release Guide, the newest last.  One that is not among them may be newer than this list: it is no error.
KNOWN_RELEASES: Final = tuple(f"emr-7.{minor}.0" for minor in range(14))


def unknown_release(release: str) -> str:
    """What is said of a release that is not on the list."""
    return (
        f"cluster.release_label {release} is not among the releases that were known when this was written "
        f"({KNOWN_RELEASES[0]} to {KNOWN_RELEASES[-1]}): if EMR does not know it either, no cluster starts and the "
        "deploy fails after minutes; `aws emr list-release-labels` says which there are"
    )


def foreign_keys(keys: list[str], region: str) -> str:
    """What is said of keys in other regions."""
    return (
        f"permissions.keys names keys of other regions than {region}: {', '.join(keys)}. They are of use for buckets "
        "in those regions alone, which clusters reach through a NAT gateway only"
    )


def warn_of_clusters(scope: IConstruct, settings: Settings) -> None:
    """Say what looks like a slip, and may be none."""
    release, region = settings.cluster.release_label, settings.region
    if release not in KNOWN_RELEASES:
        Annotations.of(scope).add_warning_v2("emr-dr:unknown-release", unknown_release(release))
    foreign = [key for key in settings.permissions.keys if region is not None and key.split(":")[3] != region]
    if region is not None and foreign:
        Annotations.of(scope).add_warning_v2("emr-dr:foreign-keys", foreign_keys(foreign, region))
