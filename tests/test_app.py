"""The app as a whole, as the command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .synthesis import REPOSITORY

CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"


def environment(**more: str) -> dict[str, str]:
    """No credentials and no region: synth must need neither."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "AWS_EC2_METADATA_DISABLED": "true", **more}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``cdk synth`` writes, with one value of the settings replaced."""
    folder = tmp_path_factory.mktemp("assembly")
    assert CDK.exists(), "node_modules is missing: run make setup"
    run = subprocess.run(
        [str(CDK), "synth", "--quiet", "--output", str(folder), "-c", "set.network.vpc_cidr=10.99.0.0/16"],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def template(assembly: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / f"{name}.template.json").read_text("utf-8"))
    return found


@pytest.mark.slow
def test_synth_writes_platform_strategy_and_incarnation(assembly: Path) -> None:
    written = {str(file.relative_to(assembly)) for file in assembly.rglob("*.template.json")}

    assert written == {
        "Platform.template.json",
        "ActiveActive.template.json",
        "ActivePassive.template.json",
        "incarnation/Incarnation.template.json",
    }


@pytest.mark.slow
def test_a_value_from_the_command_line_reaches_the_template(assembly: Path) -> None:
    assert "10.99.0.0/16" in json.dumps(template(assembly, "Platform"))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ActiveActive", "ActivePassive"])
def test_deploying_a_strategy_alone_brings_the_platform_along(assembly: Path, strategy: str) -> None:
    """A2, A12: `cdk deploy ActivePassive` alone gives a working system, and so does the other one."""
    dependencies = json.loads((assembly / "manifest.json").read_text("utf-8"))["artifacts"][strategy]["dependencies"]

    assert "Platform" in dependencies
    assert not {"ActiveActive", "ActivePassive"} & set(dependencies)


@pytest.mark.slow
def test_both_strategies_launch_the_same_clusters(assembly: Path) -> None:
    """A2: one incarnation template, published once under one name."""
    urls = {
        json.dumps(each["Properties"]["TemplateUrl"])
        for strategy in ("ActiveActive", "ActivePassive")
        for each in template(assembly, strategy)["Resources"].values()
        if each["Type"] == "Custom::EmrManagedCluster"
    }

    assert len(urls) == 1


@pytest.mark.slow
def test_no_template_leaves_anything_to_the_machine_that_synthesizes(assembly: Path) -> None:
    """No account, no AZ and no path of this machine."""
    text = "".join(file.read_text("utf-8") for file in assembly.rglob("*.template.json"))

    assert str(REPOSITORY) not in text
    assert "dummy1a" not in text


def test_the_app_ends_with_the_package_that_cannot_be_had_and_no_traceback(tmp_path: Path) -> None:
    """Airflow's packages come from the network when an environment is made for the first time."""
    context = {
        **json.loads((REPOSITORY / "cdk.json").read_text("utf-8"))["context"],
        "set.mwaa.mode": "create",
        "set.mwaa.airflow_version": "3.9.0",
        "set.mwaa.livy_provider_version": "0.0.0",
    }

    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env=environment(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=json.dumps(context), PIP_NO_INDEX="1"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert "the wheel of apache-airflow-providers-apache-livy==0.0.0 cannot be had" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_app_ends_with_what_is_wrong_and_no_traceback(tmp_path: Path) -> None:
    context = {"set.cluster.release_label": "emr-5.36.0"}

    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env=environment(CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=json.dumps(context)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert "cluster.release_label: got 'emr-5.36.0'" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "manifest.json").exists()
