"""Runs in the place of a command that a step's script calls on a primary; a program of its own, standard library only.

``shim_command.py NAME ARGUMENT...`` with ``EMR_DRILL_MACHINE`` (the machine's root directory),
``EMR_DRILL_CONTROL`` (host:port of what answers for the machine) and ``EMR_DRILL_SHIMS`` (directory of the shims).
A script calls it a dozen times while simulated time runs on, so that it imports no more than it needs.

Absolute paths of the machine in arguments are mapped below its root directory, so that the very script that runs on a
real primary runs here, changes nothing outside, and needs no rights.
"""

from __future__ import annotations

import os
import re
import sys

# What belongs to a machine of its own; /tmp is not here, as scripts get a TMPDIR below the machine's directory.
_MACHINE_PATHS = re.compile(r"(?<![^\s'\"=:>])/(?:var|etc|opt|mnt|run|usr/lib)(?=/|\s|['\"]|$)")
CONTROLLED = ("systemctl", "hdfs")
# Options of these commands that name users, which exist on a primary and not here.
_OWNER_OPTIONS = {"-o", "-g", "--owner", "--group"}
_SUDO_OPTIONS_WITH_VALUE = {"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "--user", "--group", "--chdir"}


def mapped(argument: str, root: str) -> str:
    """*argument* with the machine's absolute paths below *root*; what already lies there stays."""
    return _MACHINE_PATHS.sub(
        lambda match: match[0] if argument.startswith(root, match.start()) else root + match[0], argument
    )


def without_sudo(arguments: list[str]) -> list[str]:
    """The command that sudo (or runuser) is asked to run: its options and variables taken away."""
    rest = list(arguments)
    while rest and (rest[0].startswith("-") or re.match(r"\w+=", rest[0])):
        option = rest.pop(0)
        if option == "--":
            break
        if "=" in option and not option.startswith("-"):
            name, _, value = option.partition("=")
            os.environ[name] = value
        elif option in _SUDO_OPTIONS_WITH_VALUE and rest:
            rest.pop(0)
    return rest


def without_owners(arguments: list[str]) -> list[str]:
    """Arguments of install without those that name an owner or a group."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in _OWNER_OPTIONS:
            skip = True
        elif not argument.startswith(("--owner=", "--group=")):
            kept.append(argument)
    return kept


def change_owner(arguments: list[str]) -> int:
    """What chown would say: nothing, if every file is there."""
    files = [argument for argument in arguments if not argument.startswith("-")][1:]
    missing = [file for file in files if not os.access(file, os.F_OK)]
    for file in missing:
        print(f"chown: cannot access '{file}': No such file or directory", file=sys.stderr)
    return 1 if missing or not files else 0


def ask(name: str, arguments: list[str]) -> int:
    """Have whoever answers for the machine do it."""
    import json
    import socket

    host, _, port = os.environ["EMR_DRILL_CONTROL"].rpartition(":")
    given = sys.stdin.read() if "-" in arguments and not sys.stdin.isatty() else ""
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(json.dumps({"command": [name, *arguments], "input": given}).encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    answer = json.loads(received)
    print(answer["output"], end="", file=sys.stdout if answer["exit_code"] == 0 else sys.stderr)
    return int(answer["exit_code"])


def execute(command: list[str]) -> int:
    """Become the real *command*; returns only if there is none."""
    shims = os.environ["EMR_DRILL_SHIMS"]
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder != shims]
    for program in [command[0]] if "/" in command[0] else [f"{folder}/{command[0]}" for folder in folders]:
        if os.access(program, os.X_OK):
            os.execv(program, command)
    print(f"{command[0]}: command not found", file=sys.stderr)
    return 127


def main(name: str, arguments: list[str]) -> int:
    """Do what command *name* would do on the machine; its exit code."""
    root = os.environ["EMR_DRILL_MACHINE"]
    if name in CONTROLLED:
        return ask(name, arguments)
    if name in ("sudo", "runuser"):
        command = without_sudo(arguments)
        if not command:
            return 0
        name, arguments = command[0], command[1:]
        if os.access(f"{os.environ['EMR_DRILL_SHIMS']}/{name}", os.X_OK):
            return main(name, arguments)
    arguments = [mapped(argument, root) for argument in arguments]
    if name == "chown":
        return change_owner(arguments)
    if name == "install":
        arguments = without_owners(arguments)
    return execute([name, *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
