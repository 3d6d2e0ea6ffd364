-- Withdrawals: money on its way from wallets to their owners, and every step it took.
-- The reducer moves them (springtide.core.withdrawal); these tables say where each stands, and
-- refuse on their own any step that is not allowed, whoever asks.

CREATE TABLE withdrawal (
    program_id int         NOT NULL,
    id         text        COLLATE "C" NOT NULL,
    seq        bigint      NOT NULL,
    member     text        COLLATE "C" NOT NULL,
    amount     bigint      NOT NULL CHECK (amount > 0),
    fee        bigint      NOT NULL CHECK (fee >= 0 AND fee < amount),
    approvals  smallint    NOT NULL CHECK (approvals BETWEEN 1 AND 2),
    asked_by   text        COLLATE "C" NOT NULL CHECK (asked_by <> ''),
    day        date        NOT NULL,
    state      text        COLLATE "C" NOT NULL DEFAULT 'requested',
    steps      int         NOT NULL DEFAULT 1,
    reference  text        COLLATE "C",
    PRIMARY KEY (program_id, id),
    UNIQUE (program_id, seq),
    UNIQUE (program_id, reference)
);
COMMENT ON COLUMN withdrawal.amount IS 'micro; what left the wallet, with the fee';
COMMENT ON COLUMN withdrawal.approvals IS 'how many different people must approve it';
COMMENT ON COLUMN withdrawal.reference IS 'under which it was sent; null before';
CREATE INDEX withdrawal_of_member ON withdrawal (program_id, member, day);
CREATE INDEX withdrawal_by_state ON withdrawal (program_id, state, seq);

CREATE TABLE withdrawal_act (
    program_id int         NOT NULL,
    withdrawal text        COLLATE "C" NOT NULL,
    number     int         NOT NULL CHECK (number > 1),
    seq        bigint      NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        COLLATE "C" NOT NULL CHECK (actor <> ''),
    from_state text        COLLATE "C" NOT NULL,
    to_state   text        COLLATE "C" NOT NULL,
    why        text        COLLATE "C" NOT NULL,
    reference  text        COLLATE "C",
    PRIMARY KEY (program_id, withdrawal, number),
    FOREIGN KEY (program_id, withdrawal) REFERENCES withdrawal,
    CONSTRAINT step_is_allowed CHECK ((from_state, to_state) IN (
        ('requested', 'under_review'), ('requested', 'rejected'), ('requested', 'cancelled'),
        ('under_review', 'under_review'),  -- the first of two approvals
        ('under_review', 'approved'), ('under_review', 'rejected'),
        ('under_review', 'cancelled'),
        ('approved', 'sent'), ('approved', 'rejected'),
        ('sent', 'settled'), ('sent', 'failed'), ('sent', 'returned'),
        ('sent', 'awaiting_member'), ('sent', 'unknown'),
        ('awaiting_member', 'settled'), ('awaiting_member', 'failed'),
        ('awaiting_member', 'returned'),
        ('unknown', 'settled'), ('unknown', 'failed'), ('unknown', 'returned'))),
    CONSTRAINT sent_under_a_reference CHECK ((to_state = 'sent') = (reference IS NOT NULL))
);
COMMENT ON COLUMN withdrawal_act.number IS 'of the step; asking for it was the first';
-- One person's approval counts once.
CREATE UNIQUE INDEX withdrawal_approved_once ON withdrawal_act (program_id, withdrawal, actor)
    WHERE from_state = 'under_review' AND to_state IN ('under_review', 'approved');
CREATE INDEX withdrawal_act_of_entry ON withdrawal_act (program_id, seq);

-- The one way to move a withdrawal: whoever adds the act moves the row, or is refused.
CREATE FUNCTION take_step() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moved withdrawal;
    approved bigint;
BEGIN
    UPDATE withdrawal w
    SET state = NEW.to_state, steps = NEW.number, reference = coalesce(NEW.reference, w.reference)
    WHERE w.program_id = NEW.program_id AND w.id = NEW.withdrawal
      AND w.state = NEW.from_state AND w.steps = NEW.number - 1
    RETURNING * INTO moved;
    IF NOT FOUND THEN
        RAISE 'withdrawal % is not % after % steps', NEW.withdrawal, NEW.from_state,
              NEW.number - 1 USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.from_state = 'under_review' AND NEW.to_state IN ('under_review', 'approved') THEN
        IF NEW.actor = moved.asked_by THEN
            RAISE '% asked for withdrawal % and cannot approve it', NEW.actor, NEW.withdrawal
                USING ERRCODE = 'check_violation';
        END IF;
        SELECT count(DISTINCT a.actor) INTO approved FROM withdrawal_act a
        WHERE a.program_id = NEW.program_id AND a.withdrawal = NEW.withdrawal
          AND a.number <= NEW.number AND a.from_state = 'under_review'
          AND a.to_state IN ('under_review', 'approved');
        IF (approved >= moved.approvals) <> (NEW.to_state = 'approved') THEN
            RAISE 'withdrawal % has % of % approvals, so it cannot be %', NEW.withdrawal,
                  approved, moved.approvals, NEW.to_state USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER take_step AFTER INSERT ON withdrawal_act
    FOR EACH ROW EXECUTE FUNCTION take_step();

GRANT SELECT ON withdrawal, withdrawal_act TO springtide_app;
GRANT INSERT ON withdrawal_act TO springtide_app;
-- Not its state: a withdrawal begins at the beginning.
GRANT INSERT (program_id, id, seq, member, amount, fee, approvals, asked_by, day) ON withdrawal
    TO springtide_app;

-- What is on its way out is kept, and never overdrawn: nothing is sent or given back twice.
ALTER TABLE account DROP CONSTRAINT account_code_check;
ALTER TABLE account ADD CONSTRAINT account_code_check
    CHECK (code IN ('pool', 'orphaned', 'backing', 'escrow', 'withdrawals'));

-- Wallets are counted together now and then, so that a debit never reads far back. All are
-- counted up to the row of the empty code; one that has a row of its own perhaps further.

CREATE OR REPLACE FUNCTION wallet_balance(program int, wallet_code text) RETURNS numeric
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT w.balance FROM wallet w
                     WHERE w.program_id = program AND w.code = wallet_code), 0)
         + coalesce((SELECT sum(CASE WHEN t.credit = wallet_code THEN t.amount ELSE -t.amount END)
                     FROM transfer t
                     WHERE t.program_id = program
                       AND (t.credit = wallet_code OR t.debit = wallet_code)
                       AND t.seq > coalesce((SELECT max(w.through_seq) FROM wallet w
                                             WHERE w.program_id = program
                                               AND w.code IN (wallet_code, '')), -1)), 0);

-- A debit always brings its wallet up to date, so what came after is credits.
CREATE FUNCTION catch_up_wallets(program int, upto bigint) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        INSERT INTO wallet AS w (program_id, code, balance, owed, through_seq)
        SELECT program, t.credit, sum(t.amount), 0, upto
        FROM transfer t
        LEFT JOIN wallet e ON e.program_id = program AND e.code = t.credit
        WHERE t.program_id = program AND t.seq <= upto
          AND t.seq > coalesce((SELECT m.through_seq FROM wallet m
                                WHERE m.program_id = program AND m.code = ''), -1)
          AND t.seq > coalesce(e.through_seq, -1)
          AND ((t.credit >= 'wallet:' AND t.credit < 'wallet;')
            OR (t.credit >= 'credit:' AND t.credit < 'credit;'))
        GROUP BY t.credit
        ON CONFLICT (program_id, code) DO UPDATE
        SET balance = w.balance + excluded.balance, through_seq = excluded.through_seq,
            owed = least(w.owed, greatest(-w.balance - excluded.balance, 0));
        INSERT INTO wallet AS w (program_id, code, balance, owed, through_seq)
        VALUES (program, '', 0, 0, upto)
        ON CONFLICT (program_id, code) DO UPDATE SET through_seq = excluded.through_seq;
    END;

-- Brings every wallet that these entries debit up to date, all in one pass. Planned anew for
-- what is asked: a plan made without knowing it would compare every transfer with every wallet.
CREATE FUNCTION count_debited_wallets(program int, first bigint, last bigint) RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    mark bigint := coalesce((SELECT m.through_seq FROM wallet m
                             WHERE m.program_id = program AND m.code = ''), -1);
    codes text[];
    since bigint;
BEGIN
    IF first - mark > 20000 THEN
        mark := first - 1;
        PERFORM catch_up_wallets(program, mark);
    END IF;
    SELECT array_agg(DISTINCT t.debit) INTO codes FROM transfer t
    WHERE t.program_id = program AND t.seq BETWEEN first AND last
      AND ((t.debit >= 'wallet:' AND t.debit < 'wallet;')
        OR (t.debit >= 'credit:' AND t.debit < 'credit;'));
    SELECT min(greatest(w.through_seq, mark)) INTO since
    FROM unnest(codes) c (code)
    LEFT JOIN wallet w ON w.program_id = program AND w.code = c.code;
    INSERT INTO wallet AS w (program_id, code, balance, owed, through_seq)
    WITH moved AS MATERIALIZED (
        SELECT seq, credit AS code, amount AS change, 0::bigint AS debited, 0::bigint AS clawed
        FROM transfer WHERE program_id = program AND seq > since AND credit = ANY(codes)
        UNION ALL
        SELECT seq, debit, -amount, CASE WHEN seq >= first THEN amount ELSE 0 END,
               CASE WHEN seq >= first AND kind = 'clawback' THEN amount ELSE 0 END
        FROM transfer WHERE program_id = program AND seq > since AND debit = ANY(codes)
    ), b AS (
        SELECT m.code, coalesce(e.owed, 0) AS owed, sum(m.debited) AS debited,
               sum(m.clawed) AS clawed, coalesce(e.balance, 0) + sum(m.change) AS balance
        FROM moved m
        LEFT JOIN wallet e ON e.program_id = program AND e.code = m.code
        WHERE m.seq > greatest(e.through_seq, mark)
        GROUP BY m.code, e.owed, e.balance
    )
    SELECT program, b.code, b.balance,
           -- What was owed is repaid by what was earned since; only clawbacks add.
           least(greatest(-b.balance, 0),
                 least(b.owed, greatest(-b.balance - b.debited, 0)) + b.clawed),
           last
    FROM b
    ON CONFLICT (program_id, code) DO UPDATE
    SET balance = excluded.balance, owed = excluded.owed, through_seq = excluded.through_seq;
END $$;

-- As in 0001, with one more account that is kept; wallets are counted above.
CREATE OR REPLACE FUNCTION post_transfers() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    part record;
BEGIN
    -- Two passes over what was inserted, both cheap: most of it is owed to somebody by a
    -- payment, and moves none of the balances that are kept.
    FOR part IN
        SELECT program_id, first_seq, last_seq, coalesce(to_pool, 0) AS to_pool,
               coalesce(leaves_pool, false) AS leaves_pool,
               coalesce(leaves_members, false) AS leaves_members
        FROM (SELECT program_id, min(seq) AS first_seq, max(seq) AS last_seq
              FROM posted GROUP BY program_id) all_of_it
        LEFT JOIN (
            SELECT program_id,
                   sum(CASE WHEN credit = 'pool' THEN amount WHEN debit = 'pool' THEN -amount
                       END) AS to_pool,
                   bool_or(debit IN ('pool', 'orphaned', 'backing', 'escrow', 'withdrawals')
                           OR credit IN ('orphaned', 'backing', 'escrow', 'withdrawals')) AS leaves_pool,
                   bool_or((debit >= 'wallet:' AND debit < 'wallet;')
                           OR (debit >= 'credit:' AND debit < 'credit;')) AS leaves_members
            FROM posted
            WHERE credit IN ('pool', 'orphaned', 'backing', 'escrow', 'withdrawals')
               OR debit NOT IN ('payments', 'points-issued')
            GROUP BY program_id) kept USING (program_id)
    LOOP
        IF EXISTS (SELECT FROM program p
                   WHERE p.id = part.program_id AND part.first_seq <= p.seq
                     AND p.hash <> decode(repeat('00', 32), 'hex')) THEN  -- it was opened
            RAISE 'entries are never edited: a transfer for an entry that was posted before'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        PERFORM move_account(part.program_id, 'pool', part.to_pool);
        IF part.leaves_pool THEN
            PERFORM move_account(part.program_id, code, sum(amount))
            FROM (SELECT program_id, credit AS code, amount FROM posted
                  UNION ALL SELECT program_id, debit, -amount FROM posted) side
            WHERE program_id = part.program_id AND code IN ('orphaned', 'backing', 'escrow', 'withdrawals')
            GROUP BY code;
        END IF;
        IF part.leaves_members THEN
            PERFORM count_debited_wallets(part.program_id, part.first_seq, part.last_seq);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
