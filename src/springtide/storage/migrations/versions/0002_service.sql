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
