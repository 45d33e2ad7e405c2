"""Charts as SVG text, for pages without a script."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from markupsafe import Markup

#: One palette of severities for pages, reports and dashboards: OCSF severity_id -> colour.
COLOURS: Final = {1: "#8ab8ff", 2: "#5794f2", 3: "#f2cc0c", 4: "#ff780a", 5: "#e02f44"}
_WIDTH, _HEIGHT, _FOOT = 720, 120, 16


def timeline(slots: Sequence[Mapping[str, Any]], first: Any, last: Any) -> Markup:
    """Alerts over event time, as bars in the colour of the worst of each slot.

    Args:
        slots: `slot` (begin), `severity_id`, `alerts`.
        first, last: event times of the whole.
    """
    span = max((last - first).total_seconds(), 1.0)
    most = max((int(s["alerts"]) for s in slots), default=1)
    width = max(3.0, _WIDTH / max(60, len(slots)) - 1)
    bars = []
    for s in slots:
        x = (s["slot"] - first).total_seconds() / span * (_WIDTH - width)
        height = max(3.0, (_HEIGHT - _FOOT - 14) * int(s["alerts"]) / most)
        bars.append(
            Markup(
                '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"><title>{}: {}</title></rect>'
            ).format(
                x,
                _HEIGHT - _FOOT - height,
                width,
                height,
                COLOURS.get(s["severity_id"], "#999"),
                f"{s['slot']:%Y-%m-%d %H:%M:%S}",
                f"{s['alerts']} alerts",
            )
        )
    return Markup(
        '<svg class="timeline" viewBox="0 0 {w} {h}" role="img" aria-label="alerts over time">{bars}'
        '<line x1="0" x2="{w}" y1="{base}" y2="{base}"/><text x="0" y="{h}">{first}</text>'
        '<text x="{w}" y="{h}" text-anchor="end">{last}</text><text x="0" y="11">at most {most} alerts</text></svg>'
    ).format(
        w=_WIDTH,
        h=_HEIGHT,
        base=_HEIGHT - _FOOT,
        bars=Markup("").join(bars),
        first=f"{first:%Y-%m-%d %H:%M:%S}",
        last=f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}",
        most=most,
    )


def stacked(
    rows: Sequence[Mapping[str, Any]], begins: datetime, ends: datetime, bar: timedelta, height: int = _HEIGHT
) -> Markup:
    """Alerts over a period as stacked bars, the most severe at the foot.

    Args:
        rows: `bar` (its begin), `severity_id`, `alerts`; of one bar and severity there may be several.
        begins, ends: of the period.
        bar: span of a bar.
        height: of the picture; its width is 720.
    """
    counts: Counter[tuple[datetime, int]] = Counter()
    for row in rows:
        counts[row["bar"], row["severity_id"]] += int(row["alerts"])
    heights: Counter[datetime] = Counter()
    for (moment, _), number in counts.items():
        heights[moment] += number
    most = max(heights.values(), default=0)
    number_of_bars = max(1, -(-(ends - begins) // bar))
    width, room = _WIDTH / number_of_bars, height - _FOOT - 14
    drawn, feet = [], dict.fromkeys(heights, float(height - _FOOT))
    for (moment, severity), number in sorted(counts.items(), key=lambda item: (item[0][0], -item[0][1])):
        tall = room * number / most
        feet[moment] -= tall
        drawn.append(
            Markup(
                '<rect x="{:.1f}" y="{:.2f}" width="{:.1f}" height="{:.2f}" fill="{}"><title>{}: {}</title></rect>'
            ).format(
                (moment - begins) / bar * width,
                feet[moment],
                max(1.0, width - 1),
                tall,
                COLOURS.get(severity, "#999"),
                f"{moment:%Y-%m-%d %H:%M}",
                f"{number} of severity {severity}",
            )
        )
    return Markup(
        '<svg class="timeline" viewBox="0 0 {w} {h}" role="img" aria-label="alerts over time, by severity">{bars}'
        '<line x1="0" x2="{w}" y1="{base}" y2="{base}"/><text x="0" y="{h}">{first}</text>'
        '<text x="{w}" y="{h}" text-anchor="end">{last}</text><text x="0" y="11">{most}</text></svg>'
    ).format(
        w=_WIDTH,
        h=height,
        base=height - _FOOT,
        bars=Markup("").join(drawn),
        first=f"{begins:%Y-%m-%d %H:%M}",
        last=f"{ends:%Y-%m-%d %H:%M}",
        most=f"at most {most} in {bar.total_seconds() / 60:g} min" if most else "none",
    )
