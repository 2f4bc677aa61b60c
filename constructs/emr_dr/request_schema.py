"""The JSON schema of what a person may give to the operation machine, made from the code that reads it.

``python -m emr_dr.request_schema`` writes it to ``docs/operation-request.schema.json``.
"""

from __future__ import annotations

import json
from typing import Any

from dr_core.requests import (
    EMPTY_BY_HAND,
    KINDS_BY_HAND,
    LONGEST_BY_HAND,
    REASONS_BY_HAND,
    REQUIRED_BY_HAND,
    DrainMode,
    Kind,
    Reason,
)
from emr_dr.settings_file import REPOSITORY

SCHEMA_FILE = REPOSITORY / "docs" / "operation-request.schema.json"

_KINDS = {
    Kind.FAILOVER: "replace what serves at once by an incarnation in another availability zone: its jobs are ended",
    Kind.REPAIR: "restart Livy of what serves; jobs and ids are kept",
    Kind.SWITCHOVER: "replace what serves by an incarnation in another availability zone; its jobs end first, or as "
    "drain says",
}
_REASONS = {
    Reason.DRILL: "to see that it works",
    Reason.EVACUATION: "to leave an availability zone",
    Reason.FAILBACK: "to return to a preferred availability zone",
    Reason.MANUAL: "anything else",
}
_DRAINS = {
    DrainMode.WAIT: "they have controller.drain_limit_seconds to end, which is the default",
    DrainMode.NOW: "they are ended as soon as none comes any more, about a minute; a message lists them before",
}
_TEXTS = {
    "managed_cluster": "name of the managed cluster, such as a",
    "because": "why, in your own words; stands in the messages about the operation",
    "operation": "the name of the execution; is that by default",
}


def request_schema() -> dict[str, Any]:
    """The schema of the machine's input; :func:`dr_core.requests.read_by_hand` accepts the same requests."""
    properties = {
        "kind": _words(KINDS_BY_HAND, _KINDS),
        "reason": _words(REASONS_BY_HAND, _REASONS),
        "drain": _words(tuple(DrainMode), _DRAINS),
        EMPTY_BY_HAND: {"type": "null", "description": "the monitor's key; left out"},
        **{
            key: {"type": "string", "minLength": 1, "maxLength": longest, "description": _TEXTS[key]}
            for key, longest in LONGEST_BY_HAND.items()
        },
    }
    switchover = {"properties": {"kind": {"const": str(Kind.SWITCHOVER)}}}
    request = {
        "type": "object",
        "properties": properties,
        "required": list(REQUIRED_BY_HAND),
        "additionalProperties": False,
        "allOf": [
            {"if": {"required": ["drain"]}, "then": switchover},
            {"if": {"properties": {"reason": {"const": str(Reason.FAILBACK)}}}, "then": switchover},
        ],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Input of the operation machine, by hand",
        "description": "What a person starts the state machine <deployment>-operation with. Whether it may be carried "
        "out at the moment is decided by its first step, which refuses in one sentence.",
        "type": "object",
        "properties": {"request": request},
        "required": ["request"],
        "examples": [
            {
                "request": {
                    "kind": "switchover",
                    "managed_cluster": "a",
                    "reason": "evacuation",
                    "because": "maintenance announced for us-east-1a",
                }
            }
        ],
    }


def schema_text() -> str:
    """The schema as it stands in ``docs/operation-request.schema.json``."""
    return json.dumps(request_schema(), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the schema file."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE.relative_to(REPOSITORY)}")


def _words(words: tuple[str, ...], meanings: dict[Any, str]) -> dict[str, Any]:
    return {"enum": [str(word) for word in words], "description": "; ".join(f"{w}: {meanings[w]}" for w in words)}


if __name__ == "__main__":
    main()
