"""The matrix: one deployment after the other, and a result file that grows as each group of cases ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from emr_drill import campaign, result_files, results
from emr_drill.airflow_matrix import drilled
from emr_drill.airflow_matrix.cases import CASES, Group
from emr_drill.airflow_matrix.clients import RELEASES, Operator, clients
from emr_drill.bench import commit
from emr_drill.choose import job_file, primary_factory
from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY

RESULTS = REPOSITORY / "docs" / "results" / "airflow-matrix.json"
WANTED_SIMULATED, WANTED_REAL = 500, 30
# The operator, and what leads it through the cases.
OWN_CODE = ("provider/emr_dr_airflow", "drill/emr_drill/airflow_matrix", "drill/emr_drill/clients/airflow_worker.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run.

    Attributes:
        strategies: each on deployments of its own.
        groups: of cases.
        operators: both, or one.
        releases: of Airflow.
        seeds: one deployment for each.
        copies: runs of each case and client on a deployment.
        services: ``simulated`` or ``real``.
        speed: of the drill's clock.
    """

    strategies: Sequence[str] = ("active-passive", "active-active")
    groups: Sequence[Group] = tuple(Group)
    operators: Sequence[Operator] = tuple(Operator)
    releases: Sequence[str] = RELEASES
    seeds: Sequence[int] = (1, 2)
    copies: int = 2
    services: str = "simulated"
    speed: float = 5.0


def run(
    plan: Plan, *, block: int, workdir: Path, say: Callable[[str], None], go_on: bool = False, file: Path = RESULTS
) -> dict[str, Any]:
    """Run *plan* and write the result file and its tables.

    Args:
        plan: what.
        block: address block.
        workdir: for logs.
        say: gets a line for each group.
        go_on: leave out what the file shows of this very code.
        file: the result file; what it has of other plans stays.

    Raises:
        DrillError: a deployment could not be drilled at all.
    """
    for strategy in plan.strategies:
        for seed in plan.seeds:
            done = read(file)["groups"]
            left = [
                group
                for group in plan.groups
                if not (go_on and _shown(done.get(name_of(strategy, plan.services, seed, group)), plan))
            ]
            if not left:
                say(f"{strategy}, seed {seed}: shown before")
                continue
            _process(plan, strategy, seed, left, block=block, workdir=workdir, file=file)
            for group in left:
                name = name_of(strategy, plan.services, seed, group)
                say(line(name, read(file)["groups"][name]))
            if file == RESULTS:
                results.write()
    return read(file)


def drill(options: drilled.Options, *, file: Path, console: Console) -> None:
    """One deployment; each group is written to *file* as it ends."""
    shown_of = {"commit": commit(), "code": code()}  # before it runs: what is changed meanwhile is not measured
    began = time.monotonic()

    def keep(group: Group, runs: list[dict[str, Any]]) -> None:
        nonlocal began
        content = read(file)
        content["groups"][name_of(options.strategy, options.services, options.seed, group)] = {
            "strategy": options.strategy,
            "services": options.services,
            "seed": options.seed,
            "group": str(group),
            "copies": options.copies,
            "speed": options.speed,
            "clients": [client.name for client in options.clients],
            "machine_seconds": round(time.monotonic() - began, 1),
            "measured": datetime.now(tz=UTC).date().isoformat(),
            **shown_of,
            "runs": runs,
        }
        _write(content, file)
        began = time.monotonic()

    drilled.run(
        options,
        primaries=primary_factory(options.services),
        job_file=job_file(options.services),
        console=console,
        on_group=keep,
    )


def read(file: Path) -> dict[str, Any]:
    """The result file, or an empty one."""
    if file.exists():
        content: dict[str, Any] = json.loads(file.read_text())
        return content
    return {"what": "Airflow's operators, ours and the stock one, through every failure", "groups": {}}


def _write(content: dict[str, Any], file: Path) -> None:
    content["machine"] = result_files.machine()
    content["groups"] = dict(sorted(content["groups"].items()))
    result_files.write(file, _text(content))


def _text(content: Mapping[str, Any]) -> str:
    """JSON, a line for each run."""
    groups = []
    for name, group in content["groups"].items():
        head = json.dumps({key: value for key, value in group.items() if key != "runs"})[:-1]
        runs = ",\n   ".join(json.dumps(one) for one in group["runs"])
        groups.append(f'  {json.dumps(name)}: {head}, "runs": [\n   {runs}\n  ]}}')
    rest = json.dumps({key: value for key, value in content.items() if key != "groups"})[:-1]
    body = ",\n".join(groups)
    return f'{rest}, "groups": {{\n{body}\n}}}}\n'


def name_of(strategy: str, services: str, seed: int, group: Group) -> str:
    """Of a group of one deployment, in the result file."""
    return f"{strategy}/{services}/{seed}/{group}"


def code() -> str:
    """Identifies the code that a run shows something of."""
    return campaign.code(*OWN_CODE)


def _shown(group: Mapping[str, Any] | None, plan: Plan) -> bool:
    if group is None or group["copies"] < plan.copies:
        return False
    wanted = {client.name for client in clients(tuple(plan.operators), tuple(plan.releases))}
    return wanted <= set(group["clients"]) and group["code"] == code() != "unknown"


def _process(
    plan: Plan, strategy: str, seed: int, groups: Sequence[Group], *, block: int, workdir: Path, file: Path
) -> None:
    log_file = workdir / f"{strategy}-{plan.services}-{seed}.log"
    command = [sys.executable, "-m", "emr_dr_cli", "airflow-drill", strategy, "--file", str(file)]
    command += ["--groups", ",".join(groups), "--operators", ",".join(plan.operators)]
    command += ["--releases", ",".join(plan.releases), "--copies", str(plan.copies), "--services", plan.services]
    command += ["--speed", str(plan.speed), "--seed", str(seed), "--block", str(block)]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we tell it once
        )
        try:
            code_of_exit = process.wait()
        except BaseException:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    if code_of_exit != 0:
        said = log_file.read_text(errors="replace").strip()[-2000:]
        raise DrillError(f"{strategy}, seed {seed}: the drill failed (exit code {code_of_exit}):\n{said}")


def line(name: str, group: Mapping[str, Any]) -> str:
    """A sentence for the person who waits."""
    bad = broken(group)
    counts = ", ".join(
        f"{operator} {sum(one['operator'] == operator for one in group['runs'])}" for operator in Operator
    )
    return f"{name}: {counts} in {group['machine_seconds']:.0f} s" + (f"; NOT AS IT MUST BE: {bad}" if bad else "")


def broken(group: Mapping[str, Any]) -> list[str]:
    """Runs with our operator of which something else became than its case expects, or that asked for others' ends."""
    return [
        f"{one['case']} {one['mode']} {one['release']}: {one['outcome']}"
        + (f", deleted {one['strangers']}" if one["strangers"] else "")
        for one in group["runs"]
        if one["operator"] == Operator.OURS and (one["outcome"] not in CASES[one["case"]].expected or one["strangers"])
    ]


def passed(content: Mapping[str, Any]) -> bool:
    """Whether every run with our operator is as it must be."""
    return not any(broken(group) for group in content["groups"].values())
