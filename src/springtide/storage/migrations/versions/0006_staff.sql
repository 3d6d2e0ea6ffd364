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

-- Staff: who works with programs. A log-in is the installation's, its roles are programs'.
-- Nobody is active without a password and a second factor.

CREATE TABLE staff (
    name          text        COLLATE "C" PRIMARY KEY
                              CHECK (name ~ '^[a-z0-9][a-z0-9._@-]{1,62}$'),
    state         text        NOT NULL CHECK (state IN ('invited', 'active', 'disabled')),
    password      text        CHECK (password LIKE '$argon2id$%'),
    totp          text        CHECK (length(totp) >= 32),
    totp_step     bigint      NOT NULL DEFAULT 0,
    failed        int         NOT NULL DEFAULT 0 CHECK (failed >= 0),
    wait_until    timestamptz,
    invitation    bytea       UNIQUE CHECK (length(invitation) = 32),
    invited_until timestamptz,
    created_at    timestamptz NOT NULL,
    CHECK (state <> 'active' OR (password IS NOT NULL AND totp IS NOT NULL)),
    CHECK ((state = 'invited') = (invitation IS NOT NULL)),
    CHECK ((invitation IS NULL) = (invited_until IS NULL))
);
COMMENT ON COLUMN staff.totp_step IS 'the last half minute whose code was used: none is used twice';
COMMENT ON COLUMN staff.wait_until IS 'log-ins before this fail: after failed ones it moves on';
GRANT SELECT, INSERT, UPDATE (state, password, totp, totp_step, failed, wait_until, invitation,
    invited_until) ON staff TO springtide_app;

CREATE FUNCTION keep_totp_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a code works once' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER staff_code_works_once BEFORE UPDATE ON staff FOR EACH ROW
    WHEN (NEW.totp = OLD.totp AND NEW.totp_step < OLD.totp_step)
    EXECUTE FUNCTION keep_totp_step();

CREATE TABLE staff_recovery (
    staff   text        COLLATE "C" NOT NULL REFERENCES staff,
    hash    bytea       NOT NULL CHECK (length(hash) = 32),
    used_at timestamptz,
    PRIMARY KEY (staff, hash)
);
COMMENT ON COLUMN staff_recovery.used_at IS 'or when it was replaced by others';
GRANT SELECT, INSERT, UPDATE (used_at) ON staff_recovery TO springtide_app;

-- What was granted and taken away, when and by whom, stands in the log of acts.
CREATE TABLE staff_role (
    program_id int  NOT NULL REFERENCES program,
    staff      text COLLATE "C" NOT NULL REFERENCES staff,
    role       text COLLATE "C" NOT NULL
               CHECK (role IN ('owner', 'operator', 'reviewer', 'auditor', 'developer')),
    PRIMARY KEY (program_id, staff, role)
);
CREATE INDEX role_of_staff ON staff_role (staff);
GRANT SELECT, INSERT, DELETE ON staff_role TO springtide_app;

CREATE INDEX act_of_actor ON act (program_id, actor, id);
