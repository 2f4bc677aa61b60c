"""Measures what docs/performance.md tells, in one run: ``python -m emr_drill.performance.measure`` (``make bench``).

What is compared is measured in turns, so that whatever else the machine does meets all of them alike; each figure is
kept with the seconds of the processor, which others disturb less than those of the wall, and with the load average.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emr_drill.bench import commit
from emr_drill.performance import page
from emr_drill.performance.scene import scene
from emr_drill.preflight import REPOSITORY
from emr_drill.result_files import machine

HERE = Path(__file__).resolve().parent
RUNTIME = REPOSITORY / "build" / "function-runtime"
TURNS, IMPORTS, ROUNDS = 5, 5, 5
INCARNATIONS = 50
LIMIT_SECONDS = 1200
APPS: Mapping[str, Sequence[str]] = {
    "empty": (str(HERE / "empty_app.py"),),
    "one_strategy": (str(HERE / "one_strategy.py"),),
    "one_strategy_without_checks": (str(HERE / "one_strategy.py"), "--without-checks"),
    "whole_app": (str(REPOSITORY / "app.py"),),
}
HANDLERS = (
    "emr_leftovers.handler",
    "failover.custom_resource",
    "failover.handler",
    "failover.reconcile",
    "monitor.handler",
    "prober.handler",
)


def run(say: Callable[[str], None] = print, *, turns: int = TURNS) -> dict[str, Any]:
    """Measure everything; the content of the result file.

    Args:
        say: gets a line after each step.
        turns: how often each app is synthesized.
    """
    synth: dict[str, list[dict[str, float]]] = {name: [] for name in APPS}
    sizes: dict[str, Any] = {}
    for turn in range(turns):
        for name, command in APPS.items():
            with tempfile.TemporaryDirectory(prefix="emr-dr-bench-") as folder:
                synth[name].append(_synthesis(command, Path(folder)))
                if name == "one_strategy" and turn == 0:
                    sizes = _sizes(Path(folder))
            say(f"synthesis {turn + 1}/{turns} {name}: {synth[name][-1]}")
    imports: dict[str, list[dict[str, float]]] = {name: [] for name in HANDLERS}
    for _ in range(IMPORTS):
        for name in HANDLERS:
            imports[name].append(_in_function(name.partition(".")[0], "import", name, environment={}))
    say(f"imports: { ({name: each[-1]['seconds'] for name, each in imports.items()}) }")
    with scene(INCARNATIONS) as where:
        rounds = {
            name: {"load": _load(), **_in_function(name, name, str(ROUNDS), environment=where.environment)}
            for name in ("prober", "monitor")
        }
    say(f"rounds: {rounds}")
    return {
        "commit": commit(),
        "measured": datetime.now(tz=UTC).date().isoformat(),
        "machine": machine(),
        "synthesis": synth,
        "sizes": sizes,
        "imports": imports,
        "incarnations": INCARNATIONS,
        "rounds": rounds,
    }


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def _synthesis(command: Sequence[str], folder: Path) -> dict[str, float]:
    """One synthesis in a process of its own, with the feature flags of ``cdk.json``, as the command line runs it."""
    context = json.loads((REPOSITORY / "cdk.json").read_text("utf-8"))["context"]
    environment = {
        **os.environ,
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    before, begun, load = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), _load()
    subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=environment,
        check=True,
        capture_output=True,
        timeout=LIMIT_SECONDS,
    )
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 2), "processor_seconds": round(used, 2), "load": load}


def _in_function(package: str, what: str, argument: str, *, environment: Mapping[str, str]) -> dict[str, Any]:
    """What ``function_side`` answers, with *package* staged as it is published."""
    with tempfile.TemporaryDirectory(prefix="emr-dr-bench-") as folder:
        for name in (package, "dr_core"):
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(REPOSITORY / "lambda" / name, Path(folder) / name, ignore=ignored)
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(HERE / "function_side.py"), folder, str(RUNTIME), what, argument],
            env=dict(environment),
            check=True,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    answer: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return answer


def _sizes(assembly: Path) -> dict[str, Any]:
    """Bytes and resources of each template, and bytes of each function's package as it is uploaded."""
    templates = {
        file.name.removesuffix(".template.json"): {
            "bytes": file.stat().st_size,
            "resources": len(json.loads(file.read_text("utf-8"))["Resources"]),
        }
        for file in sorted(assembly.glob("*.template.json"))
    }
    functions = {}
    for folder in sorted(assembly.glob("asset.*")):
        packages = [each.name for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
        if names := sorted(set(packages) - {"dr_core"}):
            functions["+".join(names)] = _zipped_bytes(folder)
    return {"templates": templates, "functions": functions}


def _zipped_bytes(folder: Path) -> int:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return len(content.getvalue())


def main() -> None:
    """Measure, write the result file and the page, and print the page; the number of turns may be given."""
    content = run(turns=int(sys.argv[1]) if len(sys.argv) > 1 else TURNS)
    page.RESULTS.write_text(json.dumps(content, indent=1) + "\n")
    text = page.document(content)
    page.DOCUMENT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
