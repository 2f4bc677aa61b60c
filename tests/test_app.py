"""The app as a whole, as the command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .once import once
from .synthesis import REPOSITORY

CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"


# Loaded into every process of Node and of Python that synth starts; both write down whom they were asked to connect to.
NO_NETWORK_IN_NODE = """
const fs = require("node:fs");
const refuse = (where) => {
  fs.appendFileSync(process.env.CONNECTIONS, `${JSON.stringify(where)}\\n`);
  return Object.assign(new Error("no network here"), { code: "ENETUNREACH" });
};
require("node:net").Socket.prototype.connect = function (...where) {
  process.nextTick(() => this.destroy(refuse(where[0])));
  return this;
};
require("node:dns").lookup = (name, ...rest) => process.nextTick(() => rest.at(-1)(refuse(name)));
"""
NO_NETWORK_IN_PYTHON = """
import os, socket

def refuse(self, where):
    with open(os.environ["CONNECTIONS"], "a") as file:
        print(where, file=file)
    raise OSError("no network here")

socket.socket.connect = refuse
"""


def environment(**more: str) -> dict[str, str]:
    """No credentials and no region: synth must need neither."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, **more}


def isolated(folder: Path) -> dict[str, str]:
    """What keeps a process from everything but the repository: an empty home, and no network."""
    (home := folder / "home").mkdir()
    (folder / "no-network.cjs").write_text(NO_NETWORK_IN_NODE)
    (folder / "sitecustomize.py").write_text(NO_NETWORK_IN_PYTHON)
    (folder / "connections").touch()
    return {
        "CONNECTIONS": str(folder / "connections"),
        "HOME": str(home),
        "NODE_OPTIONS": f"--require {folder / 'no-network.cjs'}",
        "PYTHONPATH": str(folder),
    }


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what keeps synth from everything; ``connections`` has whom it wanted to reach."""
    return once(tmp_path_factory, "cut-off", _synthesize)[0]


@pytest.fixture(scope="module")
def assembly(cut_off: Path) -> Path:
    """What ``cdk synth`` writes without credentials, home and network, with one value of the settings replaced."""
    return cut_off / "assembly"


def _synthesize(folder: Path) -> None:
    assert CDK.exists(), "node_modules is missing: run make setup"
    command = [str(CDK), "synth", "--quiet", "--output", str(folder / "assembly")]
    run = subprocess.run(
        [*command, "-c", "set.network.vpc_cidr=10.99.0.0/16"],
        cwd=REPOSITORY,
        env=environment(**isolated(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def template(assembly: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / f"{name}.template.json").read_text("utf-8"))
    return found


def test_synth_writes_platform_strategy_and_incarnation(assembly: Path) -> None:
    written = {str(file.relative_to(assembly)) for file in assembly.rglob("*.template.json")}

    assert written == {
        "Platform.template.json",
        "ActiveActive.template.json",
        "ActivePassive.template.json",
        "incarnation/Incarnation.template.json",
    }


def test_synth_asks_nobody(assembly: Path, cut_off: Path) -> None:
    """B13: whoever has neither account nor network synthesizes too; ``-c`` and the settings are all that it reads."""
    assert (cut_off / "connections").read_text() == ""


def test_templates_are_for_any_account_and_region(assembly: Path) -> None:
    artifacts = json.loads((assembly / "manifest.json").read_text("utf-8"))["artifacts"]
    stacks = {
        name: each["environment"] for name, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"
    }

    assert stacks == dict.fromkeys(
        ("Platform", "ActiveActive", "ActivePassive"), "aws://unknown-account/unknown-region"
    )


def test_a_value_from_the_command_line_reaches_the_template(assembly: Path) -> None:
    assert "10.99.0.0/16" in json.dumps(template(assembly, "Platform"))


@pytest.mark.parametrize("strategy", ["ActiveActive", "ActivePassive"])
def test_deploying_a_strategy_alone_brings_the_platform_along(assembly: Path, strategy: str) -> None:
    """A2, A12: `cdk deploy ActivePassive` alone gives a working system, and so does the other one."""
    dependencies = json.loads((assembly / "manifest.json").read_text("utf-8"))["artifacts"][strategy]["dependencies"]

    assert "Platform" in dependencies
    assert not {"ActiveActive", "ActivePassive"} & set(dependencies)


def test_both_strategies_launch_the_same_clusters(assembly: Path) -> None:
    """A2: one incarnation template, published once under one name."""
    urls = {
        json.dumps(each["Properties"]["TemplateUrl"])
        for strategy in ("ActiveActive", "ActivePassive")
        for each in template(assembly, strategy)["Resources"].values()
        if each["Type"] == "Custom::EmrManagedCluster"
    }

    assert len(urls) == 1


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


def test_the_app_knows_the_account_of_the_command_lines_credentials(tmp_path: Path) -> None:
    """A6: a role of another account could not read the connections."""
    role = "arn:aws:iam::111122223333:role/theirs"
    context = {
        "set.mwaa": json.dumps({"mode": "existing", "environment_name": "theirs", "execution_role_arn": role}),
    }

    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env=environment(
            CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=json.dumps(context), CDK_DEFAULT_ACCOUNT="444455556666"
        ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert f"mwaa.execution_role_arn: got '{role}'" in run.stderr
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
