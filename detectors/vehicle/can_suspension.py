"""A periodic CAN identifier goes missing while its bus stays active.

Judges identifiers that kept a period (no interval beyond `regular` times the mean) over `learn_s` seconds and `learn` frames, since the
bus became active or for `settled_s`. One fires when it is silent for `missing` periods and `least_s` of bus activity. Time counts only
while the bus is active, and after a pause of `pause_s` an identifier is judged once it was heard again. When more than `share_max` of
the judged identifiers are silent, control units shut down and nothing fires. An identifier that was missing twice sends on events; those of
diagnosis come and go with a tester.

Blind spot: a suspension shorter than that; slow identifiers; a bus that was heard for less than `learn_s`; a control unit that takes
most of the bus with it. Source: threat ITS-19 of the catalogue; ITU-T X.1375 clauses 7.4 and 8.2.
"""

from detectors.bus_silence import Numbers, silences
from detectors.can_bus import every, frames, merged
from detectors.detector import Confidence, Detector, Parties, Step, fires_on, quiet_on
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from schemas.records import CAN_FRAME


def _bus(seconds: float, *without: tuple[int, float, float]) -> list[dict[str, object]]:
    """Four periodic identifiers, and when one of them is absent."""
    streams = [
        frames(every(period, 0.001 * number, seconds, 0.02), can_id)
        for number, (period, can_id) in enumerate(((0.05, 0x110), (0.05, 0x1A0), (0.1, 0x280), (0.2, 0x410)))
    ]
    return [
        f
        for f in merged(*streams)
        if not any(f["can_id"] == i and low < float(str(f["time"])) < high for i, low, high in without)
    ]


DETECTOR = Detector(
    id="can_suspension",
    version=1,
    threat=its_vehicle.ITS_19,
    record=CAN_FRAME,
    kind=Step(
        lambda p, site: silences(p),
        columns=("vehicle", "channel", "extended", "can_id", "error", "remote"),
        hits=("missing", "silent_s", "period_ms"),
    ),
    params=Numbers,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel", "missing"),
    episode_s=60.0,
    says="identifier {missing} is missing on {channel} of {vehicle} for {silent_s} s",
    observed="no frame of identifier {missing} for {silent_s} s while the bus is active",
    expected="one every {period_ms} ms",
    runbook=(
        "Degrade the functions that use the identifier; warn the driver.",
        "Look for error frames and bus-off of the control unit that sends it just before.",
        "Read the fault memory of that control unit; look for added devices at the bus.",
    ),
    tolerance="a late frame is taken as of the clock of its bus",
    examples=(
        fires_on("one identifier is taken away for four seconds", _bus(20, (0x1A0, 14, 18))),
        fires_on("one is taken away for good", _bus(20, (0x1A0, 14, 99))),
        quiet_on("the bus sleeps", [f for f in _bus(30) if not 14 < float(str(f["time"])) < 25]),
        quiet_on(
            "control units shut down one after another",
            _bus(20, *((i, 14 + i / 1000, 99) for i in (0x1A0, 0x280, 0x410))),
        ),
        quiet_on("an identifier that is sent for a while", merged(_bus(20), frames(every(0.01, 5, 12), 0x300))),
        quiet_on("a short absence", _bus(20, (0x1A0, 14, 15.5))),
    ),
)
