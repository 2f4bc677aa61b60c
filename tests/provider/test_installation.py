"""The requirements that MWAA gets install on plain Airflow, in a fresh environment (A7, A9)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from emr_dr import airflow_options
from emr_dr.airflow_packages import prepare
from emr_dr.airflow_releases import LIVY_PROVIDERS
from emr_drill.clients import environments
from tests.provider import pythons
from tests.provider.versions import EACH_VERSION

# What MWAA does not bring: its Livy provider.
LIVY = ("airflow/providers/apache/livy", "apache_airflow_providers_apache_livy-*.dist-info")
PROGRAM = """
import importlib.metadata, json, sys
from airflow.providers_manager import ProvidersManager
from emr_dr_airflow.operators import EmrLivyOperator
import dr_core.verdicts
json.dump(
    {
        "python": sys.version_info[:2],
        "airflow": importlib.metadata.version("apache-airflow"),
        "livy": importlib.metadata.version("apache-airflow-providers-apache-livy"),
        "known": "emr-dr-airflow" in ProvidersManager().providers,
        "links": ProvidersManager().extra_links_class_names,
        "operator": EmrLivyOperator(task_id="t", file="f").task_type,
    },
    sys.stdout,
)
"""


def plain_airflow(version: str, on: str, home: Path) -> Path:
    """A fresh environment with what MWAA's image has; its interpreter.

    The packages are those of the pinned environment, linked and not fetched again, without the Livy provider.
    """
    base = pythons.airflow(version, on)
    if base is None:
        pytest.skip(f"there is no Python {on}, neither on the path nor among pyenv's")
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(home)], check=True)
    (source,) = base.parents[1].glob("lib/python*/site-packages")
    (target,) = home.glob("lib/python*/site-packages")
    shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)
    for pattern in LIVY:
        (folder,) = target.glob(pattern)
        shutil.rmtree(folder)
    return home / "bin" / "python"


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
    return target


@pytest.mark.parametrize(
    "on", [pythons.OLDER, pytest.param(pythons.NEWER, marks=pytest.mark.long)], ids=lambda on: f"python{on}"
)
@EACH_VERSION
def test_the_requirements_of_mwaa_install_on_plain_airflow(version: str, on: str, tmp_path: Path) -> None:
    """On Python 3.12, too, which MWAA has, where there is one."""
    release = tuple(map(int, version.split(".")))
    assert len(release) == 3
    files = prepare(LIVY_PROVIDERS[release], tmp_path / "files")
    plugins = tmp_path / "plugins"
    with zipfile.ZipFile(files.plugins) as archive:
        archive.extractall(plugins)
    text = files.requirements.read_text()
    assert airflow_options.PLUGINS_FOLDER in text
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(text.replace(airflow_options.PLUGINS_FOLDER, str(plugins)))
    python = plain_airflow(version, on, tmp_path / "airflow")
    environment = {
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PIP_CONFIG_FILE": os.devnull,  # as nobody's own index may help
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(python), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    pip = ("-m", "pip", "--disable-pip-version-check")
    constraints = environments.requirements(f"airflow-{version}")
    run(*pip, "install", "--quiet", "--requirement", str(requirements), "--constraint", str(constraints))
    run(*pip, "check")
    found = json.loads(run("-c", PROGRAM))

    assert found["python"] == [int(part) for part in on.split(".")]
    assert (found["airflow"], found["livy"]) == (version, LIVY_PROVIDERS[release].version)
    assert found["known"] and found["operator"] == "EmrLivyOperator"
    assert any("SparkHistoryLink" in name for name in found["links"])
