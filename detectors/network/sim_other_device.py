"""The SIM card of a fixed asset appears in another device, or one subscriber appears in two devices in turn.

Compares the first 14 digits of the IMEI, so that a new software version (IMEISV) is no new device. A fixed asset is what the
record says or what uses an access point of `mobile.fixed_apns`; work that the site file announces (`mobile.exchanges`) excuses
it. Any subscriber that changes its device `changes_min` times in an hour was cloned. Blind spot: a thief who copies the IMEI
too (see `sim_elsewhere`); SIM cards of which nobody says that they are fixed. Source: threat MOB-02 of the catalogue; 3GPP TS
23.003 clause 6.2 (IMEI).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent
from detectors.profiles import mobile
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.subscribers import in_exchange, is_fixed
from schemas.records import MOBILE_SIGNALLING


@dataclass(frozen=True)
class Params:
    changes_min: int = 3  # of the device of any subscriber in the window
    window_s: float = 3600.0


IMSI = ("imsi",)
#: Type allocation code and serial number; what follows is a check digit or a software version.
DEVICE = Derived("device of the IMEI", pl.col("imei").str.head(14))


def build(p: Params, site: Site) -> Firing:
    before = Last(IMSI, DEVICE)
    changed = Derived("device changed", (DEVICE.expr != before.col).fill_null(False), (before,))
    changes = CountWithin(IMSI, p.window_s, 2 * p.changes_min + 2, changed)
    swapped = changed.col & is_fixed(site) & ~in_exchange(site)
    cloned = changed.col & (changes.col >= p.changes_min) & ~in_exchange(site)
    return Firing(
        when=swapped | cloned,
        memories=(before, changes),
        values={"before": before.col, "device": DEVICE.col, "changes": changes.col},
        trail=(Recent(IMSI, p.window_s, 10),),
    )


def _attach(time: float, imei: str | None, fixed: bool | None = True, **fields: object) -> dict[str, object]:
    known = {"platform": "operator-1", "imsi": "901700000000042", "procedure": "attach"}
    return {"time": time, **known, "imei": imei, "fixed": fixed, **fields}


_METER, _PHONE = "353490069873368", "356938035643809"
_WORK = {
    "mobile": {
        "exchanges": [{"imsi": "901700000000042", "start": "2026-03-02T12:00:00Z", "end": "2026-03-02T16:00:00Z"}]
    }
}

DETECTOR = Detector(
    id="sim_other_device",
    version=1,
    threat=mobile.MOB_02,
    record=MOBILE_SIGNALLING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("subscriber", "imsi", source="imei", destination="platform"),
    dedup=("imsi",),
    episode_s=86_400.0,
    says="the SIM card {imsi} is in device {device}, before in {before}",
    observed="device {device}, {changes} changes in the last hour",
    expected="device {before}, or an announced exchange",
    runbook=(
        "Suspend the SIM card and lock it to the known IMEI.",
        "Ask the field service for a forgotten work order.",
        "Check that the asset still answers by another way; treat stored credentials of the access point as lost.",
    ),
    tolerance="a late record is passed over",
    examples=(
        fires_on("a meter's SIM card in a phone", [_attach(0, _METER), _attach(9000, _PHONE)]),
        fires_on(
            "the same, told by its access point",
            [_attach(0, _METER, None, apn="meters"), _attach(9000, _PHONE, None, apn="meters")],
            site={"mobile": {"fixed_apns": ["meters"]}},
        ),
        fires_on(
            "a subscriber in two devices in turn",
            [_attach(300.0 * i, (_METER, _PHONE)[i % 2], False) for i in range(6)],
        ),
        quiet_on("an announced exchange", [_attach(0, _METER), _attach(9000, _PHONE)], site=_WORK),
        quiet_on("new software in the modem", [_attach(0, _METER), _attach(9000, _METER[:14] + "05")]),
        quiet_on("a person buys a new phone", [_attach(0, _METER, False), _attach(9000, _PHONE, False)]),
        quiet_on(
            "the operator does not tell the device each time",
            [_attach(0, _METER), _attach(60, None), _attach(90, _METER)],
        ),
    ),
)
