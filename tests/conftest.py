"""Shared by every test."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of both strategies with default settings: synthesized once, as that takes seconds.

    By one of the processes that run the tests, if there are several; the others wait for it.  Nobody changes it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "assembly"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "manifest.json").exists():  # which is written last
            _synthesize(folder)
    return folder


def _synthesize(folder: Path) -> None:
    # The CDK takes seconds to import and few tests need it: whoever runs the others should not wait for it, nor be
    # stopped by a mistake in the stacks.
    from emr_dr.settings import Settings
    from stacks.active_active import ActiveActive
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import new_app

    app = new_app(folder)
    settings = Settings()
    platform = Platform(app, "Platform", settings=settings)
    ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
    app.synth()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stacks with Airflow need no network: both wheels are files of these tests.  The folder that they lie in."""
    from emr_dr import airflow_packages

    folder = tmp_path_factory.mktemp("wheels")
    livy = folder / "apache_airflow_providers_apache_livy-4.4.2-py3-none-any.whl"
    own = folder / "emr_dr_airflow-0.1.0-py3-none-any.whl"
    for file in (livy, own):
        file.write_bytes(b"a wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(airflow_packages, "livy_wheel", lambda provider: livy)
        patch.setattr(airflow_packages, "own_wheels", lambda directory: [own])
        yield folder


@pytest.fixture(scope="session")
def with_airflow(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The templates of the platform and both strategies with an MWAA environment, by stack."""
    return _with_mwaa(tmp_path_factory.mktemp("created"), {"mode": "create"})


@pytest.fixture(scope="session")
def with_airflow_and_no_way_out(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Likewise where endpoints lead to every service."""
    folder = tmp_path_factory.mktemp("no-way-out")
    return _with_mwaa(folder, {"mode": "create"}, network={"nat_gateways": "none"})


@pytest.fixture(scope="session")
def with_existing_airflow(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Likewise with an environment that is there already."""
    existing = {
        "mode": "existing",
        "airflow_version": "2.11.0",
        "environment_name": "theirs",
        "execution_role_arn": "arn:aws:iam::111122223333:role/theirs",
        "security_group_id": "sg-0123456789abcdef0",
    }
    return _with_mwaa(tmp_path_factory.mktemp("existing"), existing)


def _with_mwaa(folder: Path, mwaa: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    from emr_dr.settings import Settings
    from stacks.active_active import ActiveActive
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import new_app, templates

    app = new_app(folder)
    settings = Settings.parse({"mwaa": mwaa, **more})
    platform = Platform(app, "Platform", settings=settings)
    ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
    return templates(app)


@pytest.fixture(scope="session")
def active_passive(assembly: Path) -> dict[str, Any]:
    """The template of ``ActivePassive`` with default settings."""
    found: dict[str, Any] = json.loads((assembly / "ActivePassive.template.json").read_text())
    return found


@pytest.fixture(scope="session")
def active_active(assembly: Path) -> dict[str, Any]:
    """The template of ``ActiveActive`` with default settings."""
    found: dict[str, Any] = json.loads((assembly / "ActiveActive.template.json").read_text())
    return found


@pytest.fixture(scope="session")
def warm_standby(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of ``ActivePassive`` with a warm standby, and other settings by default."""
    from emr_dr.settings import Settings
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import new_app, templates

    app = new_app(tmp_path_factory.mktemp("warm"))
    settings = Settings(standby="warm")
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    return templates(app)["ActivePassive"]


@pytest.fixture(scope="session")
def with_certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of ``ActivePassive`` with a certificate at the front door."""
    from emr_dr.settings import Settings
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import DOOR, new_app, templates

    app = new_app(tmp_path_factory.mktemp("certificate"))
    settings = Settings.parse({"region": "us-east-1", "tls": dict(DOOR)})
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    return templates(app)["ActivePassive"]
