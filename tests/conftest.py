"""Shared by every test."""

from __future__ import annotations

import fcntl
import json
import os
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
