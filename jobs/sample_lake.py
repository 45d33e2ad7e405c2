"""A small lake for notebooks and tests: generated telemetry with three attacks, judged by the real engine.

It has the layout that `land` and `archive` write. Meters under transformers with one that loses energy, a substation
whose master polls while a stranger scans and writes, and vehicles around a roadside unit with one that leaps.
"""

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from detectors.catalog import of_domain as detectors_of
from detectors.local import frame, make_engine
from detectors.site import parse_site
from jobs import lake
from jobs.archive.topic import archive_schema
from schemas.errors import UsageFault
from schemas.project.arrow import to_arrow
from schemas.records import ALERT, CAM, METER_READING, MODBUS
from schemas.types import Domain, Schema

#: From a record to its arrival at the broker, and from there to its detection.
ARRIVES: Final = timedelta(milliseconds=150)
DETECTS: Final = timedelta(milliseconds=450)

MASTER, STRANGER = "10.1.0.10", "10.1.0.66"
SERVERS: Final = ("10.1.0.21", "10.1.0.22", "10.1.0.23", "10.1.0.24")
SITE: Final[dict[str, Any]] = {
    "name": "SS-Nord",
    "modbus": {
        "masters": [MASTER],
        "writers": [{"client": MASTER}],
        "points": [
            {"server": server, "table": table, "first": 0, "last": 63, "writable": table == "coil"}
            for server in SERVERS
            for table in ("coil", "holding")
        ],
    },
}

Records = list[tuple[Schema, dict[str, Any]]]


@dataclass(frozen=True)
class Contents:
    """What a sample lake holds: rows by record type, and alerts by detector."""

    records: Mapping[str, int]
    alerts: Mapping[str, int]


def make_sample_lake(root: Path, end: datetime, seed: int = 1) -> Contents:
    """Write the lake; the same arguments give the same lake.

    Args:
        root: a new or empty directory.
        end: time of the last record, with its zone.
        seed: of the random values.

    Raises:
        UsageFault: the directory is not empty.
    """
    if root.exists() and any(root.iterdir()):
        raise UsageFault("the directory is not empty", str(root), "name a new one: a sample does not belong in a lake")
    rng = random.Random(seed)
    sources = {
        Domain.METER: _meters(end, rng),
        Domain.SUBSTATION: _substation(end, rng),
        Domain.VEHICLE: _vehicles(end, rng),
    }
    rows: dict[str, int] = {}
    alerts: list[dict[str, Any]] = []
    for domain, records in sources.items():
        records.sort(key=lambda item: item[1]["time"])
        rows |= _archive(root, domain, records)
        alerts += _detect(domain, records)
    return Contents(rows, _land(root, alerts))


def _meters(end: datetime, rng: random.Random) -> Records:
    """A day of quarter-hourly readings of 40 meters under 4 transformers; one register loses 30 kWh."""
    records: Records = []
    for number in range(40):
        register = 1_000.0 + 500 * rng.random()
        base = 0.15 + 0.25 * rng.random()
        for quarter in range(96):
            time = end - timedelta(minutes=15 * (95 - quarter))
            evening = math.exp(-(((time.hour + time.minute / 60 - 19) / 2.5) ** 2))
            energy = max(0.0, base / 4 + 0.45 * evening * (0.7 + 0.6 * rng.random()))
            register += energy
            if number == 17 and quarter == 88:
                register -= 30.0
            voltage = 232.0 - 6.0 * evening + rng.gauss(0, 0.6)
            fields = {
                "time": time,
                "meter": f"M-{number:04d}",
                "transformer": f"T-{number // 10:02d}",
                "register_kwh": round(register, 3),
                "interval_kwh": round(energy, 3),
                "interval_s": 900,
                "voltage_v": round(voltage, 1),
                "current_a": round(energy * 4_000 / voltage, 2),
                "power_factor": round(0.93 + 0.05 * rng.random(), 3),
                "frequency_hz": round(50 + rng.gauss(0, 0.01), 3),
                "status": 0,
            }
            records.append((METER_READING, fields))
    return records


def _substation(end: datetime, rng: random.Random) -> Records:
    """Ten minutes of polling every 2 s; in the seventh a stranger scans two servers, then opens breakers."""
    records: Records = []
    start = end - timedelta(minutes=10)
    transaction = 0

    def ask(second: float, client: str, server: str, function: int, address: int, **more: Any) -> None:
        nonlocal transaction
        transaction = (transaction + 1) % 65_536
        fields: dict[str, Any] = {
            "time": start + timedelta(seconds=second),
            "site": SITE["name"],
            "client": client,
            "client_port": 50_000 + sum(map(ord, client)) % 1_000,
            "server": server,
            "server_port": 502,
            "transaction": transaction,
            "unit": 1,
            "function": function,
            "address": address,
            "latency_ms": round(3 + rng.expovariate(0.5), 2),
            "requested": True,
            "responded": True,
        }
        records.append((MODBUS, fields | more))

    for poll in range(300):
        for index, server in enumerate(SERVERS):
            load = 400 + 60 * math.sin(poll / 40 + index) + rng.gauss(0, 4)
            values = [round(load), 1_100 + round(rng.gauss(0, 3)), 1, 1]
            ask(2.0 * poll + 0.1 * index, MASTER, server, 3, 0, quantity=4, response_values=values)
        if poll % 60 == 30:
            ask(2.0 * poll + 0.6, MASTER, SERVERS[0], 5, 3, quantity=1, request_values=[1])
    for step in range(80):
        server = SERVERS[1 + step % 2]
        beyond: dict[str, Any] = {"exception": 2} if step % 4 == 3 else {"response_values": [0]}
        ask(380 + 0.4 * step, STRANGER, server, 3, 16 * step, quantity=1, **beyond)
    for step in range(6):
        ask(430 + 1.5 * step, STRANGER, SERVERS[1], 5, step, quantity=1, request_values=[0])
    return records


def _vehicles(end: datetime, rng: random.Random) -> Records:
    """Five minutes of awareness messages, one a second and station; one station leaps half a kilometre."""
    records: Records = []
    start = end - timedelta(minutes=5)
    degree = 111_320.0
    for number in range(10):
        speed, lane, delay = 11.0 + 4 * rng.random(), number % 2, rng.random()
        for second in range(300):
            along = (speed * second + 120.0 * number) % 900.0 - 450.0
            # The ring road leads out of reach here: the pseudonym changes.
            lap = int((speed * second + 120.0 * number) // 900.0)
            if number == 4 and second == 200:
                along += 500.0
            fields = {
                "time": start + timedelta(seconds=second + delay),
                "receiver": "RSU-7",
                "station": f"{0x5000 + 16 * number + lap:08x}",
                "station_type": 5,
                "message_count": second % 128,
                "latitude": 52.52 + (3.5 * lane + rng.gauss(0, 0.3)) / degree,
                "longitude": 13.40 + along / (degree * math.cos(math.radians(52.52))),
                "position_confidence_m": 2.0,
                "speed_ms": round(speed + rng.gauss(0, 0.1), 2),
                "heading_deg": 90.0,
                "acceleration_ms2": round(rng.gauss(0, 0.1), 2),
                "signature": "valid",
            }
            records.append((CAM, fields))
    return records


def _detect(domain: Domain, records: Records) -> list[dict[str, Any]]:
    """The alerts of the domain's detectors, as `detect` would emit them."""
    engine = make_engine(domain, detectors_of(domain), parse_site(SITE, "sample"))
    batch: dict[str, pl.DataFrame] = {}
    for schema in dict.fromkeys(schema for schema, _ in records):
        own = [(offset, fields) for offset, (of, fields) in enumerate(records) if of is schema]
        made = frame(schema, [fields for _, fields in own], [offset for offset, _ in own])
        batch[schema.name] = made.with_columns(
            pl.lit(domain.topic).alias("_topic"),
            pl.lit(0, dtype=pl.Int32).alias("_partition"),
            pl.col("_arrival").alias("_offset"),
            (pl.col("time") + ARRIVES).dt.epoch("us").alias("_broker"),
        )
    alerts = engine.step({}, batch).alerts
    return [row | {"detected": row["time"] + DETECTS} for row in alerts.to_dicts()]


def _archive(root: Path, domain: Domain, records: Records) -> dict[str, int]:
    groups: dict[tuple[Schema, str], list[dict[str, Any]]] = {}
    for offset, (schema, fields) in enumerate(records):
        arrival = fields["time"] + ARRIVES
        row = fields | {"_partition": 0, "_offset": offset, "_broker": int(arrival.timestamp() * 1_000_000)}
        groups.setdefault((schema, arrival.strftime("%Y-%m-%dT%H")), []).append(row)
    rows: dict[str, int] = {}
    for (schema, hour), group in groups.items():
        place = lake.partition(domain=domain.value, record=schema.name, hour=hour)
        _write(root / "telemetry" / place / "part-sample.parquet", group, archive_schema(schema))
        rows[schema.name] = rows.get(schema.name, 0) + len(group)
    return rows


def _land(root: Path, alerts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    counts: dict[str, int] = {}
    for alert in alerts:
        groups.setdefault((alert["domain"], alert["detected"].date().isoformat()), []).append(dict(alert))
        counts[alert["detector"]] = counts.get(alert["detector"], 0) + 1
    for (domain, date), group in groups.items():
        _write(
            root / "alerts" / lake.partition(domain=domain, date=date) / "part-sample.parquet", group, to_arrow(ALERT)
        )
    return counts


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    lake.write_parquet(path, schema, [lake.table_of(rows, schema)])
