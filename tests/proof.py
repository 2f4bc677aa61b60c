"""``python -m tests.proof``: changes ``dr_core`` in small ways, one at a time, and looks whether its tests notice.

Each mutant runs in a process of its own, forked from one that has pytest loaded and ``dr_core`` not, against the test
files of its module alone (``tests/lambda/dr_core/test_<module>.py``).  What survives is written to docs/results.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from .mutants import Mutant, mutants

REPOSITORY = Path(__file__).parent.parent
CORE = REPOSITORY / "lambda" / "dr_core"
CORE_TESTS = REPOSITORY / "tests" / "lambda" / "dr_core"
RESULTS = REPOSITORY / "docs" / "results"
# Share of mutants that tests must kill.
REQUIRED = 0.9
# A mutant may loop for ever; unchanged, no file of tests takes nearly as long.
LIMIT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A mutant and whether a test noticed it."""

    module: str
    mutant: Mutant
    killed: bool


class _ChangedModule(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)


def modules() -> list[str]:
    """The modules of ``dr_core`` that hold anything."""
    return sorted(path.stem for path in CORE.glob("*.py") if path.stem != "__init__")


def tests_of(module: str) -> list[str]:
    """The files of tests that have to notice a change of *module*."""
    return sorted(str(path) for path in CORE_TESTS.glob(f"test_{module}*.py"))


def _start(module: str, source: str) -> int:
    """Run the tests of *module* with *source* in a new process; its id.  It exits with 0 if all tests pass."""
    process = os.fork()
    if process:
        return process
    # Nothing below may return: this is the new process.
    try:
        signal.alarm(LIMIT_SECONDS)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        sys.meta_path.insert(0, _ChangedModule(f"dr_core.{module}", CORE / f"{module}.py", source))
        sys.dont_write_bytecode = True
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--confcutdir={CORE_TESTS.parent}"]
        os._exit(int(pytest.main([*options, *tests_of(module)])))
    except BaseException:  # noqa: BLE001 - whatever a mutant does to its process, it was noticed
        os._exit(1)


def run(jobs: Sequence[tuple[str, Mutant]], *, processes: int) -> list[Outcome]:
    """Try every mutant, *processes* at a time; in the order of *jobs*."""
    outcomes: dict[int, Outcome] = {}
    running: dict[int, int] = {}
    waiting = iter(range(len(jobs)))
    began = time.monotonic()
    while len(outcomes) < len(jobs):
        while len(running) < processes and (index := next(waiting, None)) is not None:
            module, mutant = jobs[index]
            running[_start(module, mutant.source)] = index
        process, status = os.wait()
        index = running.pop(process)
        module, mutant = jobs[index]
        outcomes[index] = Outcome(module=module, mutant=mutant, killed=status != 0)
        if len(outcomes) % 50 == 0:
            print(f"{len(outcomes)} of {len(jobs)} mutants tried, {time.monotonic() - began:.0f} s", flush=True)
    return [outcomes[index] for index in range(len(jobs))]


def check_unchanged(names: Sequence[str]) -> None:
    """Raise SystemExit unless the tests of every module exist and pass as it is."""
    for name in names:
        if not tests_of(name):
            raise SystemExit(f"dr_core/{name}.py has no tests: expected {CORE_TESTS}/test_{name}.py")
        _, status = os.waitpid(_start(name, (CORE / f"{name}.py").read_text()), 0)
        if status != 0:
            raise SystemExit(f"the tests of dr_core/{name}.py fail without any change: run pytest {tests_of(name)[0]}")


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """What docs/results/mutants.json holds."""
    found: dict[str, object] = {}
    for module in sorted({outcome.module for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.module == module]
        found[module] = {
            "mutants": len(own),
            "killed": sum(outcome.killed for outcome in own),
            "survivors": [
                {"line": each.mutant.line, "before": each.mutant.before, "after": each.mutant.after}
                for each in own
                if not each.killed
            ],
        }
    return {
        "commit": _commit(),
        "mutants": len(outcomes),
        "killed": sum(outcome.killed for outcome in outcomes),
        "required_share": REQUIRED,
        "modules": found,
    }


def as_text(outcomes: Sequence[Outcome]) -> str:
    """What docs/results/mutants.md holds."""
    lines = [
        "# Mutants of dr_core",
        "",
        "Written by `make proof`: the core with one small change at a time, and whether its tests notice.",
        "",
        f"Each of its {len({outcome.module for outcome in outcomes})} modules, at commit `{_commit()[:10]}`.",
        "",
        "| module | mutants | killed | share |",
        "|---|---|---|---|",
    ]
    for module in sorted({outcome.module for outcome in outcomes}):
        lines.append(_row(module, [outcome for outcome in outcomes if outcome.module == module]))
    lines += [_row("**all**", outcomes), "", "## Survivors", ""]
    survivors = [
        f"* `{each.module}.py` line {each.mutant.line}: "
        f"{_quoted(each.mutant.before)} became {_quoted(each.mutant.after)}"
        for each in outcomes
        if not each.killed
    ]
    return "\n".join([*lines, *(survivors or ["None."]), ""])


def _commit() -> str:
    # Not the drill's function for it: that would load dr_core, which only a mutant's own process may.
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    killed = sum(outcome.killed for outcome in outcomes)
    return f"| {name} | {len(outcomes)} | {killed} | {killed / len(outcomes):.1%} |"


def _quoted(code: str) -> str:
    first, *more = code.splitlines()
    return f"`` {first}{' ...' if more else ''} ``"


def main() -> int:
    """Command line; 0 if enough mutants were killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--module", action="append", choices=modules(), help="only this module; writes no results")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    arguments = parser.parse_args()
    names = arguments.module or modules()
    # What every test needs and no mutant changes, loaded once.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import hypothesis

    hypothesis.settings.register_profile("proof", derandomize=True, database=None)
    hypothesis.settings.load_profile("proof")
    check_unchanged(names)
    jobs = [(name, mutant) for name in names for mutant in mutants((CORE / f"{name}.py").read_text())]
    print(f"{len(jobs)} mutants of {len(names)} modules", flush=True)
    outcomes = run(jobs, processes=arguments.processes)
    text = as_text(outcomes)
    if not arguments.module:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "mutants.json").write_text(json.dumps(summary(outcomes), indent=2) + "\n")
        (RESULTS / "mutants.md").write_text(text)
    print(text)
    killed = sum(outcome.killed for outcome in outcomes)
    return 0 if killed >= REQUIRED * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
