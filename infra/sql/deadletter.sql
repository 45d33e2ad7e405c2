-- Beside the columns of the contract: an identity, when a row landed, and the Parquet file that holds it.

ALTER TABLE deadletter ADD COLUMN IF NOT EXISTS deadletter_id text;
ALTER TABLE deadletter ADD COLUMN IF NOT EXISTS landed timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE deadletter ADD COLUMN IF NOT EXISTS lake_file bigint REFERENCES lake_file (number);
COMMENT ON COLUMN deadletter.deadletter_id IS 'hash of where the refused record stands: a re-run gives the same';
COMMENT ON COLUMN deadletter.landed IS 'when the row was inserted here';
COMMENT ON COLUMN deadletter.lake_file IS 'Parquet file of the lake that holds the row; null until one is planned';

CREATE UNIQUE INDEX IF NOT EXISTS deadletter_identity ON deadletter (deadletter_id);
CREATE INDEX IF NOT EXISTS deadletter_landed ON deadletter (landed);
CREATE INDEX IF NOT EXISTS deadletter_lake_file ON deadletter (lake_file);
