"""The schema of the PostgreSQL store, as numbered steps; a step that has been released is never changed."""

from typing import Any, LiteralString

import psycopg

from taina.store import UnusableError

USAGE_SHARDS = 64
_LOCK = int.from_bytes(b"taina/v1", "big") >> 1

STEPS: tuple[LiteralString, ...] = (
    """
    CREATE TABLE secrets (
        id bytea PRIMARY KEY CHECK (length(id) = 16),
        link_hash bytea NOT NULL CHECK (length(link_hash) = 32),
        reveal_hash bytea NOT NULL,
        receipt_id bytea NOT NULL UNIQUE CHECK (length(receipt_id) = 16),
        receipt_hash bytea NOT NULL CHECK (length(receipt_hash) = 32),
        fingerprint bytea NOT NULL,
        passphrase boolean NOT NULL,
        size bigint NOT NULL CHECK (size >= 0),
        chunks integer NOT NULL CHECK (chunks >= 0),
        missing integer NOT NULL CHECK (missing BETWEEN 0 AND chunks),
        state text NOT NULL CHECK (state IN
            ('uploading', 'waiting', 'revealed', 'opened', 'burned', 'expired', 'locked')),
        created bigint NOT NULL,
        expires bigint NOT NULL CHECK (expires > created),
        due bigint NOT NULL,
        ended bigint,
        failed_attempts integer NOT NULL CHECK (failed_attempts >= 0),
        claim_id bytea UNIQUE,
        claim_check bytea,
        opened bytea
    );
    CREATE INDEX secrets_due ON secrets (due);

    -- Of the secrets whose sealed bytes are still here. Dead rows hold keys: they are to be vacuumed soon.
    CREATE TABLE keys (
        secret bytea PRIMARY KEY,
        key bytea NOT NULL CHECK (length(key) = 32),
        size bigint NOT NULL
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);

    CREATE TABLE chunks (
        secret bytea NOT NULL,
        n integer NOT NULL,
        wrapped bytea NOT NULL,
        PRIMARY KEY (secret, n)
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 1);
    ALTER TABLE chunks ALTER wrapped SET STORAGE EXTERNAL;

    -- One sum in many parts, so that nobody waits for another's commit; a part alone may be negative.
    CREATE TABLE usage (shard integer PRIMARY KEY, bytes bigint NOT NULL) WITH (fillfactor = 10);
    """,
    """
    CREATE TABLE requests (
        id bytea PRIMARY KEY CHECK (length(id) = 16),
        inbox_hash bytea NOT NULL CHECK (length(inbox_hash) = 32),
        answer_hash bytea NOT NULL CHECK (length(answer_hash) = 32),
        answers integer NOT NULL CHECK (answers > 0),
        created bigint NOT NULL,
        expires bigint NOT NULL CHECK (expires > created),
        due bigint NOT NULL
    );
    CREATE INDEX requests_due ON requests (due);
    CREATE TABLE envelopes (
        request bytea NOT NULL,
        n integer NOT NULL CHECK (n >= 0),
        sealed bytea NOT NULL CHECK (length(sealed) = 81),
        received bigint NOT NULL,
        PRIMARY KEY (request, n)
    );
    """,
    """
    ALTER TABLE requests ADD started integer NOT NULL DEFAULT 0 CHECK (started >= 0);
    ALTER TABLE requests ADD key text;
    ALTER TABLE requests ADD ended bigint;
    CREATE TABLE started (secret bytea PRIMARY KEY, request bytea NOT NULL);
    CREATE INDEX started_request ON started (request);
    """,
    """
    -- An upload is counted by what has arrived (with four chunks of 1 MiB and 16 bytes ahead), and rows are counted.
    ALTER TABLE secrets ADD held bigint NOT NULL DEFAULT 0 CHECK (held >= 0);
    UPDATE secrets SET held = CASE missing WHEN 0 THEN size
        ELSE least(size, (chunks - missing + 4)::bigint * 1048592) END WHERE chunks > 0;
    ALTER TABLE keys DROP size;
    ALTER TABLE usage ADD unfinished bigint NOT NULL DEFAULT 0;
    UPDATE usage SET bytes = 0;
    UPDATE usage SET
        bytes = (SELECT coalesce(sum(held + 512), 0) FROM secrets)
            + (SELECT count(*) * 512 FROM requests) + (SELECT count(*) * 512 FROM envelopes),
        unfinished = (SELECT coalesce(sum(held), 0) FROM secrets WHERE state = 'uploading')
        WHERE shard = 0;
    """,
    """
    -- The highest time that was trusted, in unix seconds: one row, or none yet.
    CREATE TABLE clock (one integer PRIMARY KEY CHECK (one = 1), mark bigint NOT NULL);
    """,
)


def migrate(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Bring the schema `taina` to what this version knows. Many hosts may do so at once: one works, the others wait.

    Raises:
        UnusableError: a newer version made it.
        psycopg.Error: this user may not, or the server went away; nothing was changed.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if connection.execute("SELECT to_regclass('taina.versions')").fetchone() == (None,):
            connection.execute("CREATE SCHEMA IF NOT EXISTS taina")
            connection.execute(
                "CREATE TABLE taina.versions (version integer PRIMARY KEY, since timestamptz DEFAULT now())"
            )
        row = connection.execute("SELECT coalesce(max(version), 0) FROM taina.versions").fetchone()
        version: int = row[0] if row else 0
        if version > len(STEPS):
            raise UnusableError(
                f"The database was set up by a newer Taina (schema {version}; this one knows {len(STEPS)}). "
                "Nothing was changed. Update this program."
            )
        connection.execute("SET LOCAL search_path = taina")
        for number, step in enumerate(STEPS[version:], version + 1):
            connection.execute(step)
            connection.execute("INSERT INTO versions (version) VALUES (%s)", (number,))
        if version == 0:
            connection.execute(
                "INSERT INTO usage (shard, bytes) SELECT n, 0 FROM generate_series(0, %s) n", (USAGE_SHARDS - 1,)
            )
