"""The ``hdfs`` command line of a simulated primary: ``dfs`` with the few actions that scripts use, on plain files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from emr_drill.primary.shim_command import mapped


class HdfsCommand:
    """Answers ``hdfs dfs ...``.

    Args:
        directory: the machine's root directory.
        files: directory that holds the files of HDFS.
        up: whether the NameNode answers.
    """

    def __init__(self, *, directory: Path, files: Path, up: Callable[[], bool]) -> None:
        self._directory = directory
        self._files = files
        self._up = up

    def __call__(self, arguments: Sequence[str], given: str) -> tuple[int, str]:
        """Exit code and output of ``hdfs ARGUMENTS`` with *given* as standard input."""
        if not self._up():
            return 1, f"{arguments[0] if arguments else 'hdfs'}: Connection refused\n"
        if len(arguments) < 2 or arguments[0] != "dfs":
            return 1, f"hdfs: a simulated primary knows only dfs, got {list(arguments)}\n"
        action, rest = arguments[1], [one for one in arguments[2:] if one == "-" or not one.startswith("-")]
        flags = {one for one in arguments[2:] if one != "-" and one.startswith("-")}
        match action:
            case "-mkdir":
                for path in rest:
                    self._path(path).mkdir(parents=True, exist_ok=True)
                return 0, ""
            case "-put" | "-copyFromLocal" | "-moveFromLocal":
                return self._put(rest, given, replace="-f" in flags)
            case "-cat":
                return 0, "".join(self._path(path).read_text() for path in rest)
            case "-test":
                return (0 if self._path(rest[0]).exists() else 1), ""
            case "-rm":
                return self._remove(rest, force="-f" in flags)
            case "-ls":
                found = [one.relative_to(self._files) for path in rest for one in sorted(self._path(path).glob("*"))]
                return 0, "".join(f"/{one}\n" for one in found)
            case "-chmod" | "-chown":
                missing = [path for path in rest[1:] if not self._path(path).exists()]
                return (1, f"{action[1:]}: `{missing[0]}': No such file or directory\n") if missing else (0, "")
        return 1, f"{action[1:]}: Unknown command\n"

    def _path(self, path: str) -> Path:
        found = (self._files / urlsplit(path).path.lstrip("/")).resolve()
        if not found.is_relative_to(self._files.resolve()):
            raise ValueError(f"{path} is outside HDFS")
        return found

    def _put(self, paths: list[str], given: str, *, replace: bool) -> tuple[int, str]:
        *sources, last = paths
        target = self._path(last)
        for source in sources:
            local = Path(mapped(source, str(self._directory)))
            file = target / local.name if target.is_dir() and source != "-" else target
            if file.exists() and not replace:
                return 1, f"put: `{last}': File exists\n"
            if not file.parent.is_dir():
                return 1, f"put: `{last}': No such file or directory: `{last}'\n"
            if source == "-":
                file.write_text(given)
            elif local.is_file():
                shutil.copyfile(local, file)
            else:
                return 1, f"put: `{source}': No such file or directory\n"
        return 0, ""

    def _remove(self, paths: list[str], *, force: bool) -> tuple[int, str]:
        for path in map(self._path, paths):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            elif not force:
                return 1, f"rm: `{path}': No such file or directory\n"
        return 0, ""
