"""Every gate but the tests: ``python -m tests.gates``, and ``python -m tests.gates --long`` for the second opinion.

Style, types, layers, shell scripts, synth of every stack with the policy checks, and every template that synth wrote.
Two gates run at a time.  The second opinion on types takes as long as all others together.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent
# An assembly of its own, so that a drill that reads cdk.out meanwhile is not disturbed.
ASSEMBLY = REPOSITORY / "build" / "gates" / "cdk.out"
# What is off by default: Airflow, and clusters of instance fleets.
WITH_ALL = REPOSITORY / "build" / "gates" / "cdk.out.all"
FLEETS = "set.cluster.fleets={task: {types: [{type: m5.xlarge}, {type: m5a.xlarge}], spot_percent: 50}}"
AT_A_TIME = 2


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one gate ended.

    Attributes:
        name: what it checks.
        seconds: how long it took.
        passed: whether it is open.
        output: what its tool wrote.
    """

    name: str
    seconds: float
    passed: bool
    output: str


def run(name: str, command: Sequence[str | Path]) -> Outcome:
    """Run one tool in the repository; a gate whose tool is missing is shut."""
    started = time.monotonic()
    environment = {
        **os.environ,
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    try:
        ended = subprocess.run(
            [str(part) for part in command],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        passed, output = ended.returncode == 0, ended.stdout + ended.stderr
    except OSError as error:
        passed, output = False, f"{error}\nremedy: make setup"
    return Outcome(name=name, seconds=time.monotonic() - started, passed=passed, output=output.strip())


def tool(name: str, *arguments: str | Path) -> list[str | Path]:
    """A command of the virtual environment."""
    return [SCRIPTS / name, *arguments]


def shell_scripts() -> list[Path]:
    """Every shell script that belongs to the repository, tracked or new."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.sh", ".ci/run"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [REPOSITORY / line for line in listed.stdout.splitlines() if (REPOSITORY / line).is_file()]


def check_shell_scripts() -> list[Outcome]:
    """Shellcheck on every script; to find none means that the search is wrong."""
    scripts = shell_scripts()
    if not scripts:
        return [Outcome(name="shellcheck", seconds=0, passed=False, output="no shell script was found")]
    return [run("shellcheck", tool("shellcheck", *scripts))]


def check_templates() -> list[Outcome]:
    """Synthesize every stack, by default and with what is off then, and lint every template, the incarnations' too."""
    cdk = REPOSITORY / "node_modules" / ".bin" / "cdk"
    synths = [
        run(f"cdk synth with policy checks{what}", [cdk, "synth", "--quiet", "--output", folder, *context])
        for what, folder, context in (
            ("", ASSEMBLY, ()),
            (", Airflow created, instance fleets", WITH_ALL, ("-c", "set.mwaa.mode=create", "-c", FLEETS)),
        )
    ]
    if not all(synth.passed for synth in synths):
        return [
            *synths,
            Outcome(name="cfn-lint", seconds=0, passed=False, output="there is nothing to lint: synth failed"),
        ]
    templates = sorted(template for folder in (ASSEMBLY, WITH_ALL) for template in folder.rglob("*.template.json"))
    lint = run(f"cfn-lint on {len(templates)} templates", tool("cfn-lint", *templates))
    # Without the incarnation template the gate would be open although the most important resource was not looked at.
    if not any(template.name == "Incarnation.template.json" for template in templates):
        return [*synths, Outcome(name=lint.name, seconds=lint.seconds, passed=False, output="no incarnation template")]
    return [*synths, lint]


def one(name: str, command: Sequence[str | Path]) -> Callable[[], list[Outcome]]:
    """A gate that is one command."""
    return lambda: [run(name, command)]


# The long ones first, so that two at a time end together.
GATES: tuple[Callable[[], list[Outcome]], ...] = (
    one("mypy", tool("mypy", ".")),
    check_templates,
    # MWAA runs 3.12; a cache of its own, as mypy keeps one for each version.
    one("mypy for Python 3.12", tool("mypy", "--python-version", "3.12", "provider", "dags")),
    one("layers (import-linter)", tool("lint-imports")),
    one("ruff check", tool("ruff", "check", ".")),
    one("ruff format", tool("ruff", "format", "--check", ".")),
    check_shell_scripts,
)
LONG_GATES = (one("pyright", tool("pyright")),)


def main(gates: Sequence[Callable[[], list[Outcome]]] = GATES) -> int:
    """Run *gates* and say how each ended; 1 if one is shut, otherwise 0."""
    console = Console(soft_wrap=True)
    started = time.monotonic()
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for future in as_completed([pool.submit(gate) for gate in gates]):
            for outcome in future.result():
                outcomes.append(outcome)
                console.print(
                    f"{'passed' if outcome.passed else 'FAILED'}  {outcome.name} ({outcome.seconds:.0f} s)",
                    style="green" if outcome.passed else "bold red",
                )
    shut = [outcome for outcome in outcomes if not outcome.passed]
    for outcome in shut:
        console.rule(outcome.name, style="red")
        console.print(outcome.output, markup=False, highlight=False)
    table = Table(title=f"gates: {len(outcomes) - len(shut)} of {len(outcomes)} passed")
    table.add_column("gate")
    table.add_column("result")
    table.add_column("seconds", justify="right")
    for outcome in outcomes:
        result = "[green]passed[/green]" if outcome.passed else "[bold red]FAILED[/bold red]"
        table.add_row(outcome.name, result, f"{outcome.seconds:.0f}")
    table.caption = f"{time.monotonic() - started:.0f} s in all"
    console.print(table)
    return 1 if shut else 0


if __name__ == "__main__":
    sys.exit(main(LONG_GATES if "--long" in sys.argv[1:] else GATES))
