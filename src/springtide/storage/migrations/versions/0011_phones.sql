-- Members who log in by a code sent to their phone. A number is kept as an HMAC under a key of
-- the program: what leaves the database without the key names nobody.

CREATE TABLE phone_key (
    program_id int      NOT NULL REFERENCES program,
    version    smallint NOT NULL,
    key        bytea    NOT NULL CHECK (length(key) = 32),
    PRIMARY KEY (program_id, version)
);

CREATE TABLE phone (
    program_id int         NOT NULL REFERENCES program,
    hash       bytea       NOT NULL CHECK (length(hash) = 32),
    member     text        COLLATE "C" NOT NULL CHECK (member <> ''),
    linked_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, hash),
    UNIQUE (program_id, member)
);

-- One code a number: the last that was sent. A used one cannot be used again, and no more than
-- five guesses are taken.
CREATE TABLE login_code (
    program_id int         NOT NULL REFERENCES program,
    phone_hash bytea       NOT NULL CHECK (length(phone_hash) = 32),
    code_hash  bytea       NOT NULL CHECK (length(code_hash) = 32),
    sent_at    timestamptz NOT NULL,
    guesses    smallint    NOT NULL CHECK (guesses BETWEEN 0 AND 5),
    used_at    timestamptz,
    day_began  timestamptz NOT NULL CHECK (day_began <= sent_at),
    sent       smallint    NOT NULL CHECK (sent BETWEEN 1 AND 10),
    PRIMARY KEY (program_id, phone_hash)
);
COMMENT ON COLUMN login_code.sent IS 'codes sent to this number since day_began';

GRANT SELECT, INSERT ON phone_key, phone TO springtide_app;
GRANT SELECT, INSERT, UPDATE (code_hash, sent_at, guesses, used_at, day_began, sent)
    ON login_code TO springtide_app;
