"""Shipped examples with the values of a test in place of theirs."""

import re


def adapted(text: str, values: dict[str, str]) -> str:
    """The text with each key replaced wherever it stands, in one pass: what was put in is never replaced again.

    Raises:
        AssertionError: the text does not hold a key; it would quietly stay as it is.
    """
    missing = [key for key in values if key not in text]
    assert not missing, missing
    keys = sorted(values, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, keys)), lambda found: values[found[0]], text)
