"""What a threat profile is: one threat to one kind of asset, how it shows and what to do about it."""

from dataclasses import dataclass, replace
from enum import Enum


class Severity(Enum):
    """OCSF severity_id of a Detection Finding (class 2004)."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class Fit(Enum):
    """How well an ATT&CK for ICS technique fits: the matrix is not written for vehicles, homes, mobile or IPTV."""

    DIRECT = "direct"
    APPROXIMATE = "approximate"
    ANALOGY = "analogy"


@dataclass(frozen=True)
class Technique:
    """A technique of MITRE ATT&CK for ICS v18.1."""

    id: str
    name: str
    tactics: tuple[str, ...]
    fit: Fit


@dataclass(frozen=True)
class Reference:
    """Where a threat is described; `verified` is False where the place was quoted from memory or by someone else."""

    source: str
    locator: str
    verified: bool


@dataclass(frozen=True)
class Threat:
    """One entry of a threat profile.

    Args:
        id: catalogue id, e.g. SG-17.
        title: one line.
        domain: smart_grid, its, sensor_network, home_network, mobile, multicast or iptv.
        service: part of the domain, e.g. ami.
        asset: what is threatened.
        observable: how it shows in telemetry.
        streams: telemetry streams that show it.
        severity: of an alert that serves it, unless the detector says otherwise.
        stride: STRIDE classes.
        technique: closest ATT&CK for ICS technique.
        references: standards and papers.
        response: what to do, step by step.
        gap: "" where a detector serves the threat; else why none does yet (an accepted gap).
        also: other techniques by which the threat is carried out.
    """

    id: str
    title: str
    domain: str
    service: str
    asset: str
    observable: str
    streams: tuple[str, ...]
    severity: Severity
    stride: tuple[str, ...]
    technique: Technique
    references: tuple[Reference, ...]
    response: tuple[str, ...]
    gap: str
    also: tuple[Technique, ...] = ()

    def by(self, technique: str) -> "Threat":
        """The same threat, carried out by another of its techniques: what a detector serves that sees this one.

        Raises:
            StopIteration: the threat has no such technique.
        """
        other = next(t for t in self.also if t.id == technique)
        return replace(self, technique=other)
