"""Who runs the jobs: both operators, both ways of waiting, and the releases of Airflow."""

from __future__ import annotations

import fcntl
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from emr_dr.provider_wheel import build_provider_wheel
from emr_drill.clients import environments
from emr_drill.clients.kinds import EARLY_KIND, KINDS

RELEASES = ("3.0.6", "2.11.0")
BUILT = environments.HOME.parent / "provider"


class Operator(StrEnum):
    """Which operator."""

    OURS = "ours"
    STOCK = "stock"


OPERATORS = {
    Operator.OURS: "emr_dr_airflow.operators:EmrLivyOperator",
    Operator.STOCK: "airflow.providers.apache.livy.operators.livy:LivyOperator",
}
MODES = ("sync", "deferrable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One way in which a job is run.

    Attributes:
        operator: ours or the stock one.
        mode: ``sync`` or ``deferrable``.
        release: of Airflow.
    """

    operator: Operator
    mode: str
    release: str

    @property
    def name(self) -> str:
        """For keys and reports."""
        return f"{self.operator}-{self.mode}-{self.release}"


def clients(operators: tuple[Operator, ...], releases: tuple[str, ...] = RELEASES) -> list[Client]:
    """Everyone there is."""
    return [
        Client(operator=operator, mode=mode, release=release)
        for release in releases
        for operator in operators
        for mode in MODES
    ]


def python(release: str) -> Path:
    """The interpreter of an environment in which the wheel is installed beside Airflow; made if need be, once.

    It sees the packages of the pinned environment, and pip finds everything there that the wheel asks for: without an
    index, it would fail otherwise.
    """
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environments.install([kind for kind in (*KINDS, EARLY_KIND) if kind.version == release], say=print)
        wheel = build_provider_wheel(BUILT / "wheel")
        base = environments.python(f"airflow-{release}")
        home = BUILT / f"airflow-{release}"
        mark, content = home / ".installed", f"{sha256(wheel.read_bytes()).hexdigest()} {base}"
        if not mark.is_file() or mark.read_text() != content:
            _make(home, base, wheel)
            mark.write_text(content)
    return home / "bin" / "python"


def _make(home: Path, base: Path, wheel: Path) -> None:
    subprocess.run([str(base), "-m", "venv", "--clear", "--without-pip", str(home)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (seen,) = base.parents[1].glob("lib/python*/site-packages")
    (packages / "airflow.pth").write_text(f"{seen}\n")
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, str(wheel)], check=True)
