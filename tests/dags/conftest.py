"""What real Airflow makes of the DAGs: played once for a release, whichever process of the tests needs it first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emr_drill.clients.kinds import EARLY_AIRFLOW_VERSION
from emr_drill.preflight import REPOSITORY
from tests.once import once
from tests.provider.airflows import VERSIONS

from .stage import PLAYED

# Half a minute of both processors for a release; `make test` runs the operators in one release, tests/provider.
EACH: list[Any] = [pytest.param(version, marks=pytest.mark.long) for version in (*VERSIONS, EARLY_AIRFLOW_VERSION)]
Told = dict[str, Any]


def _told(version: str, factory: pytest.TempPathFactory) -> Told:
    def play(folder: Path) -> Told:
        command = [sys.executable, "-m", "tests.dags.stage", version, str(folder)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        played: Told = json.loads((folder / PLAYED).read_text())
        return played

    found: Told = once(factory, f"dags-{version}", play)[1]
    return found


@pytest.fixture(scope="session", params=EACH)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What each release found in the folder of the DAGs."""
    return _told(request.param, tmp_path_factory)


@pytest.fixture(scope="session", params=EACH[:-1])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What became of the runs."""
    return _told(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def runs(told: Told) -> Told:
    """The runs alone, by key."""
    found: Told = told["runs"]
    return found
