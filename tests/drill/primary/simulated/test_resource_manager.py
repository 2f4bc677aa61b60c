"""The simulated ResourceManager's web services, held to the answers of a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from emr_drill.primary.simulated import web
from emr_drill.primary.simulated.configuration import NODE_PORT, Configuration
from emr_drill.primary.simulated.resource_manager import ResourceManager
from tests.drill.primary.simulated.conftest import sample, shape
from tests.drill.primary.simulated.test_batches import until

APPLICATION = {"name": "one", "tags": "livy-batch-1-a", "file": "job.py", "arguments": [], "submitted_at": 0.0}


class Cluster:
    """A ResourceManager, and nodes that do what the test says."""

    def __init__(self, configuration: Configuration) -> None:
        self.manager = ResourceManager(configuration)
        self.killed: list[str] = []

    async def nodes(self, request: web.Request) -> web.Answer:
        """Take every container."""
        if request.method == "DELETE":
            self.killed.append(request.path.rsplit("/", 1)[1])
        return web.Answer(body={})

    async def get(self, path: str, **query: str) -> Any:
        """A page of the web services."""
        return (await self.manager.answer(web.Request(method="GET", path=f"/ws/v1/cluster{path}", query=query))).body

    async def put(self, path: str, body: Mapping[str, str]) -> web.Answer:
        """A change through the web services."""
        content = json.dumps(body).encode()
        return await self.manager.answer(web.Request(method="PUT", path=f"/ws/v1/cluster{path}", body=content))

    async def tell(self, path: str, body: Any) -> Any:
        """What Livy and the nodes send."""
        content = json.dumps(body).encode()
        return (await self.manager.answer_cluster(web.Request(method="POST", path=path, body=content))).body

    async def submit(self, **more: Any) -> str:
        """Submit an application and wait until it runs; its id."""
        identifier = str((await self.tell("/applications", {**APPLICATION, **more}))["id"])
        while (await self.get(f"/apps/{identifier}/state"))["state"] != "RUNNING":
            await asyncio.sleep(0.01)
        return identifier


def with_cluster(configuration: Configuration, test: Callable[[Cluster], Awaitable[Any]]) -> Any:
    """Run *test* with a cluster that has nodes."""

    async def run() -> Any:
        cluster = Cluster(configuration)
        server = await web.serve(cluster.nodes, address=configuration.address, port=NODE_PORT, idle_seconds=30)
        try:
            return await test(cluster)
        finally:
            server.close()

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["", "/info"])
def test_the_info_is_that_of_a_started_cluster(configuration: Configuration, path: str) -> None:
    """What the source's health check reads (A11)."""
    found = with_cluster(configuration, lambda cluster: cluster.get(path))

    real = sample("rm-cluster-info")
    assert found["clusterInfo"]["state"] == real["clusterInfo"]["state"] == "STARTED"
    assert shape(found["clusterInfo"]).items() <= shape(real["clusterInfo"]).items()


def test_the_metrics_have_the_real_ones_names_and_types(configuration: Configuration) -> None:
    found = with_cluster(configuration, lambda cluster: cluster.get("/metrics"))

    real = sample("rm-cluster-metrics")["clusterMetrics"]
    assert shape(found["clusterMetrics"]).items() <= shape(real).items()


def test_a_node_counts_as_active_once_it_was_heard(configuration: Configuration) -> None:
    async def test(cluster: Cluster) -> Any:
        before = (await cluster.get("/metrics"))["clusterMetrics"]["activeNodes"]
        await cluster.tell("/heartbeat", {"containers": 0})
        return before, (await cluster.get("/metrics"))["clusterMetrics"]["activeNodes"]

    assert with_cluster(configuration, test) == (0, 1)


def test_one_that_was_started_again_has_forgotten_what_runs(configuration: Configuration) -> None:
    """A14: as a real one without recovery; only its start tells."""

    async def test(cluster: Cluster) -> Any:
        await cluster.submit()
        before = (await cluster.get("/info"))["clusterInfo"]["startedOn"]
        cluster.manager = ResourceManager(configuration)
        await cluster.tell("/heartbeat", {"containers": 1})
        after, metrics = await cluster.get("/info"), (await cluster.get("/metrics"))["clusterMetrics"]
        told = (await cluster.get("/apps"))["apps"], metrics["activeNodes"], metrics["lostNodes"], cluster.killed
        return told, after["clusterInfo"]["startedOn"] > before, after["clusterInfo"]["haState"]

    assert with_cluster(configuration, test) == ((None, 1, 0, []), True, "ACTIVE")


def test_the_nodes_have_the_real_ones_names_and_types(configuration: Configuration) -> None:
    async def test(cluster: Cluster) -> Any:
        await cluster.tell("/heartbeat", {"containers": 0})
        return (await cluster.get("/nodes"))["nodes"]["node"][0]

    assert (
        shape(with_cluster(configuration, test)).items()
        <= shape(sample("rm-cluster-nodes")["nodes"]["node"][0]).items()
    )


def test_an_application_id_holds_the_start_of_its_resource_manager(configuration: Configuration) -> None:
    async def test(cluster: Cluster) -> Any:
        return await cluster.submit(), (await cluster.get("/info"))["clusterInfo"]["id"]

    identifier, cluster_id = with_cluster(configuration, test)
    assert identifier == f"application_{cluster_id}_0001"


@pytest.mark.parametrize(("exit_code", "final"), [(0, "SUCCEEDED"), (1, "FAILED")])
def test_an_application_ends_as_its_driver_does(configuration: Configuration, exit_code: int, final: str) -> None:
    async def test(cluster: Cluster) -> Any:
        identifier = await cluster.submit()
        await cluster.tell("/finished", {"application": identifier, "exit_code": exit_code})
        return (await cluster.get(f"/apps/{identifier}"))["app"]

    found = with_cluster(configuration, test)
    assert (found["state"], found["finalStatus"]) == ("FINISHED", final)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"states": "RUNNING"}, 1),
        ({"states": "NEW,SUBMITTED,ACCEPTED"}, 0),
        ({"applicationTags": "livy-batch-2-b"}, 1),
    ],
)
def test_applications_can_be_asked_for_by_state_and_tag(
    configuration: Configuration, query: dict[str, str], count: int
) -> None:
    async def test(cluster: Cluster) -> Any:
        done = await cluster.submit()
        await cluster.submit(tags="livy-batch-2-b")
        await cluster.tell("/finished", {"application": done, "exit_code": 0})
        return await cluster.get("/apps", **query)

    found = with_cluster(configuration, test)["apps"]
    assert len(found["app"] if found else []) == count


def test_killing_is_accepted_first_and_true_when_the_containers_are_gone(configuration: Configuration) -> None:
    """The fence believes KILLED: it must not come before the containers' end."""

    async def test(cluster: Cluster) -> Any:
        identifier = await cluster.submit()
        accepted = await cluster.put(f"/apps/{identifier}/state", {"state": "KILLED"})
        await until(lambda: cluster.killed)
        await asyncio.sleep(0.05)
        again = await cluster.put(f"/apps/{identifier}/state", {"state": "KILLED"})
        return (accepted.status, accepted.body), (again.status, again.body), cluster.killed == [identifier]

    assert with_cluster(configuration, test) == ((202, {"state": "RUNNING"}), (200, {"state": "KILLED"}), True)


def test_a_killed_application_stays_killed_when_a_late_word_of_its_end_comes(configuration: Configuration) -> None:
    async def test(cluster: Cluster) -> Any:
        identifier = await cluster.submit()
        await cluster.manager.answer_cluster(web.Request(method="DELETE", path=f"/applications/{identifier}"))
        await cluster.tell("/finished", {"application": identifier, "exit_code": 0})
        return (await cluster.get(f"/apps/{identifier}/state"))["state"]

    assert with_cluster(configuration, test) == "KILLED"


@pytest.mark.parametrize(("wanted", "expected"), [("KILLED", 404), ("RUNNING", 404)])
def test_an_unknown_application_is_not_found(configuration: Configuration, wanted: str, expected: int) -> None:
    async def test(cluster: Cluster) -> Any:
        return (await cluster.put("/apps/application_1_0009/state", {"state": wanted})).status

    assert with_cluster(configuration, test) == expected


def test_only_killing_can_be_asked_for(configuration: Configuration) -> None:
    async def test(cluster: Cluster) -> Any:
        return (await cluster.put(f"/apps/{await cluster.submit()}/state", {"state": "FINISHED"})).status

    assert with_cluster(configuration, test) == 400


def test_applications_cannot_be_submitted_through_the_web_services(configuration: Configuration) -> None:
    """`yarn.webapp.enable-rest-app-submissions` is off."""

    async def test(cluster: Cluster) -> Any:
        request = web.Request(method="POST", path="/ws/v1/cluster/apps", body=b"{}")
        return (await cluster.manager.answer(request)).status

    assert with_cluster(configuration, test) == 404
