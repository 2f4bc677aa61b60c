"""The schema of requests by hand, and that the code which reads them agrees with it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_core.requests import KEYS_BY_HAND, Kind, OperationRequest, Reason, RequestRefusedError, read_by_hand
from emr_dr import request_schema as module
from emr_dr.request_schema import SCHEMA_FILE, request_schema, schema_text

SCHEMA = jsonschema.Draft202012Validator(request_schema())

WORDS = [*map(str, Kind), *map(str, Reason), "a", "", "x" * 80, "x" * 81, "x" * 500, "x" * 501, "Failover", "é"]
VALUES = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=5),
    st.none(),
    st.booleans(),
    st.integers(),
    st.lists(st.text(), max_size=2),
)
GOOD = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["failover", "repair", "switchover"]),
        "managed_cluster": st.sampled_from(["a", "b"]),
        "reason": st.sampled_from(["manual", "drill", "failback", "evacuation"]),
    },
    optional={"because": st.text(min_size=1, max_size=20), "operation": st.just("by-hand"), "incident": st.none()},
).filter(lambda good: good["reason"] != "failback" or good["kind"] == "switchover")
CHANGES = st.dictionaries(st.sampled_from([*KEYS_BY_HAND, "incident", "colour"]), VALUES, max_size=2)


def reads(data: Any) -> bool:
    """Whether our parser accepts *data*."""
    try:
        read_by_hand(data, execution_name="by-hand")
    except RequestRefusedError:
        return False
    return True


@settings(max_examples=600, deadline=None)
@given(good=GOOD, changes=CHANGES, left_out=st.sets(st.sampled_from(KEYS_BY_HAND), max_size=1))
def test_the_parser_accepts_what_the_schema_accepts(
    good: dict[str, Any], changes: dict[str, Any], left_out: set[str]
) -> None:
    """Whoever checks a request with the schema before starting it is not refused for its shape, and the reverse."""
    data = {key: value for key, value in {**good, **changes}.items() if key not in left_out}

    assert reads(data) == SCHEMA.is_valid({"request": data})


@settings(deadline=None)
@given(data=st.one_of(VALUES, CHANGES))
def test_the_parser_refuses_what_the_schema_refuses(data: Any) -> None:
    """Also what is no object at all."""
    assert reads(data) == SCHEMA.is_valid({"request": data})


@given(good=GOOD)
def test_what_people_may_ask_for_is_read_as_they_wrote_it(good: dict[str, Any]) -> None:
    request = read_by_hand(good, execution_name="by-hand")

    assert request.to_dict() == {"operation": "by-hand", "incident": None, **good}
    assert OperationRequest.from_json(request.to_json()) == request


def test_the_input_without_a_request_is_refused() -> None:
    assert not SCHEMA.is_valid({})


def test_the_schema_is_a_schema_and_its_example_follows_it() -> None:
    jsonschema.Draft202012Validator.check_schema(request_schema())

    assert [SCHEMA.is_valid(example) for example in request_schema()["examples"]] == [True]


def test_the_schema_in_the_documentation_is_current() -> None:
    current = SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()

    assert current, "docs/operation-request.schema.json is out of date: run python -m emr_dr.request_schema"


def test_the_schema_is_written_where_it_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    monkeypatch.setattr(module, "SCHEMA_FILE", tmp_path / "schema.json")
    module.main()

    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == request_schema()
