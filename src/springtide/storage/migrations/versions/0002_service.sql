-- Orders that are paid first and settled later: which entry settled them.

CREATE TABLE settlement (
    program_id int    NOT NULL,
    order_id   text   COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    PRIMARY KEY (program_id, order_id)
);
ALTER TABLE settlement ALTER COLUMN program_id SET STATISTICS 0;
GRANT SELECT, INSERT ON settlement TO springtide_app;

-- Entries with the splits before them: the units that their points are in.
CREATE VIEW posted AS
    SELECT e.program_id, e.seq, e.id, e.kind, e.event, e.receipt, coalesce((
        SELECT s.factor FROM split s WHERE s.program_id = e.program_id AND s.seq < e.seq
        ORDER BY s.seq DESC LIMIT 1), 1) AS factor
    FROM entry e;
GRANT SELECT ON posted TO springtide_app;

-- Finds the orders that wait; it costs nothing where orders are settled at once.
CREATE INDEX entry_paid ON entry (program_id, seq) WHERE kind = 'pay';

-- Keys of the HTTP API. A key is shown once; only its SHA-256 is kept. Keys are random and
-- long, so a slow hash would protect nothing.

CREATE TABLE api_key (
    program_id int         NOT NULL REFERENCES program,
    id         text        COLLATE "C" NOT NULL,
    mode       text        NOT NULL CHECK (mode IN ('test', 'live')),
    scopes     text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    hash       bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (program_id, id)
);

-- A key is never changed but to revoke it.
GRANT SELECT, INSERT, UPDATE (revoked_at) ON api_key TO springtide_app;
