"""A V2X message outside the rights of the certificate that signed it: application, permissions, time or region.

Compares, each message alone, what the certificate permits with the application id and the kind of the message, the service-specific
permissions that its content needs (e.g. the emergency container), its generation time and its place; and takes the security layer's word
for it. A badly signed message is not judged: the certificate is not its sender's. Blind spot: receivers that do not tell what the
certificate permits; a region is judged by the rectangle around it. Source: threat ITS-10 of the catalogue; ETSI TS 103 759,
target security, observations 1 and 3 to 7; ETSI TS 103 097 clause 7.1 (application ids); IEEE 1609.2 clause 5.2.3.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.geometry import DEGREE_M
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import V2X_SECURITY


@dataclass(frozen=True)
class Params:
    slack_s: float = 5.0  # clocks, and a message under way while certificates change
    slack_m: float = 100.0  # noise of a position at the border of the region


#: Kinds of message with one application id all over the world.
PSIDS = {"cam": 36, "denm": 37, "bsm": 32}


def build(p: Params, site: Site) -> Firing:
    psid, generated = pl.col("psid"), pl.col("generation_time")
    slack = pl.duration(microseconds=round(p.slack_s * 1e6))
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    north = p.slack_m / DEGREE_M
    # Two degrees from a pole the slack is all around it.
    east = pl.lit(p.slack_m / DEGREE_M) / latitude.radians().cos().clip(0.035, 1.0)
    west_of, east_of = longitude < pl.col("region_west") - east, longitude > pl.col("region_east") + east
    beside = (
        pl.when(pl.col("region_west") <= pl.col("region_east")).then(west_of | east_of).otherwise(west_of & east_of)
    )
    expected = pl.col("message").replace_strict(list(PSIDS), list(PSIDS.values()), default=None, return_dtype=pl.Int64)
    verdict = pl.col("error").is_in(["not_permitted", "outside_validity", "outside_region"]).fill_null(False)
    outside = beside | (latitude < pl.col("region_south") - north) | (latitude > pl.col("region_north") + north)
    breaks, why = reasons(
        (~pl.col("certificate_psids").list.contains(psid), "application id not in the certificate"),
        (psid != expected, "application id of another kind of message"),
        ((pl.col("needed_ssp") & ~pl.col("certificate_ssp")) != 0, "content without the permission for it"),
        (generated < pl.col("certificate_start") - slack, "generated before the certificate is valid"),
        (generated > pl.col("certificate_end") + slack, "generated after the certificate has ended"),
        (outside, "generated outside the certificate's region"),
        (verdict, pl.col("error").str.replace("_", " ")),
    )
    return Firing(
        when=(pl.col("signature").is_in(["valid", "unchecked"]) | verdict) & breaks,
        values={
            "why": why,
            "what": pl.col("message").fill_null("message"),
            "who": pl.coalesce("station", pl.lit("a station")),
            "id": psid.cast(pl.String).fill_null("none"),
        },
    )


def _message(**fields: object) -> dict[str, object]:
    return {
        "time": 100.0,
        "receiver": "R1",
        "station": "A1",
        "certificate": "c1",
        "message": "cam",
        "psid": 36,
        "needed_ssp": 0,
        "generation_time": 99.9,
        "latitude": 48.0,
        "longitude": 11.0,
        "certificate_psids": [36, 37],
        "certificate_ssp": 0,
        "certificate_start": 0.0,
        "certificate_end": 3600.0,
        "region_south": 47.0,
        "region_north": 55.0,
        "region_west": 6.0,
        "region_east": 15.0,
        "signature": "valid",
        **fields,
    }


DETECTOR = Detector(
    id="certificate_rights",
    version=1,
    threat=its_messages.ITS_10,
    record=V2X_SECURITY,
    kind=Row(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("certificate", "certificate", source="station", destination="receiver"),
    dedup=("certificate",),
    episode_s=600.0,
    says="{who} signed a {what} outside the rights of certificate {certificate}: {why}",
    observed="{why}; application id {id}",
    expected="application, content, time and place that the certificate permits",
    runbook=(
        "Refuse the message: grant no priority of a special vehicle.",
        "Report to the misbehaviour authority with the certificate; ask it to block the enrolment credential.",
        "The same of many certificates points to the receiver's clock or to an issuer's fault: ask the PKI.",
    ),
    tolerance="none needed: each record is judged alone",
    examples=(
        fires_on(
            "an emergency container without the permission", [_message(needed_ssp=0x0200, certificate_ssp=0x4000)]
        ),
        fires_on(
            "a warning by a certificate for awareness messages",
            [_message(message="denm", psid=37, certificate_psids=[36])],
        ),
        fires_on(
            "a warning under the application id of awareness messages", [_message(message="denm", certificate_ssp=7)]
        ),
        fires_on("a minute after the certificate's end", [_message(time=3661.0, generation_time=3660.0)]),
        fires_on("from across the border", [_message(longitude=16.0)]),
        fires_on("the security layer says so", [{**_message(signature="invalid"), "error": "not_permitted"}]),
        quiet_on(
            "within all rights, also at their edge",
            [_message(), _message(time=3601.0, generation_time=3601.0, longitude=15.0005)],
        ),
        quiet_on(
            "a receiver that tells nothing of the certificate, an unsigned message, a region over the date line",
            [
                {"time": 0, "receiver": "R1", "certificate": "c1", "psid": 36, "signature": "valid"},
                {"time": 1, "receiver": "R1", "signature": "absent"},
                _message(longitude=179.9, region_west=170.0, region_east=-170.0),
            ],
        ),
        quiet_on("a bad signature under a foreign certificate", [_message(signature="invalid", psid=1)]),
    ),
)
