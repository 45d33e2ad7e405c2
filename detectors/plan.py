"""What a domain's engine will do, worked out once at start from the catalogue and the site."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from detectors.detector import (
    Detector,
    Features,
    Firing,
    Model,
    Remembering,
    Row,
    Silence,
    SilenceSettings,
    Step,
    StepFunction,
)
from detectors.key_tables import TIME, layers, table_name
from detectors.last_tables import LastTable
from detectors.memory.base import Beside, Derived, Memory, name_of
from detectors.memory.ewma import Ewma
from detectors.memory.last_of import LastOf
from detectors.memory.recent import REFERENCE, Recent
from detectors.memory.time_since import TimeSince
from detectors.scoring import LoadedModel, check_model, load_model
from detectors.sentences import names_in
from detectors.site import Site
from schemas.errors import ConfigFault, meant
from schemas.records import ALERT
from schemas.types import Schema

#: Event time of a record, and the columns of where it stands, which every batch carries whatever the detectors read.
ALWAYS = ("time", "capture", "frames")
#: Engine column that stands for the locality where all localities are seen together.
LINE = "_line"


def locality_of(schema: Schema) -> str:
    """The column within whose values the detectors of a record type see each other's records."""
    return LINE if schema.across else schema.locality


@dataclass(frozen=True)
class Rule:
    """A detector that fires by an expression, with its parameters filled in."""

    detector: Detector
    firing: Firing


@dataclass(frozen=True)
class Scored:
    """A detector that fires by a model."""

    detector: Detector
    features: Features
    model: LoadedModel


@dataclass(frozen=True)
class Stepped:
    """A detector with a step of its own."""

    detector: Detector
    run: StepFunction


@dataclass(frozen=True)
class Silent:
    """A detector of silence."""

    detector: Detector
    kind: Silence
    settings: SilenceSettings

    @property
    def interval(self) -> Memory:
        """The learned interval of a key, seconds."""
        locality = locality_of(self.detector.record)
        by = tuple(name for name in (self.kind.group, self.kind.key) if name != locality)
        gap = TimeSince(by)
        return Ewma(by, Derived(f"gap|{','.join(by)}", gap.col, (gap,)), alpha=0.2, least=2)


@dataclass
class RecordPlan:
    """All that happens to the records of one type."""

    schema: Schema
    rules: list[Rule] = field(default_factory=list)
    scored: list[Scored] = field(default_factory=list)
    steps: list[Stepped] = field(default_factory=list)
    silences: list[Silent] = field(default_factory=list)
    excuses: list[Silent] = field(default_factory=list)
    asked: list[LastOf] = field(default_factory=list)
    lent: set[str] = field(default_factory=set)
    layers: list[tuple[list[Derived], list[Beside]]] = field(default_factory=list)
    columns: tuple[str, ...] = ()

    def key(self, memory: Memory) -> tuple[str, ...]:
        """The key of a memory within the record's locality: localities never share a past, whatever bucket they are in."""
        locality = locality_of(self.schema)
        return (locality, *(name for name in memory.keys if name != locality))

    @property
    def heeded(self) -> pl.Expr | None:
        """The records that detectors see, where not all: a correlation is not looked at again, or it would follow from itself."""
        return pl.col("domain") != self.schema.domain.value if self.schema is ALERT else None

    @property
    def evidence(self) -> Iterator[Recent]:
        """The memories that only evidence is taken from: they are asked once it is known which records fire."""
        return (memory for _, members in self.layers for memory in members if isinstance(memory, Recent))

    @property
    def tables(self) -> set[str]:
        """Names of the state tables of the memories, and of what its records leave for others."""
        memories = [m for _, members in self.layers for m in members if isinstance(m, Memory)]
        return {table_name(self.schema.name, self.key(m)) for m in memories} | {asked.table for asked in self.asked}

    @property
    def memories(self) -> list[Beside]:
        """What must be beside its records for its detectors, and for records of others that ask for the last of them."""
        own: list[Beside] = [m for r in self.rules for m in (*r.firing.memories, *r.firing.trail)]
        own += [m for s in self.scored for m in s.features.memories]
        own += [s.interval for s in self.silences]
        return own + [m for asked in self.asked for m in asked.below_there]

    def close(self) -> None:
        """Order the memories and find the columns that the record type must carry."""
        self.layers = layers(self.memories)
        derived = [d for fresh, _ in self.layers for d in fresh]
        computed = {TIME, REFERENCE, LINE, *(d.name for d in derived), *(m.column for _, ms in self.layers for m in ms)}
        wanted: set[str] = {*ALWAYS, self.schema.locality, *self.schema.identity, *self.lent}
        wanted |= set() if self.heeded is None else _roots([self.heeded])
        for d in derived:
            wanted |= set(d.expr.meta.root_names())
        for _, members in self.layers:
            for memory in members:
                by = memory.by if isinstance(memory, Memory) else ()
                wanted |= {v for v in (*by, *memory.looks_at) if isinstance(v, str)}
        for value in (v for asked in self.asked for v in asked.looks_there):
            wanted |= set(value.expr.meta.root_names()) if isinstance(value, Derived) else {value}
        for rule in self.rules:
            wanted |= _roots([rule.firing.when, *rule.firing.values.values()])
            wanted |= _named(rule.detector, set(rule.firing.values))
        for scored in self.scored:
            wanted |= _roots([*scored.features.columns.values(), *scored.features.values.values()])
            wanted |= _named(scored.detector, {*scored.features.values, "score"})
        for step in self.steps:
            assert isinstance(step.detector.kind, Step)
            wanted |= set(step.detector.kind.columns) | _named(step.detector, set(step.detector.kind.hits))
        for silent in (*self.silences, *self.excuses):
            wanted |= {silent.kind.key, silent.kind.group}
        for silent in self.excuses:
            assert silent.kind.excuses is not None
            wanted |= _roots([silent.kind.excuses[1]])
        unknown = sorted(wanted - computed - set(self.schema.names))
        if unknown:
            raise ConfigFault(
                what=f"a detector reads {', '.join(unknown)}, which {self.schema.name} does not have",
                where="detectors/",
                remedy="name a field of the schema, a derived value or a memory",
            )
        self.columns = tuple(name for name in self.schema.names if name in wanted)


@dataclass(frozen=True)
class Plan:
    """A domain's detectors, ready to run.

    Attributes:
        records: plan a record type, by name.
        off: detectors that do not run, with the reason.
        left: what records leave for records of other types, by state table.
    """

    records: dict[str, RecordPlan]
    off: dict[str, str]
    left: dict[str, LastTable]


def make_plan(detectors: Sequence[Detector], schemas: Iterable[Schema], site: Site) -> Plan:
    """Fill in the parameters, switch off what lacks its site facts, and order the work.

    Raises:
        ConfigFault: the site file names an unknown parameter, or a model is missing or damaged.
    """
    records = {schema.name: RecordPlan(schema) for schema in schemas}
    off: dict[str, str] = {}
    for detector in detectors:
        plan = records.get(detector.record.name)
        if plan is None:
            continue
        missing = [need for need in detector.needs if site.lacks(need)]
        if detector.id in site.disabled:
            off[detector.id] = f"switched off by the site file: {site.disabled[detector.id]}"
        elif missing:
            off[detector.id] = f"the site file says nothing of {', '.join(missing)}"
        else:
            _add(plan, detector, site)
    for silent in [s for plan in records.values() for s in plan.silences if s.kind.excuses is not None]:
        assert silent.kind.excuses is not None
        records[silent.kind.excuses[0].name].excuses.append(silent)
    for plan in records.values():
        for kind in (s.detector.kind for s in plan.steps):
            if isinstance(kind, Step) and kind.beside is not None:
                _met(records, plan, kind.beside[0]).lent.update(kind.beside[1])
    left = _left(records)
    for plan in records.values():
        plan.close()
    return Plan(dict(records), off, left)


def _left(records: Mapping[str, RecordPlan]) -> dict[str, LastTable]:
    """The tables of what records leave for others; tells each record type what is asked of it."""
    tables: dict[str, LastTable] = {}
    known: set[tuple[str, str]] = set()
    waiting = [(plan, memory) for plan in records.values() for memory in plan.memories]
    while waiting:
        plan, memory = waiting.pop()
        if (plan.schema.name, memory.column) in known:
            continue
        known.add((plan.schema.name, memory.column))
        waiting += [(plan, m) for v in memory.looks_at if isinstance(v, Derived) for m in v.memories]
        if not isinstance(memory, LastOf):
            continue
        theirs = _met(records, plan, memory.record)
        theirs.asked.append(memory)
        waiting += [(theirs, m) for m in memory.below_there]
        table = tables.setdefault(memory.table, LastTable.of(memory))
        table.values[name_of(memory.value)] = memory.value
    return tables


def _met(records: Mapping[str, RecordPlan], plan: RecordPlan, other: Schema) -> RecordPlan:
    """The plan of another record type that a detector of `plan` reads."""
    theirs = records.get(other.name)
    if theirs is None or theirs.schema.locality != plan.schema.locality:
        raise ConfigFault(
            f"a detector of {plan.schema.name} asks for the last {other.name}, which it never meets",
            "detectors/",
            "both must be of one domain and have the same locality",
        )
    return theirs


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def parameters(detector: Detector, site: Site) -> Any:
    """The detector's parameters: its defaults, overridden by the site file.

    Raises:
        ConfigFault: an unknown parameter, or a value of the wrong type or below 0.
    """
    overrides = site.detectors.get(detector.id, {})
    fields = {f.name: f for f in dataclasses.fields(detector.params)}
    defaults = detector.params()
    values: dict[str, Any] = {}
    for name, value in overrides.items():
        where = f"site file, key detectors.{detector.id}.{name}"
        if name not in fields:
            remedy = meant(name, fields, f"one of {', '.join(fields) or '(none)'}")
            raise ConfigFault(f"unknown parameter {name}", where, remedy)
        kind = type(getattr(defaults, name))
        if isinstance(value, bool) != (kind is bool) or not isinstance(value, (int, float) if kind is float else kind):
            raise ConfigFault(
                f"{value!r} is of the wrong type",
                where,
                f"give {_KINDS[kind]}; the default is {getattr(defaults, name)!r}",
            )
        if isinstance(value, int | float) and value < 0 <= getattr(defaults, name):
            raise ConfigFault(f"{value!r} is below 0", where, f"the default is {getattr(defaults, name)!r}")
        values[name] = kind(value)
    return detector.params(**values)


def _add(plan: RecordPlan, detector: Detector, site: Site) -> None:
    params, kind = parameters(detector, site), detector.kind
    match kind:
        case Row() | Remembering():
            plan.rules.append(Rule(detector, kind.build(params, site)))
        case Model():
            features, model = kind.features(params, site), load_model(kind.reference)
            check_model(model, detector.record, features.columns)
            plan.scored.append(Scored(detector, features, model))
        case Step():
            plan.steps.append(Stepped(detector, kind.build(params, site)))
        case Silence():
            plan.silences.append(Silent(detector, kind, kind.settings(params, site)))


def _roots(expressions: Iterable[pl.Expr]) -> set[str]:
    return {name for e in expressions for name in e.meta.root_names()}


def _named(detector: Detector, values: set[str]) -> set[str]:
    templates = (detector.says, detector.observed, detector.expected)
    names = {name for template in templates for name in names_in(template)} - values
    # Of what a detector computes, only the columns of a step's hits are there when episodes are assigned.
    dedup = {*detector.dedup} - ({*detector.kind.hits} if isinstance(detector.kind, Step) else set())
    parties = detector.parties
    return names | dedup | {parties.entity, *(n for n in (parties.source, parties.destination) if n)}
