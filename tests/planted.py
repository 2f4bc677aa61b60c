"""``python -m tests.planted``: plants faults that the product must never have, one at a time, and looks who notices.

Each fault is a small change of a copy of ``lambda/`` that comes first on the path of a process of its own; the
repository is never changed.  The tests of that fault have to fail, and with the unchanged copy they have to pass.  What
was planted, and the tests that caught it, are written to docs/results.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emr_drill import bench

REPOSITORY = Path(__file__).parent.parent
RESULTS = REPOSITORY / "docs" / "results"
STORIES = "tests/lambda/failover/test_crash_points.py"
RACES = "tests/lambda/failover/test_safety_races.py"
# Of each story in test_crash_points.py.
SLICES = 16
# pytest's exit code when tests ran and some failed; any other means that nothing was proved.
FAILED = 1


def ends_well(story: str) -> str:
    """The test that a story ends well when nobody dies."""
    return f"{STORIES}::test_a_story_ends_well[{story}]"


def dies(story: str, then: str) -> tuple[str, ...]:
    """The tests that a story ends well wherever a function dies."""
    return tuple(f"{STORIES}::test_a_function_may_die_anywhere[{story}-{then}-{part}]" for part in range(SLICES))


def stalls(beginning: str, step: str, meanwhile: str) -> str:
    """The test that a step does no harm that goes on after its execution was stopped."""
    name = "test_a_step_that_goes_on_after_its_execution_was_stopped_does_no_harm"
    return f"{RACES}::{name}[{beginning}-{step}-{meanwhile}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        name: of the fault.
        file: where it is planted, below ``lambda/``.
        before: text that stands there exactly once.
        after: what stands there instead.
        tests: the tests that have to notice.
        also: where two places guard against the same, the other one: file, text there, and what stands there instead.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]
    also: tuple[str, str, str] | None = None

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Every file that is changed, the text there, and what stands there instead."""
        return [(self.file, self.before, self.after), *([self.also] if self.also is not None else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A fault, the tests that failed, and what the first of them said."""

    fault: Fault
    caught_by: tuple[str, ...]
    said: str


FAULTS = (
    Fault(
        name="balanced group before rule",
        file="failover/routing.py",
        before="    number = _claim_slot(deployment, incarnation.generation)\n    if number is None:\n",
        after="    members = deployment.front_door.health(deployment.config.balanced_target_group)\n"
        "    if address not in members:\n"
        "        deployment.front_door.put_in_service(managed_cluster=incarnation.managed_cluster, address=address)\n"
        "        return None\n"
        "    number = _claim_slot(deployment, incarnation.generation)\n    if number is None:\n",
        tests=dies("failover", "execution over"),
    ),
    Fault(
        name="execution name reused after FAILED",
        file="failover/executions.py",
        before='            if self._start(self.retirement_machine, name, request) in (*_OPEN, ""):\n'
        "                return\n",
        after="            self._start(self.retirement_machine, name, request)\n            return\n",
        tests=(ends_well("left behind"),),
    ),
    Fault(
        name="execution name of an incident reused after FAILED",
        file="dr_core/incidents.py",
        before="attempt=incident.attempts + 1)",
        after="attempt=incident.attempts or 1)",
        tests=(ends_well("second attempt"),),
    ),
    Fault(
        name="CreateStack answer lost",
        file="failover/stacks.py",
        before="            seen = self.describe(name)\n            if seen is None:  # it was",
        after="            raise\n            seen = self.describe(name)\n            if seen is None:  # it was",
        tests=dies("launch", "called again"),
    ),
    Fault(
        name="id prefix of a live generation reused",
        file="failover/steps/launch.py",
        before="taken_prefixes(live=live, retired=retired)",
        after="taken_prefixes(live=(), retired=retired)",
        tests=(ends_well("failover with a worn counter"),),
    ),
    Fault(
        name="lease taken over while its execution runs",
        file="dr_core/operation_plan.py",
        before="    if not holder or not holder_runs:\n",
        after="    if holder != mine:\n",
        tests=(ends_well("second operation"),),
    ),
    Fault(
        name="fence skipped",
        file="failover/steps/fence.py",
        before="        request_end(call.deployment, old)\n    except",
        after="        pass\n    except",
        tests=(ends_well("failover"),),
    ),
    Fault(
        name="last look before the fence skipped",
        file="failover/steps/fence.py",
        before="        answer = _look_again(call, old, new) if unhealthy else _bring_in_first(call, old, new)\n",
        after="        answer = None if unhealthy else _bring_in_first(call, old, new)\n",
        tests=(ends_well("recovers"),),
    ),
    Fault(
        name="fence for a successor that was given up",
        file="failover/steps/fence.py",
        before='            condition="#state = :verifying OR #state = :serving",\n',
        after='            condition="attribute_exists(#state)",\n',
        tests=(stalls("failover", "Fence", "stopped halfway"),),
    ),
    Fault(
        name="cut-over to what was given up",
        file="failover/steps/cut_over.py",
        before='            condition="#state = :verifying OR #state = :serving",  # else somebody',
        after='            condition="attribute_exists(#state)",  # else somebody',
        tests=(stalls("switchover", "CutOver", "stopped halfway"),),
    ),
    Fault(
        name="old one out before the record of the cut-over",
        file="failover/steps/cut_over.py",
        before="    protected = _protected(call.deployment, new)\n",
        after="    protected = _protected(call.deployment, new)\n"
        "    for each in replaced:\n"
        "        call.deployment.front_door.take_out_of_service(\n"
        '            managed_cluster=call.request.managed_cluster, address=each.primary_address or ""\n'
        "        )\n",
        tests=(ends_well("switchover"),),
    ),
    Fault(
        name="successor of what is fenced given up",
        file="failover/leftovers.py",
        before="    if old.terminate_requested_at is not None:  # it may look healthy",
        after="    if False:  # it may look healthy",
        tests=dies("failover in safe mode", "execution over"),
    ),
    Fault(
        name="third automatic failover by what was read before the second",
        file="failover/steps/reassess.py",
        before="    if held is not None:\n",
        after="    if held is not None and call.waited > 3600:\n",
        tests=(f"{RACES}::test_no_third_failover_follows_from_what_was_read_before_the_second",),
    ),
    Fault(
        name="turn of another operation taken",
        file="dr_core/restraints.py",
        before="    if turn is None or turn.managed_cluster == managed_cluster:\n",
        after="    if True:\n",
        tests=(ends_well("both fail"),),
    ),
    Fault(
        name="pause not heeded",
        file="dr_core/restraints.py",
        before="    if controls.paused:\n",
        after="    if False:\n",
        tests=(ends_well("paused"),),
    ),
    Fault(
        name="ResourceManager's word counted before the last job",
        file="dr_core/retirement_plan.py",
        before="max(seen.requested_at, last_job_at) + SUBMIT_SECONDS",
        after="seen.requested_at + SUBMIT_SECONDS",
        tests=(ends_well("failover in safe mode"),),
    ),
    Fault(
        name="adopted for, and fenced, though healthy",
        file="failover/steps/fence.py",
        before='                return done(f"{new.title} takes jobs already',
        after='                return None and done(f"{new.title} takes jobs already',
        tests=(ends_well("adopted"),),
    ),
    Fault(
        name="isolated for ever",
        file="dr_core/left_behind.py",
        before="if over or nobody_serves or better:",
        after="if nobody_serves or better:",
        tests=dies("repair", "nobody told"),
    ),
    Fault(
        name="UNKNOWN counted as failure",
        file="dr_core/verdicts.py",
        before="if reading.verdict is Verdict.UNHEALTHY]",
        after="if reading.verdict is not Verdict.HEALTHY]",
        tests=(ends_well("nobody can tell"), "tests/lambda/dr_core/test_verdicts.py"),
    ),
    Fault(
        name="410 before fence",
        file="dr_core/retirement_plan.py",
        before="    return Fence.OVERDUE if waited >= limit else Fence.OPEN\n",
        after="    return Fence.CLOSED\n",
        tests=(ends_well("failover"),),
    ),
    Fault(
        name="410 before linger",
        file="failover/retiring.py",
        before="    return left > 0 and not cluster_ending(call.deployment, incarnation)\n",
        after="    return False\n",
        tests=(ends_well("switchover"),),
    ),
    Fault(
        name="terminate of a cluster that is not ours",
        file="failover/clusters.py",
        before="        if owner != (self.deployment, managed_cluster, stack_name):\n",
        after="        if owner is None:\n",
        tests=("tests/lambda/failover/test_safety_terminations.py", "tests/lambda/failover/test_operation.py"),
    ),
    Fault(
        name="stack of somebody else adopted and deleted",
        file="failover/stacks.py",
        before="        return (\n            seen.tags.get(DEPLOYMENT_TAG) == self.deployment and",
        after="        return True or (\n            seen.tags.get(DEPLOYMENT_TAG) == self.deployment and",
        tests=(ends_well("name taken"),),
    ),
    Fault(
        name="spec numbers as strings",
        file="failover/resource_request.py",
        before="return {key: str(value) for key, value in json.loads(text).items()}",
        after="return dict(json.loads(text))",
        tests=(ends_well("same numbers"), ends_well("launch")),
        also=(
            "dr_core/specs.py",
            'parameters={key: str(value) for key, value in values["parameters"].items()}',
            'parameters=dict(values["parameters"])',
        ),
    ),
)


def plant(fault: Fault | None, root: Path) -> None:
    """Copy ``lambda/`` to *root* and plant *fault* in the copy.

    Raises:
        SystemExit: the text that the fault changes is not there, or there more than once.
    """
    shutil.copytree(REPOSITORY / "lambda", root, ignore=shutil.ignore_patterns("__pycache__"))
    if fault is None:
        return
    for file, before, after in fault.changes:
        path = root / file
        text = path.read_text()
        found = text.count(before)
        if found != 1:
            raise SystemExit(
                f"{fault.name}: the text to change has to be in lambda/{file} once, it is there {found} times:\n"
                f"{before}\nSay in tests/planted.py what stands there now."
            )
        path.write_text(text.replace(before, after))


def run(fault: Fault | None, tests: Sequence[str]) -> tuple[int, str]:
    """Run *tests* with a copy that has *fault*; pytest's exit code and what it wrote."""
    with tempfile.TemporaryDirectory(prefix="emr-dr-planted-") as folder:
        root = Path(folder) / "lambda"
        plant(fault, root)
        command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", "--show-capture=no"]
        ended = subprocess.run(
            [*command, "--tb=line", "--maxfail=3", *tests],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    return ended.returncode, ended.stdout + ended.stderr


def look_for(fault: Fault) -> Outcome:
    """Plant *fault* and see who notices.

    Raises:
        SystemExit: nobody does, or the tests could not be run.
    """
    code, output = run(fault, fault.tests)
    caught = tuple(sorted(set(re.findall(r"^FAILED (\S+\.py::.*?)(?: - .*)?$", output, re.MULTILINE))))
    if code != FAILED or not caught:
        raise SystemExit(f"{fault.name}: not caught by {', '.join(fault.tests)} (pytest ended with {code}):\n{output}")
    said = what_was_said(output)
    if not said:
        raise SystemExit(f"{fault.name}: caught by {caught[0]}, and nobody can tell why:\n{output}")
    return Outcome(fault=fault, caught_by=caught, said=said)


def what_was_said(output: str) -> str:
    """The promise that was first found broken in pytest's *output*, or else its first failure; empty for none."""
    promises = re.findall(r"^E?\s*assert not \[['\"](.*?)['\"][,\]]", output, re.MULTILINE)
    failures = re.findall(r"^\S+\.py:\d+: (\S.*)$", output, re.MULTILINE)
    return next(iter([*promises, *failures]), "")


def check_unchanged(faults: Sequence[Fault]) -> None:
    """Raise SystemExit unless every test passes with the copy as it is."""
    tests = sorted({test for fault in faults for test in fault.tests})
    code, output = run(None, tests)
    if code != 0:
        raise SystemExit(
            f"without any fault these tests have to pass, and do not (pytest ended with {code}):\n{output}"
        )


def as_json(outcomes: Sequence[Outcome]) -> str:
    """What docs/results/planted.json holds."""
    found = [
        {
            "fault": each.fault.name,
            "file": f"lambda/{each.fault.file}",
            "before": each.fault.before,
            "after": each.fault.after,
            "caught_by": list(each.caught_by),
            "said": each.said,
        }
        for each in outcomes
    ]
    return (
        json.dumps(
            {
                "commit": bench.commit(),
                "planted": len(found),
                "caught": sum(bool(each["caught_by"]) for each in found),
                "faults": found,
            },
            indent=2,
        )
        + "\n"
    )


def as_text(outcomes: Sequence[Outcome]) -> str:
    """What docs/results/planted.md holds."""
    lines = [
        "# Planted faults",
        "",
        "Written by `make proof`: the controller with one fault at a time, and the tests that notice. Each story of "
        "`test_crash_points.py` and every run of `test_machine.py` looks at all promises of the design after each call "
        "that changes something.",
        "",
        f"{len(outcomes)} of {len(outcomes)} were caught, at commit `{bench.commit()[:10]}`.",
        "",
        "| fault | planted in | caught by | what it said |",
        "|---|---|---|---|",
    ]
    for each in outcomes:
        tests = "<br>".join(f"`{test.rpartition('/')[2]}`" for test in each.caught_by)
        lines.append(f"| {each.fault.name} | `lambda/{each.fault.file}` | {tests} | {each.said} |")
    lines += ["", "## What was changed", ""]
    for each in outcomes:
        lines += [f"**{each.fault.name}**", "", "```diff"]
        for _, before, after in each.fault.changes:
            lines += [f"-{line}" for line in before.splitlines()]
            lines += [f"+{line}" for line in after.splitlines()]
        lines += ["```", ""]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 if every fault was caught, and nothing fails without one."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    names = [fault.name for fault in FAULTS]
    parser.add_argument("--fault", action="append", choices=names, help="only this one; writes no results")
    chosen = parser.parse_args(arguments).fault
    faults = [fault for fault in FAULTS if not chosen or fault.name in chosen]
    check_unchanged(faults)
    outcomes = []
    for fault in faults:
        outcomes.append(look_for(fault))
        print(f"{fault.name}: caught by {', '.join(outcomes[-1].caught_by)}", flush=True)
    if not chosen:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "planted.json").write_text(as_json(outcomes))
        (RESULTS / "planted.md").write_text(as_text(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
