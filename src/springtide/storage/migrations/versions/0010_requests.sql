-- Cash-outs that wait for the day's batch, and codes by which points are redeemed at a till.

CREATE TABLE cash_out_request (
    program_id   int         NOT NULL REFERENCES program,
    id           text        COLLATE "C" NOT NULL CHECK (id <> ''),
    number       bigint      GENERATED ALWAYS AS IDENTITY,
    member       text        COLLATE "C" NOT NULL CHECK (member <> ''),
    points       bigint      CHECK (points > 0),
    min_net      bigint      CHECK (min_net > 0),
    split_factor numeric     NOT NULL CHECK (split_factor >= 1),
    asked_at     timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'waiting'
                 CHECK (state IN ('waiting', 'cancelled', 'paid', 'refused')),
    reason       text,
    batch        text        COLLATE "C",
    batch_factor numeric,
    paid_points  bigint,
    gross        bigint,
    net          bigint,
    ended_at     timestamptz,
    PRIMARY KEY (program_id, id),
    UNIQUE (program_id, number),
    CONSTRAINT request_is_of_one_state CHECK (
        (state = 'refused') = (reason IS NOT NULL)
        AND (state = 'paid') = (paid_points IS NOT NULL AND gross IS NOT NULL AND net IS NOT NULL)
        AND (state = 'waiting') = (ended_at IS NULL)
        AND (batch IS NULL) = (batch_factor IS NULL)
        AND CASE state WHEN 'waiting' THEN true WHEN 'cancelled' THEN batch IS NULL
                       ELSE batch IS NOT NULL END
    )
);
COMMENT ON COLUMN cash_out_request.points IS 'nano, in the units of split_factor; null for all';
COMMENT ON COLUMN cash_out_request.batch IS 'the entry that decides it; from then on it is not cancelled';
COMMENT ON COLUMN cash_out_request.net IS 'micro; with gross and paid_points, of all the member''s requests in the batch';
CREATE INDEX cash_out_request_waiting ON cash_out_request (program_id, number) WHERE state = 'waiting';

CREATE FUNCTION check_cash_out_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.batch IS NOT NULL THEN
            RAISE 'a cash-out request begins by waiting' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF OLD.state <> 'waiting' THEN
        RAISE 'a cash-out request that is % stays so', OLD.state USING ERRCODE = 'check_violation';
    ELSIF OLD.batch IS NOT NULL AND NEW.batch IS DISTINCT FROM OLD.batch THEN
        RAISE 'a cash-out request stays in its batch' USING ERRCODE = 'check_violation';
    ELSIF NEW.state IN ('paid', 'refused') AND NOT EXISTS (
        SELECT FROM entry e WHERE e.program_id = NEW.program_id AND e.id = NEW.batch
    ) THEN
        RAISE 'only a posted batch decides a cash-out request' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_cash_out_request BEFORE INSERT OR UPDATE ON cash_out_request
    FOR EACH ROW EXECUTE FUNCTION check_cash_out_request();

GRANT SELECT, INSERT, UPDATE (state, reason, batch, batch_factor, paid_points, gross, net, ended_at)
    ON cash_out_request TO springtide_app;

-- A code is shown once; only its SHA-256 is kept. Whether it was used, the journal says: the
-- redemption has an id that is made of the code's.
CREATE TABLE redemption_code (
    program_id   int         NOT NULL REFERENCES program,
    id           text        COLLATE "C" NOT NULL CHECK (id <> ''),
    member       text        COLLATE "C" NOT NULL CHECK (member <> ''),
    points       bigint      NOT NULL CHECK (points > 0),
    split_factor numeric     NOT NULL CHECK (split_factor >= 1),
    hash         bytea       NOT NULL CHECK (length(hash) = 32),
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > made_at),
    closed_at    timestamptz,
    PRIMARY KEY (program_id, id),
    UNIQUE (program_id, hash)
);
CREATE UNIQUE INDEX one_open_code_a_member ON redemption_code (program_id, member) WHERE closed_at IS NULL;
COMMENT ON COLUMN redemption_code.points IS 'nano, in the units of split_factor; the most it redeems';
COMMENT ON COLUMN redemption_code.closed_at IS 'when the member made another one';

CREATE FUNCTION check_redemption_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN
        RAISE 'a closed code stays closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_redemption_code BEFORE UPDATE ON redemption_code
    FOR EACH ROW EXECUTE FUNCTION check_redemption_code();

GRANT SELECT, INSERT, UPDATE (closed_at) ON redemption_code TO springtide_app;
