"""The page for operators, word for word: whoever follows it has pages that browsers with WEBCAT accept."""

import re
import shlex
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from conftest import ROOT
from support.sigsum import Log, to_json
from taina.site import signing
from taina.site.manifest import read_key
from taina.site.verify import verify_folder


def commands(language: str) -> list[list[str]]:
    """What the section on WEBCAT tells to type, without its comments."""
    page = (ROOT / "site/texts" / language / "self-host.md").read_text("utf-8")
    (section,) = [part for part in page.split("\n## ") if "(WEBCAT)" in part.split("\n")[0]]
    lines = re.findall(r"^    (.+)$", section.replace("\\\n", ""), re.MULTILINE)
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_both_languages_tell_the_same_steps() -> None:
    english, bulgarian = (
        [[re.sub("[A-ZА-Я_]{4,}", "X", word) for word in line] for line in commands(code)] for code in ("en", "bg")
    )
    assert english == bulgarian


def test_the_steps_lead_to_pages_that_are_good(tmp_path: Path) -> None:
    """What is of others is done by a log in memory: the tool of WEBCAT, curl, and sigsum-submit."""
    log, now = Log(), int(time.time())
    key = signing.new_key(tmp_path / "site.key")
    second = signing.new_key(tmp_path / "second.key")
    ran = []
    for program, *arguments in commands("en"):
        ran.append(program)
        named = dict(pairwise(arguments))
        if program == "webcat":
            assert arguments[:2] == ["enrollment", "create"]
            enrollment = log.enrollment(
                key, second, threshold=int(named["--threshold"]), max_age=int(named["--max-age"])
            )
            (tmp_path / named["--output"]).write_bytes(to_json(enrollment))
        elif program == "curl":
            assert arguments[-1].endswith("/get-tree-head")
            (tmp_path / named["-o"]).write_text(log.tree_head(now))
        elif program == "sigsum-submit":
            request = tmp_path / arguments[-1]
            request.with_suffix(".proof").write_text(log.submit(request.read_text(), now))
        else:
            command = [sys.executable, "-m", program, *arguments]
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    assert ran == ["webcat", "taina", "taina", "curl", "taina", "taina", "sigsum-submit", "taina"]
    report = verify_folder(tmp_path / "pages", read_key(signing.public_key(key)), clock=lambda: now)
    assert report.findings == []
    assert report.webcat is not None
    assert (report.webcat.version, report.webcat.days_left) == ("4", 180)
