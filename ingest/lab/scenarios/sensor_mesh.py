"""Routes and packets of a sensor mesh: links that fade, routers that fail, repairs, a busy parent; sinkholes, packets that are dropped."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.mesh import ROOT, STEP, Mesh
from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.source import Record
from schemas.records import SENSOR_PACKET, SENSOR_ROUTE

NODES: Final = 48
NETWORK: Final = "pan-17"
ROUND_S: Final = 60.0
REPORT_S: Final = 300.0


def name(node: int) -> str:
    """Name of a node."""
    return "root" if node == ROOT else f"n{node}"


@dataclass
class _Life:
    """A mesh over hours."""

    mesh: Mesh
    seconds: float
    start: int

    def __post_init__(self) -> None:
        rng = self.mesh.rng
        self.sequence = [rng.randrange(60_000) for _ in range(NODES + 1)]
        self.next_report = [rng.uniform(0, REPORT_S) for _ in range(NODES + 1)]
        self.next_packet = [rng.uniform(0, ROUND_S) for _ in range(NODES + 1)]
        # One router fails, another is busy, one node restarts, the sink is down for some minutes, and everything is repaired once.
        self.fails = rng.uniform(0.2, 0.8) * self.seconds
        self.repairs = rng.uniform(0.2, 0.9) * self.seconds
        self.down = rng.uniform(0.1, 0.9) * self.seconds
        self.busy, self.restarts = rng.randrange(1, NODES + 1), rng.randrange(1, NODES + 1)
        self.door = rng.uniform(0.3, 0.9) * self.seconds

    def events(self, at: float) -> set[int]:
        """What happens in the round that begins then; gives nodes that took another parent."""
        mesh = self.mesh
        mesh.fade(ROUND_S / 60)
        if at <= self.fails < at + ROUND_S:
            mesh.failed.add(max(range(1, NODES + 1), key=mesh.parent.count))
        if at <= self.fails + 3600 < at + ROUND_S:
            mesh.failed.clear()
        if at <= self.door < at + ROUND_S:
            # A door is opened: a node hears the root, and its neighbours go over it.
            mesh.open_door(max(range(1, NODES + 1), key=lambda n: mesh.rank[n] if n not in mesh.failed else 0.0), ROOT)
        if at <= self.restarts * self.seconds / NODES < at + ROUND_S:
            self.sequence[self.restarts] = 0
        before = list(mesh.parent)
        if at <= self.repairs < at + ROUND_S:
            mesh.fade(20.0)
            mesh.repair()
        mesh.choose()
        return {n for n in range(1, NODES + 1) if mesh.parent[n] != before[n]}

    def report(self, at: float, node: int) -> Record:
        """What the management system hears of a node."""
        mesh = self.mesh
        fields = {
            "time": self.start + round(at * 1e6),
            "network": NETWORK,
            "node": name(node),
            "parent": name(mesh.parent[node]),
            "rank": min(65_535, round(mesh.rank[node])),
            "hops": mesh.hops(node),
            "etx": round(mesh.etx[node], 2),
            "rssi_dbm": None,
        }
        return Record(SENSOR_ROUTE, fields)

    def packets(self, at: float) -> Iterator[Record]:
        """The packets of a round that reach the sink."""
        mesh, rng = self.mesh, self.mesh.rng
        for node in range(1, NODES + 1):
            while self.next_packet[node] < at + ROUND_S:
                sent = self.next_packet[node]
                self.next_packet[node] += ROUND_S * rng.uniform(0.9, 1.1)
                self.sequence[node] += 1
                way = mesh.way(node) if mesh.parent[node] >= 0 and node not in mesh.failed else [-1]
                lost = way == [-1] or self.down <= sent < self.down + 400
                # Retries make a hop good; a busy parent drops some of what it should pass on.
                hops = [0.995, *(0.995 * (0.85 if n == self.busy else 1.0) for n in way)]
                if not lost and all(rng.random() < share for share in hops):
                    fields = {"time": self.start + round((sent + 0.1 * len(way)) * 1e6), "network": NETWORK}
                    fields |= {"node": name(node), "sequence": self.sequence[node] % 65_536}
                    yield Record(SENSOR_PACKET, {**fields, "parent": name(mesh.parent[node])})


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Reports every five minutes and with each change, and a packet a minute of each node.

    Links fade; a router fails for an hour, one node drops some of what it should pass on, one restarts, the sink is down for minutes,
    all routes are repaired once, and a door is opened that makes a far node the best parent around.
    """
    life = _Life(Mesh(rng, NODES), seconds, start)
    records: list[Record] = []
    at = 0.0
    while at < seconds:
        changed = life.events(at)
        for node in range(1, NODES + 1):
            due = life.next_report[node] < at + ROUND_S
            if (node in changed or due) and node not in life.mesh.failed and life.mesh.parent[node] >= 0:
                when = at + rng.uniform(0, ROUND_S)
                life.next_report[node] = when + REPORT_S * rng.uniform(0.95, 1.05)
                if rng.random() > 0.03:
                    records.append(life.report(when, node))
        records += life.packets(at)
        at += ROUND_S
    records.sort(key=lambda record: record.fields["time"])
    return [record for record in records if record.fields["time"] < start + seconds * 1e6]


MESH: Final = Quiet("sensor_mesh", "48 nodes of a mesh, their routes and packets", quiet, NODES)


def _parents(records: list[Record], begin: int) -> dict[str, str]:
    """The parent of each node, as last reported before the attack."""
    return {
        record.fields["node"]: record.fields["parent"]
        for record in records
        if record.schema is SENSOR_ROUTE and record.fields["time"] < begin
    }


def _over(node: str, parents: dict[str, str]) -> list[str]:
    """The nodes on the way of a node to the root, itself first."""
    way = [node]
    while way[-1] in parents and parents[way[-1]] not in way:
        way.append(parents[way[-1]])
    return way


@dataclass(frozen=True)
class Sinkhole:
    children: int = 9
    rank: int = 256  # that it announces
    seconds: float = 1800.0
    honest: bool = False  # to the border router


def sinkhole(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A node tells its neighbours a rank that it cannot have, and they take it as their parent."""
    begin = start + round(rng.uniform(1500, 3000) * 1e6)
    end = begin + round(p.seconds * 1e6)
    parents = _parents(records, begin)
    deep = [node for node in parents if len(_over(node, parents)) > 3]
    node = rng.choice(sorted(deep) or sorted(parents))
    others = sorted(set(parents) - {*_over(node, parents)})
    lured = {child: begin + round(rng.uniform(5, 400) * 1e6) for child in rng.sample(others, p.children)}
    out, attack = [], []
    for record in records:
        fields = record.fields
        if fields["node"] in lured and lured[fields["node"]] <= fields["time"] < end:
            fields = {**fields, "parent": node}
            if record.schema is SENSOR_ROUTE:
                fields |= {"rank": p.rank + rng.randrange(STEP, STEP + 60), "hops": 2, "etx": 1.1}
        elif (
            fields["node"] == node and record.schema is SENSOR_ROUTE and begin <= fields["time"] < end and not p.honest
        ):
            fields = {**fields, "rank": p.rank, "hops": 1}
        out.append(Record(record.schema, fields))
    own = next(r.fields for r in out if r.schema is SENSOR_ROUTE and r.fields["node"] == node)
    told = {} if p.honest else {"rank": p.rank, "hops": 1}
    news = [(begin, {**own, **told, "parent": parents[node]})]
    for child, when in lured.items():
        claims = {"rank": p.rank + STEP + 30, "hops": 2, "etx": 1.1, "parent": node}
        news.append((when, {**own, "node": child, **claims}))
    out += [Record(SENSOR_ROUTE, {**fields, "time": when}) for when, fields in news]
    out.sort(key=lambda record: record.fields["time"])
    names = {node, *lured}
    attack = [i for i, r in enumerate(out) if begin <= r.fields["time"] < end and r.fields["node"] in names]
    return Injected(out, begin, end, frozenset({node}), tuple(attack))


@dataclass(frozen=True)
class Honest(Sinkhole):
    honest: bool = True


@dataclass(frozen=True)
class Drops:
    share: float = 0.5  # of the packets that it should pass on
    seconds: float = 3600.0


def drops(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A parent drops packets that it should pass on, and none of its own."""
    begin = start + round(rng.uniform(1500, 2400) * 1e6)
    end = begin + round(p.seconds * 1e6)
    parents = _parents(records, begin)
    # A router that is at work all the time, and keeps its children.
    heard = Counter(r.fields["node"] for r in records if r.schema is SENSOR_PACKET and begin <= r.fields["time"] < end)
    moments = [begin + (end - begin) * i // 4 for i in range(5)]
    families = [Counter(_parents(records, moment).values()) for moment in moments]
    kept_by = {n: min(f[n] for f in families) for n in sorted(parents) if heard[n] > 0.8 * p.seconds / ROUND_S}
    node = rng.choice([n for n, children in kept_by.items() if children >= min(3, max(kept_by.values()))])
    kept = []
    for record in records:
        fields = record.fields
        if record.schema is SENSOR_ROUTE:
            parents[fields["node"]] = fields["parent"]
        passes = node in _over(fields["node"], parents)[1:] and begin <= fields["time"] < end
        if record.schema is SENSOR_PACKET and passes and rng.random() < p.share:
            continue
        kept.append(record)
    return Injected(kept, begin, end, frozenset({node}))


@dataclass(frozen=True)
class BlackHole(Drops):
    share: float = 1.0


QUIET: Final = (MESH,)
SCENARIOS: Final = tuple(
    Scenario(title, threat, says, MESH, 7200.0, inject, params)
    for title, threat, says, inject, params in (
        ("sensor_sinkhole", "USN-01", "a node announces the root's rank and gains 9 children", sinkhole, Sinkhole),
        ("sensor_sinkhole_honest", "USN-01", "the same, its true rank told to the border router", sinkhole, Honest),
        ("sensor_drops_half", "USN-02", "a parent drops half of what its children send", drops, Drops),
        ("sensor_black_hole", "USN-02", "a parent drops all that its children send", drops, BlackHole),
    )
)
