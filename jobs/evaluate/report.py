"""The evaluation as JSON for programs and as a Markdown page with plots for people."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from detectors.catalog import DETECTORS
from detectors.profiles import ALL
from detectors.profiles.threat import Threat

#: Alerts of medium severity or above a thousand asset-days that quiet traffic may raise.
QUIET_LIMIT: Final = 1.0


def order(threat: Threat) -> tuple[str, int]:
    """By series, then by number."""
    series, _, number = threat.id.rpartition("-")
    return series, int(number) if number.isdigit() else 0


def by_threat(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scores of each threat: over its scenarios, promised ones alone; `by_scenario` has each, experiments too."""
    scores: dict[str, dict[str, Any]] = {}
    for threat in sorted(ALL, key=order):
        own = [s for s in result["scenarios"] if s["threat"] == threat.id and s["promised"]]
        if own:
            times = [s["after_s"] for s in own if s["after_s"] is not None]
            scores[threat.id] = {
                "scenarios": len(own),
                "runs": sum(s["runs"] for s in own),
                "recall": round(sum(s["recall"] * s["runs"] for s in own) / sum(s["runs"] for s in own), 4),
                "precision": min((s["precision"] for s in own if s["precision"] is not None), default=None),
                "after_s": max(times) if times else None,
                "by_scenario": {
                    s["name"]: {key: s[key] for key in ("recall", "after_s", "by")}
                    for s in result["scenarios"]
                    if s["threat"] == threat.id
                },
            }
    return scores


def write(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `evaluation.json`, `evaluation.md` and the plots below `evaluation/`; gives what was written."""
    plots = folder / "evaluation"
    plots.mkdir(parents=True, exist_ok=True)
    written = [folder / "evaluation.json", folder / "evaluation.md"]
    written[0].write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    figures = _plots(result, plots)
    written[1].write_text(page(result, [f.relative_to(folder).as_posix() for f in figures]), encoding="utf-8")
    return [*written, *figures]


def page(result: Mapping[str, Any], figures: Sequence[str] = ()) -> str:
    """The Markdown page."""
    promised = [s for s in result["scenarios"] if s["promised"]]
    found = sum(s["recall"] == 1.0 for s in promised)
    served = {d.threat.id for d in DETECTORS}
    lines = [
        "# What the detectors find",
        "",
        "Written by `gridwatch evaluate`; the numbers are in `evaluation.json`. Every scenario of `ingest/lab/scenarios` is made anew from"
        f" {len(result['seeds'])} seeds that no detector was tuned on ({', '.join(map(str, result['seeds']))}), and goes through the whole"
        " catalogue as a stream does. An attack is found where a detector of its threat raises an alert in its time (or within an"
        " hour after it) that names who did it or what it was done to; proven where a record that the attack forged is among the few"
        " that such an alert carries as evidence. Precision counts alerts of medium severity or above.",
        "",
        f"- {len(served & {t.id for t in ALL})} of {len(ALL)} threats have a detector ({len(DETECTORS)} detectors).",
        f"- {found} of {len(promised)} scenarios are found on every seed.",
        f"- Quiet traffic: {_quiet_line(result)}",
        "",
    ]
    lines += [f"![{Path(f).stem.replace('_', ' ')}]({f})\n" for f in figures]
    lines += ["## Attacks, by threat", "", *_scenarios(promised), ""]
    experiments = [s for s in result["scenarios"] if not s["promised"]]
    if experiments:
        lines += ["## Attacks that nobody promises to find", "", *_scenarios(experiments), ""]
    if result["quiet"]:
        lines += ["## Quiet traffic", "", *_quiet(result["quiet"]), ""]
    if result.get("data"):
        lines += ["## Public data", "", *_data(result["data"]), ""]
    if result.get("v2x"):
        lines += [
            "## Position falsification on SUMO traffic",
            "",
            "F2MD's attack models, 5 % of the vehicles attack, on the first of the seeds; by message, and by vehicle.",
            "",
            *_v2x(result["v2x"]),
            "",
        ]
    gaps = [t for t in sorted(ALL, key=order) if t.gap]
    if gaps:
        lines += ["## Accepted gaps", "", *(f"- {t.id} {t.title}: {t.gap}" for t in gaps), ""]
    return "\n".join(lines)


def _quiet_line(result: Mapping[str, Any]) -> str:
    quiet = result["quiet"]
    if not quiet:
        return "not measured."
    alerts = sum(sum(q["alerts"].values()) for q in quiet)
    days = sum(q["assets"] * q["hours"] / 24 for q in quiet) * len(result["seeds"])
    return (
        f"{alerts} alerts of medium severity or above in {days:,.0f} asset-days: {1000 * alerts / days:.2f} a thousand"
        f" (at most {QUIET_LIMIT:g} wanted)."
    )


def _scenarios(scenarios: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| threat | scenario | what is done | recall | proven | precision | first alert after | detectors | also told by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for s in sorted(scenarios, key=lambda s: (s["threat"].rpartition("-")[0], int(s["threat"].rpartition("-")[2]))):
        after = "" if s["after_s"] is None else _duration(s["after_s"])
        precision = "" if s["precision"] is None else f"{s['precision']:.2f}"
        lines.append(
            f"| {s['threat']} | {s['name']} | {s['says']} | {s['recall']:.2f} | {s['proven']:.2f} | {precision} | {after} |"
            f" {_codes(s['by'])} | {_codes(s['others'])} |"
        )
    return lines


def _quiet(quiet: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| traffic | what | assets | hours a seed | records | alerts | a 1,000 asset-days |",
        "|---|---|---|---|---|---|---|",
    ]
    for q in quiet:
        told = ", ".join(f"{n} `{d}`" for d, n in q["alerts"].items()) or "none"
        lines.append(
            f"| {q['name']} | {q['says']} | {q['assets']} | {q['hours']:g} | {q['records']:,} | {told} | {q['per_1000']:g} |"
        )
    return lines


def _data(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["| data | what | figure | measured | wanted or published |", "|---|---|---|---|---|"]
    return lines + [
        f"| {r['dataset']} | {r['what']} | {r['figure']} | {r['value']:.4g} | {r['wanted']} |" for r in rows
    ]


def _v2x(v2x: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, rows in v2x.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], Mapping):
            columns = list(rows[0])
            lines += [f"### {name.replace('_', ' ')}", "", f"| {' | '.join(c.replace('_', ' ') for c in columns)} |"]
            lines += ["|" + "---|" * len(columns)]
            lines += [f"| {' | '.join(_cell(row[c]) for c in columns)} |" for row in rows]
            lines += [""]
        else:
            lines += [f"- {name.replace('_', ' ')}: {_cell(rows)}"]
    return lines


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "" if value is None else str(value)


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def _plots(result: Mapping[str, Any], folder: Path) -> list[Path]:
    import matplotlib as mpl

    mpl.use("Agg")
    # The same picture from the same numbers: no dates, no random ids.
    mpl.rcParams["svg.hashsalt"] = "gridwatch"
    mpl.rcParams["svg.fonttype"] = "none"  # words as words: a fifth of the size
    import matplotlib.pyplot as plt

    written = []
    own = [s for s in result["scenarios"] if s["promised"] and s["after_s"] is not None]
    if own:
        own.sort(key=lambda s: s["after_s"])
        figure, axes = plt.subplots(figsize=(9, 1.2 + 0.17 * len(own)))
        axes.barh([f"{s['threat']} {s['name']}" for s in own], [max(s["after_s"], 0.1) for s in own], color="#3b7dd8")
        axes.set_xscale("log")
        axes.set_xlabel(
            "event time from the attack's begin to the first alert of its threat, seconds (0.1 and below as 0.1)"
        )
        axes.tick_params(axis="y", labelsize=6)
        axes.margins(y=0.01)
        written.append(_saved(figure, folder / "time_to_detect.svg"))
    for curve in result.get("curves", ()):
        figure, pair = plt.subplots(1, 2, figsize=(9, 4))
        for line in curve["lines"]:
            pair[0].plot(line["false_positive_rate"], line["recall"], label=f"{line['name']} (AUC {line['auc']:.3f})")
            pair[1].plot(
                line["recall"], line["precision"], label=f"{line['name']} (AP {line['average_precision']:.3f})"
            )
        for axes, across, up in ((pair[0], "false positive rate", "recall"), (pair[1], "recall", "precision")):
            axes.set(xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1.02))
            axes.legend(fontsize=6)
        figure.suptitle(curve["title"], fontsize=10)
        written.append(_saved(figure, folder / f"{curve['name']}.svg"))
    plt.close("all")
    return written


def _saved(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    return path
