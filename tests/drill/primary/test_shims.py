"""Scripts of EMR steps on a directory that stands for a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from emr_drill.primary.shims import ScriptHost


class Recorder:
    """A command that writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str]] = []

    def __call__(self, arguments: Sequence[str], given: str) -> tuple[int, str]:
        """Fail if asked to."""
        self.asked.append((list(arguments), given))
        return (3, "no\n") if "fail" in arguments else (0, "done\n")


@pytest.fixture
def recorder() -> Recorder:
    """What answers for systemctl and hdfs."""
    return Recorder()


@pytest.fixture
def host(tmp_path: Path, address: str, recorder: Recorder) -> Iterator[ScriptHost]:
    """A machine that scripts run on."""
    made = ScriptHost(
        directory=tmp_path / "machine", address=address, commands={"systemctl": recorder, "hdfs": recorder}
    )
    made.start()
    yield made
    made.close()


def test_a_script_gets_its_arguments_and_its_output_comes_back(host: ScriptHost) -> None:
    result = host.run(b'echo "$1 and $2"; exit 4\n', ["a b", "c"])

    assert (result.exit_code, result.output) == (4, "a b and c\n")


def test_a_path_in_an_argument_is_the_machines(host: ScriptHost, tmp_path: Path) -> None:
    """So that a redirection, which no shim can see, goes there too."""
    host.run(b'mkdir -p "$1"; echo x > "$1/file"\n', ["/var/lib/livy"])

    assert (tmp_path / "machine" / "var" / "lib" / "livy" / "file").read_text() == "x\n"


def test_a_path_in_a_command_of_the_script_is_the_machines(host: ScriptHost, tmp_path: Path) -> None:
    result = host.run(b"set -e; sudo -u livy mkdir -p /var/lib/livy; echo x | sudo tee /var/lib/livy/file\n", [])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "machine" / "var" / "lib" / "livy" / "file").read_text() == "x\n"


def test_a_shell_that_sudo_starts_works_on_the_machine(host: ScriptHost, tmp_path: Path) -> None:
    host.run(b"sudo bash -c 'mkdir -p /etc/livy && echo x > /etc/livy/conf'\n", [])

    assert (tmp_path / "machine" / "etc" / "livy" / "conf").read_text() == "x\n"


def test_systemctl_is_answered_by_whoever_runs_the_services(host: ScriptHost, recorder: Recorder) -> None:
    result = host.run(b"sudo systemctl restart livy-server\n", [])

    assert (result.output, recorder.asked) == ("done\n", [(["restart", "livy-server"], "")])


def test_a_failing_command_fails_the_script(host: ScriptHost) -> None:
    assert host.run(b"set -e; systemctl fail; echo not reached\n", []).output == "no\n"


def test_standard_input_reaches_hdfs(host: ScriptHost, recorder: Recorder) -> None:
    host.run(b"hdfs dfs -put -f - hdfs:///tmp/x <<'END'\ncontent\nEND\n", [])

    assert recorder.asked == [(["dfs", "-put", "-f", "-", "hdfs:///tmp/x"], "content\n")]


def test_a_command_that_raises_fails_with_its_text(tmp_path: Path, address: str) -> None:
    def broken(_arguments: Sequence[str], _given: str) -> tuple[int, str]:
        raise RuntimeError("Livy does not start")

    host = ScriptHost(directory=tmp_path / "machine", address=address, commands={"systemctl": broken})
    host.start()
    try:
        result = host.run(b"systemctl start livy-server\n", [])
    finally:
        host.close()

    assert (result.exit_code, result.output) == (1, "RuntimeError: Livy does not start\n")


def test_a_script_that_hangs_is_ended(host: ScriptHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emr_drill.primary.shims.LIMIT_SECONDS", 0.2)

    assert "killed: still running" in host.run(b"sleep 60\n", []).output


def test_a_closed_host_runs_nothing(host: ScriptHost) -> None:
    host.close()

    assert host.run(b"echo hello\n", []).output == "the machine is gone"
