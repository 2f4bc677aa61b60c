"""The shell scripts, run for real with the system's commands replaced."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from emr_dr.assets import CANARY_SCRIPT, RESTART_SCRIPT, SEED_SCRIPT

FIRST_ID = 1001000000

# Writes down how it was called and does nothing else.
RECORDER = '#!/usr/bin/env bash\necho "$(basename "$0") $*" >>"$CALLS"\n'
# Runs what it is asked to run, as sudo would.
SUDO = '#!/usr/bin/env bash\nexec "$@"\n'
# Keeps what it gets on its standard input.
HDFS = RECORDER + 'case "$*" in *-put*) cat >"$CALLS.put" ;; esac\n'


class Primary:
    """A folder that stands for a primary: a state directory, and commands that write down their calls."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "recovery"
        self.calls_file = folder / "calls"
        self.commands = folder / "bin"
        self.commands.mkdir()
        for name, text in {"sudo": SUDO, "systemctl": RECORDER, "chown": RECORDER, "hdfs": HDFS}.items():
            command = self.commands / name
            command.write_text(text, encoding="utf-8")
            command.chmod(0o755)

    def run(self, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(script), *arguments],
            env={"PATH": f"{self.commands}:{os.environ['PATH']}", "CALLS": str(self.calls_file)},
            capture_output=True,
            text=True,
            check=False,
        )

    def seed(self, first_id: int = FIRST_ID) -> subprocess.CompletedProcess[str]:
        return self.run(SEED_SCRIPT, str(first_id), str(self.state))

    def write(self, content: str, *kinds: str) -> None:
        for kind in kinds or ("batch", "interactive"):
            file = self.state / "v1" / kind / "state"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")

    @property
    def ids(self) -> list[str]:
        return [(self.state / "v1" / kind / "state").read_text("utf-8") for kind in ("batch", "interactive")]

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text("utf-8").splitlines() if self.calls_file.exists() else []


@pytest.fixture
def primary(tmp_path: Path) -> Primary:
    return Primary(tmp_path)


def test_seeding_writes_both_files_exactly_as_livy_reads_them(primary: Primary) -> None:
    """A key or a byte more and Livy starts at 0."""
    assert primary.seed().returncode == 0
    assert primary.ids == ['{"nextSessionId":1001000000}'] * 2


def test_livy_does_not_run_while_its_ids_are_written(primary: Primary) -> None:
    primary.seed()

    assert primary.calls == [
        "systemctl stop livy-server",
        f"chown -R livy:livy {primary.state}",
        "systemctl restart livy-server",
    ]


def test_a_livy_that_came_back_in_between_reads_the_new_ids(primary: Primary) -> None:
    """Something that watches services may start Livy as soon as it was stopped."""
    running = primary.commands / "running"
    (primary.commands / "systemctl").write_text(
        "#!/usr/bin/env bash\n"
        f'ids() {{ cat "{primary.state}/v1/batch/state" 2>/dev/null || echo 0; }}\n'
        'case "$1" in\n'
        f'  stop) ids >"{running}" ;;\n'
        f'  start) [[ -e "{running}" ]] || ids >"{running}" ;;\n'
        f'  restart) ids >"{running}" ;;\n'
        "esac\n",
        encoding="utf-8",
    )

    assert primary.seed().returncode == 0
    assert running.read_text("utf-8") == '{"nextSessionId":1001000000}'


def test_the_state_belongs_to_livy_alone(primary: Primary) -> None:
    primary.seed()

    assert {path.stat().st_mode & 0o777 for path in primary.state.rglob("*") if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in primary.state.rglob("*") if path.is_file()} == {0o600}


def test_seeding_again_neither_sets_back_nor_restarts_livy(primary: Primary) -> None:
    primary.write('{"nextSessionId":1001000041}')

    assert primary.seed().returncode == 0
    assert primary.ids == ['{"nextSessionId":1001000041}'] * 2
    assert primary.calls == []


@pytest.mark.parametrize(
    "content",
    ['{"nextSessionId":0}', '{"nextSessionId":1000999999}', '{"nextSessionId":', ""],
)
def test_ids_of_no_range_or_one_below_are_replaced(primary: Primary, content: str) -> None:
    primary.write(content)

    primary.seed()

    assert primary.ids == ['{"nextSessionId":1001000000}'] * 2


@pytest.mark.parametrize("next_id", [1001999999, 1002000000, 1002000041, 1003000000])
def test_a_counter_at_the_end_of_its_range_or_beyond_is_not_set_back(primary: Primary, next_id: int) -> None:
    """Ids that were given to jobs would be given once more."""
    primary.write(f'{{"nextSessionId":{next_id}}}')

    assert primary.seed().returncode == 0
    assert primary.ids == [f'{{"nextSessionId":{next_id}}}'] * 2
    assert primary.calls == []


def test_one_good_file_is_not_enough(primary: Primary) -> None:
    primary.write('{"nextSessionId":1001000007}', "batch")

    primary.seed()

    assert primary.calls[0] == "systemctl stop livy-server"


@pytest.mark.parametrize(("good", "bad"), [("batch", "interactive"), ("interactive", "batch")])
def test_the_good_file_of_two_is_not_set_back(primary: Primary, good: str, bad: str) -> None:
    primary.write('{"nextSessionId":1001000007}', good)
    primary.write('{"nextSessionId":0}', bad)

    primary.seed()

    assert (primary.state / "v1" / good / "state").read_text("utf-8") == '{"nextSessionId":1001000007}'
    assert (primary.state / "v1" / bad / "state").read_text("utf-8") == '{"nextSessionId":1001000000}'


@pytest.mark.parametrize(
    "arguments", [(), ("1001000000",), ("abc", "/state"), ("1001000001", "/state"), ("0", "/state")]
)
def test_wrong_arguments_touch_nothing(primary: Primary, arguments: tuple[str, ...]) -> None:
    run = primary.run(SEED_SCRIPT, *arguments)

    assert run.returncode != 0
    assert "seed-livy.sh" in run.stderr
    assert primary.calls == []


def test_a_livy_that_does_not_stop_fails_the_step(primary: Primary) -> None:
    """Ids written under a running Livy would be overwritten; the step must not look done."""
    (primary.commands / "systemctl").write_text("#!/usr/bin/env bash\nexit 1\n", encoding="utf-8")

    assert primary.seed().returncode != 0
    assert not (primary.state / "v1").exists()


def systemctl(primary: Primary, *cases: str) -> None:
    """Let systemctl write down its calls and behave as *cases* of its first argument say."""
    lines = "".join(f"  {case} ;;\n" for case in cases)
    command = primary.commands / "systemctl"
    command.write_text(f'{RECORDER}case "$1" in\n{lines}esac\n', encoding="utf-8")


RESTARTED = [
    "systemctl kill --signal=SIGKILL livy-server",
    "systemctl stop livy-server",
    "systemctl reset-failed livy-server",
    "systemctl start livy-server",
]


def test_restarting_kills_livy_and_starts_it(primary: Primary) -> None:
    """A14: a polite stop would let what hangs take the requests that wait in it, and end what they start."""
    assert primary.run(RESTART_SCRIPT).returncode == 0
    assert primary.calls == RESTARTED


def test_a_livy_that_ended_by_itself_is_started(primary: Primary) -> None:
    """There is nothing left to kill."""
    systemctl(primary, "kill) exit 1", "stop) exit 1", "reset-failed) exit 1")

    assert primary.run(RESTART_SCRIPT).returncode == 0
    assert primary.calls == RESTARTED


def test_a_livy_that_does_not_start_fails_the_step(primary: Primary) -> None:
    """The cluster is replaced then."""
    systemctl(primary, "start) exit 1")

    run = primary.run(RESTART_SCRIPT)

    assert run.returncode != 0
    assert "was restarted" not in run.stdout


def test_an_argument_that_means_nothing_touches_nothing(primary: Primary) -> None:
    run = primary.run(RESTART_SCRIPT, "15")

    assert run.returncode == 2
    assert "takes no arguments, got: 15" in run.stderr
    assert primary.calls == []


def test_the_canary_is_put_where_it_was_asked_for(primary: Primary) -> None:
    """B11: a canary run before traffic comes."""
    assert primary.run(CANARY_SCRIPT, "hdfs:///tmp/emr-dr/canary.py").returncode == 0
    assert primary.calls == [
        "hdfs dfs -mkdir -p hdfs:///tmp/emr-dr",
        "hdfs dfs -put -f - hdfs:///tmp/emr-dr/canary.py",
    ]


def test_the_canary_is_python(primary: Primary) -> None:
    primary.run(CANARY_SCRIPT, "hdfs:///tmp/emr-dr/canary.py")

    source = Path(f"{primary.calls_file}.put").read_text("utf-8")

    compile(source, "canary.py", "exec")
