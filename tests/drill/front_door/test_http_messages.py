"""Messages on the wire, also broken ones: a load balancer must not pass on what it did not understand."""

from __future__ import annotations

import asyncio

import pytest

from emr_drill.front_door import http_messages
from emr_drill.front_door.http_messages import (
    HEAD_LIMIT,
    Head,
    MessageError,
    encode,
    phrase,
    read_body,
    read_head,
    without_hop_by_hop,
)


def head_of(data: bytes) -> Head | None:
    """The head of what arrives before the other side closes."""

    async def read() -> Head | None:
        return await read_head(reader_of(data))

    return asyncio.run(read())


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=HEAD_LIMIT)
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def body_of(headers: dict[str, str], data: bytes, *, until_close: bool = False) -> tuple[bytes, bytes]:
    """The body of a message with *headers*, and what is left on the connection."""

    async def read() -> tuple[bytes, bytes]:
        reader = reader_of(data)
        head = Head(first="POST", second="/", third="HTTP/1.1", headers=tuple(headers.items()))
        return await read_body(reader, head, until_close=until_close), await reader.read()

    return asyncio.run(read())


def test_head_is_taken_apart() -> None:
    head = head_of(b"GET /batches?size=1 HTTP/1.1\r\nHost:  door \r\nX-Id:1\r\nX-Id: 2\r\n\r\n")

    assert head == Head(
        first="GET",
        second="/batches?size=1",
        third="HTTP/1.1",
        headers=(("Host", "door"), ("X-Id", "1"), ("X-Id", "2")),
    )


def test_reason_of_an_answer_may_have_spaces_or_be_missing() -> None:
    heads = [head_of(b"HTTP/1.1 404 Not Found\r\n\r\n"), head_of(b"HTTP/1.1 404\r\n\r\n")]

    assert [head and (head.second, head.third) for head in heads] == [("404", "Not Found"), ("404", "")]


def test_header_is_found_whatever_its_case_is() -> None:
    head = head_of(b"GET / HTTP/1.1\r\nX-ID: 1\r\nx-id: 2\r\n\r\n")

    assert head is not None
    assert (head.get("x-id"), head.get("host")) == ("1", None)


def test_head_does_not_take_the_body() -> None:
    async def read() -> bytes:
        reader = reader_of(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody")
        await read_head(reader)
        return await reader.read()

    assert asyncio.run(read()) == b"body"


@pytest.mark.parametrize("data", [b"", b"\r\n"])
def test_connection_closed_between_messages_is_no_error(data: bytes) -> None:
    assert head_of(data) is None


def test_connection_closed_within_a_head_is_an_error() -> None:
    with pytest.raises(MessageError, match="closed within a message's head"):
        head_of(b"GET / HTTP/1.1\r\nHost: do")


def test_head_that_is_too_long_is_refused() -> None:
    with pytest.raises(MessageError, match=f"more than {HEAD_LIMIT} bytes"):
        head_of(b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT + b"\r\n\r\n")


@pytest.mark.parametrize("line", [b"no colon", b": value", b"Host : door", b" folded: line"])
def test_broken_header_is_refused(line: bytes) -> None:
    """A name with a space is how one request is smuggled inside another (RFC 9112, 5.1)."""
    with pytest.raises(MessageError, match="a broken header line"):
        head_of(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n")


@pytest.mark.parametrize("line", [b"GET", b"what?", b"GET / FTP/1.0", b"GET /a b HTTP/1.1", b"GET / HTTP/2"])
def test_broken_start_line_is_refused(line: bytes) -> None:
    with pytest.raises(MessageError, match="a broken start line"):
        head_of(line + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("start", "connection", "kept"),
    [
        ("GET / HTTP/1.1", "", True),
        ("GET / HTTP/1.1", "close", False),
        ("GET / HTTP/1.1", "Close, TE", False),
        ("GET / HTTP/1.0", "", False),
        ("GET / HTTP/1.0", "Keep-Alive", True),
        ("HTTP/1.1 200 OK", "", True),
        ("HTTP/1.1 200 OK", "close", False),
        ("HTTP/1.0 200 OK", "", False),
        ("HTTP/1.0 200 OK", "keep-alive", True),
    ],
)
def test_who_keeps_the_connection_open(start: str, connection: str, kept: bool) -> None:
    head = head_of(f"{start}\r\nConnection: {connection}\r\n\r\n".encode())

    assert head is not None and head.keeps_alive is kept


def test_body_is_as_long_as_it_says() -> None:
    assert body_of({"Content-Length": "4"}, b"bodyGET / HTTP/1.1") == (b"body", b"GET / HTTP/1.1")


def test_chunks_are_put_together() -> None:
    """With an extension and a trailer, both of which are dropped."""
    data = b"3;name=value\r\nbod\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\nnext"

    assert body_of({"Transfer-Encoding": "Chunked"}, data) == (b"bod0123456789", b"next")


def test_request_of_unstated_length_has_no_body() -> None:
    assert body_of({}, b"next") == (b"", b"next")


def test_answer_of_unstated_length_ends_with_the_connection() -> None:
    assert body_of({}, b"x" * 200_000, until_close=True) == (b"x" * 200_000, b"")


def test_body_with_two_lengths_is_refused() -> None:
    """Node and target could disagree where the next request begins (RFC 9112, 6.1)."""
    with pytest.raises(MessageError, match="both Content-Length and Transfer-Encoding"):
        body_of({"Content-Length": "4", "Transfer-Encoding": "chunked"}, b"0\r\n\r\n")


@pytest.mark.parametrize("length", ["-1", "+4", "4,4", "four", "", str(http_messages.BODY_LIMIT + 1)])
def test_wrong_length_is_refused(length: str) -> None:
    with pytest.raises(MessageError, match="a body of length"):
        body_of({"Content-Length": length}, b"body")


def test_wrong_chunk_length_is_refused() -> None:
    with pytest.raises(MessageError, match="a broken chunk length b'four'"):
        body_of({"Transfer-Encoding": "chunked"}, b"four\r\nbody\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("headers", "data"),
    [({"Transfer-Encoding": "chunked"}, b"6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"), ({}, b"x" * 11)],
    ids=["chunked", "until close"],
)
def test_body_that_grows_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], data: bytes
) -> None:
    monkeypatch.setattr(http_messages, "BODY_LIMIT", 10)
    with pytest.raises(MessageError, match="a body of more than 10 bytes"):
        body_of(headers, data, until_close=True)


def test_body_of_the_longest_length_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_messages, "BODY_LIMIT", 10)

    assert body_of({}, b"x" * 10, until_close=True) == (b"x" * 10, b"")


@pytest.mark.parametrize(
    ("headers", "data"),
    [({"Content-Length": "9"}, b"body"), ({"Transfer-Encoding": "chunked"}, b"9\r\nbody")],
)
def test_connection_that_ends_within_a_body_is_an_error(headers: dict[str, str], data: bytes) -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        body_of(headers, data)


def test_headers_of_one_connection_do_not_go_on() -> None:
    headers = (("Host", "door"), ("CONNECTION", "close"), ("Transfer-Encoding", "chunked"), ("Content-Length", "4"))

    assert without_hop_by_hop(headers) == [("Host", "door")]


def test_written_message_reads_as_it_was() -> None:
    data = encode("GET /a HTTP/1.1", [("Host", "door"), ("X", "ä")], b"")

    assert head_of(data) == Head(first="GET", second="/a", third="HTTP/1.1", headers=(("Host", "door"), ("X", "ä")))


def test_body_is_written_after_an_empty_line() -> None:
    assert encode("HTTP/1.1 200 OK", [("A", "b")], b"body") == b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"


@pytest.mark.parametrize(("status", "text"), [(410, "Gone"), (502, "Bad Gateway"), (599, "Unknown")])
def test_phrase(status: int, text: str) -> None:
    assert phrase(status) == text
