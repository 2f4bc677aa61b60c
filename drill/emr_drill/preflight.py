"""What must be true before a drill starts; every failure says what to do."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

from emr_drill.addresses import Addresses
from emr_drill.errors import DrillError

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTION_RUNTIME = REPOSITORY / "build" / "function-runtime"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
LIVY_PORT = 8998


def hold_block(addresses: Addresses) -> socket.socket:
    """Take the address block for this drill; it is free again when the socket is closed or the process ends.

    Raises:
        DrillError: another drill has it, or the addresses cannot be bound on this machine.
    """
    holder = socket.socket()
    try:
        holder.bind((addresses.control, LIVY_PORT))
        holder.listen(1)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            raise DrillError(
                f"address block 127.{addresses.block} is in use by another drill on this machine; "
                f"wait for it, or take another one: --block {addresses.block + 1}"
            ) from error
        raise DrillError(
            f"cannot bind {addresses.control}: {error.strerror}.  On macOS every loopback address but 127.0.0.1 "
            f"needs an alias first: sudo ifconfig lo0 alias {addresses.control} up "
            f"(and the same for 127.{addresses.block}.1.2, .1.3, .1.10 to .1.13, and those of AZs 2 and 3)"
        ) from error
    return holder


def check_function_runtime() -> None:
    """The packages that functions find at run time are installed.

    Raises:
        DrillError: they are not.
    """
    if not (FUNCTION_RUNTIME / "boto3").is_dir():
        raise DrillError(f"{FUNCTION_RUNTIME.relative_to(REPOSITORY)} is missing: run `make setup` first")


def synthesize(output: Path, *, context: tuple[str, ...] = ()) -> None:
    """Run ``cdk synth``, the way a user or a CI does, into *output*.

    Args:
        output: directory of the cloud assembly.
        context: ``-c`` arguments, ``key=value``.

    Raises:
        DrillError: it failed; carries what it printed.
    """
    if not CDK.exists():
        raise DrillError("the CDK command line is missing: run `make setup` first")
    command = [str(CDK), "synth", "--quiet", "--output", str(output)]
    for item in context:
        command += ["-c", item]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DrillError(
            f"cdk synth failed (exit code {done.returncode}):\n{(done.stdout + done.stderr).strip()[-3000:]}"
        )
