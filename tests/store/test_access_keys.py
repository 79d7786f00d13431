"""The file of access keys: whose it is, what opens it, and its copies."""

import errno
import os
import resource
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from taina.errors import ConflictError, StorageFullError
from taina.store import UnusableError
from taina.store.access_keys import AccessKey, KeyFile

KEY = AccessKey("ann", bytes(range(32)), 1_800_000_000, 1_900_000_000, 5, "ann@example.org", "bg", None, 1_850_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


def test_every_field_of_a_key_is_kept(path: Path) -> None:
    KeyFile(path).add(KEY)
    found = KeyFile(path)
    assert found.all() == [KEY]
    assert found.find(KEY.hash) == found.find_named("ann") == KEY
    assert (found.find(bytes(32)), found.find_named("bob")) == (None, None)


def test_what_is_noted_is_noted_once(path: Path) -> None:
    file = KeyFile(path)
    file.add(AccessKey("bob", bytes(32), 1, None, None, None, "en"))
    assert [file.revoke("bob", 2), file.revoke("bob", 3), file.revoke("eve", 3)] == [True, False, False]
    assert [file.warned("bob", 4), file.warned("bob", 5), file.warned("eve", 5)] == [True, False, False]
    assert file.all() == [AccessKey("bob", bytes(32), 1, None, None, None, "en", revoked=2, warned=4)]


def test_a_name_is_one_key_s(path: Path) -> None:
    file = KeyFile(path)
    file.add(KEY)
    with pytest.raises(ConflictError, match="'ann' already"):
        file.add(replace(KEY, hash=bytes(32)))
    assert file.all() == [KEY]


def test_what_is_refunded_can_be_spent_again_on_that_day(path: Path) -> None:
    file = KeyFile(path)
    assert [file.spend("ann", "create", 7, 1), file.spend("ann", "create", 7, 1)] == [True, False]
    file.refund("ann", "create", 6)
    assert not file.spend("ann", "create", 7, 1)
    file.refund("ann", "create", 7)
    assert file.spend("ann", "create", 7, 1)


def test_many_who_spend_at_once_spend_no_more_than_there_is(path: Path) -> None:
    file = KeyFile(path)
    spent: list[bool] = []
    threads = [
        threading.Thread(target=lambda: spent.extend(file.spend("ann", "create", 7, 10) for _ in range(5)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(spent), spent.count(True)) == (25, 10)


def test_a_file_that_is_not_one_is_told(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(UnusableError, match=r"keys\.db cannot be used \(file is not a database\)"):
        KeyFile(path)


def test_a_file_of_a_newer_version_is_refused_unchanged(path: Path) -> None:
    KeyFile(path).add(KEY)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('keys', '0099_new', '')"
        )
    before = path.read_bytes()
    with pytest.raises(UnusableError, match="newer Taina"):
        KeyFile(path)
    assert path.read_bytes() == before


def test_a_copy_is_whole(path: Path) -> None:
    file = KeyFile(path)
    file.add(KEY)
    copy = path.with_name("copy.db")
    copy.write_bytes(file.read_whole())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyFile(copy).all() == [KEY]


def test_what_the_file_says_is_told_by_every_verb(path: Path) -> None:
    file = KeyFile(path)
    path.write_bytes(b"no database" * 100)
    for verb in (lambda: file.add(KEY), file.all, lambda: file.revoke("ann", 1), file.read_whole):
        with pytest.raises(OSError, match="not a database") as caught:
            verb()
        assert caught.value.filename == str(path)


@contextmanager
def no_room() -> Iterator[None]:
    """As over a quota: nothing can be written meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_whoever_spends_is_told_that_there_is_no_room(path: Path) -> None:
    """Its operator is told of the file."""
    file = KeyFile(path)
    file.add(KEY)
    assert file.spend("ann", "create", 7, 5)
    with no_room():
        for verb in (lambda: file.spend("ann", "create", 7, 5), lambda: file.refund("ann", "create", 7)):
            with pytest.raises(StorageFullError):
                verb()
        with pytest.raises(OSError, match="disk is full") as caught:
            file.revoke("ann", 1)
    assert caught.value.errno == errno.ENOSPC
    assert [file.spend("ann", "create", 7, 2), file.spend("ann", "create", 7, 2)] == [True, False]
    path.write_bytes(b"no database" * 100)
    with pytest.raises(OSError, match="not a database"):
        file.spend("ann", "create", 7, 5)


def test_a_file_that_finds_no_room_is_no_question_of_permissions(path: Path) -> None:
    with no_room(), pytest.raises(UnusableError, match=r"keys\.db cannot be used \(.* full\)\. Free some space\.$"):
        KeyFile(path)


@pytest.mark.parametrize(("user", "owner", "given"), [(0, 1234, True), (0, 0, False), (1234, 1234, False)])
def test_what_root_makes_is_the_owner_s_of_the_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch, user: int, owner: int, given: bool
) -> None:
    """A service could not open a file of root's in its own folder."""
    changes: list[tuple[tuple[Path, int, int], dict[str, bool]]] = []
    status = os.stat_result((0o40700, 0, 0, 1, owner, 5678, 0, 0, 0, 0))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "chown", lambda *change, **how: changes.append((change, how)))
    monkeypatch.setattr(Path, "stat", lambda self, **_: status)
    KeyFile(path)
    assert changes == ([((path, owner, 5678), {"follow_symlinks": False})] if given else [])
