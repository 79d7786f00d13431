"""Answers: those of the application, and refusals of what could not be read."""

from functools import lru_cache
from http import HTTPStatus
from operator import itemgetter
from typing import Any

from waitress.task import ErrorTask, WSGITask
from waitress.utilities import build_http_date

from taina.errors import MalformedError, TainaError, TooLargeError
from taina.server.listener.parsing import MAX_BODY
from taina.web.headers import HEADERS
from taina.web.problems import problem, status_of

_OF_CONNECTION = (
    *("REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT", "SERVER_PORT", "SERVER_NAME", "SERVER_SOFTWARE", "SCRIPT_NAME"),
    *("wsgi.url_scheme", "wsgi.version", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"),
    *("wsgi.file_wrapper", "wsgi.input_terminated", "waitress.client_disconnected"),
)
"""What the environments of all requests of a connection have in common."""
_name_of = itemgetter(0)
_date = lru_cache(build_http_date)


@lru_cache
def _variable(header: str) -> str:
    """What a header is called in the environment (PEP 3333), of which these two are no headers."""
    return header if header in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{header}"


@lru_cache
def _usual_head(status: str, headers: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    """What stands before and after the date in the head of an answer; None where its end has to be found otherwise.

    Nearly all answers have one of a few heads: Waitress's detours for each cost as much as our rules do.
    """
    named = [("-".join(part.capitalize() for part in name.split("-")), value) for name, value in headers]
    names = {name for name, _ in named}
    if "Content-Length" not in names or "Date" in names or "Server" in names:
        return None
    named.sort(key=_name_of)
    lines = [(name, f"{name}: {value}\r\n") for name, value in named]
    before = "".join(line for name, line in lines if name < "Date")
    after = "".join(line for name, line in lines if name > "Date")
    return f"HTTP/1.1 {status}\r\n{before}Date: ", f"\r\n{after}\r\n"


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """Waitress's own refusals as problems, without a word of what was sent."""

    def execute(self) -> None:
        if self.request.refusal is not None:
            self._refuse(self.request.refusal, status_of(self.request.refusal))
            return
        refusal = self.request.error
        said = str(refusal.body).partition(' "')[0]  # what was sent stands in quotation marks
        error: TainaError = TainaError() if refusal.code == 500 else MalformedError(said)
        if refusal.code == 413:
            error = TooLargeError(f"A body has at most {MAX_BODY} bytes here.", field="body")
        self._refuse(error, refusal.code)  # 431 and 501 have no type of their own

    def _refuse(self, error: TainaError, status: int) -> None:
        body = problem(error, status)
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers += [("Content-Type", "application/problem+json"), *HEADERS]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Task(WSGITask):  # type: ignore[misc]
    """A request at work; Waitress's, with less done for each answer."""

    def get_environment(self) -> dict[str, Any]:
        """As Waitress, to the entry; what the connection's requests have in common is put together once."""
        request = self.request
        known: dict[str, Any] | None = self.channel.environment
        if known is None or request.path[:2] == "//":  # Waitress folds these
            environ: dict[str, Any] = super().get_environment()
            self.channel.environment = {name: environ[name] for name in _OF_CONNECTION}
            return environ
        return known | {
            "REQUEST_METHOD": request.command,
            "SERVER_PROTOCOL": f"HTTP/{self.version}",
            "PATH_INFO": request.path,
            "REQUEST_URI": request.request_uri,
            "QUERY_STRING": request.query,
            "wsgi.input": request.get_body_stream(),
            **{_variable(name): value for name, value in request.headers.items()},
        }

    def build_response_header(self) -> bytes:
        """As Waitress, to the byte."""
        asked = self.request.headers.get("CONNECTION", "").lower()
        stays = self.version == "1.1" and self.has_body and asked != "close"
        usual = _usual_head(self.status, tuple(self.response_headers)) if stays else None
        if usual is None:
            head: bytes = super().build_response_header()
            return head
        before, after = usual
        return f"{before}{_date(int(self.start_time))}{after}".encode("latin-1")

    def write(self, data: bytes) -> None:
        """Send the head together with the first of the body: two segments would be two switches to the kernel."""
        whole = self.content_length == len(data) and not self.wrote_header and self.complete and self.has_body
        if not whole:
            super().write(data)
            return
        head = self.build_response_header()
        self.wrote_header: bool = True
        self.content_bytes_written: int = len(data)
        self.channel.write_soon(head + data)

    def set_close_on_finish(self) -> None:
        """Waitress also asks for it where an answer has no body, such as that to each chunk of an upload."""
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked or self.version == "1.0":
            super().set_close_on_finish()
