-- Webhooks: where a program's entries are sent. The journal is the outbox: an endpoint's
-- cursor says up to which entry deliveries were made of it, and those are tried until they
-- arrive. What is sent is derived from the entry each time, so it is not stored here again.

CREATE TABLE webhook_endpoint (
    program_id       int         NOT NULL REFERENCES program,
    id               text        COLLATE "C" NOT NULL,
    url              text        NOT NULL,
    types            text[]      NOT NULL,
    state            text        NOT NULL CHECK (state IN ('active', 'disabled', 'removed')),
    secret           text,
    old_secret       text,
    old_secret_until timestamptz,
    through_seq      bigint      NOT NULL CHECK (through_seq >= 0),
    failing_since    timestamptz,
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (program_id, id),
    CONSTRAINT secret_while_it_is_used CHECK ((state = 'removed') = (secret IS NULL)),
    CONSTRAINT old_secret_ends CHECK ((old_secret IS NULL) = (old_secret_until IS NULL)),
    CONSTRAINT old_secret_with_a_new_one CHECK (old_secret IS NULL OR secret IS NOT NULL)
);
COMMENT ON COLUMN webhook_endpoint.types IS 'of messages that are sent; all of them if empty';
COMMENT ON COLUMN webhook_endpoint.through_seq IS 'entries up to this one became deliveries';
COMMENT ON COLUMN webhook_endpoint.failing_since IS
    'the first failure after which nothing was delivered; null if the last attempt was';

CREATE TABLE webhook_delivery (
    program_id  int         NOT NULL,
    endpoint    text        COLLATE "C" NOT NULL,
    seq         bigint      NOT NULL,
    n           int         NOT NULL CHECK (n >= 0),
    type        text        COLLATE "C" NOT NULL,
    state       text        NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
    attempts    int         NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_at     timestamptz,
    last_status int,
    last_error  text,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, endpoint, seq, n),
    FOREIGN KEY (program_id, endpoint) REFERENCES webhook_endpoint,
    CONSTRAINT pending_has_a_time CHECK ((state = 'pending') = (next_at IS NOT NULL)),
    CONSTRAINT delivered_by_an_attempt CHECK (state <> 'delivered' OR attempts > 0)
);
COMMENT ON COLUMN webhook_delivery.n IS 'which of the messages of its entry, from 0';
COMMENT ON COLUMN webhook_delivery.next_at IS
    'when it is tried next; while it is being sent, when another server may try';
CREATE INDEX webhook_delivery_due ON webhook_delivery (program_id, endpoint, next_at)
    WHERE state = 'pending';

-- Every attempt, only ever added to.
CREATE TABLE webhook_attempt (
    program_id int         NOT NULL,
    endpoint   text        COLLATE "C" NOT NULL,
    seq        bigint      NOT NULL,
    n          int         NOT NULL,
    number     int         NOT NULL CHECK (number > 0),
    at         timestamptz NOT NULL,
    status     int,
    error      text,
    PRIMARY KEY (program_id, endpoint, seq, n, number),
    FOREIGN KEY (program_id, endpoint, seq, n) REFERENCES webhook_delivery,
    CONSTRAINT answered_or_not CHECK (status IS NOT NULL OR error IS NOT NULL)
);
COMMENT ON COLUMN webhook_attempt.status IS 'of HTTP; null if nothing was answered';

-- A cursor that went back would send twice, one that skipped would lose: it follows the
-- journal. What was removed stays so, for its secret is gone.
CREATE FUNCTION guard_webhook() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.through_seq < OLD.through_seq THEN
        RAISE 'the cursor of a webhook never goes back'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.through_seq > (SELECT seq FROM program WHERE id = NEW.program_id) THEN
        RAISE 'the cursor of a webhook never passes the journal'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'removed' AND NEW.state <> 'removed' THEN
        RAISE 'a webhook that was removed stays removed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_webhook BEFORE UPDATE ON webhook_endpoint
    FOR EACH ROW EXECUTE FUNCTION guard_webhook();

GRANT SELECT ON webhook_endpoint, webhook_delivery, webhook_attempt TO springtide_app;
GRANT INSERT ON webhook_endpoint, webhook_delivery, webhook_attempt TO springtide_app;
GRANT UPDATE (state, secret, old_secret, old_secret_until, through_seq, failing_since)
    ON webhook_endpoint TO springtide_app;
GRANT UPDATE (state, attempts, next_at, last_status, last_error)
    ON webhook_delivery TO springtide_app;
