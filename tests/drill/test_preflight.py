"""What must be true before a drill starts: every failure says what to do, and leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emr_drill import preflight
from emr_drill.addresses import Addresses
from emr_drill.errors import DrillError


@pytest.fixture
def addresses() -> Addresses:
    """A block that no drill and no other test worker uses: the last ones, by worker."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "0")
    return Addresses(block=98 - worker % 4)


@contextmanager
def listener(address: str, port: int) -> Iterator[None]:
    """Something else that listens there."""
    with socket.create_server((address, port)):
        yield


def test_a_second_drill_on_a_block_is_refused(addresses: Addresses) -> None:
    with (
        preflight.hold_block(addresses),
        pytest.raises(DrillError, match=rf"{addresses.control}:8998 is in use: another drill runs") as refused,
    ):
        preflight.hold_block(addresses)

    assert f"--block {addresses.block + 1}" in str(refused.value)


def test_a_held_block_is_taken_for_everybody(addresses: Addresses) -> None:
    """Servers that reuse addresses would get one that is bound but not listened on."""
    with preflight.hold_block(addresses), pytest.raises(OSError, match="in use"):
        socket.create_server((addresses.control, 8998))


def test_a_block_is_free_again_after_its_drill(addresses: Addresses) -> None:
    preflight.hold_block(addresses).close()

    preflight.hold_block(addresses).close()


def test_two_drills_run_on_two_blocks(addresses: Addresses) -> None:
    with preflight.hold_block(addresses), preflight.hold_block(Addresses(block=addresses.block - 10)):
        pass


def test_the_last_block_is_not_told_to_take_the_next_one() -> None:
    last = Addresses(block=99)

    with preflight.hold_block(last), pytest.raises(DrillError, match=r"--block 10$"):
        preflight.hold_block(last)


@pytest.mark.parametrize("what", ["primary", "application_load_balancer", "network_load_balancer"])
def test_a_port_in_use_is_named_with_the_remedy(addresses: Addresses, what: str) -> None:
    address = addresses.primary(1, 0) if what == "primary" else getattr(addresses, what)(2)

    with listener(address, 8998), pytest.raises(DrillError) as refused:
        preflight.check_ports(addresses, [8998, 8032])

    assert f"{address}:8998 is in use" in str(refused.value)
    assert f"--block {addresses.block + 1}" in str(refused.value)


def test_a_port_that_only_primaries_use_is_checked_there(addresses: Addresses) -> None:
    with listener(addresses.primary(3, 0), 8032), pytest.raises(DrillError, match=r":8032 is in use"):
        preflight.check_ports(addresses, [8998, 8032])


def test_free_ports_pass_and_stay_free(addresses: Addresses) -> None:
    preflight.check_ports(addresses, [8998])

    with listener(addresses.primary(1, 0), 8998):
        pass


class Unbindable(socket.socket):
    """A socket on a machine that does not have the address."""

    def bind(self, address: Any, /) -> None:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))


@pytest.mark.parametrize("check", ["hold_block", "check_ports"])
def test_an_address_that_cannot_be_bound_gets_the_command_that_makes_it(
    addresses: Addresses, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, where each loopback address needs an alias."""
    monkeypatch.setattr("emr_drill.preflight.socket.socket", Unbindable)

    with pytest.raises(DrillError) as refused:
        preflight.hold_block(addresses) if check == "hold_block" else preflight.check_ports(addresses, [8998])

    assert preflight.alias_command(addresses) in str(refused.value)


def test_the_alias_command_names_every_address_that_a_drill_takes(addresses: Addresses) -> None:
    """What bash and zsh make of its braces."""
    words = preflight.alias_command(addresses).partition(" in ")[2].partition(";")[0].split()
    expanded = set(words[:1])
    for word in words[1:]:
        prefix, zones, hosts = re.fullmatch(r"(.+?)\{(.+)\}\.\{(.+)\}", word).groups()  # type: ignore[union-attr]
        expanded |= {f"{prefix}{zone}.{host}" for zone in zones.split(",") for host in hosts.split(",")}

    assert expanded >= {
        addresses.control,
        *(addresses.application_load_balancer(zone) for zone in (1, 2, 3)),
        *(addresses.network_load_balancer(zone) for zone in (1, 2, 3)),
        *(addresses.primary(zone, number) for zone in (1, 2, 3) for number in (0, 1, 2, 3)),
    }


def test_missing_packages_of_functions_name_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "REPOSITORY", tmp_path)
    monkeypatch.setattr(preflight, "FUNCTION_RUNTIME", tmp_path / "build" / "function-runtime")

    with pytest.raises(DrillError, match=r"build/function-runtime is missing: run `make setup`"):
        preflight.check_function_runtime()
    (tmp_path / "build" / "function-runtime" / "boto3").mkdir(parents=True)
    preflight.check_function_runtime()


def write_manifest(folder: Path, artifacts: object) -> None:
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))


def test_an_assembly_with_the_stacks_passes(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"One": {"type": preflight.STACK}, "Tree": {"type": "cdk:tree"}})

    preflight.check_assembly(tmp_path, stacks=["One"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot read its manifest.json (No such file or directory)"),
        ("rubbish", "its manifest.json is not one"),
        ("[]", "its manifest.json is not one"),
        ('{"artifacts": {"One": 1}}', "its manifest.json is not one"),
        ('{"artifacts": {"Tree": {"type": "cdk:tree"}}}', "has no stack One, only none"),
        ('{"artifacts": {"Two": {"type": "aws:cloudformation:stack"}}}', "has no stack One, only Two"),
    ],
)
def test_a_directory_that_is_no_assembly_is_refused_in_words(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)

    with pytest.raises(DrillError, match=re.escape(words)) as refused:
        preflight.check_assembly(tmp_path, stacks=["One"])
    assert "cdk synth" in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ("aws://unknown-account/unknown-region", "us-east-1"),
        ("aws://unknown-account/eu-west-1", "eu-west-1"),
        ("aws://123456789012/eu-west-1", "eu-west-1"),
    ],
)
def test_a_drill_runs_in_the_region_of_the_stacks(tmp_path: Path, environment: str, region: str) -> None:
    write_manifest(tmp_path, {"One": {"type": preflight.STACK, "environment": environment}})

    assert preflight.region_of(tmp_path, stack="One") == region


def test_a_file_is_no_assembly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DrillError, match="is no cloud assembly"):
        preflight.check_assembly(tmp_path / "file", stacks=["One"])


@pytest.fixture
def cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the CDK's command line; a test writes what it does."""
    script = tmp_path / "cdk"
    monkeypatch.setattr(preflight, "CDK", script)
    return script


def does(script: Path, body: str) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


def test_synth_writes_where_it_is_told_with_the_context(cdk: Path, tmp_path: Path) -> None:
    does(cdk, f'echo "$@" > {tmp_path}/arguments')

    preflight.synthesize(tmp_path / "out", context=("set.name=x", "settings=file"))

    assert (tmp_path / "arguments").read_text().split() == [
        *("synth", "--quiet", "--output", str(tmp_path / "out")),
        *("-c", "set.name=x", "-c", "settings=file"),
    ]


def test_the_app_runs_in_this_virtual_environment(cdk: Path, tmp_path: Path) -> None:
    """`python app.py` in cdk.json must find the CDK's library."""
    does(cdk, f'echo "$PATH" > {tmp_path}/path')

    preflight.synthesize(tmp_path / "out")

    assert (tmp_path / "path").read_text().split(":")[0] == str(Path(sys.executable).parent)


def test_wrong_settings_are_shown_and_nothing_else(cdk: Path, tmp_path: Path) -> None:
    wrong = "emr-dr.yaml: one wrong setting\n  clustr: got {}\n    remedy: did you mean cluster?"
    does(cdk, f"cat >&2 <<'END'\n{wrong}\npython app.py: Subprocess exited with error 1\nEND\nexit 1")

    with pytest.raises(DrillError) as refused:
        preflight.synthesize(tmp_path / "out")

    assert str(refused.value) == f"cdk synth failed (exit code 1):\n{wrong}"


def test_a_long_failure_is_cut_to_its_end(cdk: Path, tmp_path: Path) -> None:
    does(cdk, "for n in $(seq 3000); do echo line $n; done; echo the reason; exit 3")

    with pytest.raises(DrillError, match=r"the reason$") as refused:
        preflight.synthesize(tmp_path / "out")
    assert len(str(refused.value)) < 4000


def test_a_missing_command_line_names_the_remedy(cdk: Path, tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="run `make setup` first"):
        preflight.synthesize(tmp_path / "out")


def test_an_interrupted_synth_leaves_no_process(cdk: Path, tmp_path: Path) -> None:
    """The CDK's command line starts the app as a process of its own, which must end too."""
    does(cdk, f"sleep 600 & echo $! > {tmp_path}/child.new; mv {tmp_path}/child.new {tmp_path}/child; wait")

    main = threading.get_ident()

    def interrupt() -> None:
        while not (tmp_path / "child").exists():
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        preflight.synthesize(tmp_path / "out")

    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while runs(child):
        assert time.monotonic() < deadline, f"process {child} lives on"
        time.sleep(0.01)


def runs(process: int) -> bool:
    """Whether it has not ended; one that nobody has waited for yet has."""
    try:
        os.kill(process, 0)
        stat = Path(f"/proc/{process}/stat")
        return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")
    except (ProcessLookupError, FileNotFoundError):
        return False
