-- The ledger: programs, journal entries, and the transfers they consist of.
-- A transfer has one amount and two sides, so an unbalanced entry cannot be written.
-- Every key leads with program_id. Text compares by code point (collation "C"), as lots do.

-- The role the product works under. It may add to the journal, never change it.
DO $$ BEGIN
    CREATE ROLE springtide_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT springtide_app TO CURRENT_USER;

CREATE TABLE program (
    id                int         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name              text        COLLATE "C" NOT NULL UNIQUE,
    created_at        timestamptz NOT NULL DEFAULT now(),
    policy_version    smallint    NOT NULL,
    seq               bigint      NOT NULL CHECK (seq >= 0),
    batch             bigint      NOT NULL CHECK (batch >= 0),
    hash              bytea       NOT NULL CHECK (length(hash) = 32),
    reserve           bigint      NOT NULL CHECK (reserve >= 0),
    supply            bigint      NOT NULL CHECK (supply >= 0),
    reference_reserve bigint      NOT NULL CHECK (reference_reserve > 0),
    reference_supply  bigint      NOT NULL CHECK (reference_supply > 0),
    orphaned          numeric     NOT NULL CHECK (orphaned >= 0),
    split_factor      numeric     NOT NULL CHECK (split_factor >= 1),
    inflow            numeric     NOT NULL CHECK (inflow >= 0),
    last_id           text        COLLATE "C" NOT NULL
);
COMMENT ON COLUMN program.reserve IS 'micro; what stands behind the points';
COMMENT ON COLUMN program.supply IS 'nano; all points, with those of the opening';
COMMENT ON COLUMN program.last_id IS 'the greatest id posted; a greater one is new';
COMMENT ON COLUMN program.inflow IS 'micro; all money that ever came in';

CREATE TABLE policy (
    program_id int         NOT NULL REFERENCES program,
    version    smallint    NOT NULL,
    toml       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (program_id, version)
);

CREATE TABLE batch (
    program_id int         NOT NULL REFERENCES program,
    number     bigint      NOT NULL,
    first_seq  bigint      NOT NULL,
    last_seq   bigint      NOT NULL CHECK (last_seq >= first_seq),
    hash       bytea       NOT NULL CHECK (length(hash) = 32),
    posted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (program_id, number)
);

CREATE TABLE entry (
    program_id     int      NOT NULL,
    seq            bigint   NOT NULL,
    id             text     COLLATE "C" NOT NULL,
    kind           text     COLLATE "C" NOT NULL,
    policy_version smallint NOT NULL,
    event          text     NOT NULL,
    receipt        text     NOT NULL,
    PRIMARY KEY (program_id, seq),
    UNIQUE (program_id, id)
);
COMMENT ON COLUMN entry.event IS 'JSON with sorted keys, as it was sent';
COMMENT ON COLUMN entry.receipt IS 'JSON; money in micro, points in nano';

CREATE TABLE split (
    program_id int     NOT NULL,
    seq        bigint  NOT NULL,
    factor     numeric NOT NULL CHECK (factor > 1),
    PRIMARY KEY (program_id, seq)
);
COMMENT ON COLUMN split.factor IS 'of all splits up to and with this entry''s';

CREATE TABLE member (
    program_id int    NOT NULL,
    id         text   COLLATE "C" NOT NULL,
    first_seq  bigint NOT NULL,
    PRIMARY KEY (program_id, id)
);

-- A member is bound once: there is no second row to write, and none is ever changed.
CREATE TABLE binding (
    program_id int    NOT NULL,
    member     text   COLLATE "C" NOT NULL,
    referrer   text   COLLATE "C" NOT NULL CHECK (referrer <> member),
    seq        bigint NOT NULL,
    PRIMARY KEY (program_id, member)
);

CREATE TABLE merchant (
    program_id int    NOT NULL,
    id         text   COLLATE "C" NOT NULL,
    first_seq  bigint NOT NULL,
    PRIMARY KEY (program_id, id)
);

CREATE TABLE lot (
    program_id  int    NOT NULL,
    seq         bigint NOT NULL,
    id          text   COLLATE "C" NOT NULL,
    member      text   COLLATE "C" NOT NULL,
    points      bigint NOT NULL CHECK (points >= 0),
    headroom    bigint NOT NULL CHECK (headroom >= 0),
    net         bigint NOT NULL CHECK (net >= 0),
    trigger_key bigint,
    PRIMARY KEY (program_id, seq)
);
CREATE INDEX lot_of_member ON lot (program_id, member, seq);
CREATE INDEX lot_by_trigger ON lot (program_id, trigger_key, id) WHERE trigger_key IS NOT NULL;
COMMENT ON COLUMN lot.trigger_key IS 'the scaled price at which it exits; null if it never can';

CREATE TABLE refund (
    program_id int    NOT NULL,
    order_id   text   COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    amount     bigint NOT NULL CHECK (amount > 0),
    PRIMARY KEY (program_id, order_id, seq)
);
COMMENT ON COLUMN refund.amount IS 'micro; how much of the order was taken back';

-- Accounts are named by code; springtide.core.journal has the chart. The first letters of a
-- code say its unit and whether it is a member's. Ranges rather than functions: these tests
-- run for every transfer.

CREATE TABLE transfer (
    program_id int      NOT NULL,
    seq        bigint   NOT NULL,
    line       smallint NOT NULL,
    kind       text     COLLATE "C" NOT NULL,
    debit      text     COLLATE "C" NOT NULL,
    credit     text     COLLATE "C" NOT NULL CHECK (credit <> debit),
    amount     bigint   NOT NULL CHECK (amount > 0),
    CONSTRAINT transfer_of_one_unit CHECK (
        (debit >= 'points' AND debit < 'pointt') = (credit >= 'points' AND credit < 'pointt')
        AND (debit >= 'credit' AND debit < 'crediu') = (credit >= 'credit' AND credit < 'crediu')
    )
);
CREATE INDEX transfer_by_seq ON transfer USING brin (program_id, seq);
COMMENT ON COLUMN transfer.amount IS
    'money and credit in micro; points in nano of the units before this entry''s split';

CREATE FUNCTION unit_of(account text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE left(account, 6) WHEN 'points' THEN 'points' WHEN 'credit' THEN 'credit'
                                 ELSE 'money' END;

-- What accountants read: each transfer as its two postings.
CREATE VIEW posting AS
    SELECT program_id, seq, line, kind, unit_of(debit) AS unit, debit AS account,
           amount AS debit, 0::bigint AS credit
    FROM transfer
    UNION ALL
    SELECT program_id, seq, line, kind, unit_of(credit), credit, 0, amount
    FROM transfer;

CREATE VIEW commission AS
    SELECT program_id, seq, line, kind, substr(credit, 8) AS member, amount
    FROM transfer
    WHERE kind IN ('direct', 'indirect', 'territory', 'recruiter', 'level', 'peer');

-- Balances that must not be overdrawn. The pool's and its neighbours' move with every batch.
-- Wallets are many, so credits to them are only appended: a row of `wallet` is a balance up
-- to `through_seq`, and wallet_balance() adds the transfers after it. A debit brings the row
-- up to date, and is refused if it would overdraw; only what a refund claws back may, and is
-- then owed.

CREATE TABLE account (
    program_id int     NOT NULL,
    code       text    COLLATE "C" NOT NULL CHECK (code IN ('pool', 'orphaned', 'backing', 'escrow')),
    balance    numeric NOT NULL CONSTRAINT account_not_overdrawn CHECK (balance >= 0),
    PRIMARY KEY (program_id, code)
);

CREATE TABLE wallet (
    program_id  int     NOT NULL,
    code        text    COLLATE "C" NOT NULL,
    balance     numeric NOT NULL,
    owed        numeric NOT NULL CHECK (owed >= 0),
    through_seq bigint  NOT NULL,
    PRIMARY KEY (program_id, code),
    CONSTRAINT wallet_not_overdrawn CHECK (balance + owed >= 0)
);
COMMENT ON COLUMN wallet.owed IS 'of a balance below zero: what refunds clawed back';

CREATE FUNCTION wallet_balance(program int, wallet_code text) RETURNS numeric
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT w.balance FROM wallet w
                     WHERE w.program_id = program AND w.code = wallet_code), 0)
         + coalesce((SELECT sum(CASE WHEN t.credit = wallet_code THEN t.amount ELSE -t.amount END)
                     FROM transfer t
                     WHERE t.program_id = program
                       AND (t.credit = wallet_code OR t.debit = wallet_code)
                       AND t.seq > coalesce((SELECT w.through_seq FROM wallet w
                                             WHERE w.program_id = program
                                               AND w.code = wallet_code), -1)), 0);

CREATE FUNCTION move_account(program int, account_code text, change numeric) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        MERGE INTO account a USING (SELECT 1) one
        ON a.program_id = program AND a.code = account_code
        WHEN MATCHED THEN UPDATE SET balance = a.balance + change
        WHEN NOT MATCHED THEN INSERT VALUES (program, account_code, change);
    END;

CREATE FUNCTION post_transfers() RETURNS trigger LANGUAGE plpgsql
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
                   bool_or(debit IN ('pool', 'orphaned', 'backing', 'escrow')
                           OR credit IN ('orphaned', 'backing', 'escrow')) AS leaves_pool,
                   bool_or((debit >= 'wallet:' AND debit < 'wallet;')
                           OR (debit >= 'credit:' AND debit < 'credit;')) AS leaves_members
            FROM posted
            WHERE credit IN ('pool', 'orphaned', 'backing', 'escrow')
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
            WHERE program_id = part.program_id AND code IN ('orphaned', 'backing', 'escrow')
            GROUP BY code;
        END IF;
        IF part.leaves_members THEN
            INSERT INTO wallet AS w (program_id, code, balance, owed, through_seq)
            SELECT part.program_id, d.code, b.balance,
                   -- What was owed is repaid by what was earned since; only clawbacks add.
                   least(greatest(-b.balance, 0),
                         least(coalesce(earlier.owed, 0), greatest(-b.balance - d.debited, 0))
                         + d.clawed_back),
                   part.last_seq
            FROM (SELECT t.debit AS code, sum(t.amount) AS debited,
                         coalesce(sum(t.amount) FILTER (WHERE t.kind = 'clawback'), 0)
                             AS clawed_back
                  FROM posted t
                  WHERE t.program_id = part.program_id
                    AND ((t.debit >= 'wallet:' AND t.debit < 'wallet;')
                      OR (t.debit >= 'credit:' AND t.debit < 'credit;'))
                  GROUP BY t.debit) d
            LEFT JOIN wallet earlier
                ON earlier.program_id = part.program_id AND earlier.code = d.code,
            LATERAL (SELECT wallet_balance(part.program_id, d.code) AS balance) b
            ON CONFLICT (program_id, code) DO UPDATE
            SET balance = excluded.balance, owed = excluded.owed,
                through_seq = excluded.through_seq;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER post_transfers AFTER INSERT ON transfer
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION post_transfers();

-- A program that opened after the last ANALYZE is not among the most common values, so the
-- planner would take it for empty and read all of it again and again: let it guess instead.
ALTER TABLE entry ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE transfer ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE lot ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE member ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE binding ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE merchant ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE refund ALTER COLUMN program_id SET STATISTICS 0;

-- What the product may do: read everything, add to the journal, move programs and lots. Balances are the trigger's; nobody may change or delete what was posted.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO springtide_app;
GRANT INSERT ON program, policy, batch, entry, split, member, binding, merchant, lot, refund, transfer
    TO springtide_app;
GRANT UPDATE (policy_version, seq, batch, hash, reserve, supply, reference_reserve,
              reference_supply, orphaned, split_factor, inflow, last_id) ON program TO springtide_app;
GRANT UPDATE (points, headroom, net, trigger_key) ON lot TO springtide_app;
