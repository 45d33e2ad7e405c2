-- Where sites are, for the map: what `gridwatch database --places` was given.

CREATE TABLE IF NOT EXISTS site_place (
    site      text PRIMARY KEY,
    latitude  double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180)
);
COMMENT ON TABLE site_place IS 'Where sites are, in degrees of WGS 84; the site is that of alerts and incidents';
