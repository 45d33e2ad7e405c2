-- Beside the columns of the contract: when a row landed, and the Parquet file that holds it.

ALTER TABLE alert ADD COLUMN IF NOT EXISTS landed timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE alert ADD COLUMN IF NOT EXISTS lake_file bigint REFERENCES lake_file (number);
COMMENT ON COLUMN alert.landed IS 'when the row was inserted here';
COMMENT ON COLUMN alert.lake_file IS 'Parquet file of the lake that holds the row; null until one is planned';

CREATE INDEX IF NOT EXISTS alert_time ON alert ("time");
CREATE INDEX IF NOT EXISTS alert_detected ON alert (detected);
CREATE INDEX IF NOT EXISTS alert_landed ON alert (landed);
CREATE INDEX IF NOT EXISTS alert_detector_detected ON alert (detector, detected);
-- Hashes in a B-tree: names of assets come from the wire, and a B-tree refuses long ones; a hash index grows slow where many
-- alerts share a name.
CREATE INDEX IF NOT EXISTS alert_entity_detected ON alert (hashtextextended(entity, 0), detected);
CREATE INDEX IF NOT EXISTS alert_source_detected ON alert (hashtextextended(source, 0), detected) WHERE source IS NOT NULL;
CREATE INDEX IF NOT EXISTS alert_destination_detected ON alert (hashtextextended(destination, 0), detected)
    WHERE destination IS NOT NULL;
-- Of older versions, no longer used.
DROP INDEX IF EXISTS alert_detector, alert_entity, alert_dedup;
CREATE INDEX IF NOT EXISTS alert_lake_file ON alert (lake_file);
