"""The site file: what is true of one installation, validated at start.

Who may write what, point maps, known masters, publishers. A fact that is absent is unknown, never "nobody": a
detector that needs it says so and stays off.
"""

from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from detectors.baseline import Acceptance, Baseline
from detectors.facts import Facts
from detectors.facts.meters import Meters, Resources
from detectors.facts.network import Homes, Iptv, Mobile, Multicast
from detectors.facts.substation import Dnp3, Goose, Iec104, Mms, Modbus
from detectors.facts.vehicle import CanBus, Diagnostics, V2x, Vehicles
from schemas.errors import ConfigFault, meant

#: Wrong keys that are told at once.
TOLD = 5


class Site(Facts):
    """The facts of one installation.

    Args:
        name: its name, the locality of substation records read from captures.
        detectors: detector id -> parameter -> value, over the defaults; a parameter is checked against the detector.
        disabled: detectors switched off, with the reason (YAML reads a bare `off` as a boolean).
        baseline: what was normal while it was learned; what departs from it is configuration drift, no attack.
        accepted: who took which alert for normal, and why (`gridwatch learn --accept`).
        rules: folder of the site's own rules, relative to the site file; "" for none.
        rule_files: what `load_site` read there, name -> text; no key of the file.
    """

    name: str = "site"
    modbus: Modbus = Modbus()
    iec104: Iec104 = Iec104()
    goose: Goose = Goose()
    dnp3: Dnp3 = Dnp3()
    mms: Mms = Mms()
    meters: Meters = Meters()
    resources: Resources = Resources()
    v2x: V2x = V2x()
    can: CanBus = CanBus()
    diagnostics: Diagnostics = Diagnostics()
    vehicles: Vehicles = Vehicles()
    homes: Homes = Homes()
    mobile: Mobile = Mobile()
    multicast: Multicast = Multicast()
    iptv: Iptv = Iptv()
    baseline: Baseline = Baseline()
    accepted: tuple[Acceptance, ...] = ()
    detectors: dict[str, dict[str, float | int | bool | str]] = {}
    disabled: dict[str, str] = {}
    rules: str = ""
    rule_files: dict[str, str] = {}

    def lacks(self, path: str) -> bool:
        """True where the fact at a dotted path, e.g. modbus.masters, is not in the site file."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value is None or value == {}


def parse_site(facts: Any, where: str) -> Site:
    """Validate site facts.

    Raises:
        ConfigFault: naming the wrong keys.
    """
    try:
        return Site.model_validate(facts)
    except ValidationError as wrong:
        told = [_explain(problem) for problem in wrong.errors()[:TOLD]]
        more = [f"{wrong.error_count() - TOLD} more"] if wrong.error_count() > TOLD else []
        raise ConfigFault(
            what=f"site file: {'; '.join(told + more)}",
            where=where,
            remedy="correct it; docs/site_file.md has every key",
        ) from wrong


def _explain(problem: Any) -> str:
    key = ".".join(map(str, problem["loc"])) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return ", ".join(filter(None, (f"{key}: unknown key", meant(str(problem["loc"][-1]), _keys(problem["loc"])))))
    return f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _keys(place: tuple[str | int, ...]) -> set[str]:
    """The keys that a place in the site file may have; of facts of several kinds all of theirs."""
    facts: list[type[Facts]] = [Site]
    for part in place[:-1]:
        found = [
            kind for of in facts if part in of.model_fields for kind in _kinds(of.model_fields[str(part)].annotation)
        ]
        facts = found or facts
    return {name for of in facts for name in of.model_fields}


def _kinds(annotation: Any) -> list[type[Facts]]:
    if isinstance(annotation, type) and issubclass(annotation, Facts):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _kinds(part)]


def load_site(path: Path | None) -> Site:
    """Read a site file (YAML); without a path a site about which nothing is known.

    Raises:
        ConfigFault: unreadable, not YAML, or a wrong key.
    """
    if path is None:
        return Site()
    try:
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise ConfigFault(
            what=f"site file cannot be read: {wrong.strerror}", where=str(path), remedy="name a readable YAML file"
        ) from wrong
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        said = getattr(wrong, "problem", None) or str(wrong).splitlines()[0]
        raise ConfigFault(
            what=f"site file is not YAML: {said}", where=f"{path}{place}", remedy="correct the syntax"
        ) from wrong
    if isinstance(facts, dict) and "rule_files" in facts:
        raise ConfigFault("site file: rule_files: unknown key", str(path), "name the folder of the rules under rules")
    site = parse_site(facts if facts is not None else {}, str(path))
    return site.model_copy(update={"rule_files": read_rules(path.parent / site.rules)}) if site.rules else site


def read_rules(folder: Path) -> dict[str, str]:
    """The rule files (*.yml, *.yaml) of a folder and the folders in it: name within it -> text.

    Raises:
        ConfigFault: no such folder, none in it, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ConfigFault("no folder of rules", str(folder), "name a folder with rules in Sigma's syntax (*.yml)")
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".yml", ".yaml") and path.is_file())
    if not found:
        raise ConfigFault("no rules in the folder", str(folder), "rules are files named *.yml or *.yaml")
    try:
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigFault(f"a rule cannot be read: {wrong}", str(folder), "rules are readable text in UTF-8") from wrong
