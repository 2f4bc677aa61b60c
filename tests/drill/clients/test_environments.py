"""Environments of the clients: what is missing is said with the remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emr_drill.clients import environments
from emr_drill.clients.kinds import AIRFLOW_VERSIONS, KINDS
from emr_drill.errors import DrillError


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "HOME", tmp_path)


def installed(name: str) -> None:
    folder = environments.HOME / name
    folder.mkdir()
    (folder / environments.INSTALLED).write_text(environments._digest(name))


def test_what_is_not_installed_is_named_with_the_command() -> None:
    installed("airflow-3.0.6")

    with pytest.raises(DrillError, match=r"\(airflow-2\.11\.0, python-livy\): run `emr-dr clients install`"):
        environments.check(KINDS)


def test_pins_that_changed_are_not_installed() -> None:
    for name in ("airflow-3.0.6", "airflow-2.11.0", "python-livy"):
        installed(name)
    environments.check(KINDS)
    (environments.HOME / "python-livy" / environments.INSTALLED).write_text("older")

    with pytest.raises(DrillError, match=r"\(python-livy\)"):
        environments.check(KINDS)


def test_curl_is_asked_for_where_a_client_is_curl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(DrillError, match="install curl and bash"):
        environments.check([kind for kind in KINDS if kind.name == "curl"])


def test_every_package_of_every_environment_is_pinned() -> None:
    for kind in KINDS:
        if not (name := environments.environment(kind)):
            continue
        lines = environments.requirements(name).read_text().splitlines()
        packages = [line for line in lines if line and not line.startswith("#")]
        assert len(packages) > 5
        assert all("==" in line for line in packages), name


@pytest.mark.parametrize("version", AIRFLOW_VERSIONS)
def test_airflow_is_the_version_that_is_claimed(version: str) -> None:
    assert f"apache-airflow=={version}" in environments.requirements(f"airflow-{version}").read_text().splitlines()


def test_a_failed_download_says_what_pip_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_interpreter", lambda: "false")

    with pytest.raises(DrillError, match=r"cannot make the environment airflow-3\.0\.6"):
        environments.install(KINDS, say=lambda text: None)
