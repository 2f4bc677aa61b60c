"""What every simulated service's process does: read its settings, run, and die with the drill."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from emr_drill.primary.simulated.configuration import Configuration


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
