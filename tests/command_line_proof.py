"""``python -m tests.command_line_proof``: README's part on deploying from a clean clone, ``make setup`` included.

What the test of the same commands (``tests/drill/test_readme_deploy.py``) leaves out for want of time: the clone is
git's own and is set up from nothing, the strategy is active-active, and its first deploy fails, as no cluster can
start, and is simply repeated.  What was typed and what came of it is written to docs/results.  Exit code 1 if something
was not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emr_drill import bench
from emr_drill.addresses import Addresses
from emr_drill.observe import Deployment, deployment_name
from emr_drill.preflight import REPOSITORY, hold_block
from tests.drill.command_line import ZONES, Person, moving, readme_commands, serving, stand_in
from tests.drill.terminal import Said, type_in

RESULTS = REPOSITORY / "docs" / "results"
BLOCK = 29
SETUP_LIMIT_SECONDS = 1200.0
BOTH = [f"[~] Custom::EmrManagedCluster ManagedCluster{name}/Resource" for name in "AB"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, and what came of it.

    Attributes:
        command: as it was typed.
        before: what a person did, or what was done to the account, before it.
        status: its exit code.
        seconds: of machine time.
        held: what was as it must be, in words.
        failed: what was not.
    """

    command: str
    before: str
    status: int
    seconds: float
    held: Sequence[str]
    failed: Sequence[str]


@dataclass(slots=True)
class Proof:
    """Everything that was typed so far."""

    steps: list[Step] = field(default_factory=list)

    def note(self, command: str, said: Said, expected: dict[str, bool], *, before: str = "") -> None:
        """Write down what came of *command*: each expectation in words, and whether it was met."""
        step = Step(
            command=command,
            before=before,
            status=said.status,
            seconds=round(said.seconds, 1),
            held=[words for words, met in expected.items() if met],
            failed=[words for words, met in expected.items() if not met],
        )
        self.steps.append(step)
        print(
            f"{'held' if not step.failed else 'FAILED'}  {command} ({step.seconds:.0f} s)", file=sys.stderr, flush=True
        )

    @property
    def passed(self) -> bool:
        """Whether everything was as it must be."""
        return bool(self.steps) and not any(step.failed for step in self.steps)


def prove(folder: Path, *, block: int) -> Proof:
    """Type everything, in a new clone below *folder*."""
    proof = Proof()
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    with stand_in(folder / "stand-in", block=block) as account:
        # This process's own environment, which knows where packages come from.
        environment = {**os.environ, "TERM": "xterm"}
        said = type_in("make setup", folder=clone, environment=environment, limit=SETUP_LIMIT_SECONDS)
        print(said.text)
        proof.note("make setup", said, {"it succeeds": said.status == 0})
        if proof.passed:
            _deploy(proof, Person(clone, folder / "home", account))
    return proof


def _deploy(proof: Proof, person: Person) -> None:
    account = person.account
    bootstrap, deploy, diff, deploy_again, destroy = readme_commands(strategy="ActiveActive")

    def step(command: str, expected: Callable[[Said], dict[str, bool]], *, before: str = "") -> None:
        said = person.types(command)
        proof.note(command, said, expected(said), before=before)

    def served() -> dict[str, int]:
        return serving(Deployment(stand_in=account, name=deployment_name(account, strategy="active-active")))

    step(
        bootstrap,
        lambda said: {
            "it succeeds": said.status == 0,
            "CDKToolkit is complete": person.stacks() == {"CDKToolkit": "CREATE_COMPLETE"},
        },
    )
    for zone in ZONES:
        account.clusters.fail_capacity(zone)
    step(
        deploy,
        lambda said: {
            "it fails": said.status == 1,
            "it says why": "no availability zone is left" in " ".join(said.text.split()),
            "the stack is rolled back": person.stacks().get("ActiveActive") == "ROLLBACK_COMPLETE",
            "no cluster runs": person.releases() == [],
        },
        before="no AZ has machines",
    )
    for zone in ZONES:
        account.clusters.restore_capacity(zone)
    step(
        deploy,
        lambda said: {
            "it succeeds": said.status == 0,
            "a and b serve": served().keys() == {"a", "b"},
        },
        before="every AZ has machines again",
    )
    first = served()
    person.changes_the_release()
    step(
        diff,
        lambda said: {
            "it succeeds": said.status == 0,
            "it is by a change set": "Could not create a change set" not in said.text,
            "it shows that a and b will move, and nothing else": moving(said, strategy="ActiveActive") == BOTH,
            "nothing moved": served() == first,
        },
        before="emr-dr.yaml names another release",
    )
    step(
        deploy_again,
        lambda said: {
            "it succeeds": said.status == 0,
            "another a and another b serve": all(served()[name] > generation for name, generation in first.items()),
        },
    )
    step(
        destroy,
        lambda said: {
            "it succeeds": said.status == 0,
            "CDKToolkit and Platform are left, and no other stack": person.stacks().keys()
            == {"CDKToolkit", "Platform"},
            "no cluster runs": person.releases() == [],
        },
    )


def as_text(content: Mapping[str, Any]) -> str:
    """What docs/results/command-line.md holds."""
    lines = [
        "# The CDK's command line, as the README has it",
        "",
        "Written by `make proof`: the README's commands for active-active, typed at a terminal in a clean clone, with "
        "the stand-in for an account.",
        "",
        f"Commit `{content['commit'][:10]}`, measured {content['measured']}; seconds of machine time.",
        "",
        "| before it | typed | exit code | seconds | as it must be |",
        "|---|---|---|---|---|",
    ]
    for step in content["steps"]:
        outcome = "; ".join([*step["held"], *(f"**not: {words}**" for words in step["failed"])])
        lines.append(
            f"| {step['before']} | `{step['command']}` | {step['status']} | {step['seconds']:.0f} | {outcome} |"
        )
    return "\n".join([*lines, ""])


def main() -> int:
    """Command line; 0 if everything was as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.command_line_proof", description=__doc__)
    parser.add_argument("--block", type=int, default=BLOCK, help="address block of the stand-in")
    arguments = parser.parse_args()
    with (
        hold_block(Addresses(block=arguments.block)),
        tempfile.TemporaryDirectory(prefix="emr-dr-command-line-") as folder,
    ):
        proof = prove(Path(folder), block=arguments.block)
    content = {
        "commit": bench.commit(),
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "steps": [asdict(step) for step in proof.steps],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "command-line.json").write_text(json.dumps(content, indent=1) + "\n")
    (RESULTS / "command-line.md").write_text(as_text(content))
    return 0 if proof.passed else 1


if __name__ == "__main__":
    sys.exit(main())
