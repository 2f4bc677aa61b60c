"""What a person needs who deploys as the README says: its commands, a clone, and an account that is a stand-in."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.observe import Deployment
from emr_drill.preflight import REPOSITORY
from emr_drill.primary.primary import SimulatedPrimaryFactory
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .terminal import Said, type_in

# Most of what is typed is synth, which no clock hastens: a higher speed saves seconds of minutes.  At 40 a machine half
# as fast as usual could not make two looks within a round of the probers, so that no new cluster was verified.
SPEED = 15.0
LIMIT_SECONDS = 600.0
CDK = "node_modules/.bin/cdk"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
# The README has the commands between this headline and the next one, and writes them for one of the strategies.
HEADLINE, STRATEGY = "## Deploy it", "ActivePassive"
OLD_RELEASE, NEW_RELEASE = "emr-7.13.0", "emr-7.12.0"


def readme_commands(*, strategy: str = STRATEGY) -> list[str]:
    """The lines of README's part on deploying that call the command line, for *strategy* and without their comments."""
    part = (REPOSITORY / "README.md").read_text("utf-8").split(f"\n{HEADLINE}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.split("\n") if line.startswith(CDK)]
    return [line.partition(" #")[0].strip().replace(STRATEGY, strategy) for line in lines]


def what_git_has(folder: Path) -> Path:
    """A clone with what ``make setup`` installed here; nothing else of this working tree, and what is not committed."""
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


def stand_in(folder: Path, *, block: int) -> StandIn:
    """An account, as every drill has one."""
    folder.mkdir()
    return StandIn(
        clock=Clock.start(speed=SPEED),
        timing=Timing(seed=1),
        addresses=Addresses(block=block),
        workdir=folder,
        primaries=SimulatedPrimaryFactory(),
    )


class Person:
    """Types commands in a clone, and may look at what is in the account.

    Attributes:
        account: where the commands act.
    """

    def __init__(self, clone: Path, home: Path, account: StandIn, **environment: str) -> None:
        """Sit down at *clone*.

        Args:
            clone: of the repository.
            home: a folder that does not exist yet.
            account: running.
            environment: besides what is needed to reach the account.
        """
        home.mkdir()
        self.account = account
        self._clone = clone
        self._environment: Mapping[str, str] = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_ENDPOINT_URL": account.endpoint,
            "AWS_REGION": account.region,
            "AWS_SECRET_ACCESS_KEY": "test",
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            **environment,
        }

    def types(self, command: str) -> Said:
        """Run *command* in the virtual environment, at a terminal, and print what it says."""
        line = f". .venv/bin/activate && {command}"
        said = type_in(line, folder=self._clone, environment=self._environment, limit=LIMIT_SECONDS)
        print(f"$ {command}\n{said.text}\n[exit code {said.status} after {said.seconds:.0f} s]")
        return said

    def changes_the_release(self) -> None:
        """Edit the settings of the clone."""
        file = self._clone / "emr-dr.yaml"
        settings = file.read_text("utf-8")
        changed = settings.replace(f"  # release_label: {OLD_RELEASE}", f"  release_label: {NEW_RELEASE}")
        assert changed != settings
        file.write_text(changed, "utf-8")

    def stacks(self) -> dict[str, str]:
        """Status of each stack by its name."""
        return {stack.name: stack.status for stack in self.account.stacks.backend.stacks.values()}

    def releases(self) -> list[str]:
        """The release of each cluster that runs."""
        client: Any = self.account.client("emr")
        running = client.list_clusters(ClusterStates=["WAITING", "RUNNING"])["Clusters"]
        return [client.describe_cluster(ClusterId=each["Id"])["Cluster"]["ReleaseLabel"] for each in running]


def serving(deployment: Deployment) -> dict[str, int]:
    """The generation that serves as each managed cluster."""
    return {
        item["managed_cluster"]: item["generation"] for item in deployment.incarnations() if item["state"] == "serving"
    }


def moving(said: Said, *, strategy: str = STRATEGY) -> Sequence[str]:
    """What ``cdk diff`` shows of the strategy's stack: each resource that differs."""
    shown = re.split(rf"^Stack {strategy}", said.text, flags=re.MULTILINE)[1]
    return re.findall(r"\[[-+~]\] \S+::\S+ \S+", shown)
