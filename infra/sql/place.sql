-- Where sites are: alerts carry a site's name and no coordinates.

CREATE TABLE IF NOT EXISTS site_place (
    site      text PRIMARY KEY,
    latitude  double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    changed   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE site_place IS 'Where sites are, WGS 84 degrees; `gridwatch database places` keeps it';
COMMENT ON COLUMN site_place.changed IS 'when the place was given, or became another';

-- A receiver of V2X messages that has no place is near what it heard last.
CREATE INDEX IF NOT EXISTS track_receiver ON track (receiver, slot DESC);
