-- What the controls of a policy count, what people have stopped, and what they are told.

-- What is counted could be made anew from the journal, and the audit does. Programs whose
-- policy has no controls have nothing of it.
ALTER TABLE program ADD clock bigint NOT NULL DEFAULT 0 CHECK (clock >= 0);
ALTER TABLE program ADD outflow numeric NOT NULL DEFAULT 0 CHECK (outflow >= 0);
ALTER TABLE program ADD guarded boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN program.clock IS 'seconds since 1970; the latest time of an entry, where a control depends on it';
COMMENT ON COLUMN program.outflow IS 'micro; what cash-outs and exits paid on the UTC day of the clock';
COMMENT ON COLUMN program.guarded IS 'whether a switch is off or a member frozen; kept by triggers';
GRANT UPDATE (clock, outflow) ON program TO springtide_app;

CREATE TABLE tally (
    program_id int     NOT NULL,
    member     text    COLLATE "C" NOT NULL,
    spent      numeric CHECK (spent >= 0),
    cash_day   int,
    cashed     numeric CHECK (cashed >= 0),
    PRIMARY KEY (program_id, member),
    CHECK ((cash_day IS NULL) = (cashed IS NULL))
);
ALTER TABLE tally ALTER COLUMN program_id SET STATISTICS 0;
COMMENT ON COLUMN tally.spent IS 'micro; settled orders less their refunds; null where nobody counts';
COMMENT ON COLUMN tally.cash_day IS 'UTC day of the last cash-out, in days since 1970';
COMMENT ON COLUMN tally.cashed IS 'micro; net of the cash-outs of that day';
GRANT SELECT, INSERT, UPDATE (spent, cash_day, cashed) ON tally TO springtide_app;

-- When the order of a lot was settled; the lot is found by the entry that opened it.
CREATE TABLE hold (
    program_id int    NOT NULL,
    seq        bigint NOT NULL,
    settled_at bigint NOT NULL CHECK (settled_at >= 0),
    PRIMARY KEY (program_id, seq)
);
ALTER TABLE hold ALTER COLUMN program_id SET STATISTICS 0;
COMMENT ON COLUMN hold.settled_at IS 'seconds since 1970';
GRANT SELECT, INSERT ON hold TO springtide_app;

-- A row is what stands now; who did what before is in `act`.
CREATE TABLE switch (
    program_id int         NOT NULL REFERENCES program,
    name       text        COLLATE "C" NOT NULL
               CHECK (name IN ('purchases', 'settlement', 'cash-outs', 'commissions')),
    off        boolean     NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        COLLATE "C" NOT NULL CHECK (actor <> ''),
    reason     text        COLLATE "C" NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (program_id, name)
);
GRANT SELECT, INSERT, UPDATE (off, at, actor, reason) ON switch TO springtide_app;

CREATE TABLE member_freeze (
    program_id int         NOT NULL REFERENCES program,
    member     text        COLLATE "C" NOT NULL,
    frozen     boolean     NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        COLLATE "C" NOT NULL CHECK (actor <> ''),
    reason     text        COLLATE "C" NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (program_id, member)
);
GRANT SELECT, INSERT, UPDATE (frozen, at, actor, reason) ON member_freeze TO springtide_app;

-- Writers lock the program's row and look for guards only if it says that there are some, so
-- whoever sets one must hold that row: what is stopped is stopped for every batch after it.
CREATE FUNCTION keep_guarded() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM program p WHERE p.id = NEW.program_id FOR UPDATE;
    UPDATE program p SET guarded =
        EXISTS (SELECT FROM switch s WHERE s.program_id = p.id AND s.off)
        OR EXISTS (SELECT FROM member_freeze f WHERE f.program_id = p.id AND f.frozen)
    WHERE p.id = NEW.program_id;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_guarded AFTER INSERT OR UPDATE ON switch
    FOR EACH ROW EXECUTE FUNCTION keep_guarded();
CREATE TRIGGER keep_guarded AFTER INSERT OR UPDATE ON member_freeze
    FOR EACH ROW EXECUTE FUNCTION keep_guarded();

-- What operators are told. Only ever added to; an alarm is acknowledged once.
CREATE TABLE alarm (
    program_id      int         NOT NULL REFERENCES program,
    id              bigint      GENERATED ALWAYS AS IDENTITY,
    kind            text        COLLATE "C" NOT NULL CHECK (kind <> ''),
    day             date        NOT NULL,
    at              timestamptz NOT NULL,
    detail          text        NOT NULL CHECK (detail <> ''),
    acknowledged_at timestamptz,
    acknowledged_by text        COLLATE "C",
    PRIMARY KEY (program_id, id),
    UNIQUE (program_id, kind, day),
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
);
COMMENT ON COLUMN alarm.day IS 'the UTC day that it is about; told once a day';
COMMENT ON COLUMN alarm.at IS 'the time of the event that set it off';
GRANT SELECT, INSERT, UPDATE (acknowledged_at, acknowledged_by) ON alarm TO springtide_app;

CREATE FUNCTION acknowledge_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.acknowledged_at IS NOT NULL THEN
        RAISE 'alarm % was acknowledged before', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER acknowledge_once BEFORE UPDATE ON alarm
    FOR EACH ROW EXECUTE FUNCTION acknowledge_once();
