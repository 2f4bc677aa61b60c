"""Simulated services that speak TLS with the archive that EMR's agent unpacks (B8)."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from emr_drill.authority import Authority
from emr_drill.clock import Clock
from emr_drill.ports import PrimaryPlan
from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import Configuration, unpacked
from tests.drill.front_door.world import HOST, free_port

SITES = {
    "yarn-site": {"yarn.resourcemanager.webapp.https.address": "${yarn.resourcemanager.hostname}:18090"},
    "hdfs-site": {"dfs.namenode.https-address": "0.0.0.0:19871"},
}


def plan(folder: Path, certificates: bytes | None, *, sites: dict[str, dict[str, str]]) -> PrimaryPlan:
    return PrimaryPlan(
        cluster_id="j-1",
        name="c",
        address=HOST,
        directory=folder,
        ledger=folder / "ledger",
        clock=Clock.start(speed=1),
        classifications=sites,
        certificates=certificates,
    )


def test_with_an_archive_services_have_their_ports_of_tls(tmp_path: Path) -> None:
    """Hadoop's defaults, and what the template says."""
    archive = Authority().issue(["*.ec2.internal"]).archive()

    default = Configuration.of(plan(tmp_path, archive, sites={}))
    assert (default.livy_port, default.resource_manager_port, default.name_node_port) == (8998, 8090, 9871)
    assert default.certificate == str(tmp_path / "certificate.pem")

    told = Configuration.of(plan(tmp_path, archive, sites=SITES))
    assert (told.resource_manager_port, told.name_node_port) == (18090, 19871)


def test_without_an_archive_services_speak_in_the_clear(tmp_path: Path) -> None:
    found = Configuration.of(plan(tmp_path, None, sites=SITES))

    assert (found.resource_manager_port, found.name_node_port, found.certificate) == (8088, 9870, "")


def test_an_archive_without_a_key_is_no_use(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        files.writestr("certificateChain.pem", b"")

    with pytest.raises(ValueError, match=r"lacks privateKey\.pem"):
        unpacked(content.getvalue(), tmp_path)


def test_a_service_speaks_nothing_but_tls(tmp_path: Path) -> None:
    certificate = unpacked(Authority().issue(["*.ec2.internal"]).archive(), tmp_path)
    port = free_port()

    async def answer(_: web.Request) -> web.Answer:
        return web.Answer(body={"x": 1})

    async def both() -> tuple[int, object]:
        server = await web.serve(answer, address=HOST, port=port, idle_seconds=5, certificate=certificate)
        async with server:
            with pytest.raises(OSError):
                await web.call("GET", HOST, port, "/")
            return await web.call("GET", HOST, port, "/", secure=True)

    assert asyncio.run(both()) == (200, {"x": 1})
