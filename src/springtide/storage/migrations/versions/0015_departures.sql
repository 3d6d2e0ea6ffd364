-- Members who had what names them deleted. The books keep their number, which is nobody's then:
-- nothing may link a phone, an identity, an invitation or a session to it again.

CREATE TABLE departure (
    program_id int         NOT NULL REFERENCES program,
    member     text        COLLATE "C" NOT NULL CHECK (member <> ''),
    at         timestamptz NOT NULL,
    PRIMARY KEY (program_id, member)
);
COMMENT ON TABLE departure IS 'written first; only then may what names the member be deleted';

CREATE FUNCTION refuse_departure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM withdrawal w WHERE w.program_id = NEW.program_id
               AND w.member = NEW.member
               AND w.state NOT IN ('settled', 'rejected', 'cancelled', 'failed', 'returned'))
       OR EXISTS (SELECT FROM cash_out_request r WHERE r.program_id = NEW.program_id
                  AND r.member = NEW.member AND r.state = 'waiting')
       OR EXISTS (SELECT FROM member_freeze f WHERE f.program_id = NEW.program_id
                  AND f.member = NEW.member AND f.frozen) THEN
        RAISE 'a member does not leave frozen or with money on its way'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_departure BEFORE INSERT ON departure
    FOR EACH ROW EXECUTE FUNCTION refuse_departure();

CREATE FUNCTION refuse_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM departure d WHERE d.program_id = NEW.program_id
               AND d.member = NEW.member) THEN
        RAISE 'member % left; nothing names them again', NEW.member
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_return BEFORE INSERT ON phone
    FOR EACH ROW EXECUTE FUNCTION refuse_return();
CREATE TRIGGER refuse_return BEFORE INSERT ON identity
    FOR EACH ROW EXECUTE FUNCTION refuse_return();
CREATE TRIGGER refuse_return BEFORE INSERT ON invitation
    FOR EACH ROW EXECUTE FUNCTION refuse_return();

CREATE FUNCTION refuse_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM departure d WHERE d.program_id = NEW.program_id
               AND 'member:' || d.member = NEW.subject) THEN
        RAISE '% left; nobody logs in as them again', NEW.subject
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_session BEFORE INSERT ON session
    FOR EACH ROW WHEN (NEW.subject LIKE 'member:%') EXECUTE FUNCTION refuse_session();

-- What is deleted belongs to somebody who left.
CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM departure d WHERE d.program_id = OLD.program_id
                   AND d.member = OLD.member) THEN
        RAISE 'member % did not leave', OLD.member USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER refuse_deletion BEFORE DELETE ON phone
    FOR EACH ROW EXECUTE FUNCTION refuse_deletion();
CREATE TRIGGER refuse_deletion BEFORE DELETE ON identity
    FOR EACH ROW EXECUTE FUNCTION refuse_deletion();
CREATE TRIGGER refuse_deletion BEFORE DELETE ON invitation
    FOR EACH ROW EXECUTE FUNCTION refuse_deletion();

GRANT SELECT, INSERT ON departure TO springtide_app;
GRANT DELETE ON phone, login_code, identity, invitation TO springtide_app;
