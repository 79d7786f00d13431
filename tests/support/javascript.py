"""The JavaScript side, asked from Python: one Node process that runs tests/js/answers.mjs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).parents[1] / "js" / "answers.mjs"


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the tests
    """JavaScript raised its TainaError."""

    def __init__(self, code: str, members: dict[str, Any]) -> None:
        super().__init__(code)
        self.code = code
        self.members = members


def find_node() -> str:
    """It may have been installed beside this interpreter."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    node = shutil.which("node", path=places)
    assert node is not None, "these tests need Node 20 or newer"
    return node


class JavaScript:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [find_node(), str(ANSWERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, question: str, **members: Any) -> Any:
        """
        Raises:
            Refused: the answer is one of the errors that belong to the format or the API.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": question, **members}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"], answer["members"])
        assert "crash" not in answer, answer["crash"]
        return answer.get("answer")

    def close(self) -> None:
        self._process.communicate(timeout=10)
