"""The streaming job against a real broker and a real Spark: the same alerts as the engine alone, every record accounted for."""

import json
import re
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from detectors.site import Site, parse_site
from infra.spark import BUCKETS
from infra.stack import StackState
from ingest.publisher import Broker
from jobs.detect.decode import decode
from jobs.detect.faults import fault_of
from jobs.detect.portions import PORTION
from jobs.detect.progress import Progress
from jobs.detect.query import Detection, DetectSettings, plan_of
from jobs.detect.worker import Work
from jobs.state_store import BucketFile, StateStore
from jobs.state_tools import rebucket, verify
from schemas.errors import ConfigFault, Fault, RunFault
from schemas.project.avro import avro_json
from schemas.records import CAM, METER_READING, MODBUS, TELEMETRY
from schemas.records.deadletter import KEPT_BYTES
from schemas.topics import SCHEMAS
from schemas.types import LATEST_US, MAX_BYTES, MAX_ITEMS, MAX_MESSAGE, TELEMETRY_DOMAINS, Domain, Field, Scalar, Schema
from schemas.wire import HEADER, MARKER, TIME_RANGE, encode, fingerprint
from tests.integration.detecting import Topics, counts, detect, expected, message, site, traffic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATIENCE_S = 120
#: What `decode` takes.
ROWS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("us", "UTC")),
        ("value", pa.binary()),
        ("tick", pa.int64()),
        ("tick_bucket", pa.int32()),
    ]
)


@pytest.fixture
def own(stack: StackState) -> Topics:
    """The broker from now on."""
    return Topics(stack.bootstrap)


class Running:
    """A detection that runs until the test ends it."""

    def __init__(self, spark: "SparkSession", own: Topics, folder: Path, domain: Domain, facts: Site) -> None:
        settings = DetectSettings(
            Broker(own.bootstrap), str(folder / "state"), str(folder / "checkpoint"), begin=own.began_us
        )
        self._told, self._news = Progress(domain, -1, {}), Condition()
        self.detection = Detection(spark, domain, settings, facts, self._report)
        self.query = self.detection.start()

    def _report(self, progress: Progress) -> None:
        with self._news:
            self._told = progress
            self._news.notify_all()

    def until(self, seen: Callable[[Progress], bool]) -> Progress:
        """Wait until a batch shows what is awaited."""
        with self._news:
            assert self._news.wait_for(lambda: seen(self._told), PATIENCE_S), self.query.exception() or self._told
            return self._told


@contextmanager
def running(
    spark: "SparkSession", own: Topics, folder: Path, domain: Domain, facts: Site | None = None
) -> Iterator[Running]:
    """Detection without end, stopped in order."""
    job = Running(spark, own, folder, domain, facts or site())
    try:
        yield job
        job.detection.stop()
        job.detection.check()
    finally:
        job.query.stop()
        job.detection.close()


def test_stream_equals_batch(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    records = traffic("same")
    own.publish(records)
    wanted = expected(records)
    for domain in TELEMETRY_DOMAINS:
        batches, ledger = detect(spark, own, tmp_path, domain, max_offsets=6_000)
        assert len(batches) > 1
        decoded = counts(ledger, "decoded")
        assert decoded.total() == own.produced(domain) == sum(schema.domain is domain for schema, _ in records)
        assert not counts(ledger, "dead")
    alerts = own.alerts("same")
    assert sorted(a["alert_id"] for a in alerts) == sorted(wanted)
    assert {a["domain"] for a in alerts} == {d.value for d in TELEMETRY_DOMAINS}
    assert len({a["detector"] for a in alerts}) >= 15


def test_every_bad_message_is_a_dead_letter(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    good = message(MODBUS, site="letters", client="10.0.0.66", function=3)
    known = good[HEADER:]
    bad: list[tuple[bytes | None, str, str | None]] = [
        (None, "empty", None),
        (b"", "empty", None),
        (b"\xc3\x01" + b"x" * MAX_MESSAGE, "oversized", None),
        (b"\x00" * 40, "not single-object Avro", None),
        (b"\xc3", "not single-object Avro", None),
        (b"\xc3\x02" + good[2:], "not single-object Avro", None),
        (MARKER + b"12345678" + known, "unknown fingerprint", None),
        (message(METER_READING, transformer="letters"), "wrong topic", None),
        (good[:-1], "broken body", None),
        (good[: HEADER + 20], "broken body", None),
        (good[:HEADER], "broken body", None),
        (good + b"\x00", "broken body", None),
        (good + good, "broken body", None),
        (good.replace(b"10.0.0.66", b"10.0.\xff.66"), "broken body", "text is not UTF-8"),
        (message(MODBUS, site="letters", time=-1), TIME_RANGE, None),
        (message(MODBUS, site="letters", time=LATEST_US), TIME_RANGE, None),
        (message(MODBUS, site="letters", client="x" * (MAX_BYTES + 1)), "broken body", None),
        (message(MODBUS, site="letters", request_values=[1] * (MAX_ITEMS + 1)), "broken body", None),
        # A string that claims a length of 1 GiB.
        (MARKER + fingerprint(MODBUS) + b"\x00" + b"\x80\x80\x80\x80\x08" + known, "broken body", None),
    ]
    own.send(Domain.SUBSTATION.topic, [good, *(value for value, _, _ in bad), good])
    _, ledger = detect(spark, own, tmp_path, Domain.SUBSTATION)
    assert counts(ledger, "decoded") == {"modbus": 2}
    letters = sorted(own.letters(), key=lambda letter: letter["offset"])
    assert [(x["reason"], x["detail"]) for x in letters] == [(reason, detail) for _, reason, detail in bad]
    assert [x["content"] for x in letters] == [(value or b"")[:KEPT_BYTES] for value, _, _ in bad]
    assert [x["length"] for x in letters] == [len(value or b"") for value, _, _ in bad]
    assert {(x["stage"], x["topic"]) for x in letters} == {("detect substation", Domain.SUBSTATION.topic)}
    first = letters[0]["offset"]
    assert [x["offset"] for x in letters] == list(range(first, first + len(bad)))
    assert counts(ledger, "dead").total() == len(bad) == own.produced(Domain.SUBSTATION) - 2
    assert [a["detector"] for a in own.alerts("letters")] == ["rogue_master"]


def later(schema: Schema, name: str) -> Schema:
    """A later version of a record type: one nullable field more."""
    return replace(
        schema, fields=(*schema.fields, Field(name, Scalar.STRING, "new", nullable=True)), version=schema.version + 1
    )


def test_a_later_version_is_read_once_it_is_announced(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    second, third = later(CAM, "colour"), later(CAM, "smell")
    with running(spark, own, tmp_path, Domain.VEHICLE) as job:
        own.send(CAM.domain.topic, [message(CAM, receiver="versions")])
        job.until(lambda p: p.seen == 1)
        own.send(SCHEMAS, [b"no schema", b"{}", avro_json(second).encode()], fingerprint(second).hex().encode())
        own.send(
            CAM.domain.topic, [message(second, receiver="versions", colour="red"), message(CAM, receiver="versions")]
        )
        assert job.until(lambda p: p.seen == 3).ledger["decoded.cam"] == 3
        own.send(
            CAM.domain.topic, [message(third, receiver="versions", smell="old"), message(second, receiver="versions")]
        )
        ledger = job.until(lambda p: p.seen == 5).ledger
    assert counts(ledger, "decoded") == {"cam": 4}
    assert counts(ledger, "dead") == {"unknown fingerprint": 1}


def test_silence_is_noticed_without_traffic(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    facts = parse_site({"detectors": {"mass_silence": {"least_s": 2.0, "intervals": 2.0, "least_keys": 3}}}, "test")
    start = datetime.now(UTC) - timedelta(seconds=5)
    rounds = [
        message(METER_READING, transformer="quiet", meter=f"m{m}", time=start + timedelta(seconds=n))
        for n in range(5)
        for m in range(6)
    ]
    with running(spark, own, tmp_path, Domain.METER, facts) as job:
        own.send(METER_READING.domain.topic, rounds)
        job.until(lambda p: p.ledger.get("alerts.mass_silence") == 1)
    assert [a["detector"] for a in own.alerts("quiet")] == ["mass_silence"]


def test_a_time_ahead_of_the_brokers_expires_nobody(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    def reading(transformer: str, kwh: float, **fields: object) -> bytes:
        return message(METER_READING, transformer=transformer, meter="m", register_kwh=kwh, **fields)

    now = datetime.now(UTC)
    batches = [
        [reading("ahead-a", 100.0, time=now), reading("ahead-b", 1.0, time=now)],
        [reading("ahead-b", 2.0, time=datetime(2190, 1, 1, tzinfo=UTC))],
        [reading("ahead-a", 50.0, time=now + timedelta(seconds=60))],
    ]
    ledger: Mapping[str, int] = {}
    for values in batches:
        own.send(METER_READING.domain.topic, values)
        _, ledger = detect(spark, own, tmp_path, Domain.METER, buckets=1)
    assert counts(ledger, "ahead") == {"meter_reading": 1}
    assert "ahead-a" in {a["site"] for a in own.alerts("ahead") if a["detector"] == "register_rollback"}


@pytest.fixture(scope="module")
def done(spark: "SparkSession", stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> tuple[Topics, Path]:
    """State and checkpoint of a query that ran, and the broker as it was before."""
    own, folder = Topics(stack.bootstrap), tmp_path_factory.mktemp("done")
    own.publish(traffic("done", domains=[Domain.SUBSTATION]))
    detect(spark, own, folder, Domain.SUBSTATION)
    return own, folder


def substation_files(folder: Path) -> list[Path]:
    return sorted((folder / "state" / "substation").glob("bucket-*/*.arrow"))


def lose_a_file(folder: Path) -> None:
    latest = StateStore(str(folder / "state"), "substation").latest()
    (folder / "state" / "substation" / latest.buckets[min(latest.buckets)].path).unlink()


def cut_files(folder: Path) -> None:
    for path in substation_files(folder):
        path.write_bytes(path.read_bytes()[:-1])


def flip_bits(folder: Path) -> None:
    for path in substation_files(folder):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def lose_the_manifests(folder: Path) -> None:
    shutil.rmtree(folder / "state" / "substation" / "manifest")


def lose_the_state(folder: Path) -> None:
    shutil.rmtree(folder / "state")


def lose_the_checkpoint(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoint")


def put_foreign_state(folder: Path) -> None:
    (folder / "state" / "substation" / "query.json").write_text('{"query": "of somebody else", "layout": 1}')


def split_anew(folder: Path) -> None:
    assert rebucket(StateStore(str(folder / "state"), "substation"), 3, print)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lose_a_file, r"state file bucket-\S+ is missing"),
        (cut_files, r"state file bucket-\S+ has \d+ bytes, expected \d+"),
        (flip_bits, r"a state file is damaged: \d+ bytes, expected \d+ with CRC"),
        (lose_the_manifests, r"the state after batch \d+ is missing"),
        (lose_the_state, r"the state after batch \d+ is missing"),
        (lose_the_checkpoint, "there is state, but no checkpoint"),
        (put_foreign_state, "the state belongs to another query"),
        (split_anew, f"the state has 3 buckets, the job asks for {BUCKETS}"),
    ],
)
def test_a_harmed_state_stops_the_job(
    spark: "SparkSession", done: tuple[Topics, Path], tmp_path: Path, harm: Callable[[Path], None], told: str
) -> None:
    own, source = done
    folder = tmp_path / "copy"
    shutil.copytree(source, folder)
    harm(folder)
    # One more record in every bucket, so that every state file is read.
    own.publish(
        [(s, {**f, "site": f"more-{n}"}) for n, (s, f) in enumerate(traffic("m", domains=[Domain.SUBSTATION])[:40])]
    )
    with pytest.raises(Exception) as failed:
        detect(spark, own, folder, Domain.SUBSTATION, max_offsets=100_000)
    fault = failed.value if isinstance(failed.value, Fault) else fault_of(failed.value, "detection of substation")
    assert isinstance(fault, ConfigFault if harm is split_anew else RunFault)
    assert re.search(told, fault.what), fault
    assert str(tmp_path) in fault.where


def test_a_harmed_copy_that_is_restored_goes_on(
    spark: "SparkSession", done: tuple[Topics, Path], tmp_path: Path
) -> None:
    own, source = done
    folder = tmp_path / "copy"
    shutil.copytree(source, folder)
    split_anew(folder)
    _, ledger = detect(spark, own, folder, Domain.SUBSTATION, buckets=3, max_offsets=100_000)
    assert counts(ledger, "decoded").total() == own.produced(Domain.SUBSTATION)
    assert list(verify(StateStore(str(folder / "state"), "substation"))) == []
    assert max(Counter(a["alert_id"] for a in own.alerts("done")).values()) == 1


@pytest.mark.parametrize("domain", TELEMETRY_DOMAINS)
def test_portions_come_to_the_same(spark: "SparkSession", own: Topics, tmp_path: Path, domain: Domain) -> None:
    """A worker's bucket in one piece and in many: the same ledger, the same alerts, the same state; ticks at the end alone."""
    facts = site()
    rows = [
        {
            "partition": zlib.crc32(str(fields[schema.locality]).encode()) % 3,
            "timestamp": datetime.now(UTC),
            "value": encode(schema, fields),
        }
        for schema, fields in traffic(f"portions-{domain.value}", domains=[domain])
    ]
    rows += [{"partition": 0, "timestamp": datetime.now(UTC), "value": bytes(n)} for n in range(200)]
    rows = [{**row, "offset": offset, "tick": None, "tick_bucket": None} for offset, row in enumerate(rows)]
    rows += [{"timestamp": datetime.now(UTC), "tick": time.time_ns() // 1000, "tick_bucket": 0}]
    source = pa.Table.from_pylist(rows, ROWS)
    writers = {fingerprint(s): (s, avro_json(s)) for s in TELEMETRY}
    plan = plan_of(domain, facts)
    decoded = decode(
        spark.createDataFrame(source), {p.schema: p.columns for p in plan.records.values()}, writers, 1
    ).toArrow()
    found = []
    for portion in (PORTION, 200_000):
        folder = str(tmp_path / str(portion))
        work = Work(domain.value, 0, folder, {}, Broker(own.bootstrap), facts.model_dump_json(), portion=portion)
        (row,) = pa.Table.from_batches(work(decoded.to_batches(64))).to_pylist()
        state = StateStore(folder, domain.value).read(BucketFile(row["path"], row["size"], row["crc"]))
        found.append(
            (
                json.loads(row["ledger"])["counts"],
                {name: sorted(map(repr, table.rows())) for name, table in state.items()},
            )
        )
    (ledger, state), *others = found
    assert ledger["dead.empty"] == 1
    assert sum(n for name, n in ledger.items() if name.startswith("alerts.")) >= 5
    assert all(other == (ledger, state) for other in others)
    ids = Counter(a["alert_id"] for a in own.alerts("portions"))
    assert set(ids.values()) == {2}


def test_a_batch_of_more_text_than_arrow_or_memory_holds(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    """All in one bucket: Spark's Arrow writer holds 2 GiB of a column, and a worker is not to hold it all at once."""
    length, number = MAX_BYTES - 100, 34_000
    assert length * number > 2**31
    one = message(METER_READING, transformer="large", meter="M" * length)
    own.send(Domain.METER.topic, (one for _ in range(number)), compressed=True)
    try:
        _, ledger = detect(spark, own, tmp_path, Domain.METER, max_offsets=1_000_000)
    finally:
        own.forget(Domain.METER.topic)
    assert counts(ledger, "decoded") == {"meter_reading": number}
