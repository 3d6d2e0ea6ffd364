-- Transfers of members' wallets, points and store credit once more, account by account: what a
-- statement reads. An index that finds them would be kept with every order; this is written now
-- and then, thousands of entries at once, by whoever has the time. `movement_mark` says how far:
-- what was posted after it stands in `transfer` alone.

CREATE TABLE movement (
    program_id int      NOT NULL,
    account    text     COLLATE "C" NOT NULL,
    seq        bigint   NOT NULL,
    line       smallint NOT NULL,
    kind       text     COLLATE "C" NOT NULL,
    change     bigint   NOT NULL CHECK (change <> 0),
    PRIMARY KEY (program_id, account, seq, line)
);
ALTER TABLE movement ALTER COLUMN program_id SET STATISTICS 0;
COMMENT ON COLUMN movement.change IS 'money and credit in micro; points in nano, as in transfer';

CREATE TABLE movement_mark (
    program_id int    NOT NULL PRIMARY KEY REFERENCES program,
    seq        bigint NOT NULL
);

-- Ranges of transfers are found by their seqs once the index knows of them; it learns that from
-- a vacuum, which comes when the table has doubled. Only ranges that are full: the last one
-- would be brought up to date with every transfer.
CREATE FUNCTION know_full_ranges() RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    pages_a_range CONSTANT bigint := 128;
    first_page bigint :=
        pg_relation_size('transfer') / current_setting('block_size')::bigint / pages_a_range
        * pages_a_range - pages_a_range;
BEGIN
    WHILE first_page >= 0 AND brin_summarize_range('transfer_by_seq', first_page) > 0 LOOP
        first_page := first_page - pages_a_range;
    END LOOP;
END $$;

-- Writes the movements of at most so many entries; gives how many entries that were, none if
-- somebody else is at it.
CREATE FUNCTION note_movements(program int, most bigint) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    mark bigint;
    upto bigint;
BEGIN
    INSERT INTO movement_mark VALUES (program, -1) ON CONFLICT DO NOTHING;
    SELECT m.seq INTO mark FROM movement_mark m WHERE m.program_id = program
    FOR UPDATE SKIP LOCKED;
    SELECT least(p.seq, mark + most) INTO upto FROM program p WHERE p.id = program;
    IF mark IS NULL OR upto <= mark THEN
        RETURN 0;
    END IF;
    PERFORM know_full_ranges();
    INSERT INTO movement
    SELECT program, side.account, t.seq, t.line, t.kind, side.change
    FROM transfer t, LATERAL (VALUES (t.credit, t.amount), (t.debit, -t.amount))
                         side (account, change)
    WHERE t.program_id = program AND t.seq > mark AND t.seq <= upto
      AND ((side.account >= 'wallet:' AND side.account < 'wallet;')
        OR (side.account >= 'points:' AND side.account < 'points;')
        OR (side.account >= 'credit:' AND side.account < 'credit;'))
    ORDER BY side.account, t.seq;
    UPDATE movement_mark m SET seq = upto WHERE m.program_id = program;
    RETURN upto - mark;
END $$;

-- The product reads these tables; what is in them is the function's alone.
REVOKE ALL ON FUNCTION know_full_ranges(), note_movements(int, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_movements(int, bigint) TO springtide_app;
GRANT SELECT ON movement, movement_mark TO springtide_app;
