"""The table of detectors, from the catalogue: `python docs/detector_table.py` writes it anew."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- detectors: docs/detector_table.py -->", "<!-- /detectors -->"


def table() -> str:
    """Markdown: what each detector fires on, the first sentence of its file, and what it needs from the site file."""
    from detectors.catalog import DETECTORS
    from detectors.profiles import ALL, CORRELATIONS
    from jobs.catalog_card import says

    threats, served = {t.id for t in ALL}, {d.threat.id for d in DETECTORS}
    alone = sum(d.threat.id in threats for d in DETECTORS)
    together = sum(d.threat in CORRELATIONS for d in DETECTORS)
    lines = [
        f"{alone} detectors serve {len(served & threats)} of the {len(ALL)} threats in `detectors/profiles`."
        f" {together} more (COR) look at alerts together.",
        "",
        "| detector | threat | ATT&CK | reads | severity | fires on | needs |",
        "|---|---|---|---|---|---|---|",
    ]
    for d in DETECTORS:
        fires_on = says(d).rstrip(".")
        needs = ", ".join(f"`{need}`" for need in d.needs)
        severity = d.severity.name.lower()
        lines.append(
            f"| `{d.id}` | {d.threat.id} | {d.threat.technique.id} | `{d.record.name}` | {severity} | {fires_on} | {needs} |"
        )
    return "\n".join(lines)


def replaced(text: str) -> str:
    """A document with its table written anew."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    page = ROOT / "docs" / "detectors.md"
    page.write_text(replaced(page.read_text(encoding="utf-8")), encoding="utf-8")
