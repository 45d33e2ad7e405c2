-- Beside the columns of the contract: when a row landed, and the Parquet file that holds it.

ALTER TABLE alert ADD COLUMN IF NOT EXISTS landed timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE alert ADD COLUMN IF NOT EXISTS lake_file bigint REFERENCES lake_file (number);
COMMENT ON COLUMN alert.landed IS 'when the row was inserted here';
COMMENT ON COLUMN alert.lake_file IS 'Parquet file of the lake that holds the row; null until one is planned';

CREATE INDEX IF NOT EXISTS alert_time ON alert ("time");
CREATE INDEX IF NOT EXISTS alert_detected ON alert (detected);
CREATE INDEX IF NOT EXISTS alert_landed ON alert (landed);
CREATE INDEX IF NOT EXISTS alert_detector ON alert (detector, "time");
-- Hash: names of assets come from the wire, and a B-tree refuses long ones.
CREATE INDEX IF NOT EXISTS alert_entity ON alert USING hash (entity);
CREATE INDEX IF NOT EXISTS alert_dedup ON alert USING hash (dedup);
CREATE INDEX IF NOT EXISTS alert_lake_file ON alert (lake_file);
