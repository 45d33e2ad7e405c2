"""Rule files -> detectors, or every fault of them at once, by file and line."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import polars as pl
import yaml
from sigma.exceptions import SigmaError

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering
from detectors.memory import Derived
from detectors.profiles import ALL as THREATS
from detectors.profiles.site_rules import site_rule
from detectors.profiles.threat import Severity, Threat
from detectors.rules.conditions import expression, field_of, fields_of
from detectors.rules.correlations import Base, Correlated, correlate
from detectors.rules.wrong import RuleWrong, lines_of
from schemas.errors import ConfigFault, meant
from schemas.records import BY_NAME, TELEMETRY
from schemas.types import ListOf, Schema

PRODUCT: Final = "gridwatch"
#: Largest rule file, characters; most rules of a site; faults that are told at once.
LARGEST, MOST, TOLD = 262_144, 500, 20
_SEVERITY: Final = {
    "INFORMATIONAL": Severity.INFORMATIONAL,
    "LOW": Severity.LOW,
    "MEDIUM": Severity.MEDIUM,
    "HIGH": Severity.HIGH,
    "CRITICAL": Severity.CRITICAL,
}
#: Keys of a rule below `gridwatch`, with what they mean.
OWN: Final = {
    "entity": "field that names the asset concerned; default: the first of group-by, or of the record's identity",
    "source": "field that names who acted",
    "destination": "field that names on whom",
    "episode": "firings of one asset within so many seconds are one alert; default 900",
    "runbook": "what to do, a list of sentences",
    "confidence": "low, medium or high; default medium",
}


@dataclass(frozen=True)
class NoParams:
    """A rule has its numbers in its file."""


@dataclass(frozen=True)
class _Document:
    """A parsed rule and where it stands."""

    file: str
    rule: Any
    lines: Mapping[str, int]
    text: str


def compiled(files: Mapping[str, str]) -> tuple[Detector, ...]:
    """The detectors of rule files.

    Args:
        files: name of each file -> its text.

    Raises:
        ConfigFault: every fault, each with file, line and key.
    """
    return _compiled(tuple(sorted(files.items())))


@lru_cache(maxsize=8)
def _compiled(files: tuple[tuple[str, str], ...]) -> tuple[Detector, ...]:
    if not files:
        return ()
    faults: list[str] = []
    documents: list[_Document] = []
    for file, text in files:
        documents += _documents(file, text, faults)
    if len(documents) > MOST:
        faults.append(f"{len(documents)} rules, the bound is {MOST}")
    named: dict[str, _Document] = {}
    for document in documents:
        for key in filter(None, (document.rule.name, str(document.rule.id or ""))):
            if key in named:
                faults.append(f"{_place(document, key)}: another rule is called {key} too")
            named[key] = document
    detectors: dict[str, Detector] = {}
    for document in [] if faults else documents:
        try:
            for detector in _detectors(document, documents, named):
                if detector.id in detectors:
                    raise RuleWrong(f"another rule has the id {detector.id} too", "name", "give it another name")
                detectors[detector.id] = detector
        except RuleWrong as wrong:
            remedy = f" ({wrong.remedy})" if wrong.remedy else ""
            faults.append(f"{_place(document, wrong.key)}: {wrong.what}{remedy}")
    if faults:
        more = f"; {len(faults) - TOLD} more" if len(faults) > TOLD else ""
        raise ConfigFault(
            "; ".join(faults[:TOLD]) + more, "rules", "correct them; docs/rules.md says what is understood"
        )
    return tuple(detectors.values())


def _place(document: _Document, key: str) -> str:
    line = document.lines.get(key, document.lines.get("", 1))
    return f"{document.file}:{line}" + (f": {key}" if key else "")


def _documents(file: str, text: str, faults: list[str]) -> Iterator[_Document]:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    if len(text) > LARGEST:
        faults.append(f"{file}: {len(text)} characters, the bound is {LARGEST}")
        return
    try:
        lines, parts = lines_of(text), list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        faults.append(f"{file}:{mark.line + 1 if mark else 1}: not YAML: {getattr(wrong, 'problem', wrong)}")
        return
    for part, where in zip(parts, lines, strict=True):
        if part is None:
            continue
        if not isinstance(part, dict):
            faults.append(f"{file}:{where.get('', 1)}: not a rule")
            continue
        try:
            parser: Any = SigmaCorrelationRule if "correlation" in part else SigmaRule
            rule = parser.from_dict(part, collect_errors=True)
        except (SigmaError, TypeError, ValueError, AttributeError, KeyError) as wrong:
            faults.append(f"{file}:{where.get('', 1)}: {wrong}")
            continue
        for error in rule.errors:
            faults.append(f"{file}:{_line(str(error), where)}: {error}")
        if not rule.errors:
            yield _Document(file, rule, where, yaml.safe_dump(part, sort_keys=True))


def _line(message: str, lines: Mapping[str, int]) -> int:
    """The line that a message of the parser speaks of: that of the first key whose name or modifier it quotes."""
    quoted = set(re.findall(r"['\"]([^'\"]{1,64})['\"]", message))
    for key, line in lines.items():
        if key and quoted & {key, *key.split("|")}:
            return line
    return lines.get("", 1)


def _detectors(document: _Document, documents: Sequence[_Document], named: Mapping[str, _Document]) -> list[Detector]:
    from sigma.correlations import SigmaCorrelationRule

    if isinstance(document.rule, SigmaCorrelationRule):
        bases = [_base(_named(reference.reference, named)) for reference in document.rule.rules or ()]
        parts = correlate(document.rule, bases)
        digest = document.text + "".join(_named(r.reference, named).text for r in document.rule.rules or ())
        return [_detector(document, part, f"_{n}" if n else "", digest) for n, part in enumerate(parts)]
    base = _base(document)
    if _only_correlated(document, documents):
        return []
    part = Correlated(base.schema, base.when.expr, (), pl.lit(1), ())
    return [_detector(document, part, "", document.text)]


def _named(reference: str, named: Mapping[str, _Document]) -> _Document:
    if reference not in named:
        raise RuleWrong(f"no rule is called {reference}", reference, meant(reference, named))
    if not hasattr(named[reference].rule, "detection"):
        raise RuleWrong(f"{reference} is a correlation: correlations of correlations are not supported", reference)
    return named[reference]


def _only_correlated(document: _Document, documents: Sequence[_Document]) -> bool:
    """Whether a correlation names the rule and does not ask for its own alerts (`generate`)."""
    keys = {document.rule.name, str(document.rule.id)} - {None, "None"}
    users = [
        d.rule for d in documents if not hasattr(d.rule, "detection") and keys & {r.reference for r in d.rule.rules}
    ]
    return bool(users) and not any(user.generate for user in users)


def _base(document: _Document) -> Base:
    """The record type and condition of a plain rule."""
    rule, schema = document.rule, _schema(document.rule)
    try:
        parsed = [condition.parsed for condition in rule.detection.parsed_condition]
    except SigmaError as wrong:
        raise RuleWrong(str(wrong), "condition") from wrong
    expressions = [expression(condition, schema) for condition in parsed]
    when = pl.any_horizontal(expressions) if len(expressions) > 1 else expressions[0]
    return Base(schema, Derived(f"rule {hashlib.sha256(document.text.encode()).hexdigest()[:16]}", when))


def _schema(rule: Any) -> Schema:
    source = rule.logsource
    if source.product not in (None, PRODUCT):
        raise RuleWrong(f"product {source.product} is not supported", "product", f"write product: {PRODUCT}")
    if source.service is not None:
        raise RuleWrong("service is not supported", "service", "name the record type under category")
    names = [schema.name for schema in TELEMETRY]
    if source.category not in names:
        raise RuleWrong(
            f"no record type {source.category}", "category", meant(str(source.category), names, "see gridwatch records")
        )
    return BY_NAME[source.category]


def _detector(document: _Document, part: Correlated, suffix: str, digest: str) -> Detector:
    rule, schema = document.rule, part.schema
    own = _own(rule, schema)
    by = tuple(getattr(rule, "group_by", None) or ())
    entity = own.get("entity") or (by[0] if by else schema.identity[0])
    firing = Firing(part.when, part.memories, {"number": part.number}, part.trail)
    severity = _SEVERITY[rule.level.name] if rule.level is not None else Severity.MEDIUM
    title = rule.title.replace("{", "(").replace("}", ")")
    seen = [] if not hasattr(rule, "detection") else fields_of(rule.detection.parsed_condition[0].parsed)
    observed = ", ".join(f"{name} {{{name}}}" for name in seen[:8] if not isinstance(schema[name].type, ListOf))
    counted = f"{{number}} within {rule.timespan.spec}" if hasattr(rule, "timespan") else "a record that fits"
    text = f"{title}: {entity} {{{entity}}}"
    return Detector(
        id=_id(document) + suffix,
        version=int.from_bytes(hashlib.sha256(digest.encode()).digest()[:3]),
        threat=_threat(rule, severity),
        record=schema,
        kind=Remembering(lambda _params, _site: firing),
        params=NoParams,
        severity=severity,
        confidence=Confidence[str(own.get("confidence", "medium")).upper()],
        parties=Parties(entity, entity, source=own.get("source", ""), destination=own.get("destination", "")),
        dedup=by or (entity,),
        episode_s=float(own.get("episode", 900)),
        says=text,
        observed=observed or counted,
        expected="nothing that fits the rule" if observed else "less than the rule's condition",
        runbook=tuple(own.get("runbook") or (rule.description or "Look at the rule and at the evidence.",)),
        tolerance="as the memories that it is made of",
        examples=(),
    )


def _own(rule: Any, schema: Schema) -> dict[str, Any]:
    own = (rule.custom_attributes or {}).get(PRODUCT) or {}
    if not isinstance(own, dict):
        raise RuleWrong("gridwatch is not a mapping", "gridwatch", f"keys are {', '.join(OWN)}")
    for key in own:
        if key not in OWN:
            raise RuleWrong(f"unknown key {key}", key, meant(str(key), OWN, f"one of {', '.join(OWN)}"))
    for key in ("entity", "source", "destination"):
        if key in own:
            _own_field(key, str(own[key]), schema)
    episode = own.get("episode", 900)
    if isinstance(episode, bool) or not isinstance(episode, int | float) or not 0 <= episode <= 30 * 86_400:
        raise RuleWrong(f"episode is {episode!r}, expected seconds from 0 to 2592000", "episode")
    if str(own.get("confidence", "medium")).upper() not in Confidence.__members__:
        raise RuleWrong(f"confidence is {own['confidence']!r}", "confidence", "low, medium or high")
    runbook = own.get("runbook", [])
    if not isinstance(runbook, list) or not all(isinstance(step, str) for step in runbook):
        raise RuleWrong("runbook is not a list of sentences", "runbook")
    return own


def _own_field(key: str, name: str, schema: Schema) -> None:
    try:
        field_of(name, schema)
    except RuleWrong as wrong:
        raise replace(wrong, key=key) from wrong


def _threat(rule: Any, severity: Severity) -> Threat:
    """The profile's threat that a tag names (gridwatch.sg-17), else one of the rule's own with the technique of its tag."""
    tags = [(tag.namespace, tag.name) for tag in rule.tags or ()]
    for namespace, name in tags:
        if namespace == PRODUCT:
            for threat in THREATS:
                if threat.id.lower() == name:
                    return threat
            raise RuleWrong(f"no threat {name}", "tags", "gridwatch catalog lists them")
    technique = next((name.upper() for namespace, name in tags if namespace == "attack" and name.startswith("t0")), "")
    return replace(site_rule(technique), title=rule.title, severity=severity)


def _id(document: _Document) -> str:
    name = document.rule.name or document.rule.title
    return "rule_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60]
