"""The attacks of the lab by name, the plan of a run, and the truth that is written while it goes.

How each is done follows the `inject` hints of published attack descriptions; durations are those of a two-minute show.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from schemas.errors import UsageFault

METERS, SUBSTATION, VEHICLES, CAN = "meters", "substation", "vehicles", "can"
PARTS: Final = (METERS, SUBSTATION, VEHICLES, CAN)


@dataclass(frozen=True)
class Attack:
    """One attack that the lab can do.

    Args:
        name: how it is asked for.
        threat: the threat it stands for, by its id in the threat profiles.
        detector: the detector that must find it.
        part: the part of the lab that does it.
        seconds: how long it lasts unless said otherwise.
        says: what happens.
    """

    name: str
    threat: str
    detector: str
    part: str
    seconds: float
    says: str


ATTACKS: Final = (
    Attack(
        "mass_disconnect", "SG-01", "mass_disconnect", METERS, 10, "30 disconnects by one operator, 3 with an order"
    ),
    Attack("register_rollback", "SG-03", "register_rollback", METERS, 5, "the register of one meter loses 50 kWh"),
    Attack(
        "tamper", "SG-07", "tamper_signature", METERS, 10, "both covers of a meter opened, then a fifth of its load"
    ),
    Attack("mass_silence", "SG-14", "mass_silence", METERS, 25, "60 % of the meters of a transformer fall silent"),
    Attack("rogue_master", "SG-17", "rogue_master", SUBSTATION, 8, "an unknown host polls every device"),
    Attack(
        "unauthorised_write", "SG-18", "unauthorised_write", SUBSTATION, 6, "a reader opens a breaker, clears a setting"
    ),
    Attack("modbus_scan", "SG-19", "modbus_scan", SUBSTATION, 8, "function scan, device id, address sweep"),
    Attack("iec104_command", "SG-21", "iec104_command", SUBSTATION, 6, "a double command without select"),
    Attack("forged_goose", "SG-26", "goose_forged", SUBSTATION, 4, "state number + 5 and a trip, from another MAC"),
    Attack("cam_flooding", "ITS-01", "cam_flooding", VEHICLES, 10, "one station at 25 messages a second"),
    Attack("impossible_speed", "ITS-02", "impossible_speed", VEHICLES, 5, "a passenger car claims 160 m/s"),
    Attack("position_jump", "ITS-03", "position_jump", VEHICLES, 8, "a random offset of up to 150 m a message"),
    Attack(
        "constant_speed_offset", "ITS-05", "position_speed_mismatch", VEHICLES, 12, "7 m/s added to the claimed speed"
    ),
    Attack("can_flooding", "ITS-17", "can_flooding", CAN, 2, "identifier 0 every 0.3 ms"),
    Attack("can_injection", "ITS-18", "can_injection", CAN, 5, "forged speed frames between the real ones"),
)
BY_NAME: Final = {attack.name: attack for attack in ATTACKS}


@dataclass(frozen=True)
class Injection:
    """An attack from `start_s` to `end_s`, seconds from the start of the run."""

    attack: Attack
    start_s: float
    end_s: float

    def covers(self, at_s: float) -> bool:
        """True while it goes on."""
        return self.start_s <= at_s < self.end_s


@dataclass(frozen=True)
class Truth:
    """What really was done: one line of the truth file.

    Args:
        start, end: ISO 8601, UTC.
        entities: who and what took part: kind -> names.
    """

    attack: str
    threat: str
    detector: str
    start: str
    end: str
    entities: dict[str, list[str]]


_ASKED: Final = re.compile(
    r"(?P<name>[a-z0-9_]{1,64})@(?P<start>\d{1,6}(\.\d{1,3})?)(\+(?P<seconds>\d{1,6}(\.\d{1,3})?))?"
)


def parse_plan(asked: Iterable[str], part: str) -> list[Injection]:
    """The injections of one part out of `name@start` or `name@start+seconds`.

    Raises:
        UsageFault: an unknown attack or a wrong form.
    """
    plan = []
    for text in asked:
        found = _ASKED.fullmatch(text)
        if found is None or found["name"] not in BY_NAME:
            known = ", ".join(BY_NAME)
            raise UsageFault(
                f"no such attack: {text[:64]!r}", "plan", f"write NAME@START or NAME@START+SECONDS of {known}"
            )
        attack = BY_NAME[found["name"]]
        if attack.part == part:
            start = float(found["start"])
            plan.append(Injection(attack, start, start + float(found["seconds"] or attack.seconds)))
    return sorted(plan, key=lambda injection: injection.start_s)


def default_plan(seconds: float) -> list[str]:
    """Every attack once: from a quarter of the run on, so that what is normal has been seen, to nine tenths of it."""
    plan = []
    for part in PARTS:
        attacks = [attack for attack in ATTACKS if attack.part == part]
        first, last = 0.25 * seconds, 0.9 * seconds
        total = sum(attack.seconds for attack in attacks)
        scale = min(1.0, 0.8 * (last - first) / total)
        gap = (last - first - scale * total) / len(attacks)
        at = first
        for attack in attacks:
            plan.append(f"{attack.name}@{at:.1f}+{max(scale * attack.seconds, 0.5):.1f}")
            at += scale * attack.seconds + gap
    return plan


def truth_of(injection: Injection, start_us: int, entities: dict[str, list[str]]) -> Truth:
    """The truth of an injection in a run that began at `start_us` (microseconds since 1970)."""
    return Truth(
        injection.attack.name,
        injection.attack.threat,
        injection.attack.detector,
        iso(start_us + round(injection.start_s * 1e6)),
        iso(start_us + round(injection.end_s * 1e6)),
        entities,
    )


def iso(time_us: int) -> str:
    """ISO 8601, UTC, with microseconds."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class TruthFile:
    """Appends truth as JSON lines; several processes may share a file, a line is one write."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, truth: Truth) -> None:
        """Append one line."""
        if self._path is not None:
            line = json.dumps(asdict(truth)) + "\n"
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode())


def read_truth(path: Path) -> list[dict[str, Any]]:
    """The lines of a truth file, by start."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(lines, key=lambda line: str(line["start"]))
