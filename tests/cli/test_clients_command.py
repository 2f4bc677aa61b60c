"""``emr-dr clients``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emr_drill.clients import environments
from emr_drill.clients.kinds import EARLY_KIND, KINDS, Kind

from .conftest import Cli


@pytest.mark.parametrize(("options", "kinds"), [((), KINDS), (("--early",), (*KINDS, EARLY_KIND))])
def test_install_fetches_every_client(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], kinds: tuple[Kind, ...]
) -> None:
    """The newest Airflow, which no drill uses, for whoever asks for it."""
    asked: list[Any] = []

    def fetch(kinds: Any, *, say: Callable[[str], None]) -> None:
        asked.append(kinds)
        say("installing airflow")

    monkeypatch.setattr(environments, "install", fetch)
    ended = cli("clients", "install", *options)

    assert ended.code == 0
    assert asked == [kinds]
    assert "installing airflow" in ended.err
