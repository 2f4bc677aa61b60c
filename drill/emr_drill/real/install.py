"""Fetches real services: Hadoop and Livy from Maven Central, Spark from PyPI, into ``build/real``.

Everything is pinned (the two POM files, constraints.txt).  Nothing is fetched when a drill runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from emr_drill.errors import DrillError
from emr_drill.preflight import REPOSITORY

HOME = REPOSITORY / "build" / "real"
HADOOP_JARS = HOME / "hadoop" / "lib"
HADOOP_WEB = HOME / "hadoop" / "web"
SPARK = HOME / "spark"
SPARK_HOME = SPARK / "pyspark"
OLDEST_JAVA = 11
LIVY_VARIABLE = "EMR_DR_LIVY_HOME"
POMS = Path(__file__).resolve().parent / "pom"
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
# The daemons refuse to start without these folders on their class path, empty as they may be.
WEB_APPLICATIONS = ("hdfs", "datanode", "secondary", "cluster", "node")


def livy_jars() -> Path:
    """The directory of Livy's jars: that of ``EMR_DR_LIVY_HOME`` if set, else the one installed here.

    Raises:
        DrillError: the variable names a directory without jars.
    """
    other = os.environ.get(LIVY_VARIABLE)
    if not other:
        return HOME / "livy" / "lib"
    home = Path(other).expanduser().absolute()  # services run in other directories
    for candidate in (home / "jars", home / "lib", home):
        if any(candidate.glob("livy-server-*.jar")):
            return candidate
    raise DrillError(
        f"{LIVY_VARIABLE}={other} has no livy-server-*.jar in it, nor in its jars/ or lib/: name Livy's home"
    )


def java() -> str:
    """The Java that runs the services.

    Raises:
        DrillError: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = (
        str(Path(home) / "bin" / "java") if home and (Path(home) / "bin" / "java").exists() else shutil.which("java")
    )
    if not found:
        raise DrillError(
            "real services need Java 11 or 17: install a JDK (or set JAVA_HOME), or use --services simulated"
        )
    return found


def check_java() -> None:
    """The Java that runs the services is new enough.

    Raises:
        DrillError: there is none, it does not run (macOS has a `java` that only says where to get one), or it is old.
    """
    program = java()
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
        printed = (done.stdout + done.stderr).strip()
    except OSError as error:
        printed = str(error)
    found = re.search(r'version "(\d+)', printed)
    if not found or int(found[1]) < OLDEST_JAVA:
        raise DrillError(
            f"real services need Java 11 or 17, but {program} says: {printed or 'nothing'}.  Install one (or set "
            "JAVA_HOME), or use --services simulated"
        )


def check() -> None:
    """Everything that real services need is there.

    Raises:
        DrillError: something is not; names it and the remedy.
    """
    check_java()
    missing = [path for path in (HADOOP_JARS, livy_jars(), SPARK_HOME) if not path.is_dir()]
    if missing:
        names = ", ".join(str(path.relative_to(REPOSITORY)) for path in missing)
        raise DrillError(
            f"real services are not installed ({names} missing): run `emr-dr real-services install` (or "
            "`make drill-real`), which fetches them once"
        )


def install(*, say: Callable[[str], None]) -> None:
    """Fetch what is missing; about 600 MB on disk, a minute with a fast connection.

    Args:
        say: gets a sentence for each part.

    Raises:
        DrillError: Java or Maven is missing, or a download failed.
    """
    check_java()
    maven = shutil.which("mvn")
    if not maven:
        raise DrillError("real services are fetched with Maven: install it (`mvn`), or use --services simulated")
    for name, jars in (("hadoop", HADOOP_JARS), ("livy", HOME / "livy" / "lib")):
        if not jars.is_dir():
            say(f"fetching {name} from Maven Central")
            partial = jars.with_suffix(".partial")  # so that an interrupted download is not taken for a whole one
            shutil.rmtree(partial, ignore_errors=True)
            command = [maven, "--batch-mode", "--quiet", "-f", str(POMS / f"{name}.xml"), COPY_JARS]
            _run([*command, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"], f"Maven could not fetch {name}")
            partial.rename(jars)
    for application in WEB_APPLICATIONS:
        (HADOOP_WEB / "webapps" / application).mkdir(parents=True, exist_ok=True)
    if not SPARK_HOME.is_dir():
        say("fetching Spark from PyPI")
        partial = SPARK.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            str(partial),
        ]
        _run([*pip, "-r", str(REPOSITORY / "requirements-real.txt")], "pip could not fetch Spark")
        partial.rename(SPARK)


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DrillError(f"{failure} (exit code {done.returncode}):\n{(done.stdout + done.stderr).strip()[-2000:]}")
