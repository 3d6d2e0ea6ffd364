-- What an event says in a field. An event may carry any text in fields that nobody reads, also a
-- zero character, at which PostgreSQL refuses to read anything of the event: it is passed over.
CREATE FUNCTION said(event text, field text) RETURNS text LANGUAGE sql
    IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN strpos(event, '\u0000') = 0 THEN event
           ELSE regexp_replace(event, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g') END::json ->> field
$$;

-- Up to which entry no paid order waits for its settlement, so that whoever looks for orders that
-- are due need not pass over all that ever were. Moved now and then; orders after it are looked at.
CREATE TABLE settled_mark (
    program_id int    NOT NULL PRIMARY KEY REFERENCES program,
    seq        bigint NOT NULL
);
GRANT SELECT, INSERT ON settled_mark TO springtide_app;
GRANT UPDATE (seq) ON settled_mark TO springtide_app;
