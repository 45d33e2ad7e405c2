"""The process behind the stations of `iec104_traffic`: what happens, when, and the dialogue that a control centre has with it."""

import random
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.iec104_traffic import (
    BAYS,
    COMMAND,
    CURRENT,
    FILE,
    LIMITS,
    MEASURED,
    PROTECTION,
    SETPOINT,
    STATE,
    Apdu,
    Connection,
    asdu,
)

CLOSED, OPEN = 2.0, 1.0
#: What an operator begins, how long the longest dialogue of it takes, and when a session is ready for it, microseconds.
BY_OPERATOR: Final = ("operate", "refuse", "set", "file")
DIALOGUE_US: Final = 25_000_000
READY_US: Final = 2_000_000


@dataclass(frozen=True)
class Happening:
    """Something that a station tells or is told.

    Args:
        time: when it happens, microseconds.
        upward: told by the station; else told to it, which needs a connection.
        objects: of one APDU.
    """

    time: int
    upward: bool
    objects: tuple[dict[str, Any], ...]


class Station:
    """A station with four bays: draws what happens to it over a time.

    Args:
        name: its address.
        rng: source of chance.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name, self.rng = name, rng
        self.closed = dict.fromkeys(BAYS, True)
        self.load = {bay: rng.uniform(150.0, 400.0) for bay in BAYS}
        self.out: list[Happening] = []
        self.moves = {bay: [(0, True)] for bay in BAYS}

    def closed_at(self, time: int) -> dict[int, bool]:
        """Which breakers were closed at a time, microseconds."""
        return {bay: moves[bisect_right(moves, (time, True)) - 1][1] for bay, moves in self.moves.items()}

    def live(self, start: int, end: int, sessions: list[tuple[int, int, Connection]]) -> list[Happening]:
        """Everything that happens from `start` to `end`, microseconds, by time.

        Args:
            start, end: of all.
            sessions: begin, end and connection of each; only within one does an operator begin something.
        """
        agenda = [(start + round(self.rng.uniform(0, 8) * 1e6), "measure", bay) for bay in BAYS]
        agenda += [(start + round(self.rng.uniform(0, 30) * 1e6), "cycle", 0)]
        for what, mean_s in (("operate", 900.0), ("trip", 2400.0), ("local", 5400.0), ("refuse", 14_400.0)):
            agenda += [(t, what, self.rng.choice(BAYS)) for t in self._times(start, end, mean_s)]
        agenda += [(t, "set", 0) for t in range(start + round(self.rng.uniform(60, 300) * 1e6), end, 300_000_000)]
        agenda += [(t, "file", 0) for t in self._times(start, end, 7200.0)]
        busy = dict.fromkeys(BAYS, start)
        agenda.sort()
        while agenda:
            time, what, bay = agenda.pop(0)
            if time >= end:
                break
            if what == "measure":
                self._measure(time, bay)
                self._again(agenda, (time + round(self.rng.uniform(4, 12) * 1e6), what, bay))
            elif what == "cycle":
                values = [asdu(self.name, 13, 1, o, round(self.rng.gauss(110, 0.3), 3), quality="") for o in MEASURED]
                self._tell(time, *values)
                self._again(agenda, (time + 30_000_000, what, bay))
            elif what in BY_OPERATOR and not any(a + READY_US <= time < b - DIALOGUE_US for a, b, _ in sessions):
                continue
            elif what in ("set", "file"):
                (self._set if what == "set" else self._file)(time)
            elif what == "refuse":
                if min(busy.values()) <= time:
                    busy = dict.fromkeys(BAYS, time + 120_000_000)
                    self._refuse(time, bay)
            elif time > busy[bay]:
                busy[bay] = time + 120_000_000  # one thing at a time
                getattr(self, f"_{what}")(time, bay)
        return sorted(self.out, key=lambda h: h.time)

    def _times(self, start: int, end: int, mean_s: float) -> list[int]:
        times, at = [], float(start)
        while (at := at + self.rng.expovariate(1 / mean_s) * 1e6) < end:
            times.append(round(at))
        return times

    @staticmethod
    def _again(agenda: list[tuple[int, str, int]], entry: tuple[int, str, int]) -> None:
        at = next((i for i, other in enumerate(agenda) if other > entry), len(agenda))
        agenda.insert(at, entry)

    def _tell(self, time: float, *objects: dict[str, Any]) -> None:
        self.out.append(Happening(round(time), True, objects))

    def _told(self, time: float, *objects: dict[str, Any]) -> None:
        self.out.append(Happening(round(time), False, objects))

    def _event(self, time: float, type_id: int, cause: int, address: int, value: float) -> None:
        """An event with its time tag: what the station's clock said when it happened."""
        self._tell(time, asdu(self.name, type_id, cause, address, value, quality="", time_tag=round(time) - 20_000))

    def _measure(self, time: int, bay: int) -> None:
        self.load[bay] = min(max(self.load[bay] + self.rng.gauss(0, 4), 80.0), 560.0)
        amperes = self.load[bay] + self.rng.gauss(0, 1) if self.closed_at(time)[bay] else abs(self.rng.gauss(0, 0.4))
        self._event(time, 36, 3, CURRENT + bay, round(amperes, 3))

    def _moved(self, time: float, bay: int, closed: bool) -> None:
        self.closed[bay] = closed
        self.moves[bay].append((round(time), closed))

    def _operate(self, time: int, bay: int) -> None:
        """Select, execute, the breaker moves, return information."""
        wanted = OPEN if self.closed[bay] else CLOSED
        address, at = COMMAND + bay, float(time)
        for select in (True, False):
            self._told(at, asdu(self.name, 46, 6, address, wanted, select=select, qualifier=0))
            self._tell(at + 8e4, asdu(self.name, 46, 7, address, wanted, select=select, qualifier=0))
            at += self.rng.uniform(1, 5) * 1e6
        moved = at + self.rng.uniform(0.1, 3) * 1e6
        self._event(moved - 9e4, 31, 11, STATE + bay, 0.0)
        self._event(moved, 31, self.rng.choice((3, 11)), STATE + bay, wanted)
        self._tell(moved + 2e5, asdu(self.name, 46, 10, address, wanted, select=False, qualifier=0))
        self._moved(moved, bay, wanted == CLOSED)

    def _refuse(self, time: int, bay: int) -> None:
        """An interlock refuses a command; the operator tries once more."""
        wanted = OPEN if self.closed[bay] else CLOSED
        for again in range(self.rng.choice((1, 2))):
            at = time + again * 8e6
            self._told(at, asdu(self.name, 46, 6, COMMAND + bay, wanted, select=True, qualifier=0))
            refusal = asdu(self.name, 46, 7, COMMAND + bay, wanted, select=True, qualifier=0)
            self._tell(at + 8e4, {**refusal, "negative": True})

    def _local(self, time: int, bay: int) -> None:
        """Somebody on site switches."""
        self._moved(time, bay, not self.closed[bay])
        self._event(time, 31, 12, STATE + bay, CLOSED if self.closed[bay] else OPEN)

    def _trip(self, time: int, bay: int) -> None:
        """Protection operates amid a disturbance, and the breaker is closed again after some seconds or not at all."""
        if not self.closed[bay]:
            return
        for _ in range(self.rng.randrange(20, 150)):
            address = self.rng.choice((*range(320, 360), *range(701, 705)))
            self._event(
                time + self.rng.uniform(0, 3) * 1e6, 30 if address < 700 else 36, 3, address, self.rng.randrange(2)
            )
        self._event(time + 5e4, 30, 3, PROTECTION + bay, 1.0)
        self._event(time + 1.2e5, 31, 3, STATE + bay, OPEN)
        self._event(time + 6e5, 30, 3, PROTECTION + bay, 0.0)
        self._moved(time + 1.2e5, bay, False)
        if self.rng.random() < 0.7:
            self._moved(time + 3e6, bay, True)
            self._event(time + 2.9e6, 30, 3, PROTECTION + bay, 1.0)
            self._event(time + 3e6, 31, 3, STATE + bay, CLOSED)
            self._event(time + 3.5e6, 30, 3, PROTECTION + bay, 0.0)

    def _set(self, time: int) -> None:
        value = round(min(max(self.rng.gauss(100, 8), LIMITS[0]), LIMITS[1]), 1)
        for cause, after in ((6, 0.0), (7, 6e4), (10, 2e5)):
            body = asdu(self.name, 50, cause, SETPOINT, value, select=False, qualifier=0)
            (self._told if cause == 6 else self._tell)(time + after, body)

    def _file(self, time: int) -> None:
        """The control centre fetches a disturbance record."""
        at = float(time)
        for type_id, upward in ((122, False), (120, True), (122, False), (121, True), (122, False)):
            (self._tell if upward else self._told)(at, asdu(self.name, type_id, 13, FILE, None))
            at += 6e4
        for _ in range(self.rng.randrange(5, 30)):
            self._tell(at, asdu(self.name, 125, 13, FILE, None))
            at += 3e4
        self._tell(at, asdu(self.name, 123, 13, FILE, None))
        self._told(at + 6e4, asdu(self.name, 124, 13, FILE, None))


#: Seconds a line is down, at least and at most.
DOWN_S: Final = (5.0, 40.0)


def carried(happenings: list[Happening], sessions: list[tuple[int, int, Connection]]) -> list[Apdu]:
    """What happens as APDUs of the session of its time; what is told while there is none waits for the next one.

    Commands are given where there is a session only.
    """
    apdus, number = [], 0
    for one in happenings:
        while number < len(sessions) and one.time >= sessions[number][1]:
            number += 1
        if number == len(sessions):
            break
        begin, _, link = sessions[number]
        ready = begin + READY_US
        if one.time >= ready:
            apdus.append(Apdu(one.time, link, one.upward, one.objects))
        elif one.upward and one.objects[0]["cause"] in (3, 11, 12):
            apdus.append(Apdu(ready + (one.time - ready) // 100, link, True, one.objects))
    return sorted(apdus, key=lambda a: a.time)
