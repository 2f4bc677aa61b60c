"""What a drill with encryption in transit brings along (B8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emr_dr.settings_file import load_settings
from emr_drill.encryption import HOST_NAME, Encryption


@pytest.mark.parametrize("clusters", [False, True])
def test_its_settings_are_accepted(tmp_path: Path, clusters: bool) -> None:
    """As ``cdk synth`` gets them: the file of authorities may be anywhere."""
    made = Encryption.make(tmp_path, clusters=clusters)
    context: dict[str, Any] = dict(one.split("=", 1) for one in made.context)
    settings = load_settings(context)

    assert settings.tls.host("active-passive") == HOST_NAME
    assert settings.tls.cluster_scheme == ("https" if clusters else "http")
    assert settings.tls.authority_file == str(tmp_path / "authority.pem")


def test_every_drill_has_an_authority_of_its_own(tmp_path: Path) -> None:
    first, second = Encryption.make(tmp_path), Encryption.make(tmp_path)

    assert first.authority.pem != second.authority.pem
    assert (tmp_path / "authority.pem").read_bytes() == second.authority.pem


def test_a_person_is_told_how_to_ask(tmp_path: Path) -> None:
    command = Encryption.make(tmp_path).curl("127.10.1.3")

    assert f"--resolve {HOST_NAME}:8998:127.10.1.3" in command
    assert f"--cacert {tmp_path / 'authority.pem'}" in command
