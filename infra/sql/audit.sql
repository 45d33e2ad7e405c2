-- What people asked of the console.

CREATE TABLE IF NOT EXISTS audit (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor   text NOT NULL,
    role    text NOT NULL,
    address text NOT NULL,
    action  text NOT NULL,
    target  text NOT NULL,
    outcome text NOT NULL
);
COMMENT ON TABLE audit IS 'What people asked of the console and what came of it, also what was refused: rows are added and never changed';
CREATE INDEX IF NOT EXISTS audit_at ON audit (at);
CREATE OR REPLACE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION never_changed();
