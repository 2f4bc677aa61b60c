"""What every simulated service is told when it starts, and how Livy's and Hadoop's settings are read."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from emr_drill.ports import PrimaryPlan

# What the real services listen on when no setting says otherwise.
LIVY_PORT, RESOURCE_MANAGER_PORT, NAME_NODE_PORT = 8998, 8088, 9870
SECURE_RESOURCE_MANAGER_PORT, SECURE_NAME_NODE_PORT = 8090, 9871
# Where Livy hands applications to the ResourceManager, and the ResourceManager containers to the nodes.  Real ones
# speak Hadoop's own protocol there; nobody outside a cluster does.
SUBMIT_PORT, NODE_PORT = 8032, 8041
# Upstream defaults of livy.server.session.state-retain.sec and livy.server.yarn.poll-interval.
RETAIN_SECONDS, POLL_SECONDS = 600.0, 5.0

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Settings of all services of one primary.

    Attributes:
        cluster_id: ``j-...``.
        name: the cluster's name; the ledger calls it the incarnation.
        address: what everything listens on.
        directory: the machine's root directory.
        ledger: file that jobs append to.
        clock: the drill's clock, as ``Clock.to_json`` wrote it.
        seed: the drill's seed.
        livy_port: Livy's port.
        resource_manager_port: port of the ResourceManager's web services.
        name_node_port: port of the NameNode's web services.
        recovery_store: directory of Livy's recovery store, ``None`` if recovery is off.
        retain_seconds: how long Livy keeps a finished batch, simulated seconds.
        poll_seconds: how often Livy asks YARN, simulated seconds.
        certificate: file with the key and the chain that web services speak TLS with; empty if they do not.
    """

    cluster_id: str
    name: str
    address: str
    directory: str
    ledger: str
    clock: str
    seed: int = 1
    livy_port: int = LIVY_PORT
    resource_manager_port: int = RESOURCE_MANAGER_PORT
    name_node_port: int = NAME_NODE_PORT
    recovery_store: str | None = None
    retain_seconds: float = RETAIN_SECONDS
    poll_seconds: float = POLL_SECONDS
    certificate: str = ""

    @classmethod
    def of(cls, plan: PrimaryPlan) -> Self:
        """The settings that *plan*'s classifications give, with the real services' defaults for the rest.

        Raises:
            ValueError: a setting cannot be read.
        """
        livy = plan.classifications.get("livy-conf", {})
        secure = plan.certificates is not None
        return cls(
            cluster_id=plan.cluster_id,
            name=plan.name,
            address=plan.address,
            directory=str(plan.directory),
            ledger=str(plan.ledger),
            clock=plan.clock.to_json(),
            seed=plan.seed,
            livy_port=int(livy.get("livy.server.port", LIVY_PORT)),
            resource_manager_port=_port(
                plan.classifications,
                "yarn-site",
                f"yarn.resourcemanager.webapp.{'https.' if secure else ''}address",
                SECURE_RESOURCE_MANAGER_PORT if secure else RESOURCE_MANAGER_PORT,
            ),
            name_node_port=_port(
                plan.classifications,
                "hdfs-site",
                f"dfs.namenode.http{'s' if secure else ''}-address",
                SECURE_NAME_NODE_PORT if secure else NAME_NODE_PORT,
            ),
            certificate=unpacked(plan.certificates, plan.directory) if plan.certificates is not None else "",
            recovery_store=_recovery_store(livy, plan.directory),
            retain_seconds=seconds(livy.get("livy.server.session.state-retain.sec", f"{RETAIN_SECONDS}s")),
            poll_seconds=seconds(livy.get("livy.server.yarn.poll-interval", f"{POLL_SECONDS}s")),
        )

    def to_json(self) -> str:
        """What a service's process is started with; see :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The settings that :meth:`to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(**data)


def unpacked(archive: bytes, directory: Path) -> str:
    """The file with key and chain that comes out of *archive*, which EMR's agent unpacks on each machine.

    Raises:
        ValueError: the archive lacks a file.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        missing = {"privateKey.pem", "certificateChain.pem"} - set(files.namelist())
        if missing:
            raise ValueError(f"the archive of certificates lacks {', '.join(sorted(missing))}")
        content = files.read("privateKey.pem") + files.read("certificateChain.pem")
    file = directory / "certificate.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    return str(file)


def seconds(text: str) -> float:
    """A duration as Livy writes it: ``500ms``, ``600s``, ``10m``, ``24h``, or a bare number of seconds.

    Raises:
        ValueError: *text* is none of these.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"a duration must be a number with one of {', '.join(_UNITS)} after it, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def _port(classifications: Mapping[str, Mapping[str, str]], classification: str, key: str, default: int) -> int:
    address = classifications.get(classification, {}).get(key, "")
    return int(address.rsplit(":", 1)[1]) if ":" in address else default


def _recovery_store(livy: Mapping[str, str], directory: Path) -> str | None:
    if livy.get("livy.server.recovery.mode", "off") != "recovery":
        return None
    kind = livy.get("livy.server.recovery.state-store", "")
    url = urlsplit(livy.get("livy.server.recovery.state-store.url", ""))
    if kind != "filesystem" or url.scheme != "file" or not url.path.startswith("/"):
        raise ValueError(
            "simulated Livy keeps its recovery store in files: livy.server.recovery.state-store must be 'filesystem' "
            f"and its url file:///..., got {kind!r} and {url.geturl()!r}"
        )
    return str(directory / url.path.lstrip("/"))
