"""What every simulated service's process does: read its settings, run, and die with the drill."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from emr_drill.primary.simulated.configuration import Configuration


def slow_file(directory: str | Path) -> Path:
    """Where the drill says how many seconds of machine time longer each answer of a machine's services takes."""
    return Path(directory) / "slow"


def slowness(configuration: Configuration) -> Callable[[], float]:
    """Gives what :func:`slow_file` says now; 0 as long as there is no such file."""
    file = slow_file(configuration.directory)

    def seconds() -> float:
        try:
            return float(file.read_text())
        except FileNotFoundError:
            return 0.0

    return seconds


def main(service: Callable[[Configuration], Awaitable[None]]) -> None:
    """Run *service* until it is killed or the drill is gone.

    The drill holds the other end of standard input and never writes to it; when it dies, however it dies, the end of
    file ends this process too.  (Linux could kill on the parent's death, but it means the parent's *thread*, and macOS
    has no such thing.)
    """
    configuration = Configuration.from_json(sys.argv[1])
    asyncio.run(_run(service, configuration))


async def _run(service: Callable[[Configuration], Awaitable[None]], configuration: Configuration) -> None:
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 1):
            os._exit(0)

    asyncio.get_running_loop().add_reader(descriptor, readable)
    await service(configuration)
    await asyncio.Event().wait()
