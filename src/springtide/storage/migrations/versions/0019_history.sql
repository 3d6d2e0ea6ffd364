-- What pages say of a whole journal, summed up to an entry: written now and then by whoever has
-- the time, as movements are, and never with an order. What was posted after `history.seq` is
-- read from the journal itself, so an answer never depends on how far that is.

CREATE TABLE history (
    program_id int    NOT NULL PRIMARY KEY REFERENCES program,
    seq        bigint NOT NULL,
    figures    text   NOT NULL
);
COMMENT ON COLUMN history.figures IS
    'JSON: what came and left each day, by what the price rose, and counts; money in micro';

CREATE TABLE history_balance (
    program_id int     NOT NULL,
    account    text    COLLATE "C" NOT NULL,
    balance    numeric NOT NULL,
    PRIMARY KEY (program_id, account)
);
COMMENT ON COLUMN history_balance.account IS
    'a merchant''s in full; of all others what stands before the colon, for they are one sum';

-- A buyer's lots in one row. It may be newer than `history.seq`, never older: whoever's lots were
-- moved by a later entry is read anew.
CREATE TABLE buyer (
    program_id int     NOT NULL,
    member     text    COLLATE "C" NOT NULL,
    first_seq  bigint,
    spent      numeric NOT NULL CHECK (spent >= 0),
    points     numeric NOT NULL CHECK (points >= 0),
    received   numeric NOT NULL CHECK (received >= 0),
    factor     numeric NOT NULL CHECK (factor >= 1),
    PRIMARY KEY (program_id, member)
) WITH (fillfactor = 80);
COMMENT ON COLUMN buyer.first_seq IS 'of the first lot; null while no order was settled';
COMMENT ON COLUMN buyer.spent IS 'micro; what was ordered and not taken back';
COMMENT ON COLUMN buyer.points IS 'nano, in the units that points had under `factor`';
COMMENT ON COLUMN buyer.received IS 'micro; what points paid';
COMMENT ON COLUMN buyer.factor IS 'of all splits when the row was written';

GRANT SELECT, INSERT ON history, history_balance, buyer TO springtide_app;
GRANT UPDATE (seq, figures) ON history TO springtide_app;
GRANT UPDATE (balance) ON history_balance TO springtide_app;
GRANT UPDATE (first_seq, spent, points, received, factor) ON buyer TO springtide_app;
GRANT EXECUTE ON FUNCTION know_full_ranges() TO springtide_app;
