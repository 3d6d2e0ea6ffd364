-- Merchants' terms, agents' contracts, levels and rebindings as the journal says they stand; and,
-- outside of the journal, applications of merchants, invitations, and who is the same person.

-- The day of events that do not say theirs; and the last entry that changed terms, agents,
-- levels or bindings, so that programs without any need not ask for them.
ALTER TABLE program ADD day text COLLATE "C" NOT NULL DEFAULT '',
                    ADD registry bigint NOT NULL DEFAULT 0;
GRANT UPDATE (day, registry) ON program TO springtide_app;

ALTER TABLE binding ADD bound_on date;
COMMENT ON COLUMN binding.bound_on IS 'null if the event did not say its day';
CREATE INDEX binding_of_referrer ON binding (program_id, referrer);

-- What operators changed of bindings, from its entry on; the binding itself stays as it was.
CREATE TABLE rebinding (
    program_id int    NOT NULL,
    member     text   COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    before     text   COLLATE "C" NOT NULL,
    referrer   text   COLLATE "C" NOT NULL CHECK (referrer <> member),
    bound_on   date,
    reason     text   NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (program_id, member, seq)
);
CREATE INDEX rebinding_of_referrer ON rebinding (program_id, referrer);

-- The referrers that stand; programs that were never rebound read `binding` itself.
CREATE VIEW bound AS
    SELECT b.program_id, b.member, coalesce(r.referrer, b.referrer) AS referrer,
           CASE WHEN r.seq IS NULL THEN b.bound_on ELSE r.bound_on END AS bound_on
    FROM binding b LEFT JOIN LATERAL (
        SELECT x.referrer, x.bound_on, x.seq FROM rebinding x
        WHERE x.program_id = b.program_id AND x.member = b.member
        ORDER BY x.seq DESC LIMIT 1) r ON true;

CREATE TABLE merchant_terms (
    program_id       int     NOT NULL,
    merchant         text    COLLATE "C" NOT NULL,
    seq              bigint  NOT NULL,
    take_ppm         int     NOT NULL CHECK (take_ppm BETWEEN 0 AND 1000000),
    region           text    COLLATE "C" NOT NULL CHECK (region ~ '^([0-9]{2}){0,3}$'),
    recruiter        text    COLLATE "C" NOT NULL,
    platform_ppm     int     NOT NULL CHECK (platform_ppm >= 0),
    distribution_ppm int     NOT NULL CHECK (distribution_ppm >= 0),
    recruiter_until  text    COLLATE "C" NOT NULL,
    owner            text    COLLATE "C" NOT NULL,
    suspended        boolean NOT NULL,
    PRIMARY KEY (program_id, merchant),
    CHECK (platform_ppm + distribution_ppm <= 1000000)
);

CREATE TABLE agent_contract (
    program_id int     NOT NULL,
    id         text    COLLATE "C" NOT NULL,
    seq        bigint  NOT NULL,
    region     text    COLLATE "C" NOT NULL CHECK (region ~ '^([0-9]{2}){1,3}$'),
    member     text    COLLATE "C" NOT NULL,
    rate_ppm   int     CHECK (rate_ppm BETWEEN 0 AND 1000000),
    first_day  text    COLLATE "C" NOT NULL,
    last_day   text    COLLATE "C" NOT NULL,
    ended      boolean NOT NULL,
    deposit    bigint  NOT NULL CONSTRAINT deposit_not_overdrawn CHECK (deposit >= 0),
    PRIMARY KEY (program_id, id),
    CHECK (last_day = '' OR last_day >= first_day)
);
CREATE UNIQUE INDEX one_agent_of_a_region ON agent_contract (program_id, region)
    WHERE NOT ended;
COMMENT ON COLUMN agent_contract.deposit IS 'micro; what is to be given back';

CREATE FUNCTION contract_stays_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'contract % ended; make another', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER contract_stays_ended BEFORE UPDATE ON agent_contract
    FOR EACH ROW WHEN (OLD.ended AND NOT NEW.ended) EXECUTE FUNCTION contract_stays_ended();

CREATE TABLE member_level (
    program_id int    NOT NULL,
    member     text   COLLATE "C" NOT NULL,
    level      text   COLLATE "C" NOT NULL,
    seq        bigint NOT NULL,
    reason     text   NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (program_id, member)
);
COMMENT ON COLUMN member_level.level IS 'empty if it was taken away';

-- A deposit goes back to whoever paid it, and nowhere else: it cannot become anybody's revenue.
ALTER TABLE transfer ADD CONSTRAINT deposits_only_go_back CHECK (
    (debit >= 'deposits' AND debit < 'depositt') = (credit >= 'deposits' AND credit < 'depositt'));

-- What is due on statement cannot be paid twice. Commissions clawed back later may leave less
-- than nothing due; that is only ever repaid by what is earned then.
CREATE INDEX transfer_to_due ON transfer (program_id, credit)
    WHERE credit >= 'commission-due:' AND credit < 'commission-due;';
CREATE INDEX transfer_from_due ON transfer (program_id, debit)
    WHERE debit >= 'commission-due:' AND debit < 'commission-due;';

CREATE FUNCTION due_balance(program int, code text, through bigint) RETURNS numeric
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT sum(t.amount) FROM transfer t
                     WHERE t.program_id = program AND t.credit = code AND t.seq <= through
                       AND t.credit >= 'commission-due:' AND t.credit < 'commission-due;'), 0)
         - coalesce((SELECT sum(t.amount) FROM transfer t
                     WHERE t.program_id = program AND t.debit = code AND t.seq <= through
                       AND t.debit >= 'commission-due:' AND t.debit < 'commission-due;'), 0);

CREATE FUNCTION refuse_overpayment() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF due_balance(NEW.program_id, NEW.debit, NEW.seq) < 0 THEN
        RAISE '% would be overpaid', NEW.debit USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_overpayment AFTER INSERT ON transfer
    FOR EACH ROW WHEN (NEW.kind = 'commission_paid') EXECUTE FUNCTION refuse_overpayment();

-- Earners are paid into wallets or on statement.
CREATE OR REPLACE VIEW commission AS
    SELECT program_id, seq, line, kind, substr(credit, position(':' IN credit) + 1) AS member,
           amount
    FROM transfer
    WHERE kind IN ('direct', 'indirect', 'territory', 'recruiter', 'level', 'peer');

-- Finds what changed terms, agents and levels before an entry, to say why somebody earned.
CREATE INDEX entry_of_registry ON entry (program_id, seq)
    WHERE kind IN ('merchant_terms', 'appoint', 'dismiss', 'level', 'day');

CREATE TABLE merchant_application (
    program_id  int         NOT NULL REFERENCES program,
    merchant    text        COLLATE "C" NOT NULL CHECK (merchant <> ''),
    name        text        NOT NULL CHECK (name <> ''),
    licence     text        COLLATE "C" NOT NULL CHECK (licence ~ '^[0-9A-Z]{18}$'),
    region      text        COLLATE "C" NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    settlement  text        NOT NULL CHECK (settlement <> ''),
    owner       text        COLLATE "C" NOT NULL,
    recruiter   text        COLLATE "C" NOT NULL,
    applied_at  timestamptz NOT NULL,
    status      text        COLLATE "C" NOT NULL DEFAULT 'applied'
                CHECK (status IN ('applied', 'active', 'rejected', 'suspended')),
    reviewer    text        COLLATE "C",
    reviewed_at timestamptz,
    reason      text,
    PRIMARY KEY (program_id, merchant),
    CHECK ((status = 'applied') = (reviewer IS NULL)),
    CHECK ((reviewer IS NULL) = (reviewed_at IS NULL))
);
COMMENT ON COLUMN merchant_application.licence IS 'unified social credit code, GB 32100';
-- One licence trades under one name; whoever was rejected may apply again under another.
CREATE UNIQUE INDEX one_merchant_of_a_licence ON merchant_application (program_id, licence)
    WHERE status <> 'rejected';

CREATE FUNCTION application_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE 'an application does not go from % to %', OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER application_moves_on BEFORE UPDATE OF status ON merchant_application
    FOR EACH ROW WHEN ((OLD.status, NEW.status) NOT IN (
        ('applied', 'active'), ('applied', 'rejected'),
        ('active', 'suspended'), ('suspended', 'active')))
    EXECUTE FUNCTION application_moves_on();

-- Keys of a program that only the service needs: to sign invitations, to hash identities.
CREATE TABLE program_secret (
    program_id int      NOT NULL REFERENCES program,
    version    smallint NOT NULL CHECK (version BETWEEN 1 AND 9),
    secret     bytea    NOT NULL CHECK (length(secret) = 32),
    PRIMARY KEY (program_id, version)
);

-- A code says nothing by itself: who invites whom, and where, stands here.
CREATE TABLE invitation (
    program_id int         NOT NULL REFERENCES program,
    code       text        COLLATE "C" NOT NULL,
    member     text        COLLATE "C" NOT NULL,
    merchant   text        COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text        COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, code)
);
COMMENT ON COLUMN invitation.merchant IS 'of a store''s pay-QR; else empty';

-- Verified phones and identities, by a keyed hash: nobody can read them back, but a second
-- account of the same person is found.
CREATE TABLE identity (
    program_id int   NOT NULL REFERENCES program,
    kind       text  COLLATE "C" NOT NULL CHECK (kind IN ('phone', 'identity')),
    hash       bytea NOT NULL CHECK (length(hash) = 32),
    member     text  COLLATE "C" NOT NULL,
    PRIMARY KEY (program_id, kind, hash)
);
CREATE INDEX identity_of_member ON identity (program_id, member);

ALTER TABLE rebinding ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE merchant_terms ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE agent_contract ALTER COLUMN program_id SET STATISTICS 0;
ALTER TABLE member_level ALTER COLUMN program_id SET STATISTICS 0;

GRANT SELECT, INSERT ON rebinding, merchant_terms, agent_contract, member_level,
    merchant_application, program_secret, invitation, identity TO springtide_app;
GRANT SELECT ON bound TO springtide_app;
GRANT UPDATE (seq, take_ppm, region, recruiter, platform_ppm, distribution_ppm, recruiter_until,
              owner, suspended) ON merchant_terms TO springtide_app;
GRANT UPDATE (seq, ended, deposit) ON agent_contract TO springtide_app;
GRANT UPDATE (level, seq, reason) ON member_level TO springtide_app;
GRANT UPDATE (status, reviewer, reviewed_at, reason) ON merchant_application TO springtide_app;
