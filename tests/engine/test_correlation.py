"""What several alerts show together: over the files of a scan, and as a stream whose own alerts come back to it."""

import json
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detectors.catalog import of_domain
from detectors.engine import State
from detectors.local import frame, line_of, make_engine
from detectors.site import Site, parse_site
from jobs.scan import Scan, to_json
from schemas.records import ALERT, HEADEND_COMMAND, MODBUS
from schemas.records import of_domain as records_of
from schemas.types import Domain, Schema
from tests.engine.examples import START, filled

SITE = {"modbus": {"masters": ["10.0.0.1"], "writers": [{"client": "10.0.0.1"}]}}


def write(path: Path, schema: Schema, records: Iterable[Mapping[str, Any]]) -> Path:
    """Records as JSON lines."""
    lines = []
    for fields in records:
        given = {k: v for k, v in filled(schema, fields).items() if v is not None and k not in ("capture", "frames")}
        lines.append(json.dumps({"record": schema.name, **given, "time": given["time"].isoformat()}))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A mass disconnect, and in a file of its own the writes that went before."""
    disconnects = [
        {"time": 1800 + i, "headend": "H1", "operator": "eve", "meter": f"M{i}", "command": "disconnect"}
        for i in range(30)
    ]
    writes = [
        {"time": 600 + i, "site": f"S{i}", "client": "10.0.0.66", "server": "10.0.0.9", "function": 5, "address": 1}
        for i in range(3)
    ]
    return [
        write(tmp_path / "headend.jsonl", HEADEND_COMMAND, disconnects),
        write(tmp_path / "substation.jsonl", MODBUS, writes),
    ]


def scanned(files: Iterable[Path], only: tuple[str, ...] = ()) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The alerts of the files, and what is seen in them."""
    scan = Scan(parse_site(SITE, "test"), only)
    alone = [alert for file in files for outcome in scan.run(file) for alert in outcome.alerts.iter_rows(named=True)]
    outcome = scan.correlate()
    together = [] if outcome is None else list(outcome.alerts.iter_rows(named=True))
    assert scan.summary.alerts.total() == len(alone) + len(together)
    return alone, together


@pytest.mark.parametrize("order", [1, -1])
def test_a_scan_correlates_the_alerts_of_all_its_files_in_the_order_of_their_times(
    files: list[Path], order: int
) -> None:
    alone, together = scanned(files[::order])
    assert {a["detector"] for a in alone} == {"mass_disconnect", "rogue_master", "unauthorised_write"}
    found = {a["detector"]: a for a in together}
    assert set(found) == {"disconnect_with_substation_command", "one_source_many_sites"}
    assert len(together) == 2
    by_id = {a["alert_id"]: a for a in alone}
    attack = found["disconnect_with_substation_command"]
    related = [by_id[i] for i in attack["related"]]
    assert [a["detector"] for a in related] == ["unauthorised_write"] * 3 + ["mass_disconnect"]
    assert (attack["capture"], attack["frames"]) == ("headend.jsonl", related[-1]["frames"])
    assert attack["domain"] == "correlation" and attack["offsets"] is None and attack["detected"] is not None
    assert attack["first_time"] == START + timedelta(seconds=600) and attack["last_time"] == related[-1]["time"]
    sources = found["one_source_many_sites"]
    assert (sources["entity"], sources["capture"]) == ("10.0.0.66", "substation.jsonl")
    assert {by_id[i]["site"] for i in sources["related"]} == {"S0", "S1", "S2"}
    assert json.loads(to_json(sources))["evidence"][0]["source"] == "10.0.0.66"


def test_only_what_is_asked_for_is_correlated(files: list[Path]) -> None:
    assert not scanned(files, ("mass_disconnect",))[1]
    assert not scanned(files, ("one_source_many_sites",))[0]


def stream(alerts: pl.DataFrame, cuts: list[int], again: bool) -> list[dict[str, Any]]:
    """Correlations of alerts that come as a stream; with `again` its own alerts come back, as on the topic."""
    engine, state, found = make_engine(Domain.CORRELATION, of_domain(Domain.CORRELATION), Site()), State(), []
    for low, high in zip([0, *cuts], [*cuts, len(alerts)], strict=True):
        batch = alerts[low:high]
        outcome = engine.step(state, {ALERT.name: batch}, flags=False)
        state = outcome.state
        found += outcome.alerts.to_dicts() if len(outcome.alerts) else []
        if again and len(outcome.alerts):
            back = outcome.alerts.with_columns(pl.lit(datetime.now(UTC)).alias("detected"))
            own = frame(ALERT, back.select(ALERT.names).to_dicts(), range(10**6 + low, 10**6 + low + len(back)))
            before = state
            outcome = engine.step(state, {ALERT.name: own}, flags=False)
            assert outcome.alerts.is_empty()
            assert all(before[name].equals(outcome.state[name]) for name in before)
    return found


def alerts() -> pl.DataFrame:
    """Scans, writes, jamming and ghosts at several sites, and a storm, in arrival order."""
    rng = random.Random(5)
    kinds = [
        {"threat": "SG-19", "technique": "T0888", "domain": "substation", "detector": "modbus_scan"},
        {"threat": "SG-18", "technique": "T0855", "domain": "substation", "detector": "unauthorised_write"},
        {"threat": "SG-01", "technique": "T0855", "domain": "meter", "detector": "mass_disconnect"},
        {"threat": "ITS-07", "technique": "T0856", "domain": "vehicle", "detector": "ghosts"},
        {"threat": "ITS-15", "technique": "T0814", "domain": "vehicle", "detector": "jammed"},
    ]
    rows = [
        filled(
            ALERT,
            {
                "alert_id": f"{i:032x}",
                "time": 2 * i + rng.uniform(-60, 60),
                "site": f"S{rng.randint(0, 4)}",
                "source": rng.choice(["10.0.0.66", "10.0.0.67", None]),
                "entity": "E",
                "severity_id": rng.randint(1, 5),
                **rng.choice(kinds),
            },
        )
        for i in range(240)
    ]
    return frame(ALERT, rows, range(len(rows)))


def test_a_stream_finds_the_same_wherever_it_is_cut_and_never_in_its_own_alerts() -> None:
    every, rng = alerts(), random.Random(9)
    whole = stream(every, [], again=False)
    assert {a["detector"] for a in whole} == {d.id for d in of_domain(Domain.CORRELATION)}
    assert {a["domain"] for a in whole} == {"correlation"}
    for again in (False, True):
        for number in (1, 60):
            cuts = sorted(rng.sample(range(1, len(every)), k=number))
            assert {a["alert_id"] for a in stream(every, cuts, again)} == {a["alert_id"] for a in whole}


def test_localities_are_seen_together_and_named_apart() -> None:
    every = line_of(alerts().select(ALERT.names))
    found = stream(every, [], again=False)
    assert len({a["site"] for a in found}) > 1 and all(a["related"] for a in found)
    assert records_of(Domain.CORRELATION) == (ALERT,)
