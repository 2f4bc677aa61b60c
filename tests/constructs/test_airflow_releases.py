"""Which releases of Airflow are taken, and which Livy provider goes with each."""

from __future__ import annotations

import pytest

from emr_dr.airflow_releases import LIVY_PROVIDERS, LivyProvider, is_supported, known_releases, livy_provider, parse


@pytest.mark.parametrize("text", ["2.11", "3", "v3.0.6", "3.0.6rc1", "3.0.x", ""])
def test_what_is_not_three_numbers_is_no_version(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.10.3", False),
        ("2.11.0", True),
        ("2.11.2", True),
        ("2.12.0", False),
        ("3.0.2", False),
        ("3.0.6", True),
        ("3.3.1", True),
        ("4.0.0", False),
    ],
)
def test_2_11_and_3_0_6_and_newer_are_supported(text: str, expected: bool) -> None:
    version = parse(text)

    assert version is not None
    assert is_supported(version) is expected


def test_every_known_release_is_supported_and_its_provider_pinned_by_hash() -> None:
    """B8: what is downloaded is what was looked at."""
    assert all(is_supported(version) for version in LIVY_PROVIDERS)
    assert [each.version for each in LIVY_PROVIDERS.values() if len(each.sha256) != 64] == []


def test_the_provider_is_that_of_the_releases_constraints() -> None:
    assert livy_provider("3.0.6", None) == LIVY_PROVIDERS[3, 0, 6]


def test_a_release_that_nobody_looked_at_has_no_provider_unless_one_is_chosen() -> None:
    assert livy_provider("3.9.0", None) is None
    assert livy_provider("3.9.0", "4.9.0") == LivyProvider(version="4.9.0")


def test_whoever_chooses_the_known_one_keeps_its_hash() -> None:
    assert livy_provider("3.0.6", "4.4.2") == LIVY_PROVIDERS[3, 0, 6]


def test_the_known_releases_are_named_in_order() -> None:
    assert known_releases() == "2.11.0, 2.11.2, 3.0.6, 3.2.1, 3.3.1"
