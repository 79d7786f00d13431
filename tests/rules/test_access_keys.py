"""Access keys: who is admitted, until when, and how much a day. Beside a clock that the test turns."""

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.clocks import START, Clock
from taina.errors import ConflictError, InvalidError, KeyNeededError, KeyRefusedError, NotFoundError, QuotaError
from taina.rules.access_keys import AccessKeys, open_keys
from taina.store import UnusableError
from taina.store.access_keys import AccessKey, KeyFile

DAY = 86400
MIDNIGHT = START // DAY * DAY + DAY
"""The next one (UTC)."""


@pytest.fixture
def clock() -> Clock:
    return Clock(START + 0.5)


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> AccessKeys:
    return AccessKeys(KeyFile(tmp_path / "keys.db"), clock)


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except KeyRefusedError:
        return True
    return False


def test_a_key_is_known_again_by_its_token_alone(keys: AccessKeys) -> None:
    made, token = keys.issue("ann", quota=5, contact="ann@example.org", language="bg")
    other, other_token = keys.issue("bob")
    assert (len(token), token != other_token) == (32, True)
    assert keys.authenticate(token) == made
    assert keys.authenticate(other_token) == other
    assert keys.named("ann") == made
    assert (made.name, made.created, made.expires, made.quota) == ("ann", START, None, 5)
    assert (made.contact, made.language, made.revoked, made.warned) == ("ann@example.org", "bg", None, None)
    assert (other.quota, other.contact, other.language) == (None, None, "en")
    assert token not in (made.hash, other.hash)


def test_without_a_key_that_is_in_force_nobody_is_admitted(keys: AccessKeys) -> None:
    keys.issue("ann")
    with pytest.raises(KeyNeededError):
        keys.authenticate(None)
    for token in (bytes(32), b""):
        with pytest.raises(KeyRefusedError):
            keys.authenticate(token)
    with pytest.raises(KeyRefusedError):
        keys.named("bob")


@pytest.mark.parametrize("name", ["", "a\nb", "-ann", "a" * 65, "ann/", " ann"])
def test_a_name_that_is_not_one(keys: AccessKeys, name: str) -> None:
    with pytest.raises(InvalidError, match="1 to 64 letters") as caught:
        keys.issue(name)
    assert caught.value.members["field"] == "name"
    assert keys.all() == []


@pytest.mark.parametrize("name", ["a", "Мария", "ann@example.org", "build-server 2", "a" * 64])
def test_a_name_that_is_one(keys: AccessKeys, name: str) -> None:
    made, _ = keys.issue(name)
    assert keys.all() == [made]


def test_a_name_is_one_key_s(keys: AccessKeys) -> None:
    made, token = keys.issue("ann", quota=1)
    with pytest.raises(ConflictError, match="'ann' already"):
        keys.issue("ann", quota=1000)
    assert keys.all() == [made]
    assert keys.authenticate(token) == made


def test_they_are_listed_by_name(keys: AccessKeys) -> None:
    for name in ("eve", "ann", "bob"):
        keys.issue(name)
    assert [key.name for key in keys.all()] == ["ann", "bob", "eve"]


def test_a_key_ends_with_its_last_second(keys: AccessKeys, clock: Clock) -> None:
    made, token = keys.issue("ann", ttl=3600)
    _, endless = keys.issue("bob")
    assert made.expires == START + 3600
    clock.now = START + 3599.9
    assert keys.authenticate(token) == keys.named("ann") == made
    clock.now = START + 3600
    assert refused(lambda: keys.authenticate(token))
    assert refused(lambda: keys.named("ann"))
    assert not keys.in_force(made)
    clock.now = START + 100 * 366 * DAY
    assert keys.authenticate(endless).name == "bob"


def test_a_revoked_key_is_refused_at_once_and_stays_listed(keys: AccessKeys, clock: Clock) -> None:
    _, token = keys.issue("ann")
    _, other = keys.issue("bob")
    clock.now += 60
    revoked = keys.revoke("ann")
    assert (revoked.name, revoked.revoked) == ("ann", START + 60)
    assert refused(lambda: keys.authenticate(token))
    assert refused(lambda: keys.named("ann"))
    assert keys.authenticate(other).revoked is None
    clock.now += 60
    for name, told in [("ann", "ann"), ("eve", "eve"), ("\udcff", r"\\udcff")]:  # the last is no text: a lone byte
        with pytest.raises(NotFoundError, match=f"No key named '{told}' is in force"):
            keys.revoke(name)
    assert next(key for key in keys.all() if key.name == "ann") == revoked
    assert keys.revoke("bob").name == "bob", "it is not the first of them that is told"


def test_a_quota_is_for_a_day_and_one_purpose(keys: AccessKeys, clock: Clock) -> None:
    for clock.now in (MIDNIGHT - DAY, MIDNIGHT - 1):
        keys.spend("ann", "create", 2)
    with pytest.raises(QuotaError):
        keys.spend("ann", "create", 2)
    keys.spend("ann", "mail", 2)
    keys.spend("bob", "create", 2)
    keys.spend("ann", "create", 3)  # a larger one counts what was spent
    clock.now = MIDNIGHT
    keys.spend("ann", "create", 1)
    with pytest.raises(QuotaError):
        keys.spend("ann", "create", 1)


def test_no_quota_counts_nothing_and_one_of_nothing_allows_nothing(keys: AccessKeys) -> None:
    for _ in range(3):
        keys.spend("ann", "create", None)()
    keys.spend("ann", "create", 1)
    with pytest.raises(QuotaError):
        keys.spend("bob", "create", 0)


def test_what_was_not_made_is_given_back_on_its_own_day(keys: AccessKeys, clock: Clock) -> None:
    give_back = keys.spend("ann", "create", 1)
    give_back()
    give_back()  # never below nothing
    late = keys.spend("ann", "create", 1)
    with pytest.raises(QuotaError):
        keys.spend("ann", "create", 1)
    clock.now += DAY
    keys.spend("ann", "create", 1)
    late()
    with pytest.raises(QuotaError):
        keys.spend("ann", "create", 1)


def due(keys: AccessKeys) -> list[str]:
    return [key.name for key in keys.about_to_expire()]


def test_a_holder_is_told_once_in_the_last_week(keys: AccessKeys, clock: Clock) -> None:
    made, _ = keys.issue("ann", ttl=30 * DAY, contact="ann@example.org")
    end = START + 30 * DAY
    for now, told in [(end - 7 * DAY - 1, []), (end - 7 * DAY, ["ann"]), (end - 1, ["ann"]), (end, [])]:
        clock.now = now
        assert due(keys) == told
    clock.now = end - 60
    keys.note_warned(made)
    assert due(keys) == []
    assert keys.named("ann") == replace(made, warned=end - 60)


def test_nobody_is_told_who_cannot_be_or_need_not(keys: AccessKeys, clock: Clock) -> None:
    keys.issue("no address", ttl=DAY)
    keys.issue("endless", contact="a@example.org")
    keys.issue("revoked", ttl=DAY, contact="b@example.org")
    keys.revoke("revoked")
    keys.issue("told", ttl=DAY, contact="c@example.org")
    assert due(keys) == ["told"]


def test_the_file_is_for_its_owner_alone_and_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    _, token = open_keys(folder).issue("ann", ttl=3600)
    assert stat.S_IMODE((folder / "keys.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found: AccessKey = open_keys(folder).authenticate(token)
    assert found.name == "ann"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(UnusableError, match=r"data cannot be used \(File exists\)\. .* another folder with --data\.$"):
        open_keys(tmp_path / "data")
