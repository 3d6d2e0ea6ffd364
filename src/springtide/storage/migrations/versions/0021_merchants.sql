-- In which batch an entry is; there is one row a commit, not one an order.
CREATE INDEX batch_of_seq ON batch (program_id, last_seq);

-- Movements of merchants' accounts too, for their statements.
CREATE OR REPLACE FUNCTION note_movements(program int, most bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
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
        OR (side.account >= 'credit:' AND side.account < 'credit;')
        OR (side.account >= 'merchant:' AND side.account < 'merchant;'))
    ORDER BY side.account, t.seq;
    UPDATE movement_mark m SET seq = upto WHERE m.program_id = program;
    RETURN upto - mark;
END $$;
INSERT INTO movement
SELECT t.program_id, side.account, t.seq, t.line, t.kind, side.change
FROM transfer t JOIN movement_mark m ON m.program_id = t.program_id AND m.seq >= t.seq,
LATERAL (VALUES (t.credit, t.amount), (t.debit, -t.amount)) side (account, change)
WHERE side.account >= 'merchant:' AND side.account < 'merchant;'
ORDER BY t.program_id, side.account, t.seq;
