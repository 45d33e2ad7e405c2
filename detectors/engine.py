"""The engine: (state, batch) -> (state, alerts) for one bucket of one domain. It knows nothing of where batches come from.

A batch holds, a record type, the records of one bucket with these engine columns beside the schema's fields:
`_arrival` (int64, rising along every locality), `_topic`, `_partition` (null for files), `_offset` and `_broker`
(broker's time in microseconds, null for files). The result is a function of state and batch alone: no clock, no
randomness, no environment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from detectors import silence
from detectors.alerts import ID, describe
from detectors.detector import Step
from detectors.episodes import EPISODES, assign
from detectors.forgetting import HEARD, forget_episodes, forget_keys, forget_localities, hear
from detectors.hits import Hits, Tables, flags_of, gather
from detectors.key_tables import TIME, table_name
from detectors.memory.last_of import LastOf
from detectors.memory.recent import REFERENCE
from detectors.past import REFERENCED, Past
from detectors.past import State as State
from detectors.plan import LINE, Plan, RecordPlan, Rule, Scored, Silent, locality_of
from schemas.errors import RunFault
from schemas.project.arrow import to_arrow
from schemas.records import ALERT
from schemas.types import EVERYWHERE, Schema

#: An event time may be this far ahead of the broker's before it is bounded, microseconds.
AHEAD_US = 300_000_000
#: Frames of a record that its references keep: a message of several hundred kilobytes has as many.
FRAMES_KEPT = 256
#: Engine columns of every batch, with their types.
ENGINE_COLUMNS: dict[str, pl.DataType] = {
    "_arrival": pl.Int64(),
    "_topic": pl.String(),
    "_partition": pl.Int32(),
    "_offset": pl.Int64(),
    "_broker": pl.Int64(),
}


@dataclass
class Outcome:
    """What a batch came to.

    Attributes:
        state: the new state.
        alerts: columns of ALERT but `detected`.
        flags: every record that took part in a firing, where they are wanted: detector, alert_id, record, offset, frames.
        ahead: records whose event time was ahead of the broker's and was bounded, by record type.
        notes: what the operator should know, e.g. state dropped.
    """

    state: State
    alerts: pl.DataFrame
    flags: pl.DataFrame
    ahead: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Engine:
    """All detectors of a domain over one bucket.

    Args:
        plan: the detectors with their parameters.
        lifetimes: seconds of silence after which a key's past no longer counts, a record type.
    """

    def __init__(self, plan: Plan, lifetimes: Mapping[str, float]) -> None:
        self.plan = plan
        self._lifetime_us = {name: int(lifetimes[name] * 1e6) for name in plan.records}
        self._localities = {name: locality_of(record.schema) for name, record in plan.records.items()}
        self._past = Past(plan, self._lifetime_us)

    def step(
        self, state: State, batch: Mapping[str, pl.DataFrame], tick: int | None = None, flags: bool = True
    ) -> Outcome:
        """Advance over one batch.

        Args:
            state: tables of the bucket; {} at the beginning.
            batch: record type -> records.
            tick: broker's time, microseconds, if the batch carries a tick.
            flags: whether every record that took part in a firing is wanted: their evidence has to be gathered for each.

        Raises:
            RunFault: a rule gave null for a record: a bug in a detector, which must not read as "no alert".
        """
        out = Outcome({}, pl.DataFrame(), pl.DataFrame())
        prepared = {name: _prepare(self.plan.records[name], frame, out) for name, frame in batch.items()}
        prepared = {name: frame for name, frame in prepared.items() if len(frame)}
        heard = hear(state.get(HEARD), prepared, self._localities)
        found: list[Hits] = []
        opened, out.state = self._past.remember(prepared, state)
        for name, frame in prepared.items():
            found += self._rules(self.plan.records[name], frame)
        for plan in self.plan.records.values():
            found += self._steps(plan, prepared, state, out.state)
            for silent in plan.silences:
                found += self._silence(plan, silent, prepared, opened, state, out.state, tick)
        self._raise([h for h in found if len(h.frame)], state, out, prepared, opened, flags)
        for name, tables in opened.items():
            out.state |= {table_name(name, by): table.close() for by, table in tables.items()}
        self._carry_over(state, out, heard)
        return out

    def _rules(self, plan: RecordPlan, frame: pl.DataFrame) -> list[Hits]:
        hits: list[Hits] = []
        verdicts = frame.select(rule.firing.when.alias(rule.detector.id) for rule in plan.rules)
        for rule in plan.rules:
            verdict = verdicts[rule.detector.id]
            if verdict.null_count():
                row = frame.row(verdict.is_null().arg_true()[0], named=True)
                raise RunFault(
                    f"detector {rule.detector.id} gives null for a {plan.schema.name} record",
                    f"topic {row['_topic']}, partition {row['_partition']}, offset {row['_offset']}, frames {row['frames']}",
                    "its rule must say what an absent field means; report this as a bug",
                )
            if verdict.any():
                trail = tuple(memory.column for memory in rule.firing.trail)
                hits.append(Hits(rule.detector, frame.filter(verdict), rule.firing.values, trail, others=_others(rule)))
        for scored in plan.scored:
            hits += _score(scored, frame)
        return hits

    def _steps(self, plan: RecordPlan, prepared: Mapping[str, pl.DataFrame], state: State, new: State) -> list[Hits]:
        hits: list[Hits] = []
        for step in plan.steps:
            assert isinstance(step.detector.kind, Step)
            frame = _line(plan.schema, step.detector.kind, prepared)
            if frame is None:
                continue
            name = f"step|{step.detector.id}|{step.detector.version}"
            new[name], rows = step.run(state.get(name), frame)
            if new[name].columns[0] != plan.schema.locality:
                raise RunFault(
                    f"the state of {step.detector.id} does not begin with {plan.schema.locality}",
                    step.detector.id,
                    "put the locality first: the state is split into buckets by it; report this as a bug",
                )
            if len(rows):
                own = prepared[plan.schema.name].join(rows, on="_row", how="inner", maintain_order="left")
                hits.append(Hits(step.detector, own, {}))
        return hits

    def _silence(
        self,
        plan: RecordPlan,
        silent: Silent,
        batch: Mapping[str, pl.DataFrame],
        opened: Mapping[str, Tables],
        state: State,
        new: State,
        tick: int | None,
    ) -> list[Hits]:
        kind, settings, detector = silent.kind, silent.settings, silent.detector
        common: list[pl.Expr] = [pl.col(TIME).alias("time"), pl.col("_arrival")]
        who = [pl.col(kind.group).alias("group"), pl.col(kind.key).alias("key")]
        names = pl.DataFrame(schema={"group": pl.String, "key": pl.String})
        broker, row = pl.col("_broker").alias("broker"), pl.col("_row").cast(pl.Int64).alias("row")
        wait = pl.max_horizontal(silent.interval.col * settings.intervals, pl.lit(settings.least_s)) * 1e6
        deadline = pl.when(silent.interval.col.is_not_null()).then(pl.col(TIME) + wait.round().cast(pl.Int64))
        signs = []
        if plan.schema.name in batch:
            table = opened[plan.schema.name][plan.key(silent.interval)]
            names = table.keys.select(who)
            signs.append(
                batch[plan.schema.name].select(
                    pl.Series("name", table.code),
                    *common,
                    broker,
                    row,
                    deadline.fill_null(silence.NEVER).alias("deadline"),
                )
            )
        if kind.excuses is not None and kind.excuses[0].name in batch:
            excusing = batch[kind.excuses[0].name].filter(kind.excuses[1])
            never = pl.lit(silence.NEVER, dtype=pl.Int64).alias("deadline")
            name = pl.int_range(len(names), len(names) + pl.len(), dtype=pl.Int64).alias("name")
            names = pl.concat([names, excusing.select(who)])
            signs.append(excusing.select(name, *common, broker, pl.lit(None, dtype=pl.Int64).alias("row"), never))
        if not signs and tick is None:
            return []
        line = pl.concat(signs) if signs else pl.DataFrame(schema=SIGNS)
        if not line["_arrival"].is_sorted():
            line = line.sort("_arrival")
        tables = f"silence|{detector.id}|keys", f"silence|{detector.id}|groups"
        new[tables[0]], new[tables[1]], crossed = silence.watch(
            state.get(tables[0]), state.get(tables[1]), names, line, settings, tick, self._lifetime_us[plan.schema.name]
        )
        if crossed.is_empty():
            return []
        return [Hits(detector, _crossings(plan.schema, kind.group, crossed, batch.get(plan.schema.name)), {})]

    def _raise(
        self,
        found: Sequence[Hits],
        state: State,
        out: Outcome,
        prepared: Mapping[str, pl.DataFrame],
        opened: Mapping[str, Tables],
        flags: bool,
    ) -> None:
        if not found:
            gather((), self.plan.records, prepared, opened)
            if EPISODES in state:
                out.state[EPISODES] = state[EPISODES]
            return
        parts = []
        for number, h in enumerate(found):
            dedup = pl.concat_str(
                [pl.col(n).cast(pl.String).fill_null("unknown") for n in h.detector.dedup], separator="|"
            )
            parts.append(
                h.frame.select(
                    "_arrival",
                    pl.lit(number).alias("number"),
                    pl.int_range(pl.len()).alias("at"),
                    pl.lit(h.detector.id).alias("detector"),
                    pl.col(locality_of(h.detector.record)).alias("locality"),
                    dedup.alias("dedup"),
                    pl.col(TIME).alias("time"),
                    pl.lit(int(h.detector.episode_s * 1e6), dtype=pl.Int64).alias("length"),
                )
            )
        hits = pl.concat(parts).sort("_arrival", "number", maintain_order=True)
        assigned = assign(state.get(EPISODES), hits)
        begun = hits.with_columns(pl.Series("begins", assigned.begins)).with_row_index("hit").filter("begins")
        begins = [(found[int(str(n))], rows) for (n,), rows in begun.group_by("number", maintain_order=True)]
        asked = [(h, h.frame["_row"]) for h in found] if flags else [(h, h.frame["_row"][r["at"]]) for h, r in begins]
        gathered = gather(asked, self.plan.records, prepared, opened)
        described: list[pl.DataFrame] = []
        for h, rows in begins:
            schema = h.detector.record
            own = h.with_evidence(h.frame[rows["at"]], gathered)
            alerts = describe(h.detector, schema, own, h.values, h.trail, schema.locality, h.model_version)
            described.append(alerts.with_columns(rows["hit"].alias("hit")))
        ids = pl.Series([None] * len(hits), dtype=pl.String)
        if described:
            alerts = pl.concat(described).sort("hit")
            ids = ids.scatter(alerts["hit"], alerts["alert_id"])
            out.alerts = alerts.drop("hit", "_row").unique("alert_id", maintain_order=True)
        out.state[EPISODES], alert_id = assigned.close(ids)
        if flags:
            out.flags = flags_of(found, gathered, hits.with_columns(alert_id.alias("alert_id")))

    def _carry_over(self, state: State, out: Outcome, heard: pl.DataFrame | None) -> None:
        """Keep the tables that this batch did not touch, drop those that nobody reads, forget what is old."""
        wanted = {EPISODES, HEARD}
        for plan in self.plan.records.values():
            wanted |= plan.tables
            wanted |= {f"step|{s.detector.id}|{s.detector.version}" for s in plan.steps}
            wanted |= {f"silence|{s.detector.id}|{part}" for s in plan.silences for part in ("keys", "groups")}
        for name in sorted(set(state) - wanted):
            out.notes.append(f"state table {name} is no longer used and was dropped")
        for name in sorted((set(state) & wanted) - set(out.state) - {HEARD}):
            out.state[name] = state[name]
        if heard is None:
            return
        for plan in self.plan.records.values():
            for name in plan.tables:
                if name in out.state:
                    out.state[name] = forget_keys(out.state[name], heard, self._lifetime_us[plan.schema.name])
        if EPISODES in out.state:
            out.state[EPISODES] = forget_episodes(out.state[EPISODES], heard)
        out.state[HEARD] = forget_localities(heard, max(self._lifetime_us.values()))


SIGNS = {
    "name": pl.Int64,
    "time": pl.Int64,
    "_arrival": pl.Int64,
    "broker": pl.Int64,
    "row": pl.Int64,
    "deadline": pl.Int64,
}


def _prepare(plan: RecordPlan, frame: pl.DataFrame, out: Outcome) -> pl.DataFrame:
    """The records that are heeded in arrival order; event time bounded by the broker's; the reference of each record."""
    if plan.heeded is not None:
        frame = frame.filter(plan.heeded)
    if plan.schema.across:
        frame = frame.with_columns(pl.lit(EVERYWHERE).alias(LINE))
    if frame.is_empty():
        return frame
    if not frame["_arrival"].is_sorted():
        frame = frame.sort("_arrival")
    time = pl.col("time").dt.epoch("us")
    bound = pl.col("_broker") + AHEAD_US
    ahead = frame.select((time > bound).sum()).item() or 0
    if ahead:
        out.ahead[plan.schema.name] = int(ahead)
    frame = frame.with_columns(pl.when(time > bound).then(bound).otherwise(time).alias(TIME)).with_row_index("_row")
    frames = pl.col("frames")
    if frame.select((pl.col("frames").list.len() > FRAMES_KEPT).any()).item():
        frames = frames.list.head(FRAMES_KEPT)
    place = [pl.col(TIME).alias("time"), pl.col("_offset").alias("offset"), frames.alias("frames")]
    if plan.schema is ALERT:
        place.append(pl.col("alert_id").str.head(ID))
    return frame.with_columns(pl.struct(place).alias(REFERENCE))


def _line(schema: Schema, kind: Step, prepared: Mapping[str, pl.DataFrame]) -> pl.DataFrame | None:
    """What a step sees of a batch: its own records, or those of both types on one line; None where there are none."""
    own = prepared.get(schema.name)
    if kind.beside is None:
        return own
    other, fields = kind.beside
    parts = []
    for record, names in ((schema, kind.columns), (other, fields)):
        columns = ["_row", "_arrival", TIME, *(name for name in names)]
        part = prepared.get(record.name)
        if part is None:
            types = {"_row": pl.UInt32(), "_arrival": pl.Int64(), TIME: pl.Int64(), **pl.Schema(to_arrow(record))}
            part = pl.DataFrame(schema={name: types[name] for name in columns})
        row = pl.col("_row") if record is schema else pl.lit(None, dtype=pl.UInt32).alias("_row")
        parts.append(part.select(row, *columns[1:], pl.lit(record.name).alias("_record")))
    line = pl.concat(parts, how="diagonal")
    return line.sort("_arrival", maintain_order=True) if len(line) else None


def _others(rule: Rule) -> dict[str, str]:
    """Columns of the evidence that refer to records of another type -> that type."""
    return {m.column: m.record.name for m in rule.firing.trail if isinstance(m, LastOf)}


def _score(scored: Scored, frame: pl.DataFrame) -> list[Hits]:
    features = frame.select(e.cast(pl.Float64).alias(n) for n, e in scored.features.columns.items())
    usable = features.select(pl.all_horizontal(pl.all().is_finite().fill_null(False)).alias("u"))["u"]
    if not usable.any():
        return []
    score = scored.model.score(features.filter(usable).select(scored.model.features).to_numpy())
    hits = frame.filter(usable).with_columns(pl.Series("score", score)).filter(pl.col("score") > scored.model.threshold)
    return [Hits(scored.detector, hits, scored.features.values, (), scored.model.digest)] if len(hits) else []


def _crossings(schema: Schema, group: str, crossed: pl.DataFrame, batch: pl.DataFrame | None) -> pl.DataFrame:
    """Silence hits as rows like those of the batch: the record that moved the clock is the evidence, if there is one."""
    own = crossed.select(
        pl.col("group").alias(group),
        pl.col("time").alias(TIME),
        pl.from_epoch("time", "us").dt.replace_time_zone("UTC").alias("time"),
        "silent",
        "known",
        "row",
        pl.col("_arrival").alias("_moved"),
    )
    if batch is not None:
        evidence = [
            c
            for c in ("_arrival", "_topic", "_partition", "_offset", "_broker", REFERENCE, "capture", "frames")
            if c in batch.columns
        ]
        own = own.join(
            batch.select(pl.col("_row").cast(pl.Int64), *evidence),
            left_on="row",
            right_on="_row",
            how="left",
            maintain_order="left",
        )
    types: dict[str, pl.DataType] = {**ENGINE_COLUMNS, "capture": pl.String(), "frames": pl.List(pl.Int64)}
    types[REFERENCE] = REFERENCED
    missing = [pl.lit(None, dtype=t).alias(n) for n, t in types.items() if n not in own.columns]
    missing += [pl.lit(None, dtype=pl.String).alias(n) for n in schema.identity if n not in own.columns]
    # An excuse moves the clock too, and has its place among the records; only a tick comes behind them all.
    arrival = pl.coalesce("_arrival", "_moved", pl.lit(2**62)).alias("_arrival")
    return own.with_columns(missing).with_columns(arrival).drop("_moved").with_row_index("_row")
