"""Answers: those of the application, and refusals of what could not be read."""

from http import HTTPStatus

from waitress.task import ErrorTask, WSGITask

from taina.errors import MalformedError, TainaError, TooLargeError
from taina.server.listener.parsing import MAX_BODY
from taina.web.problems import problem, status_of


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """Waitress's own refusals as problems, without a word of what was sent."""

    def execute(self) -> None:
        if self.request.refusal is not None:
            self._refuse(self.request.refusal, status_of(self.request.refusal))
            return
        refusal = self.request.error
        error: TainaError = MalformedError(str(refusal.body)) if refusal.code < 500 else TainaError()
        if refusal.code == 413:
            error = TooLargeError(f"A body has at most {MAX_BODY} bytes here.", field="body")
        self._refuse(error, refusal.code)  # 431 and 501 have no type of their own

    def _refuse(self, error: TainaError, status: int) -> None:
        body = problem(error, status)
        self.status = f"{status} {HTTPStatus(status).phrase}"
        self.response_headers += [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Task(WSGITask):  # type: ignore[misc]
    def set_close_on_finish(self) -> None:
        """Waitress also asks for it where an answer has no body, such as that to each chunk of an upload."""
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or asked or self.version == "1.0":
            super().set_close_on_finish()
