"""The front door of the stand-in with a certificate, from the AWS API to the client (B8)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_core import routing
from emr_drill.authority import Authority
from emr_drill.encryption import CERTIFICATE_ARN, HOST_NAME, Encryption
from emr_drill.jobs.client import LivyClient, Secure
from tests.drill.front_door.world import eventually, free_port
from tests.drill.stand_in.load_balancer_world import FakeStandIn, ask, deploy, stand_in, states

ROUTER, DOOR, PRIMARY = "127.98.1.2", "127.98.1.3", "127.98.1.10"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeStandIn]:
    with stand_in(tmp_path) as made:
        yield made


@pytest.fixture
def encryption(fake: FakeStandIn, tmp_path: Path) -> Encryption:
    made = Encryption.make(tmp_path)
    made.begin(fake)  # type: ignore[arg-type]
    return made


@pytest.fixture
def port() -> int:
    return free_port(PRIMARY)


@pytest.fixture
def outputs(fake: FakeStandIn, encryption: Encryption, port: int) -> dict[str, str]:
    return deploy(fake, port, CERTIFICATE_ARN)


def through(address: str, port: int, secure: Secure) -> tuple[int, str]:
    """Status and error of a look at the front door's own path."""
    answer = LivyClient(addresses=lambda: [address], port=port, secure=secure).call("GET", routing.HEALTH_PATH)
    return answer.status, answer.error


def test_both_load_balancers_lead_to_the_certificate(
    fake: FakeStandIn, outputs: dict[str, str], encryption: Encryption, port: int
) -> None:
    """The network load balancer passes TLS on without a certificate of its own."""
    eventually(lambda: states(fake, outputs["Doorway"]) == {outputs["RouterArn"]: "healthy"})
    fake.settle()

    assert through(ROUTER, port, encryption.secure())[0] == 200
    assert through(DOOR, port, encryption.secure())[0] == 200


def test_nothing_else_is_spoken(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    """Else a drill could pass whose clients speak in the clear."""
    with pytest.raises(OSError):
        ask(ROUTER, port, routing.HEALTH_PATH)


def test_a_client_with_another_authority_is_not_served(fake: FakeStandIn, outputs: dict[str, str], port: int) -> None:
    context = ssl.create_default_context(cadata=Authority("another").pem.decode())

    status, error = through(ROUTER, port, Secure(name=HOST_NAME, context=context))
    assert (status, "CERTIFICATE_VERIFY_FAILED" in error) == (0, True)


def test_a_certificate_ends_and_is_renewed(
    fake: FakeStandIn, outputs: dict[str, str], encryption: Encryption, port: int
) -> None:
    """What the row `expired-certificate` does."""
    encryption.expire(fake)  # type: ignore[arg-type]
    assert "certificate has expired" in through(ROUTER, port, encryption.secure())[1]

    encryption.begin(fake)  # type: ignore[arg-type]
    assert through(ROUTER, port, encryption.secure())[0] == 200
    assert [entry["kind"] for entry in fake.journal].count("certificate") == 3


def test_an_alias_is_a_name_like_the_load_balancers_own(fake: FakeStandIn, outputs: dict[str, str]) -> None:
    """A6: functions and clients resolve it."""
    fake.load_balancers.alias(HOST_NAME, outputs["DoorName"])
    assert fake.load_balancers.dns_names()[HOST_NAME] == [DOOR, "127.98.2.3"]
    assert json.loads((fake.workdir / "names.json").read_text())[HOST_NAME] == [DOOR, "127.98.2.3"]

    fake.load_balancers.alias(HOST_NAME, None)
    assert HOST_NAME not in fake.load_balancers.dns_names()
