-- Sessions: who is logged in. A token is shown once; only its SHA-256 is kept. Tokens are
-- random and long, so a slow hash would protect nothing.

CREATE TABLE session (
    program_id   int         NOT NULL,
    id           text        COLLATE "C" NOT NULL,
    hash         bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    subject      text        COLLATE "C" NOT NULL CHECK (subject ~ '^(staff|member):.'),
    csrf         text        NOT NULL CHECK (length(csrf) >= 32),
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL CHECK (last_used_at >= created_at),
    idle_s       int         NOT NULL CHECK (idle_s > 0),
    expires_at   timestamptz NOT NULL CHECK (expires_at > created_at),
    revoked_at   timestamptz,
    PRIMARY KEY (program_id, id),
    -- Members are a program's, staff are the installation's.
    CHECK ((program_id = 0) = (subject LIKE 'staff:%'))
);
COMMENT ON COLUMN session.program_id IS '0 for staff, who may have roles in several programs';
CREATE INDEX session_of_subject ON session (program_id, subject) WHERE revoked_at IS NULL;
GRANT SELECT, INSERT, UPDATE (last_used_at, revoked_at) ON session TO springtide_app;

CREATE FUNCTION keep_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a session that was revoked stays revoked' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER session_stays_revoked BEFORE UPDATE ON session FOR EACH ROW
    WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    EXECUTE FUNCTION keep_revoked();
