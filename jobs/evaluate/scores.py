"""The scores of the last evaluation, part of the package: what `gridwatch catalog`, the landing step and dashboards tell of threats."""

import json
from pathlib import Path
from typing import Any, Final

#: Written by `gridwatch evaluate --scores`.
SCORES: Final = Path(__file__).with_name("scores.json")


def scores() -> dict[str, dict[str, Any]]:
    """Threat id -> its scores; empty where nothing was evaluated."""
    found: dict[str, dict[str, Any]] = json.loads(SCORES.read_text(encoding="utf-8")) if SCORES.exists() else {}
    return found
