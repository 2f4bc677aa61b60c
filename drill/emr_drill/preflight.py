"""What must be true before a drill starts; every failure says what to do."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emr_drill.addresses import FIRST_BLOCK, LAST_BLOCK, Addresses
from emr_drill.errors import DrillError

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTION_RUNTIME = REPOSITORY / "build" / "function-runtime"
CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
LIVY_PORT = 8998
# Ports of both load balancers, as the settings have them unless somebody changes them.
FRONT_DOOR_PORTS = (LIVY_PORT, 8088, 9870, 18088, 19870)
ZONES = (1, 2, 3)
# More clusters than a drill launches in one AZ.
PRIMARIES_PER_ZONE = 4
STACK = "aws:cloudformation:stack"
DEFAULT_REGION = "us-east-1"
KEPT_OUTPUT = 3000
LOOK_SECONDS = 0.5  # machine time


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
                f"{addresses.control}:{LIVY_PORT} is in use: another drill runs on address block "
                f"127.{addresses.block}, or something listens on port {LIVY_PORT} of every address ({_finder()}).  "
                f"Wait for its end or stop it, or give this drill another block: --block {_other(addresses.block)}"
            ) from error
        raise _cannot_bind(addresses, addresses.control, LIVY_PORT, error) from error
    return holder


def check_ports(addresses: Addresses, primary_ports: Sequence[int]) -> None:
    """Nothing listens where load balancers and primaries of this drill will.

    Args:
        addresses: the drill's addresses.
        primary_ports: ports that the services of a primary listen on.

    Raises:
        DrillError: something does, or an address cannot be bound.
    """
    for zone in ZONES:
        for node in (addresses.application_load_balancer(zone), addresses.network_load_balancer(zone)):
            for port in FRONT_DOOR_PORTS:
                _check_port(addresses, node, port)
        for number in range(PRIMARIES_PER_ZONE):
            for port in primary_ports:
                _check_port(addresses, addresses.primary(zone, number), port)


def _check_port(addresses: Addresses, address: str, port: int) -> None:
    with socket.socket() as probe:
        # Connections of an earlier drill that are still in TIME_WAIT are no listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise DrillError(
                    f"{address}:{port} is in use, and this drill needs it.  Stop what listens there ({_finder(port)}), "
                    f"or give the drill another block: --block {_other(addresses.block)}"
                ) from error
            raise _cannot_bind(addresses, address, port, error) from error


def _finder(port: int = LIVY_PORT) -> str:
    return f"lsof -nP -iTCP:{port}" if sys.platform == "darwin" else f"ss -ltnp 'sport = :{port}'"


def _other(block: int) -> int:
    return block + 1 if block < LAST_BLOCK else FIRST_BLOCK


def _cannot_bind(addresses: Addresses, address: str, port: int, error: OSError) -> DrillError:
    return DrillError(
        f"cannot listen on {address}:{port}: {error.strerror}.  Linux has every address of 127.0.0.0/8; on macOS each "
        f"but 127.0.0.1 needs an alias first: {alias_command(addresses)}"
    )


def alias_command(addresses: Addresses) -> str:
    """The shell command that gives a Mac the addresses of a drill; once after each boot."""
    nodes = [addresses.application_load_balancer(1), addresses.network_load_balancer(1)]
    primaries = [addresses.primary(1, number) for number in range(PRIMARIES_PER_ZONE)]
    hosts = ",".join(address.rpartition(".")[2] for address in nodes + primaries)
    zones = ",".join(str(zone) for zone in ZONES)
    return (
        f"for a in {addresses.control} 127.{addresses.block}.{{{zones}}}.{{{hosts}}}; "
        "do sudo ifconfig lo0 alias $a up; done"
    )


def check_function_runtime() -> None:
    """The packages that functions find at run time are installed.

    Raises:
        DrillError: they are not.
    """
    if not (FUNCTION_RUNTIME / "boto3").is_dir():
        raise DrillError(f"{FUNCTION_RUNTIME.relative_to(REPOSITORY)} is missing: run `make setup` first")


def check_assembly(assembly: Path, *, stacks: Sequence[str]) -> None:
    """*assembly* is a cloud assembly that has *stacks*.

    Raises:
        DrillError: it is not, or has others.
    """
    remedy = "name a directory that `cdk synth` wrote (cdk.out), or leave --assembly out to synthesize one"
    try:
        manifest = json.loads((assembly / "manifest.json").read_text())
        found = {name for name, artifact in manifest["artifacts"].items() if artifact["type"] == STACK}
    except OSError as error:
        raise DrillError(
            f"{assembly} is no cloud assembly: cannot read its manifest.json ({error.strerror}); {remedy}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DrillError(f"{assembly} is no cloud assembly: its manifest.json is not one; {remedy}") from error
    if missing := [name for name in stacks if name not in found]:
        raise DrillError(
            f"{assembly} has no stack {', '.join(missing)}, only {', '.join(sorted(found)) or 'none'}; {remedy}"
        )


def region_of(assembly: Path, *, stack: str) -> str:
    """The region that *stack* of *assembly* was made for; ``us-east-1`` if for any."""
    manifest = json.loads((assembly / "manifest.json").read_text())
    region = str(manifest["artifacts"][stack].get("environment", "")).rpartition("/")[2]
    return region if region and region != "unknown-region" else DEFAULT_REGION


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
    process, printed = _run_group(command, environment={**os.environ, "PATH": path})
    if process.returncode != 0:
        lines = [line for line in printed.strip().splitlines() if "Subprocess exited with error" not in line]
        raise DrillError(
            f"cdk synth failed (exit code {process.returncode}):\n" + "\n".join(lines)[-KEPT_OUTPUT:].strip()
        )


def _run_group(command: Sequence[str], *, environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Run *command* in the repository, with what it starts; an interruption ends all of it.  Gives what it printed."""

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    with ThreadPoolExecutor(max_workers=1) as pool:
        # Started in a thread: an interruption comes to the main one, and must not come between the start and knowing
        # what was started.
        starting = pool.submit(start)
        try:
            process = starting.result()
            while True:  # one endless wait would miss a signal that comes just before it
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process, process.communicate(timeout=LOOK_SECONDS)[0]
        except BaseException:
            process = starting.result()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
