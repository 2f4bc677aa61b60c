"""Simulated NameNode: the three beans that tell whether HDFS can be written to.

SIGUSR1 puts it into safe mode, SIGUSR2 takes it out.  In safe mode ``NameNodeStatus.State`` stays ``active``, as on
the real one: only ``FSNamesystemState.FSState`` and ``NameNodeInfo.Safemode`` tell.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from emr_drill.clock import Clock
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import Configuration
from emr_drill.primary.simulated.process import main, slowness

IDLE_SECONDS = 60.0
SAFE_MODE_TEXT = (
    'Safe mode is ON. It was turned on manually. Use "hdfs dfsadmin -safemode leave" to turn safe mode off.'
)
CAPACITY = {"CapacityTotal": 270553174016, "CapacityUsed": 24576, "CapacityRemaining": 81952448512}
NODES = {"NumLiveDataNodes": 1, "NumDeadDataNodes": 0, "NumDecomLiveDataNodes": 0, "NumInServiceLiveDataNodes": 1}
BLOCKS = {"BlocksTotal": 0, "UnderReplicatedBlocks": 0, "PendingReplicationBlocks": 0, "ScheduledReplicationBlocks": 0}


class NameNode:
    """The web services of a NameNode."""

    def __init__(self, configuration: Configuration) -> None:
        self._address = configuration.address
        self._started_on = round(Clock.from_json(configuration.clock).now() * 1000)
        self.safe_mode = False

    async def answer(self, request: web.Request) -> web.Answer:
        """``GET /jmx``, with or without ``qry``; nothing else."""
        if request.path != "/jmx" or request.method not in ("GET", "HEAD"):
            return web.Answer(status=404, body={"msg": f"no such page: {request.path}"})
        beans = self._beans()
        query = request.query.get("qry")
        return web.Answer(body={"beans": [bean for bean in beans if query in (None, bean["name"])]})

    def _beans(self) -> list[dict[str, Any]]:
        system = "org.apache.hadoop.hdfs.server.namenode.FSNamesystem"
        return [
            {
                "name": "Hadoop:service=NameNode,name=NameNodeStatus",
                "modelerType": "org.apache.hadoop.hdfs.server.namenode.NameNode",
                "State": "active",
                "NNRole": "NameNode",
                "HostAndPort": f"{self._address}:8020",
                "SecurityEnabled": False,
                "LastHATransitionTime": 0,
                "BytesWithFutureGenerationStamps": 0,
                "SlowPeersReport": None,
                "SlowDisksReport": None,
            },
            {
                "name": "Hadoop:service=NameNode,name=FSNamesystemState",
                "modelerType": system,
                **CAPACITY,
                **BLOCKS,
                **NODES,
                "FilesTotal": 4,
                "BlockDeletionStartTime": self._started_on,
                "FSState": "safeMode" if self.safe_mode else "Operational",
                "VolumeFailuresTotal": 0,
                "NumStaleDataNodes": 0,
            },
            {
                "name": "Hadoop:service=NameNode,name=FSNamesystem",
                "modelerType": "FSNamesystem",
                "tag.Context": "dfs",
                "tag.HAState": "active",
                **CAPACITY,
                **BLOCKS,
                **NODES,
                "MissingBlocks": 0,
                "FilesTotal": 4,
            },
            {
                "name": "Hadoop:service=NameNode,name=NameNodeInfo",
                "modelerType": system,
                "Version": "3.4.1, r4d7825309348956336b8f06a08322b78422849b1",
                "UpgradeFinalized": True,
                "Used": CAPACITY["CapacityUsed"],
                "Free": CAPACITY["CapacityRemaining"],
                "Total": CAPACITY["CapacityTotal"],
                "Safemode": SAFE_MODE_TEXT if self.safe_mode else "",
                "TotalBlocks": 0,
                "NumberOfMissingBlocks": 0,
                "DeadNodes": "{}",
                "DecomNodes": "{}",
                "NNStartedTimeInMillis": self._started_on,
                "SoftwareVersion": "3.4.1",
            },
        ]


async def run(configuration: Configuration) -> None:
    """The process."""
    name_node = NameNode(configuration)

    def set_safe_mode(on: bool) -> None:
        name_node.safe_mode = on

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, set_safe_mode, True)
    loop.add_signal_handler(signal.SIGUSR2, set_safe_mode, False)
    await web.serve(
        name_node.answer,
        address=configuration.address,
        port=configuration.name_node_port,
        idle_seconds=IDLE_SECONDS,
        slowness=slowness(configuration),
        certificate=configuration.certificate,
    )


if __name__ == "__main__":
    main(run)
