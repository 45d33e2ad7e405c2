"""The parts of the benchmark, by name; apart, so that the command lists them without loading them."""

from enum import StrEnum


class Part(StrEnum):
    """What can be measured."""

    RATE = "rate"
    DETECTORS = "detectors"
    QUIX = "quix"
    METERS = "meters"
    DOMAINS = "domains"
    LATENCY = "latency"
