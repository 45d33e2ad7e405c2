"""Somebody logs in at a home device after several wrong passwords.

Counts failed log-ins in a row of one requester at one device before one that succeeds. Blind spot: guesses from many addresses,
a few each; who has the password. A member of the family who mistypes five times looks the same. Source: threat HN-01 of the
catalogue; ITU-T X.1113 clause 9.1; ETSI EN 303 645 (access and passwords).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent, RunLength
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_EVENT


@dataclass(frozen=True)
class Params:
    failures_min: int = 5  # in the window, before the log-in
    window_s: float = 1800.0


BY = ("device", "requester")
RESULT = Derived("result of a log-in", pl.when(pl.col("event") == "login").then(pl.col("result")))
FAILS = Derived("log-in fails", ((pl.col("event") == "login") & (pl.col("result") == "failure")).fill_null(False))
ENTERS = ((pl.col("event") == "login") & (pl.col("result") == "success")).fill_null(False)


def build(p: Params, site: Site) -> Firing:
    failed, run = CountWithin(BY, p.window_s, 1000, FAILS), RunLength(BY, RESULT)
    # In a row: who came in between had the password.
    row = Last(BY, Derived("failures in a row", run.col, (run,)), FAILS)
    guessed = (failed.col >= p.failures_min) & (row.col >= p.failures_min).fill_null(False)
    return Firing(
        when=ENTERS & guessed,
        memories=(failed, row),
        values={
            "failed": failed.col,
            "minutes": pl.lit(p.window_s / 60),
            "who": pl.col("requester").fill_null("somebody"),
            "kind": pl.col("device_kind").fill_null("device"),
        },
        trail=(Recent(BY, p.window_s, 20),),
    )


def _logins(results: str, requester: str | None = "203.0.113.66", every_s: float = 20.0) -> list[dict[str, object]]:
    return [
        {
            "time": every_s * i,
            "home": "home-0815",
            "event": "login",
            "device": "02:00:5e:10:00:01",
            "device_kind": "ev_charger",
            "requester": requester,
            "result": "success" if result == "s" else "failure",
        }
        for i, result in enumerate(results)
    ]


DETECTOR = Detector(
    id="home_guessed_login",
    version=1,
    threat=home_network.HN_01,
    record=HOME_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("home device", "device", source="requester", destination="device"),
    dedup=("home", "device", "requester"),
    episode_s=3600.0,
    says="{who} logged in at the {kind} {device} of {home} after {failed} failures in {minutes} min",
    observed="{failed} failures, then a log-in",
    expected="a log-in with few failures",
    runbook=(
        "Ask the customer whether it was somebody of the home.",
        "Block the source at the gateway and reset the device's credential.",
        "Look what was commanded since, and for the same source in other homes.",
    ),
    tolerance="a late event counts at the clock of its requester; one later than the window is not counted",
    examples=(
        fires_on("guessed at the eighth try", _logins("fffffffs")),
        fires_on("by somebody whom the device does not name", _logins("fffffs", None)),
        quiet_on("mistyped twice", _logins("ffs")),
        quiet_on("mistyped three times, twice", _logins("fffsfffs")),
        quiet_on("mistyped once a day", _logins("ffffffs", every_s=86_400.0)),
        quiet_on(
            "an old password in an app, and the owner who comes in",
            [*_logins("ffffffffff", "192.168.1.40"), *({**r, "time": 210.0} for r in _logins("s", "192.168.1.23"))],
        ),
    ),
)
