"""What the section ``cluster`` may say."""

from __future__ import annotations

import pytest

from .refusals import refused


def test_a_preference_outside_the_networks_zones_is_refused() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]

    message = refused(
        {
            "region": "us-east-1",
            "network": {"availability_zones": zones},
            "cluster": {"availability_zone_preference": ["us-east-1d"]},
        }
    )

    assert "cluster.availability_zone_preference: got ['us-east-1d']" in message
    assert "us-east-1a, us-east-1b, us-east-1c" in message


def test_a_preference_needs_named_zones() -> None:
    message = refused({"cluster": {"availability_zone_preference": ["us-east-1a"]}})

    assert "remedy: name region and network.availability_zones too" in message


def test_a_preference_names_each_zone_once() -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]

    message = refused(
        {
            "region": "us-east-1",
            "network": {"availability_zones": zones},
            "cluster": {"availability_zone_preference": ["us-east-1b", "us-east-1b"]},
        }
    )

    assert "each AZ once" in message


def test_the_least_number_of_nodes_is_not_above_the_most() -> None:
    assert "cluster.minimum_instances: got 5" in refused({"cluster": {"minimum_instances": 5, "maximum_instances": 4}})


def test_whoever_serves_alone_has_no_less_room() -> None:
    settings = {"maximum_instances": 10, "maximum_instances_alone": 9}
    assert "cluster.maximum_instances_alone: got 9" in refused({"cluster": settings})


@pytest.mark.parametrize("tags", [{"a": ""}, {"a": "x" * 257}, {f"k{number}": "x" for number in range(41)}])
def test_tags_that_a_stack_cannot_have_are_refused(tags: dict[str, str]) -> None:
    """A launch would fail of them."""
    assert "cluster.tags" in refused({"cluster": {"tags": tags}})


@pytest.mark.parametrize("tag", ["aws:x", "emr-dr:generation", "for-use-with-amazon-emr-managed-policies", "a|b"])
def test_a_tag_that_belongs_to_others_is_refused(tag: str) -> None:
    assert f"cluster.tags.{tag}" in refused({"cluster": {"tags": {tag: "x"}}})
