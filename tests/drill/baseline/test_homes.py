"""Which cluster took a job where ids are not unique."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.baseline.homes import Homes
from emr_drill.baseline.site import STATE_DIRECTORY
from emr_drill.jobs.submitter import Try
from emr_drill.primary.simulated.recovery_store import RecoveryStore, StoredBatch


def took(directory: Path, cluster_id: str, *batches: tuple[int, str]) -> None:
    """A cluster whose Livy took these batches."""
    store = RecoveryStore(directory / cluster_id / STATE_DIRECTORY.lstrip("/"))
    for number, name in batches:
        store.save(StoredBatch(id=number, name=name, app_id=None, app_tag="tag"))


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    took(tmp_path, "j-1", (0, "a-try1"), (1, "b-try1"))
    took(tmp_path, "j-2", (0, "c-try1"), (1, "a-try2"))
    return Homes(clusters={"j-1": "g1", "j-2": "g2", "j-3": "g3"}, directory=tmp_path)


@pytest.mark.parametrize(
    ("name", "number", "home"),
    [("a-try1", 0, "g1"), ("c-try1", 0, "g2"), ("a-try2", 1, "g2"), ("b-try1", 1, "g1")],
)
def test_the_cluster_is_known_by_name_and_id(homes: Homes, name: str, number: int, home: str) -> None:
    assert homes.owner(Try(name=name, id=number)) == home


@pytest.mark.parametrize(("name", "number"), [("a-try1", None), ("a-try1", 1), ("d-try1", 0)])
def test_what_no_cluster_took_has_no_home(homes: Homes, name: str, number: int | None) -> None:
    assert homes.owner(Try(name=name, id=number)) is None


def test_a_submit_that_two_clusters_heard_is_the_later_ones(tmp_path: Path) -> None:
    took(tmp_path, "j-1", (0, "a-try1"))
    took(tmp_path, "j-2", (0, "a-try1"))

    assert Homes(clusters={"j-1": "g1", "j-2": "g2"}, directory=tmp_path).owner(Try(name="a-try1", id=0)) == "g2"


def test_ids_of_a_cluster(homes: Homes) -> None:
    assert (homes.issued("g1"), homes.issued("g3")) == ([0, 1], [])
