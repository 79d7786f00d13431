"""A name is never trusted: the cases that the pages keep too, and whatever hypothesis thinks of."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taina.client.names import clean_name, with_number

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "names.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["name"][:40]))
def test_names_of_the_vectors(vector: dict[str, str]) -> None:
    assert clean_name(vector["name"]) == vector["clean"]


@given(st.text(st.characters(), max_size=300) | st.text("/\\.: conNULaж🔑\u202e", max_size=300))
def test_a_clean_name_is_fit_and_stays_so(name: str) -> None:
    clean = clean_name(name)
    assert clean == clean_name(clean)
    assert 0 < len(clean.encode("utf-8")) <= 200
    assert clean not in (".", "..") and not set(clean) & set("/\\\0\u202e")
    assert clean == clean.strip(" .")


def test_a_taken_name_is_numbered_before_its_extension() -> None:
    assert with_number("report.tar.gz", 2) == "report.tar (2).gz"
    assert with_number("report", 3) == "report (3)"
