"""The little of HDFS's command line that scripts on a primary use."""

from __future__ import annotations

from pathlib import Path

import pytest

from emr_drill.primary.simulated.hdfs_command import HdfsCommand

TARGET = "hdfs:///tmp/emr-dr/canary.py"


@pytest.fixture
def hdfs(tmp_path: Path) -> HdfsCommand:
    """HDFS with the folder of the target in it."""
    command = HdfsCommand(directory=tmp_path, files=tmp_path / "hdfs", up=lambda: True)
    command(["dfs", "-mkdir", "-p", "hdfs:///tmp/emr-dr"], "")
    return command


def test_what_was_put_is_there(hdfs: HdfsCommand) -> None:
    assert hdfs(["dfs", "-put", "-f", "-", TARGET], "content") == (0, "")

    assert hdfs(["dfs", "-cat", TARGET], "") == (0, "content")


def test_put_refuses_to_replace_without_force(hdfs: HdfsCommand) -> None:
    hdfs(["dfs", "-put", "-", TARGET], "old")

    assert hdfs(["dfs", "-put", "-", TARGET], "new") == (1, f"put: `{TARGET}': File exists\n")


def test_put_refuses_a_folder_that_is_not_there(hdfs: HdfsCommand) -> None:
    assert hdfs(["dfs", "-put", "-", "hdfs:///none/file"], "x")[0] == 1


def test_a_file_of_the_machine_is_put_into_a_folder_under_its_name(hdfs: HdfsCommand, tmp_path: Path) -> None:
    local = tmp_path / "local.py"
    local.write_text("content")

    hdfs(["dfs", "-put", str(local), "hdfs:///tmp/emr-dr"], "")

    assert hdfs(["dfs", "-ls", "/tmp/emr-dr"], "") == (0, "/tmp/emr-dr/local.py\n")


def test_a_removed_file_is_gone(hdfs: HdfsCommand) -> None:
    hdfs(["dfs", "-put", "-", TARGET], "x")
    hdfs(["dfs", "-rm", "-r", TARGET], "")

    assert hdfs(["dfs", "-test", "-e", TARGET], "")[0] == 1


def test_a_missing_file_can_only_be_removed_with_force(hdfs: HdfsCommand) -> None:
    assert [hdfs(["dfs", "-rm", *flags, TARGET], "")[0] for flags in ([], ["-f"])] == [1, 0]


def test_modes_of_missing_files_cannot_be_set(hdfs: HdfsCommand) -> None:
    assert hdfs(["dfs", "-chmod", "755", TARGET], "")[0] == 1


@pytest.mark.parametrize("arguments", [[], ["dfs"], ["namenode", "-format"], ["dfs", "-expunge"]])
def test_what_it_does_not_know_fails(hdfs: HdfsCommand, arguments: list[str]) -> None:
    assert hdfs(arguments, "")[0] == 1


def test_without_a_name_node_nothing_works(tmp_path: Path) -> None:
    hdfs = HdfsCommand(directory=tmp_path, files=tmp_path / "hdfs", up=lambda: False)

    assert hdfs(["dfs", "-ls", "/"], "") == (1, "dfs: Connection refused\n")
