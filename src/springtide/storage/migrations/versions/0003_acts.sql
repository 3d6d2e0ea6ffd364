-- Who did what: every act of a person or a key that is not an event of the journal, and the
-- events that a person decided. Only ever added to.

CREATE TABLE act (
    program_id int         NOT NULL,
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    at         timestamptz NOT NULL,
    actor      text        COLLATE "C" NOT NULL CHECK (actor <> ''),
    what       text        COLLATE "C" NOT NULL CHECK (what <> ''),
    subject    text        COLLATE "C" NOT NULL,
    before     jsonb,
    after      jsonb,
    PRIMARY KEY (program_id, id)
);
COMMENT ON COLUMN act.program_id IS '0 for what concerns the whole installation';
COMMENT ON COLUMN act.actor IS 'staff:NAME, key:ID, member:ID, cli for whoever has the machine, or system';
CREATE INDEX act_of_subject ON act (program_id, subject, id);
GRANT SELECT, INSERT ON act TO springtide_app;
