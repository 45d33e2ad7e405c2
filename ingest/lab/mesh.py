"""A mesh of sensor nodes around a border router: places, links that come and go, parents and ranks (RPL, RFC 6550; MRHOF, RFC 6719)."""

import math
import random
from dataclasses import dataclass, field
from typing import Final

#: Rank of the root and least step of a rank (MinHopRankIncrease).
STEP: Final = 256
#: A better parent is taken where it saves this much rank (RFC 6719: PARENT_SWITCH_THRESHOLD 192).
SWITCH: Final = 192
ROOT: Final = 0
RANGE_M: Final = 220.0


@dataclass
class Mesh:
    """Nodes are numbered from 1; 0 is the root. Times are seconds.

    Attributes:
        parent: of each node, -1 without one.
        rank: of each node.
        etx: expected transmissions of a node to its parent.
        failed: nodes that are silent.
    """

    rng: random.Random
    size: int
    side_m: float = 900.0
    parent: list[int] = field(default_factory=list)
    rank: list[float] = field(default_factory=list)
    etx: list[float] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        half = self.side_m / 2
        grid = math.ceil(math.sqrt(self.size))
        pitch = self.side_m / grid
        self.places = [(0.0, 0.0)]
        for n in range(self.size):
            jitter = [self.rng.uniform(-0.35, 0.35) * pitch for _ in range(2)]
            self.places.append(
                ((n % grid + 0.5) * pitch - half + jitter[0], (n // grid + 0.5) * pitch - half + jitter[1])
            )
        self._fading = {
            (a, b): self.rng.gauss(0, 0.15)
            for a in range(self.size + 1)
            for b in range(a)
            if math.dist(self.places[a], self.places[b]) < RANGE_M
        }
        self._neighbours: dict[int, list[int]] = {n: [] for n in range(self.size + 1)}
        for a, b in self._fading:
            self._neighbours[a].append(b)
            self._neighbours[b].append(a)
        self.repair()

    def link(self, a: int, b: int) -> float:
        """Expected transmissions over a link now."""
        return max(1.0, self._plain(a, b) + self._fading[max(a, b), min(a, b)])

    def repair(self) -> None:
        """A global repair: all nodes choose anew, from the root outwards."""
        self.parent = [-1] * (self.size + 1)
        self.rank = [float(STEP)] + [math.inf] * self.size
        self.etx = [1.0] * (self.size + 1)
        for _ in range(self.size):
            if not self.choose(0.0):
                break

    def fade(self, minutes: float) -> None:
        """Links change slowly: within two hours most of what they were is gone."""
        keep = math.exp(-minutes / 120.0)
        spread = 0.15 * math.sqrt(1 - keep * keep)
        for pair, value in self._fading.items():
            self._fading[pair] = keep * value + self.rng.gauss(0, spread)

    def open_door(self, node: int, to: int) -> None:
        """A node hears another one well from now on."""
        pair = (max(node, to), min(node, to))
        if pair not in self._fading:
            self._neighbours[node].append(to)
            self._neighbours[to].append(node)
        self._fading[pair] = 1.05 - self._plain(node, to)

    def _plain(self, a: int, b: int) -> float:
        """Expected transmissions without fading."""
        return 1.0 + 1.5 * (math.dist(self.places[a], self.places[b]) / RANGE_M) ** 3

    def choose(self, threshold: float = float(SWITCH)) -> list[int]:
        """Each node looks once for a better parent; gives those that took another one."""
        changed = []
        for node in range(1, self.size + 1):
            if node in self.failed:
                continue
            best, best_rank = -1, math.inf
            for near in self._neighbours[node]:
                if near in self.failed or self._below(near, node):
                    continue
                through = self.rank[near] + max(STEP, round(STEP * self.link(node, near)))
                if through < best_rank:
                    best, best_rank = near, through
            own = self.parent[node]
            if own >= 0 and own not in self.failed:
                self.rank[node] = self.rank[own] + max(STEP, round(STEP * self.link(node, own)))
            elif own >= 0:
                self.rank[node] = math.inf
            if best >= 0 and best != own and best_rank < self.rank[node] - threshold:
                self.parent[node], self.rank[node] = best, best_rank
                changed.append(node)
            if self.parent[node] >= 0:
                self.etx[node] = self.link(node, self.parent[node])
        return changed

    def _below(self, node: int, of: int) -> bool:
        """True where a node's way to the root leads over another one."""
        for _ in range(self.size + 1):
            if node == of:
                return True
            if node <= 0:
                return False
            node = self.parent[node]
        return True

    def way(self, node: int) -> list[int]:
        """The nodes that a packet of a node passes, without itself and the root; [-1] where it has no way."""
        way: list[int] = []
        for _ in range(self.size + 1):
            node = self.parent[node]
            if node == ROOT:
                return way
            if node < 0 or node in self.failed:
                return [-1]
            way.append(node)
        return [-1]

    def hops(self, node: int) -> int:
        """Hops to the root; 0 where it has no way."""
        way = self.way(node)
        return 0 if way == [-1] else len(way) + 1
