"""What Airflow gets besides DAG files: ``plugins.zip`` with the wheels, and the requirements that name them.

MWAA's machines install from this file alone, so everything that its image lacks has to be in it.  The Livy provider
comes from PyPI once for each machine that synthesizes, checked against the hash of its release.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emr_dr import airflow_options
from emr_dr.airflow_releases import LivyProvider
from emr_dr.provider_wheel import WheelError, build_provider_wheel

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS_FOLDER = REPOSITORY / "dags"
CACHE = REPOSITORY / "build" / "airflow-wheels"

# The earliest that a zip file can say: the same content has to be the same file.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """A package that Airflow needs cannot be had; says which, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What an environment installs.

    Attributes:
        plugins: file ``plugins.zip``.
        requirements: file ``requirements.txt``.
        lines: the requirements themselves, the path of each wheel on MWAA's machines.
    """

    plugins: Path
    requirements: Path
    lines: tuple[str, ...]


def dag_files() -> list[Path]:
    """The DAG files that Airflow receives."""
    return sorted(DAGS_FOLDER.glob("*.py"))


def prepare(provider: LivyProvider, directory: Path, *, authority: Path | None = None) -> Packages:
    """Write both files to *directory*; the same wheels give the same files.

    Args:
        provider: the provider whose wheel Airflow installs.
        directory: where the files are written.
        authority: PEM file that comes along as :data:`emr_dr.airflow_options.AUTHORITY_FILE`.

    Raises:
        PackageError: a wheel cannot be had.
    """
    wheels = [livy_wheel(provider), *own_wheels(directory)]
    plugins, requirements = directory / "plugins.zip", directory / "requirements.txt"
    others = []
    if authority is not None:
        others = [directory / Path(airflow_options.AUTHORITY_FILE).name]
        shutil.copyfile(authority, others[0])
    pack([*wheels, *others], plugins)
    lines = airflow_options.packages([wheel.name for wheel in wheels])
    requirements.write_text(airflow_options.requirements(lines), encoding="utf-8")
    return Packages(plugins=plugins, requirements=requirements, lines=tuple(lines))


def pack(files: Sequence[Path], archive: Path) -> None:
    """Write *files* into a zip file that says nothing of when and where it was made."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:  # wheels are compressed already
        for file in sorted(files, key=lambda each: each.name):
            entry = zipfile.ZipInfo(file.name, date_time=_LONG_AGO)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, file.read_bytes())


def own_wheels(directory: Path) -> list[Path]:
    """The wheel of the project's own operators, built below *directory*.

    Raises:
        PackageError: it cannot be built.
    """
    try:
        return [build_provider_wheel(directory / "own")]
    except WheelError as error:
        raise PackageError(f"mwaa: the wheel of the project's own operators cannot be built\n    {error}") from error


def livy_wheel(provider: LivyProvider, cache: Path | None = None) -> Path:
    """The wheel of the Livy provider, from the cache or else from PyPI.

    Args:
        provider: which; without a hash whatever PyPI has under that version is taken.
        cache: where wheels are kept; ``build/airflow-wheels`` by default.

    Raises:
        PackageError: it cannot be downloaded, or has another hash.
    """
    folder = (cache or CACHE) / f"{provider.version}-{provider.sha256[:12] or 'any'}"
    if found := sorted(folder.glob("*.whl")):
        return found[0]
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(
        provider.requirement + (f" --hash=sha256:{provider.sha256}" if provider.sha256 else "") + "\n", encoding="utf-8"
    )
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--only-binary", ":all:", "--requirement", str(wanted), "--dest", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = sorted(folder.glob("*.whl"))
    if run.returncode != 0 or not found:
        raise PackageError(
            f"mwaa: the wheel of {provider.requirement} cannot be had\n"
            f"    got: {(run.stderr or run.stdout).strip() or 'nothing'}\n"
            f"    allowed: a wheel of that version{' and hash' if provider.sha256 else ''}\n"
            f"    remedy: synthesize where pip reaches its index, or put the wheel into {folder}"
        )
    return found[0]
