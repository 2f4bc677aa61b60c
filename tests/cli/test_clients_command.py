"""``emr-dr clients``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emr_drill.clients import environments
from emr_drill.clients.kinds import KINDS

from .conftest import Cli


def test_install_fetches_every_client(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fetch(kinds: Any, *, say: Callable[[str], None]) -> None:
        asked.append(kinds)
        say("installing airflow")

    monkeypatch.setattr(environments, "install", fetch)
    ended = cli("clients", "install")

    assert ended.code == 0
    assert asked == [KINDS]
    assert "installing airflow" in ended.err
