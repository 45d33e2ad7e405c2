"""An incident as a STIX 2.1 bundle: the incident, the technique behind it, the asset, and what was observed. Ids are the same each time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import stix2

from detectors import profiles

_OURS: Final = uuid5(NAMESPACE_URL, "https://gridwatch.invalid/stix")
#: Notes that a bundle carries at most: one an alert.
NOTES: Final = 50


def bundle(incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]] = ()) -> str:
    """The bundle of an incident as it stands, as JSON.

    Args:
        incident: its row.
        alerts: rows of its alerts, the latest first.
    """
    made = {"created": incident["opened"], "modified": max(incident["updated"], incident["opened"])}
    us = stix2.Identity(
        id=_id("identity", "gridwatch"),
        name="Gridwatch",
        identity_class="system",
        created=incident["opened"],
        modified=incident["opened"],
    )
    own = {**made, "created_by_ref": us.id}
    case = stix2.Incident(
        id=_id("incident", incident["incident_id"]),
        name=incident["title"],
        description=f"{incident['alerts']} alerts of {incident['detector']} ({incident['threat']}), {incident['status']}"
        + (f", {incident['verdict']}" if incident["verdict"] else ""),
        labels=[incident["domain"], incident["threat"], incident["status"]],
        **own,
    )
    technique = incident["technique"]
    known = next((t.technique for t in profiles.ALL if t.technique.id == technique), None)
    attack = stix2.AttackPattern(
        id=_id("attack-pattern", technique),
        name=known.name if known else technique,
        external_references=[
            {
                "source_name": "mitre-attack",
                "external_id": technique,
                "url": f"https://attack.mitre.org/techniques/{technique}/",
            }
        ],
        **own,
    )
    asset = stix2.Infrastructure(
        id=_id("infrastructure", f"{incident['entity_kind']}|{incident['site']}|{incident['entity']}"),
        name=f"{incident['entity_kind']} {incident['entity']}",
        description=f"at {incident['site']}",
        **own,
    )
    objects: list[Any] = [us, case, attack, asset]
    for kind, target in (("attributed-to", attack), ("impacts", asset)):
        objects.append(
            stix2.Relationship(
                id=_id("relationship", f"{case.id}|{kind}|{target.id}"),
                relationship_type=kind,
                source_ref=case.id,
                target_ref=target.id,
                **own,
            )
        )
    for alert in alerts[:NOTES]:
        objects.append(
            stix2.Note(
                id=_id("note", alert["alert_id"]),
                abstract=alert["title"],
                content=f"observed: {alert['observed']}\nexpected: {alert['expected']}",
                object_refs=[case.id],
                created=alert["detected"],
                modified=alert["detected"],
                created_by_ref=us.id,
            )
        )
    return str(
        stix2.Bundle(
            id=_id("bundle", f"{case.id}|{incident['version']}|{incident['alerts']}"), objects=objects
        ).serialize(pretty=True)
    )


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid5(_OURS, f'{kind}|{name}')}"
