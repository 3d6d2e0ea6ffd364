-- Policies that change by version: drafts, decided by two, with notice; profiles, and the
-- evidence for what they allow.

-- The profile is chosen when the program opens, and never changed: no grant to update it.
ALTER TABLE program ADD COLUMN profile text COLLATE "C" NOT NULL DEFAULT 'demo'
    CHECK (profile IN ('demo', 'closed-loop', 'cash', 'direct-selling', 'eu-loyalty'));
ALTER TABLE policy ADD COLUMN notice_days smallint NOT NULL DEFAULT 0
    CHECK (notice_days BETWEEN 0 AND 365);
COMMENT ON COLUMN policy.notice_days IS
    'while this version is in effect: between the approval of the next and its effect';

CREATE OR REPLACE VIEW posted AS
    SELECT e.program_id, e.seq, e.id, e.kind, e.event, e.receipt, coalesce((
        SELECT s.factor FROM split s WHERE s.program_id = e.program_id AND s.seq < e.seq
        ORDER BY s.seq DESC LIMIT 1), 1) AS factor, e.policy_version
    FROM entry e;

CREATE TABLE policy_draft (
    program_id   int         NOT NULL REFERENCES program,
    number       smallint    NOT NULL CHECK (number > 0),
    base_version smallint    NOT NULL,
    toml         text        NOT NULL,
    state        text        COLLATE "C" NOT NULL DEFAULT 'draft' CHECK (state IN
                     ('draft', 'submitted', 'scheduled', 'in_effect', 'rejected', 'withdrawn')),
    made_by      text        COLLATE "C" NOT NULL CHECK (made_by <> ''),
    made_at      timestamptz NOT NULL,
    approved_by  text        COLLATE "C" CHECK (approved_by <> ''),
    approved_at  timestamptz CHECK (approved_at >= made_at),
    effective_at timestamptz,
    closed_by    text        COLLATE "C" CHECK (closed_by <> ''),
    closed_at    timestamptz CHECK (closed_at >= made_at),
    reason       text        NOT NULL DEFAULT '',
    PRIMARY KEY (program_id, number),
    CONSTRAINT policy_draft_four_eyes CHECK (approved_by <> made_by),
    CONSTRAINT policy_draft_approved_whole CHECK
        (num_nonnulls(approved_by, approved_at, effective_at) IN (0, 3)),
    CONSTRAINT policy_draft_approved CHECK
        (state NOT IN ('scheduled', 'in_effect') OR approved_by IS NOT NULL),
    CONSTRAINT policy_draft_closed CHECK
        ((state IN ('in_effect', 'rejected', 'withdrawn'))
         = (closed_by IS NOT NULL AND closed_at IS NOT NULL)),
    CONSTRAINT policy_draft_not_early CHECK (state <> 'in_effect' OR closed_at >= effective_at)
);
COMMENT ON COLUMN policy_draft.base_version IS 'the version in effect when it was made';
COMMENT ON COLUMN policy_draft.closed_at IS 'when it came into effect, was rejected or withdrawn';
CREATE UNIQUE INDEX policy_draft_scheduled ON policy_draft (program_id)
    WHERE state = 'scheduled';

-- What a draft says never changes, and it goes one way only.
CREATE FUNCTION check_policy_draft() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    running policy;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.approved_by IS NOT NULL THEN
            RAISE 'a policy begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('draft', 'submitted'), ('draft', 'withdrawn'),
        ('submitted', 'scheduled'), ('submitted', 'rejected'), ('submitted', 'withdrawn'),
        ('scheduled', 'in_effect'), ('scheduled', 'rejected'), ('scheduled', 'withdrawn')
    ) THEN
        RAISE 'a % draft cannot become %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.approved_by IS NOT NULL AND (OLD.approved_by, OLD.approved_at, OLD.effective_at)
            IS DISTINCT FROM (NEW.approved_by, NEW.approved_at, NEW.effective_at) THEN
        RAISE 'an approval is never changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state IN ('scheduled', 'in_effect') THEN
        SELECT c.* INTO running FROM policy c JOIN program p
            ON p.id = c.program_id AND p.policy_version = c.version WHERE p.id = NEW.program_id;
        IF NEW.base_version <> running.version THEN
            RAISE 'the draft was made against version %', NEW.base_version
                USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.effective_at < NEW.approved_at + make_interval(hours => 24 * running.notice_days) THEN
            RAISE 'the notice is % days', running.notice_days USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_policy_draft BEFORE INSERT OR UPDATE ON policy_draft
    FOR EACH ROW EXECUTE FUNCTION check_policy_draft();

-- A version after the first is the draft that two people decided, word for word, and a
-- program goes to the version after its own, and to no other.
CREATE FUNCTION check_policy() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.version > 1 AND NOT EXISTS (
        SELECT FROM policy_draft d JOIN program p ON p.id = d.program_id
        WHERE d.program_id = NEW.program_id AND d.state = 'scheduled' AND d.toml = NEW.toml
          AND d.base_version = p.policy_version AND NEW.version = p.policy_version + 1
    ) THEN
        RAISE 'no approved draft is version %', NEW.version USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_policy BEFORE INSERT ON policy FOR EACH ROW EXECUTE FUNCTION check_policy();

CREATE FUNCTION check_policy_version() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.policy_version <> OLD.policy_version AND (
        NEW.policy_version <> OLD.policy_version + 1 OR NOT EXISTS (
            SELECT FROM policy WHERE program_id = NEW.id AND version = NEW.policy_version)
    ) THEN
        RAISE 'version % of the policy cannot follow %', NEW.policy_version, OLD.policy_version
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER check_policy_version BEFORE UPDATE OF policy_version ON program
    FOR EACH ROW EXECUTE FUNCTION check_policy_version();

GRANT SELECT, INSERT, UPDATE (state, approved_by, approved_at, effective_at, closed_by,
                              closed_at, reason) ON policy_draft TO springtide_app;

-- What a program may show for a feature: only ever added to, and revoked by a row of its own.
CREATE TABLE evidence (
    program_id  int         NOT NULL REFERENCES program,
    id          bigint      GENERATED ALWAYS AS IDENTITY,
    feature     text        COLLATE "C" NOT NULL CHECK (feature <> ''),
    kind        text        COLLATE "C" NOT NULL CHECK (kind <> ''),
    number      text        NOT NULL CHECK (number <> ''),
    issuer      text        NOT NULL CHECK (issuer <> ''),
    depth       smallint    CHECK (depth > 0),
    valid_from  date        NOT NULL,
    expires_on  date        NOT NULL,
    file_hash   bytea       NOT NULL CHECK (length(file_hash) = 32),
    recorded_by text        COLLATE "C" NOT NULL CHECK (recorded_by <> ''),
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (program_id, id),
    CONSTRAINT evidence_expires CHECK (expires_on >= valid_from)
);
COMMENT ON COLUMN evidence.depth IS 'levels of awards that it permits, where that is limited';
COMMENT ON COLUMN evidence.expires_on IS 'the last day on which it holds, in UTC';
COMMENT ON COLUMN evidence.file_hash IS 'SHA-256 of the document, which is kept elsewhere';

CREATE TABLE evidence_revocation (
    program_id  int         NOT NULL,
    evidence_id bigint      NOT NULL,
    revoked_by  text        COLLATE "C" NOT NULL CHECK (revoked_by <> ''),
    revoked_at  timestamptz NOT NULL,
    PRIMARY KEY (program_id, evidence_id),
    FOREIGN KEY (program_id, evidence_id) REFERENCES evidence
);

GRANT SELECT, INSERT ON evidence, evidence_revocation TO springtide_app;
