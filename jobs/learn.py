"""From quiet traffic to a site file, and from an accepted alert to a longer one: plain YAML that a person reviews."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from detectors.learned import LEARNERS
from detectors.learned.learner import Learner
from detectors.learned.meters import accepted as accepted_meters
from detectors.local import frame
from detectors.site import Site, parse_site
from ingest.files import FileOptions, open_source
from ingest.source import Record
from schemas.errors import ConfigFault, RunFault, UsageFault
from schemas.project.arrow import to_arrow
from schemas.records import BY_NAME
from schemas.types import ListOf, Scalar, Schema

#: Records a batch, and rows of sums after which they are combined.
BATCH, ROWS = 50_000, 200_000
#: What makes two entries of a list the same thing: the newer one replaces the older.
SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "points": ("server", "unit", "table", "first", "last", "writable"),
    "commands": ("source", "common_address", "object_address", "type_id"),
    "publishers": ("control_block",),
    "files": ("master", "outstation"),
    "requests": ("client", "server", "unit", "function", "address", "quantity"),
    "identifiers": ("channel", "can_id", "extended", "length"),
}
#: An accepted record counts as often as any limit of a learner asks.
OFTEN: Final = 1_000_000


class Sums:
    """What was learned until now, a learner each."""

    def __init__(self) -> None:
        self.records = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._of = {learner.record.name: (learner, list[pl.DataFrame]()) for learner in LEARNERS}

    def add(self, schema: Schema, batch: pl.DataFrame) -> None:
        """Sum up records of one type."""
        self.records += len(batch)
        low, high = batch["time"].min(), batch["time"].max()
        assert isinstance(low, datetime) and isinstance(high, datetime)
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)
        if schema.name in self._of:
            learner, parts = self._of[schema.name]
            parts.append(learner.gather(batch))
            if sum(map(len, parts)) > ROWS:
                parts[:] = [learner.combine(pl.concat(parts))]

    def facts(self) -> dict[str, Any]:
        """Keys of the site file, nested as there."""
        out: dict[str, Any] = {}
        for learner, parts in self._of.values():
            if any(map(len, parts)):
                out = merged(out, learner.facts(learner.combine(pl.concat(parts))))
        if out and self.first is not None and self.last is not None:
            out.setdefault("baseline", {}).update(first=self.first.isoformat(), last=self.last.isoformat())
        return out


def learn(files: Sequence[Path], site: str, options: FileOptions, say: Callable[[str], None]) -> dict[str, Any]:
    """Site facts of the records of files.

    Args:
        files: captures, logs, tables, Parquet files of the lake: quiet traffic.
        site: name of the substation of captures.
        options: what files do not say of themselves.
        say: progress, a line a file.

    Raises:
        RunFault: nothing could be learned from them.
    """
    sums = Sums()
    for path in files:
        before = sums.records
        for schema, batch in _batches(open_source(path, site, options)):
            sums.add(schema, batch)
        say(f"{path}: {sums.records - before} records")
    facts = sums.facts()
    if not facts:
        known = ", ".join(sorted(learner.record.name for learner in LEARNERS))
        raise RunFault("nothing to learn from these files", ", ".join(map(str, files)), f"give records of {known}")
    parse_site(facts, "learned")
    return facts


def _batches(items: Iterable[Any]) -> Iterator[tuple[Schema, pl.DataFrame]]:
    source = (item for item in items if isinstance(item, Record))
    while part := list(islice(source, BATCH)):
        for schema in {record.schema.name: record.schema for record in part}.values():
            own = [record.fields for record in part if record.schema is schema]
            yield schema, frame(schema, own, range(len(own)))


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Facts extended by others: what a person wrote stays; lists grow, an entry for the same thing is replaced."""
    out = dict(old)
    for key, value in new.items():
        have = out.get(key)
        if isinstance(value, Mapping):
            if key == "meters" and all(isinstance(v, int) for v in value.values()):
                out[key] = {**(have or {}), **{k: max(v, (have or {}).get(k, 0)) for k, v in value.items()}}
            else:
                out[key] = merged(have or {}, value)
        elif isinstance(value, list):
            out[key] = _joined(key, have or [], value)
        elif key == "first" and have:
            out[key] = min(str(have), value)
        elif key == "last" and have:
            out[key] = max(str(have), value)
        else:
            out.setdefault(key, value)
    return out


def _joined(key: str, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    names = SAME.get(key)
    if names is None:
        return [*old, *(entry for entry in new if entry not in old)]
    out = {tuple(map(str, map(entry.get, names))): entry for entry in old}
    for entry in new:
        out[tuple(map(str, map(entry.get, names)))] = entry
    return list(out.values())


def accept(facts: Mapping[str, Any], alert: Mapping[str, Any], who: str, why: str, when: datetime) -> dict[str, Any]:
    """The facts, extended so that what the alert tells is normal from now on, with who said so and why.

    Args:
        facts: of the site file.
        alert: as `scan --json`, the lake or the topic has it.
        who, why: for the next reader.
        when: now.

    Raises:
        UsageFault: nothing of the site file makes this alert normal.
    """
    learner = next((x for x in LEARNERS if x.record.name == alert["record"]), None)
    if any(entry["alert"] == alert["alert_id"] for entry in facts.get("accepted", [])):
        raise UsageFault(
            "the alert is accepted already", alert["alert_id"], "the site file's key accepted says by whom"
        )
    added: Mapping[str, Any] = {}
    if alert["detector"] == "meter_drift":
        added = accepted_meters(alert)
    elif learner is not None:
        record = alert["evidence"][-1]
        added = _facts_of(learner, json.loads(record) if isinstance(record, str) else record)
    wider = merged(facts, added)
    if wider == facts:
        remedy = "change the detector's parameters, or disable it with a reason"
        raise UsageFault(f"no site fact makes an alert of {alert['detector']} normal", alert["alert_id"], remedy)
    note = {
        "alert": alert["alert_id"],
        "detector": alert["detector"],
        "who": who,
        "why": why,
        "when": when.astimezone(UTC).isoformat(timespec="seconds"),
        "added": ", ".join(sorted(_paths(added))),
    }
    out = {**wider, "accepted": [*facts.get("accepted", []), note]}
    parse_site(out, "accepted")
    return out


def _facts_of(learner: Learner, record: Mapping[str, Any]) -> dict[str, Any]:
    schema = learner.record
    fields = {f.name: _restored(f.type, record.get(f.name)) for f in schema.fields}
    one = learner.gather(pl.DataFrame([fields], schema=pl.Schema(to_arrow(schema)), orient="row"))
    if "number" in one.columns:
        one = one.with_columns(pl.lit(OFTEN, dtype=pl.Int64).alias("number"))
    facts = dict(learner.facts(learner.combine(one)))
    return {key: _without_empty(value) for key, value in facts.items() if _without_empty(value)}


def _without_empty(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in value.items() if v not in ([], {}, None)}


def _restored(kind: Any, value: Any) -> Any:
    """A value as evidence carries it -> as the record had it."""
    if value is None or isinstance(kind, ListOf):
        return value
    if kind is Scalar.TIME and isinstance(value, str):
        time = datetime.fromisoformat(value)
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return bytes.fromhex(value) if kind is Scalar.BYTES and isinstance(value, str) else value


def _paths(facts: Mapping[str, Any], head: str = "") -> Iterator[str]:
    for key, value in facts.items():
        if isinstance(value, Mapping) and not head:
            yield from _paths(value, f"{key}.")
        else:
            yield head + key


def find_alert(place: Path, alert_id: str) -> dict[str, Any]:
    """An alert by its id (or the begin of it) in JSON lines of `scan --json`, or in the lake.

    Raises:
        RunFault: it is not there, or several begin so.
    """
    if place.is_dir():
        alerts = pl.scan_parquet(place / "alerts" / "**" / "*.parquet", hive_partitioning=False)
        found = alerts.filter(pl.col("alert_id").str.starts_with(alert_id)).collect().to_dicts()
    else:
        lines = place.read_text(encoding="utf-8").splitlines()
        found = [a for a in map(json.loads, filter(None, lines)) if str(a.get("alert_id", "")).startswith(alert_id)]
    distinct = {a["alert_id"]: a for a in found}
    if len(distinct) != 1:
        what = f"{len(distinct)} alerts begin with {alert_id}" if distinct else f"no alert {alert_id}"
        raise RunFault(what, str(place), "give the whole id, and the lake or the output of gridwatch scan --json")
    (alert,) = distinct.values()
    if alert["record"] not in BY_NAME:
        raise RunFault(
            f"unknown record type {alert['record']}", str(place), "accept it with the version that raised it"
        )
    return alert


def read_facts(path: Path) -> dict[str, Any]:
    """The keys of a site file, checked.

    Raises:
        ConfigFault: it is no sound site file.
    """
    from detectors.site import load_site

    load_site(path)
    facts = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    plain = json.loads(json.dumps(facts, default=lambda value: value.isoformat()))
    assert isinstance(plain, dict)
    return plain


def as_yaml(facts: Mapping[str, Any]) -> str:
    """A site file: keys in the order of the site's own, flat entries in one line each."""
    order = {name: number for number, name in enumerate(Site.model_fields)}
    inner = sorted(facts.items(), key=lambda item: order.get(item[0], len(order)))
    return yaml.dump(dict(inner), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=160)


class _Dumper(yaml.SafeDumper):
    """Entries of lists that hold only plain values stand in one line, as people write them."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        node = super().represent_sequence(tag, sequence, flow_style)
        for item in node.value:
            if isinstance(item, yaml.MappingNode) and all(isinstance(v, yaml.ScalarNode) for _, v in item.value):
                item.flow_style = True
        if all(isinstance(item, yaml.ScalarNode) for item in node.value):
            node.flow_style = True
        return node

    def ignore_aliases(self, data: Any) -> bool:
        """Never: a person reads the file."""
        return True


def difference(old: str, new: str, name: str) -> str:
    """A unified diff; "" where nothing changed."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"{name} (before)", name, n=2)
    return "".join(lines)


def write(path: Path, text: str) -> None:
    """Replace a site file; what was there stays beside it as NAME.before.

    Raises:
        ConfigFault: it cannot be written.
    """
    try:
        if path.exists():
            path.with_name(f"{path.name}.before").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise ConfigFault(f"cannot write: {wrong.strerror}", str(path), "name a file in a writable folder") from wrong
