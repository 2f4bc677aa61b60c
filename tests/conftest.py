"""Shared by every test."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .once import once

if TYPE_CHECKING:
    from aws_cdk import App


def pytest_configure() -> None:
    """A shell without job control starts what runs in its background with SIGINT ignored, and tests that interrupt
    something would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud assembly of both strategies with default settings.  Nobody changes it."""
    return once(tmp_path_factory, "assembly", lambda folder: len(_both(folder, {})))[0]


def _both(folder: Path, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The templates of both strategies, by stack, with the assembly in *folder*."""
    # The CDK takes seconds to import and few tests need it: whoever runs the others should not wait for it, nor be
    # stopped by a mistake in the stacks.
    from emr_dr.settings import Settings
    from stacks.active_active import ActiveActive
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import new_app, templates

    app = new_app(folder)
    settings = Settings.parse(values)
    platform = Platform(app, "Platform", settings=settings)
    ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
    return templates(app)


def _active_passive(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    """The template of ``ActivePassive``, with the assembly in *folder*."""
    from .synthesis import templates

    return templates(_app_of_active_passive(folder, values))["ActivePassive"]


def _app_of_active_passive(folder: Path, values: dict[str, Any]) -> App:
    """An app with ``ActivePassive`` alone, which writes its assembly to *folder*."""
    from emr_dr.settings import Settings
    from stacks.active_passive import ActivePassive
    from stacks.platform import Platform

    from .synthesis import new_app

    app = new_app(folder)
    settings = Settings.parse(values)
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    return app


@contextmanager
def _own_wheels(folder: Path) -> Iterator[Path]:
    """For as long as it lasts both wheels that Airflow needs are files in *folder*, and nothing is fetched or built."""
    from emr_dr import airflow_packages

    livy = folder / "apache_airflow_providers_apache_livy-4.4.2-py3-none-any.whl"
    own = folder / "emr_dr_airflow-0.1.0-py3-none-any.whl"
    for file in (livy, own):
        file.write_bytes(b"a wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(airflow_packages, "livy_wheel", lambda provider: livy)
        patch.setattr(airflow_packages, "own_wheels", lambda directory: [own])
        yield folder


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stacks with Airflow need no network: both wheels are files of these tests.  The folder that they lie in.

    Not for a whole session: there are tests that build and install the real ones.
    """
    with _own_wheels(tmp_path_factory.mktemp("wheels")) as folder:
        yield folder


def _with_mwaa(factory: pytest.TempPathFactory, name: str, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The templates of both strategies with an MWAA environment, by stack."""

    def make(folder: Path) -> dict[str, dict[str, Any]]:
        with _own_wheels(factory.mktemp(name)):
            return _both(folder, values)

    found: dict[str, dict[str, Any]] = once(factory, name, make)[1]
    return found


@pytest.fixture(scope="session")
def with_airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The templates of the platform and both strategies with an MWAA environment, by stack."""
    return _with_mwaa(tmp_path_factory, "created", {"mwaa": {"mode": "create"}})


@pytest.fixture(scope="session")
def with_airflow_and_no_way_out(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Likewise where endpoints lead to every service."""
    values = {"mwaa": {"mode": "create"}, "network": {"nat_gateways": "none"}}
    return _with_mwaa(tmp_path_factory, "no-way-out", values)


@pytest.fixture(scope="session")
def with_existing_airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Likewise with an environment that is there already."""
    existing = {
        "mode": "existing",
        "airflow_version": "2.11.0",
        "environment_name": "theirs",
        "execution_role_arn": "arn:aws:iam::111122223333:role/theirs",
        "security_group_id": "sg-0123456789abcdef0",
    }
    return _with_mwaa(tmp_path_factory, "existing", {"mwaa": existing})


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
    found: dict[str, Any] = once(tmp_path_factory, "warm", lambda to: _active_passive(to, {"standby": "warm"}))[1]
    return found


@pytest.fixture(scope="session")
def with_certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template of ``ActivePassive`` with a certificate at the front door."""

    def make(folder: Path) -> dict[str, Any]:
        from .synthesis import DOOR

        return _active_passive(folder, {"region": "us-east-1", "tls": dict(DOOR)})

    found: dict[str, Any] = once(tmp_path_factory, "certificate", make)[1]
    return found


@pytest.fixture(scope="session")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]], list[str]]:
    """``ActivePassive`` with certificates up to the clusters: the assembly, the templates by stack, the findings."""

    def make(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
        from .synthesis import CLUSTERS, findings, templates

        app = _app_of_active_passive(folder, {"region": "us-east-1", "tls": dict(CLUSTERS)})
        return templates(app), findings(app)

    folder, (found, said) = once(tmp_path_factory, "encrypted", make)
    return folder, found, said
