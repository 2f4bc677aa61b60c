"""Livy's recovery store: what a seed must look like, and that a bad one fails open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emr_drill.primary.simulated.recovery_store import RecoveryStore, StoredBatch

BATCH = StoredBatch(id=1_002_000_007, name="n", app_id="application_1_0001", app_tag="livy-batch-1002000007-abcd")


def seed(directory: Path, text: str) -> None:
    """Write the state file of batches."""
    file = directory / "v1" / "batch" / "state"
    file.parent.mkdir(parents=True)
    file.write_text(text)


@pytest.mark.parametrize("text", ['{"nextSessionId":1002000000}', '{"nextSessionId":1002000000}\n'])
def test_a_seed_is_the_next_id(tmp_path: Path, text: str) -> None:
    seed(tmp_path, text)

    assert RecoveryStore(tmp_path).next_id() == 1_002_000_000


@pytest.mark.parametrize(
    "text", ["", "garbage", "[]", "{}", '{"nextSessionId":"7"}', '{"nextSessionId":7,"more":1}', "7"]
)
def test_a_bad_seed_starts_at_zero(tmp_path: Path, text: str) -> None:
    seed(tmp_path, text)

    assert RecoveryStore(tmp_path).next_id() == 0


def test_a_missing_seed_starts_at_zero(tmp_path: Path) -> None:
    assert RecoveryStore(tmp_path / "new").next_id() == 0


def test_the_next_id_is_kept_in_the_form_of_the_seed(tmp_path: Path) -> None:
    RecoveryStore(tmp_path).save_next_id(8)

    assert json.loads((tmp_path / "v1" / "batch" / "state").read_text()) == {"nextSessionId": 8}


def test_batches_are_found_again(tmp_path: Path) -> None:
    RecoveryStore(tmp_path).save(BATCH)

    assert RecoveryStore(tmp_path).batches() == [BATCH]


def test_a_removed_batch_is_forgotten(tmp_path: Path) -> None:
    store = RecoveryStore(tmp_path)
    store.save(BATCH)

    store.remove(BATCH.id)

    assert store.batches() == []


def test_a_directory_that_its_owner_cannot_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(PermissionError, match="must be readable, writable and searchable by its owner"):
        RecoveryStore(tmp_path)


def test_without_recovery_nothing_is_kept() -> None:
    store = RecoveryStore(None)
    store.save_next_id(8)
    store.save(BATCH)
    store.remove(BATCH.id)

    assert (store.on, store.next_id(), store.batches()) == (False, 0, [])
