"""README's part on deploying, typed at a terminal: the CDK's own command line, against the stand-in (A2, A12, B13)."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.observe import Deployment, deployment_name
from emr_drill.primary.primary import SimulatedPrimaryFactory
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing
from tests.synthesis import REPOSITORY

from .terminal import Said, type_in

# Of the drills that tests run at once this one alone is in these.
FIRST_BLOCK, LAST_BLOCK = 70, 75
SPEED = 40.0
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
LIMIT_SECONDS = 600.0
CDK = "node_modules/.bin/cdk"
# What the README has between this headline and the next one.
HEADLINE = "## Deploy it"


def readme_commands() -> list[str]:
    """The lines of README's part on deploying that call the command line, without their comments."""
    part = (REPOSITORY / "README.md").read_text("utf-8").split(f"\n{HEADLINE}\n")[1].split("\n## ")[0]
    lines = [
        line for block in re.findall(r"^```\n(.*?)^```", part, re.DOTALL | re.MULTILINE) for line in block.split("\n")
    ]
    return [line.partition(" #")[0].strip() for line in lines if line.startswith(CDK)]


def clean_clone(folder: Path) -> Path:
    """What git has of the repository, and what ``make setup`` installed; nothing else of this working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (source := REPOSITORY / name).is_file():
            (copy := folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


def person(clone: Path, home: Path, stand_in: StandIn) -> Callable[[str], Said]:
    """Types commands in *clone*, with an account whose services are those of *stand_in*."""
    home.mkdir()
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_ENDPOINT_URL": stand_in.endpoint,
        "AWS_REGION": stand_in.region,
        "AWS_SECRET_ACCESS_KEY": "test",
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        # The environment was installed for this working tree: the clone's own modules come first.
        "PYTHONPATH": os.pathsep.join(str(clone / root) for root in ("constructs", "lambda")),
        "TERM": "xterm",
    }

    def types(command: str) -> Said:
        said = type_in(f". .venv/bin/activate && {command}", folder=clone, environment=environment, limit=LIMIT_SECONDS)
        print(f"$ {command}\n{said.text}\n[exit code {said.status} after {said.seconds:.0f} s]")
        return said

    return types


def incarnations(deployment: Deployment) -> dict[int, str]:
    """State of each incarnation by its generation."""
    return {item["generation"]: item["state"] for item in deployment.incarnations()}


def stacks(stand_in: StandIn) -> set[str]:
    return {stack.name for stack in stand_in.stacks.backend.stacks.values()}


def releases(stand_in: StandIn) -> list[str]:
    """The release of each cluster that serves."""
    client: Any = stand_in.client("emr")
    waiting = client.list_clusters(ClusterStates=["WAITING", "RUNNING"])["Clusters"]
    return [client.describe_cluster(ClusterId=each["Id"])["Cluster"]["ReleaseLabel"] for each in waiting]


def block() -> int:
    """One of those of this test, another one for each worker."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return FIRST_BLOCK + worker % (LAST_BLOCK - FIRST_BLOCK + 1)


@pytest.mark.slow
def test_a_person_deploys_looks_changes_and_destroys_as_the_readme_says(tmp_path: Path) -> None:
    bootstrap, deploy, diff, deploy_again, destroy = readme_commands()
    clone = clean_clone(tmp_path / "clone")
    work = tmp_path / "stand-in"
    work.mkdir()
    with StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=block()),
        workdir=work,
        primaries=SimulatedPrimaryFactory(),
    ) as stand_in:
        types = person(clone, tmp_path / "home", stand_in)

        said = types(bootstrap)
        assert said.status == 0
        assert stacks(stand_in) == {"CDKToolkit"}

        said = types(deploy)
        assert said.status == 0
        assert len(said.questions) == 2, "one for the security-relevant changes of each stack"
        assert re.search(r"ActivePassive\.LivyUrl = http://\S+:8998", said.text)
        deployment = Deployment(stand_in=stand_in, name=deployment_name(stand_in, strategy="active-passive"))
        assert incarnations(deployment) == {1: "serving"}
        assert releases(stand_in) == ["emr-7.13.0"]

        settings = (clone / "emr-dr.yaml").read_text("utf-8")
        changed = settings.replace("  # release_label: emr-7.13.0", "  release_label: emr-7.12.0")
        assert changed != settings
        (clone / "emr-dr.yaml").write_text(changed, "utf-8")
        said = types(diff)
        assert said.status == 0
        assert "Could not create a change set" not in said.text
        shown = re.split(r"^Stack ActivePassive", said.text, flags=re.MULTILINE)[1]
        assert re.findall(r"\[[-+~]\] \S+::\S+ \S+", shown) == [
            "[~] Custom::EmrManagedCluster ManagedClusterA/Resource"
        ]
        assert re.search(r"MovesWhenChanged\n.*\[-\] emr-7\.13\.0, .*\n.*\[\+\] emr-7\.12\.0, ", shown)
        assert incarnations(deployment) == {1: "serving"}

        for zone in ZONES:
            stand_in.clusters.fail_capacity(zone)
        said = types(deploy_again)
        assert said.status == 1
        assert stand_in.stacks.find("ActivePassive").status == "UPDATE_ROLLBACK_COMPLETE"
        told = said.text.partition("ActivePassive failed to deploy")[2]
        assert "no availability zone is left to launch in" in " ".join(told.split())
        assert incarnations(deployment)[1] == "serving"
        for zone in ZONES:
            stand_in.clusters.restore_capacity(zone)

        said = types(deploy_again)
        assert said.status == 0
        assert said.questions == (), "no role or group is widened"
        newest = max(incarnations(deployment))
        assert [number for number, state in incarnations(deployment).items() if state == "serving"] == [newest]
        assert "emr-7.12.0" in releases(stand_in)

        said = types(destroy)
        assert said.status == 0
        assert stacks(stand_in) == {"CDKToolkit", "Platform"}
        assert releases(stand_in) == []
        assert set(incarnations(deployment).values()) == {"retired"}
