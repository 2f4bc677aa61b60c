"""Hook, trigger, link and package in real Airflow (A6, A8, B9, B11): what ``checks_in_airflow.py`` checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emr_drill.clients.kinds import EARLY_AIRFLOW_VERSION
from tests.provider.airflows import check
from tests.provider.versions import EACH


# Also the newest release, which nothing runs on yet.
@pytest.mark.parametrize("version", [*EACH, pytest.param(EARLY_AIRFLOW_VERSION, marks=pytest.mark.long)])
def test_in_airflow(version: str, tmp_path: Path) -> None:
    done = check(version, tmp_path / "home", "checks_in_airflow.py")

    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert re.search(r"\nOK( \(skipped=\d+\))?\n", done.stderr), "what a release does not do is skipped there"
