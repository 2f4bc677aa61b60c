"""Hook, trigger, link and package in real Airflow (A6, A8, B9, B11): what ``checks_in_airflow.py`` checks."""

from __future__ import annotations

from pathlib import Path

from tests.provider.airflows import check
from tests.provider.versions import EACH_VERSION


@EACH_VERSION
def test_in_airflow(version: str, tmp_path: Path) -> None:
    done = check(version, tmp_path / "home", "checks_in_airflow.py")

    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert "\nOK\n" in done.stderr
