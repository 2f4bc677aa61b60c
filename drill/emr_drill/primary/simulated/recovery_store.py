"""Livy's recovery store in files, read and written as the real server does.

``<store>/v1/batch/state`` holds exactly ``{"nextSessionId":N}`` and is written whenever an id is drawn;
``<store>/v1/batch/<id>`` holds what is needed to find a batch again.  The real server *fails open* on a bad or missing
``state``: it starts at 0 without a word to its clients.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch as the store keeps it."""

    id: int
    name: str | None
    app_id: str | None
    app_tag: str


class RecoveryStore:
    """The store; with ``None`` for its directory, one that keeps nothing (recovery is off).

    Raises:
        PermissionError: the directory's mode does not give its owner everything; the real server refuses to start.
    """

    def __init__(self, directory: Path | None) -> None:
        self._batches = directory / "v1" / "batch" if directory else None
        if directory:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            if directory.stat().st_mode & 0o700 != 0o700:
                raise PermissionError(f"{directory} must be readable, writable and searchable by its owner")
        if self._batches:
            self._batches.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def on(self) -> bool:
        """Whether recovery is on."""
        return self._batches is not None

    def next_id(self) -> int:
        """The id that the next batch gets; 0 if the store does not say."""
        if self._batches is None:
            return 0
        try:
            data: Any = json.loads((self._batches / "state").read_text())
        except (OSError, ValueError):
            return 0
        if not isinstance(data, dict) or list(data) != ["nextSessionId"] or not isinstance(data["nextSessionId"], int):
            return 0
        return data["nextSessionId"]

    def save_next_id(self, number: int) -> None:
        """Remember the id that the next batch gets."""
        self._write("state", {"nextSessionId": number})

    def batches(self) -> list[StoredBatch]:
        """Every batch that was not deleted, by id."""
        if self._batches is None:
            return []
        found = []
        for file in self._batches.iterdir():
            if re.fullmatch(r"\d+", file.name):
                data = json.loads(file.read_text())
                found.append(
                    StoredBatch(id=data["id"], name=data["name"], app_id=data["appId"], app_tag=data["appTag"])
                )
        return sorted(found, key=lambda one: one.id)

    def save(self, batch: StoredBatch) -> None:
        """Remember *batch*."""
        self._write(
            str(batch.id),
            {
                "id": batch.id,
                "name": batch.name,
                "appId": batch.app_id,
                "appTag": batch.app_tag,
                "owner": None,
                "proxyUser": None,
                "version": 1,
            },
        )

    def remove(self, number: int) -> None:
        """Forget batch *number*."""
        if self._batches is not None:
            (self._batches / str(number)).unlink(missing_ok=True)

    def _write(self, name: str, data: dict[str, Any]) -> None:
        if self._batches is None:
            return
        new = self._batches / f".{name}.tmp"
        new.write_text(json.dumps(data, separators=(",", ":")))
        new.replace(self._batches / name)
