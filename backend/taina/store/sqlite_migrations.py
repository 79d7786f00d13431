"""The schema of the SQLite store, as numbered steps; a step that has been released is never changed."""

import sqlite_utils

migrations = sqlite_utils.Migrations("taina")

# A chunk's row number is slot * 2^20 + its own number: one b-tree, no index.
CHUNKS_A_SLOT = 1 << 20


@migrations(name="0001_secrets")
def secrets(db: sqlite_utils.Database) -> None:
    db.execute(
        """
        CREATE TABLE secrets (
            id BLOB PRIMARY KEY CHECK (length(id) = 16),
            link_hash BLOB NOT NULL CHECK (length(link_hash) = 32),
            reveal_hash BLOB NOT NULL,
            receipt_id BLOB NOT NULL UNIQUE CHECK (length(receipt_id) = 16),
            receipt_hash BLOB NOT NULL CHECK (length(receipt_hash) = 32),
            fingerprint BLOB NOT NULL,
            passphrase INTEGER NOT NULL CHECK (passphrase IN (0, 1)),
            size INTEGER NOT NULL CHECK (size >= 0),
            chunks INTEGER NOT NULL CHECK (chunks >= 0),
            missing INTEGER NOT NULL CHECK (missing BETWEEN 0 AND chunks),
            state TEXT NOT NULL CHECK (state IN
                ('uploading', 'waiting', 'revealed', 'opened', 'burned', 'expired', 'locked')),
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL CHECK (expires > created),
            due INTEGER NOT NULL,
            ended INTEGER,
            failed_attempts INTEGER NOT NULL CHECK (failed_attempts >= 0),
            claim_id BLOB UNIQUE,
            claim_check BLOB,
            opened BLOB,
            slot INTEGER
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX secrets_due ON secrets (due)")


@migrations(name="0002_sealed_bytes")
def sealed_bytes(db: sqlite_utils.Database) -> None:
    # Keys stand in rows of one size that are overwritten in place, so that no copy stays behind; all zeros = free.
    db.execute("CREATE TABLE slots (slot INTEGER PRIMARY KEY, key BLOB NOT NULL CHECK (length(key) = 32)) STRICT")
    db.execute("CREATE TABLE chunks (place INTEGER PRIMARY KEY, wrapped BLOB NOT NULL) STRICT")
    db.execute("CREATE TABLE usage (bytes INTEGER NOT NULL CHECK (bytes >= 0)) STRICT")
    db.execute("INSERT INTO usage VALUES (0)")


@migrations(name="0003_requests")
def requests(db: sqlite_utils.Database) -> None:
    db.execute(
        """
        CREATE TABLE requests (
            id BLOB PRIMARY KEY CHECK (length(id) = 16),
            inbox_hash BLOB NOT NULL CHECK (length(inbox_hash) = 32),
            answer_hash BLOB NOT NULL CHECK (length(answer_hash) = 32),
            answers INTEGER NOT NULL CHECK (answers > 0),
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL CHECK (expires > created),
            due INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX requests_due ON requests (due)")
    db.execute(
        """
        CREATE TABLE envelopes (
            request BLOB NOT NULL,
            n INTEGER NOT NULL CHECK (n >= 0),
            sealed BLOB NOT NULL CHECK (length(sealed) = 81),
            received INTEGER NOT NULL,
            PRIMARY KEY (request, n)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations(name="0004_litter")
def litter(db: sqlite_utils.Database) -> None:
    # Slots whose key is gone, but not yet all of their chunks.
    db.execute("CREATE TABLE litter (slot INTEGER PRIMARY KEY) STRICT")


@migrations(name="0009_refuses_0_1")
def refuses_0_1(db: sqlite_utils.Database) -> None:
    # Version 0.1.0 does not compare steps: it would start on this file and count wrongly what it keeps. It reads this
    # table at its start, so now it says that the database cannot be used, and changes nothing. 0.2.0 refuses the name
    # of this step. It comes before all that they do not know, for an upgrade may break off: a program that was put
    # back meanwhile would change what has been copied.
    db.execute("ALTER TABLE litter RENAME TO pending_deletes")
    db.execute("DROP TABLE IF EXISTS secrets_in_order")  # begun by a checkout that refused nobody until it was done


@migrations(name="0005_answers")
def answers(db: sqlite_utils.Database) -> None:
    # A request is worth the answers that it was made for: what was started for it is counted, and who pays is noted.
    db.execute("ALTER TABLE requests ADD COLUMN started INTEGER NOT NULL DEFAULT 0 CHECK (started >= 0)")
    db.execute("ALTER TABLE requests ADD COLUMN key TEXT")
    db.execute("ALTER TABLE requests ADD COLUMN ended INTEGER")
    db.execute("CREATE TABLE started (secret BLOB PRIMARY KEY, request BLOB NOT NULL) STRICT, WITHOUT ROWID")
    db.execute("CREATE INDEX started_request ON started (request)")


@migrations(name="0006_usage")
def usage(db: sqlite_utils.Database) -> None:
    # An upload is counted by what has arrived (with four chunks of 1 MiB and 16 bytes ahead), and rows are counted.
    db.execute("ALTER TABLE secrets ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0)")
    db.execute(
        "UPDATE secrets SET held = min(size, CASE missing WHEN 0 THEN size ELSE (chunks - missing + 4) * 1048592 END)"
    )
    db.execute("ALTER TABLE usage ADD COLUMN unfinished INTEGER NOT NULL DEFAULT 0 CHECK (unfinished >= 0)")
    db.execute(
        """
        UPDATE usage SET
            bytes = (SELECT coalesce(sum(held + 512), 0) FROM secrets)
                + (SELECT count(*) * 512 FROM requests) + (SELECT count(*) * 512 FROM envelopes),
            unfinished = (SELECT coalesce(sum(held), 0) FROM secrets WHERE state = 'uploading')
        """
    )


@migrations(name="0007_clock")
def clock(db: sqlite_utils.Database) -> None:
    # The highest time that was trusted, in unix seconds: one row, or none yet.
    db.execute("CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), mark INTEGER NOT NULL) STRICT")


_IN_ORDER = """
CREATE TABLE IF NOT EXISTS secrets_in_order (
    id BLOB NOT NULL CHECK (length(id) = 16),
    link_hash BLOB NOT NULL CHECK (length(link_hash) = 32),
    reveal_hash BLOB NOT NULL,
    receipt_id BLOB NOT NULL CHECK (length(receipt_id) = 16),
    receipt_hash BLOB NOT NULL CHECK (length(receipt_hash) = 32),
    fingerprint BLOB NOT NULL,
    passphrase INTEGER NOT NULL CHECK (passphrase IN (0, 1)),
    size INTEGER NOT NULL CHECK (size >= 0),
    chunks INTEGER NOT NULL CHECK (chunks >= 0),
    missing INTEGER NOT NULL CHECK (missing BETWEEN 0 AND chunks),
    held INTEGER NOT NULL CHECK (held >= 0),
    state TEXT NOT NULL CHECK (state IN
        ('uploading', 'waiting', 'revealed', 'opened', 'burned', 'expired', 'locked')),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL CHECK (expires > created),
    due INTEGER NOT NULL,
    ended INTEGER,
    failed_attempts INTEGER NOT NULL CHECK (failed_attempts >= 0),
    claim_id BLOB,
    claim_check BLOB,
    opened BLOB,
    slot INTEGER
) STRICT
"""
_COPIED = (
    "id, link_hash, reveal_hash, receipt_id, receipt_hash, fingerprint, passphrase, size, chunks, missing, held, "
    "state, created, expires, due, ended, failed_attempts, claim_id, claim_check, opened, slot"
)
_COPY = f"""
INSERT INTO secrets_in_order ({_COPIED})
SELECT {_COPIED} FROM secrets WHERE (due, id) > (?, ?) ORDER BY due, id LIMIT ?
"""  # noqa: S608 - names of our own
COPIED_AT_ONCE = 10_000
"""Rows of one transaction, so that neither memory nor the log grow with the file."""
_INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS secrets_id ON secrets_in_order (id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS secrets_receipt ON secrets_in_order (receipt_id)",
    "CREATE UNIQUE INDEX IF NOT EXISTS secrets_claim ON secrets_in_order (claim_id) WHERE claim_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS secrets_due_in_order ON secrets_in_order (due)",
)


@migrations(name="0008_order", transactional=False)
def order(db: sqlite_utils.Database) -> None:
    """Let rows stand in the order in which they come, so that those of one commit share pages.

    Only what is random by nature, the ids, is spread over indexes, and that of the claims has those alone that there
    are. It takes many transactions: one that is broken off goes on where it was.
    """
    (without_rowid,) = db.execute("SELECT wr FROM pragma_table_list WHERE name = 'secrets'").fetchone()
    if without_rowid:
        _copy_in_order(db)
        with db.atomic():
            db.execute("ALTER TABLE secrets RENAME TO secrets_before")
            db.execute("ALTER TABLE secrets_in_order RENAME TO secrets")
    # In a transaction with others, SQLite would keep the whole table in memory, to bring it back if it had to.
    db.execute("DROP TABLE IF EXISTS secrets_before")
    _empty_log(db)


def _copy_in_order(db: sqlite_utils.Database) -> None:
    db.execute(_IN_ORDER)
    copied = COPIED_AT_ONCE
    while copied == COPIED_AT_ONCE:
        last = db.execute("SELECT due, id FROM secrets_in_order ORDER BY rowid DESC LIMIT 1").fetchone()
        copied = _committed(db, _COPY, (*(last or (-1, b"")), COPIED_AT_ONCE))
    for index in _INDEXES:
        _committed(db, index)


def _committed(db: sqlite_utils.Database, statement: str, values: tuple[object, ...] = ()) -> int:
    """The number of rows that a statement changed, in a transaction of its own."""
    with db.atomic():
        count = db.execute(statement, values).rowcount
    _empty_log(db)
    return count


def _empty_log(db: sqlite_utils.Database) -> None:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
