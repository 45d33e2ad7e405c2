"""The state of a query without Spark: files, manifests, what is refused, and re-splitting."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from detectors.catalog import of_domain
from detectors.engine import State
from detectors.local import frame, make_engine
from jobs.buckets import bucket_of
from jobs.command.root import run as run_command
from jobs.state_store import KEPT, BucketFile, Manifest, StateStore
from jobs.state_tools import find, rebucket, verify
from schemas.errors import RunFault
from schemas.records import BY_NAME
from schemas.types import TELEMETRY_DOMAINS, Domain
from tests.integration.detecting import expected, site, traffic


def tables(*keys: str) -> State:
    return {"t|site": pl.DataFrame({"site": list(keys), "n": range(len(keys))})}


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(str(tmp_path), "meter")


def committed(store: StateStore, batch: int, state: State, of: int = 1) -> Manifest:
    manifest = Manifest(batch, of, {0: store.write(0, batch, state)}, {"decoded.cam": batch})
    store.commit(manifest)
    return manifest


def test_what_was_written_is_read(store: StateStore) -> None:
    state = {**tables("a", "b"), "empty": pl.DataFrame(schema={"x": pl.List(pl.Int64)})}
    manifest = committed(store, 0, state)
    assert store.latest() == store.manifest(0) == manifest
    read = store.read(manifest.buckets[0])
    assert {n: t.to_dict(as_series=False) for n, t in read.items()} == {
        n: t.to_dict(as_series=False) for n, t in state.items()
    }
    assert read["empty"].schema == state["empty"].schema


def test_attempts_of_a_batch_do_not_touch_each_others_files(store: StateStore) -> None:
    first, second, again = (store.write(0, 5, tables(k)) for k in ("a", "b", "a"))
    assert first == again
    assert first.path != second.path
    assert store.read(first)["t|site"]["site"].to_list() == ["a"]
    assert store.read(second)["t|site"]["site"].to_list() == ["b"]


def test_old_batches_and_left_overs_are_collected(store: StateStore, tmp_path: Path) -> None:
    left_over = store.write(3, 0, tables("never named"))
    (tmp_path / "meter" / "bucket-003" / "0-00000000.arrow.1-2.tmp").write_bytes(b"half")
    idle = store.write(1, 0, tables("untouched since"))
    for batch in range(3 * KEPT):
        store.commit(Manifest(batch, 2, {0: store.write(0, batch, tables(str(batch))), 1: idle}))
    assert store.batches() == list(range(2 * KEPT, 3 * KEPT))
    assert len(list((tmp_path / "meter" / "bucket-000").iterdir())) == KEPT
    assert store.read(idle)
    assert not (tmp_path / "meter" / left_over.path).exists()
    assert not list((tmp_path / "meter" / "bucket-003").iterdir())
    assert not list(tmp_path.rglob("*.tmp"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (flip, "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-8]), "is damaged"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_harmed_file_is_told(store: StateStore, tmp_path: Path, harm: Callable[[Path], None], told: str) -> None:
    file = committed(store, 0, tables("a")).buckets[0]
    harm(tmp_path / "meter" / file.path)
    with pytest.raises(RunFault, match=told):
        store.read(file)
    assert [line for line in verify(store) if file.path in line]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"batch": 0, "of": 1, "buckets": {"0": {}}, "ledger": {}}', b"\xff"]
)
def test_a_harmed_manifest_is_told(store: StateStore, tmp_path: Path, content: bytes) -> None:
    committed(store, 0, tables("a"))
    (tmp_path / "meter" / "manifest" / "0.json").write_bytes(content)
    with pytest.raises(RunFault, match="damaged"):
        store.manifest(0)


def test_a_missing_manifest_is_told(store: StateStore) -> None:
    with pytest.raises(RunFault, match="the state after batch 4 is missing"):
        store.manifest(4)


def test_the_state_of_another_query_is_refused(store: StateStore, tmp_path: Path) -> None:
    assert store.identity() is None
    store.bind("one")
    store.bind("one")
    with pytest.raises(RunFault, match="another query"):
        store.bind("two")
    (tmp_path / "meter" / "query.json").write_text('{"query": "one", "layout": 99}')
    with pytest.raises(RunFault, match="layout 99"):
        store.bind("one")


def test_one_job_holds_the_state(store: StateStore, tmp_path: Path) -> None:
    with store.held(), pytest.raises(RunFault, match="in use"):
        rebucket(StateStore(str(tmp_path), "meter"), 3, print)
    with store.held():
        pass


def test_rows_in_a_wrong_bucket_are_told(store: StateStore) -> None:
    committed(store, 0, tables(*"abcdefgh"), of=4)
    told = list(verify(store))
    assert len(told) == 1
    assert "rows of t|site belong to other buckets" in told[0]


def test_find_gives_the_rows_of_an_entity(store: StateStore) -> None:
    committed(store, 0, tables("a", "b"))
    assert find(store, "b")["t|site"].to_dicts() == [{"site": "b", "n": 1}]
    assert find(store, "c") == {}


@pytest.mark.parametrize("domain", TELEMETRY_DOMAINS)
def test_rebucketing_changes_no_alert(tmp_path: Path, domain: Domain) -> None:
    records, store = traffic("split", domains=[domain]), StateStore(str(tmp_path), domain.value)
    engine, found = make_engine(domain, of_domain(domain), site()), set[str]()

    def run(first: int, last: int, batch: int, buckets: int) -> None:
        by_type: dict[str, tuple[list[dict[str, object]], list[int]]] = {}
        for index in range(first, last):
            schema, fields = records[index]
            rows, arrival = by_type.setdefault(schema.name, ([], []))
            rows.append(fields)
            arrival.append(index)
        frames = {name: frame(BY_NAME[name], rows, arrival) for name, (rows, arrival) in by_type.items()}
        before = store.latest()
        files: dict[int, BucketFile] = dict(before.buckets)
        for bucket in range(buckets):
            own = {n: f.filter(bucket_of(f[BY_NAME[n].locality], buckets) == bucket) for n, f in frames.items()}
            state = store.read(files[bucket]) if bucket in files else {}
            outcome = engine.step(state, own)
            found.update(outcome.alerts["alert_id"] if len(outcome.alerts) else ())
            files[bucket] = store.write(bucket, batch, outcome.state)
        store.commit(Manifest(batch, buckets, files))

    thirds = [0, len(records) // 3, 2 * len(records) // 3, len(records)]
    for batch, buckets in enumerate((4, 7, 1)):
        if batch:
            assert rebucket(store, buckets, print)
            assert not rebucket(store, buckets, print)
            assert list(verify(store)) == []
        run(thirds[batch], thirds[batch + 1], batch, buckets)
    assert found == expected(records)


def test_the_command_shows_verifies_and_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDWATCH_RUN_DIR", str(tmp_path))
    assert run_command(["state", "show", "M1"]) == 4
    assert "there is no state" in capsys.readouterr().err
    store, own = StateStore(str(tmp_path / "state"), "meter"), tables("T1", "T2")
    own["t|site"] = own["t|site"].with_columns(
        seen=pl.Series([1_795_537_624_690_000, None]),
        last=pl.Series([{"offset": 7}, None]),
        times=pl.Series([[1, 2], []]),
    )
    committed(store, 3, own)
    assert run_command(["state", "show", "T1"]) == 0
    out = capsys.readouterr().out
    assert "meter: t|site" in out
    assert "2026-11-24 16:27:04.690000" in out
    assert "offset 7" in out
    assert run_command(["state", "show", "T9", "--domain", "meter"]) == 4
    assert run_command(["state", "verify"]) == 0
    assert "batch 3, 1 of 1 buckets in use" in capsys.readouterr().err
    assert run_command(["state", "rebucket", "5"]) == 0
    assert "set spark.buckets = 5" in capsys.readouterr().err
    assert store.latest().of == 5
    flip(Path(store.where, next(iter(store.latest().buckets.values())).path))
    assert run_command(["state", "verify"]) == 4
    assert "is damaged" in capsys.readouterr().out
