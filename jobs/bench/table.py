"""The benchmark's result as a table for people: each target beside what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    measured: str
    target: str = ""
    holds: bool | None = None


def lines(result: Mapping[str, Any]) -> list[Line]:
    """The result, line by line."""
    return [line for part in _PARTS if part in result for line in _PARTS[part](result[part])]


def show(result: Mapping[str, Any], console: Console) -> None:
    """Print the table."""
    before, after = result["before"], result["after"]
    title = f"{before['cores']} cores, load {before['load_1min']} before and {after['load_1min']} after"
    table = Table("measured", "", "target", "", title=title, title_justify="left")
    for line in lines(result):
        verdict = {True: "holds", False: "[red]missed[/red]", None: ""}[line.holds]
        table.add_row(line.what, line.measured, line.target, verdict)
    console.print(table)


def _rate(r: Mapping[str, Any]) -> Iterator[Line]:
    for name, key in (
        ("read and decode only", "read_and_decode"),
        ("detection, all detectors and the model", "detect"),
    ):
        q = r[key]
        yield Line(name, f"{q['whole']:,} records/s, warm {q['warm']:,}, {q['cpu_us']} us of processor a record")
    yield Line("  of it, whole query", f"{r['whole_ratio']}", ">= 0.3", r["whole_ratio"] >= 0.3)
    yield Line("  of it, warm batches", f"{r['warm_ratio']}", ">= 0.3", r["warm_ratio"] >= 0.3)
    yield Line("  of it, by processor time", f"{r['cpu_ratio']}")


def _detectors(r: Mapping[str, Any]) -> Iterator[Line]:
    yield Line("engine alone", f"{r['engine_us']} us of processor a record; the whole query {r['query_us']} us")
    for name, percent in r["added_percent"].items():
        if name in r["models"]:
            yield Line(f"  added by {name}, a model", f"{percent} % of the query")
        else:
            yield Line(f"  added by {name}", f"{percent} % of the query", "< 4 %", percent < 4)


def _quix(r: Mapping[str, Any]) -> Iterator[Line]:
    ours = r["ours"]
    yield Line("detection, the rules without the model", f"{ours['whole']:,} records/s, warm {ours['warm']:,}")
    yield Line(f"QuixStreams, {r['processes']} processes, warm", f"{r['rate']:,} records/s")
    yield Line("  we are faster, whole query", f"{r['times_faster']} times", ">= 5", r["times_faster"] >= 5)
    yield Line("  we are faster, warm batches", f"{r['times_faster_warm']} times", ">= 5", r["times_faster_warm"] >= 5)


def _meters(r: Mapping[str, Any]) -> Iterator[Line]:
    for q in (r["few"], r["many"]):
        yield Line(f"{q['meters']:,} meters", f"{q['whole']:,} records/s, warm {q['warm']:,}")
    yield Line("  many against few, whole query", f"{r['whole_ratio']}", ">= 0.65", r["whole_ratio"] >= 0.65)
    yield Line("  many against few, warm batches", f"{r['warm_ratio']}", ">= 0.65", r["warm_ratio"] >= 0.65)
    size = r["state_bytes_a_meter_and_detector"]
    yield Line("state a meter and detector", f"{size} bytes", "< 300", size < 300)


def _latency(r: Mapping[str, Any]) -> Iterator[Line]:
    yield Line(f"event to PostgreSQL at {r['records_a_second']:,} records/s", f"{r['alerts']:,} alerts")
    for name, most in (("p50", 1.0), ("p99", 2.0)):
        seconds = r[f"event_to_postgresql_{name}_s"]
        told = f"{seconds} s, of it {r[f'event_to_detected_{name}_s']} s to the detector's alert"
        yield Line(f"  {name}", told, f"< {most:g} s", seconds < most)


def _domains(r: Mapping[str, Any]) -> Iterator[Line]:
    for name, d in r.items():
        decoded, detected = d["read_and_decode"], d["detect"]
        yield Line(
            f"{name}: {len(d['detectors'])} detectors, {len(d['records'])} record types",
            f"{detected['whole']:,} of {decoded['whole']:,} records/s, warm {detected['warm']:,} of {decoded['warm']:,}",
        )
        yield Line("  of read and decode, whole query", f"{d['whole_ratio']}", ">= 0.25", d["whole_ratio"] >= 0.25)
        yield Line("  of read and decode, warm batches", f"{d['warm_ratio']}", ">= 0.25", d["warm_ratio"] >= 0.25)
        told = f"{d['further_us']} us a record, {d['further_percent']} % of the query; the mean one {d['mean_detector_us']} us"
        yield Line("  added by one further detector", told)


_PARTS = {
    "rate": _rate,
    "detectors": _detectors,
    "quix": _quix,
    "meters": _meters,
    "domains": _domains,
    "latency": _latency,
}
