"""Answers are made in a shorter way than Waitress's, and are the same to the byte."""

import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from waitress.task import WSGITask
from waitress.utilities import (
    BadRequest,
    InternalServerError,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    ServerNotImplemented,
)

from taina.errors import NotFoundError, TainaError
from taina.server.listener.answering import RefusalTask, Task
from taina.web.headers import HEADERS

NAMES = ["Content-Type", "content-length", "Content-Length", "X-a-B", "Vary", "vary", "Date", "server", "connection"]


def head_of(kind: type[Any], status: str, headers: list[tuple[str, str]], version: str, connection: str) -> Any:
    server = SimpleNamespace(adj=SimpleNamespace(ident=None))
    request = SimpleNamespace(version=version, headers={"CONNECTION": connection} if connection else {})
    task = kind(SimpleNamespace(server=server), request)
    task.status, task.response_headers, task.start_time = status, [*headers], 1_800_000_000.5
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    task.content_length = lengths[-1] if lengths else None
    return task.build_response_header(), task.close_on_finish, task.chunked_response


@given(
    st.sampled_from(["200 OK", "201 Created", "204 No Content", "304 Not Modified", "404 Not Found", "101 Upgrade"]),
    st.lists(st.tuples(st.sampled_from(NAMES), st.from_regex(r"[0-9]{1,3}", fullmatch=True)), max_size=6),
    st.sampled_from(["1.0", "1.1", "2.0"]),
    st.sampled_from(["", "close", "Close", "keep-alive"]),
)
@example("200 OK", [("content-length", "1"), ("X-a-B", "2")], "1.1", "keep-alive")
@example("200 OK", [("Content-Length", "1"), ("server", "2")], "1.1", "")
@example("200 OK", [("Content-Length", "1"), ("Date", "2")], "1.1", "")
@example("200 OK", [("Content-Length", "1")], "1.1", "Close")
@example("200 OK", [("Content-Length", "1")], "1.0", "")
@example("204 No Content", [("Content-Length", "1")], "1.1", "")
@example("200 OK", [("Vary", "1")], "1.1", "")
def test_a_head_is_that_of_waitress(status: str, headers: list[tuple[str, str]], version: str, connection: str) -> None:
    class Stock(Task):
        build_response_header = WSGITask.build_response_header

    wanted = head_of(Stock, status, headers, version, connection)
    assert head_of(Task, status, headers, version, connection) == wanted


class Answer:
    """One that is being given; what was written to its connection, piece by piece."""

    def __init__(self, length: int | None, status: str = "200 OK") -> None:
        self.written: list[bytes] = []
        server = SimpleNamespace(adj=SimpleNamespace(ident=None))
        channel = SimpleNamespace(server=server, write_soon=self.written.append)
        self.task: Any = Task(channel, SimpleNamespace(version="1.1", headers={}))
        self.task.status, self.task.complete = status, True
        if length is not None:
            self.task.content_length = length
            self.task.response_headers = [("Content-Length", str(length))]


def test_an_answer_of_one_piece_leaves_with_its_head() -> None:
    answer = Answer(4)
    answer.task.write(b"body")
    (whole,) = answer.written
    head, _, body = whole.partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"body")
    assert (answer.task.wrote_header, answer.task.content_bytes_written) == (True, 4)
    answer.task.write(b"more")
    assert answer.written == [whole], "there was room for four bytes"


def test_what_is_usual_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WSGITask, "build_response_header", None, raising=False)
    answer = Answer(4)
    answer.task.response_headers += [("x-ray", "1"), ("content-type", "text/plain")]
    names = [line.partition(b":")[0] for line in answer.task.build_response_header().split(b"\r\n")]
    assert names == [b"HTTP/1.1 200 OK", b"Content-Length", b"Content-Type", b"Date", b"X-Ray", b"", b""]


@pytest.mark.parametrize("pieces", [[b"bo", b"dy"], [b"", b"body"], [b"bo", b"", b"dy"]])
def test_an_answer_of_pieces_is_sent_once(pieces: list[bytes]) -> None:
    answer = Answer(4)
    for piece in pieces:
        answer.task.write(piece)
    head, _, body = b"".join(answer.written).partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.1 200 OK") == 1
    assert body == b"body"


def test_no_more_is_sent_than_was_announced_and_what_was_not_comes_in_chunks() -> None:
    for length, body in ((4, b"body"), (None, b"D\r\nbody and more\r\n")):
        answer = Answer(length)
        answer.task.write(b"body and more")
        assert b"".join(answer.written).partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize(
    ("status", "version", "asked", "ends"),
    [
        ("200 OK", "1.1", "", True),
        ("204 No Content", "1.1", "", False),
        ("204 No Content", "1.1", "keep-alive", False),
        ("204 No Content", "1.1", "Close", True),
        ("204 No Content", "1.0", "", True),
    ],
)
def test_a_connection_ends_after_what_has_a_body_or_where_that_is_asked_for(
    status: str, version: str, asked: str, ends: bool
) -> None:
    """Where Waitress wants to end it, as after less than was announced."""
    task = Answer(4, status).task
    task.version, task.request.headers = version, {"CONNECTION": asked}
    task.set_close_on_finish()
    assert task.close_on_finish is ends


def test_an_answer_without_a_body_is_its_head() -> None:
    answer = Answer(4, "204 No Content")
    answer.task.write(b"body")
    assert b"".join(answer.written).endswith(b"\r\n\r\n")


def test_nothing_is_written_before_an_answer_has_begun() -> None:
    answer = Answer(4)
    answer.task.complete = False
    with pytest.raises(RuntimeError):
        answer.task.write(b"body")
    assert answer.written == []


@pytest.mark.parametrize(
    ("error", "status", "code", "field"),
    [
        (ServerNotImplemented("Send it as a whole."), 501, "malformed", None),
        (BadRequest("Two hosts."), 400, "malformed", None),
        (RequestHeaderFieldsTooLarge("Too much."), 431, "malformed", None),
        (RequestEntityTooLarge("Too much."), 413, "too_large", "body"),
        (InternalServerError("What happened."), 500, "internal", None),
        (NotFoundError(), 404, "not_found", None),
    ],
)
def test_a_refusal_is_one_problem_and_the_end(error: Any, status: int, code: str, field: str | None) -> None:
    answer = Answer(None)
    ours = isinstance(error, TainaError)
    request = SimpleNamespace(version="1.1", headers={}, error=None if ours else error, refusal=error if ours else None)
    task: Any = RefusalTask(answer.task.channel, request)
    task.execute()
    head, _, body = b"".join(answer.written).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    assert {"Connection: close", "Content-Type: application/problem+json", f"Content-Length: {len(body)}"} <= {*lines}
    assert {f"{name}: {value}" for name, value in HEADERS} <= {*lines}
    problem = json.loads(body)
    assert (problem["status"], problem["code"], problem.get("field")) == (status, code, field)
    assert ("happened" in problem["detail"], "hosts" in problem["detail"]) == (False, status == 400)
    assert task.close_on_finish
