"""What the demo shows: a live table while it runs, a summary at the end."""

import time
from collections import Counter

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jobs.demo.audit import READ, Books
from jobs.demo.run import Result, Scene
from schemas import topics
from schemas.types import TELEMETRY_DOMAINS

SEVERITY = {
    1: ("info", "dim"),
    2: ("low", "blue"),
    3: ("medium", "yellow"),
    4: ("high", "red"),
    5: ("critical", "bold red"),
}
#: Alerts that the live table shows at most.
SHOWN = 20
#: Lines of the screen around them.
ROUND = 16
#: Seconds between two lines of progress where the output is no terminal.
LINE_S = 10.0


class Watch:
    """Shows the running demo: a live table on a terminal, a line every few seconds and one an alert elsewhere.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._told: set[str] = set()
        self._next = 0.0

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def look(self, scene: Scene, books: Books, left: float) -> None:
        """Show the books of the moment."""
        alerts = scene.auditor.alerts()
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False)
                self._live.start()
            self._live.update(_screen(scene, books, alerts, left, self._console.height), refresh=True)
            return
        for alert in alerts:
            if alert["alert_id"] not in self._told:
                self._told.add(alert["alert_id"])
                name, _ = SEVERITY[alert["severity_id"]]
                self._console.print(f"  alert {name:<8} {alert['detector']:<22} {alert['title']}", soft_wrap=True)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_S
            self._console.print(_line(books, left), soft_wrap=True)


def _line(books: Books, left: float) -> str:
    parts = [f"{d.value} {books.produced[d.topic]} in, {books.processed(d)} seen" for d in TELEMETRY_DOMAINS]
    return (
        f"{left:4.0f} s left: {'; '.join(parts)}; alerts {books.rows['alert']}; dead letters {books.rows['deadletter']}"
    )


def _screen(scene: Scene, books: Books, alerts: list[dict[str, object]], left: float, height: int) -> Group:
    stages = Table(title=f"{left:.0f} s of traffic left", expand=True)
    for column in ("domain", "records in", "seen by detection", "alerts", "dead letters"):
        stages.add_column(column, justify="left" if column == "domain" else "right")
    for d in READ:
        ledger = books.ledger.get(d, {})
        raised = sum(n for k, n in ledger.items() if k.startswith("alerts."))
        dead = sum(n for k, n in ledger.items() if k.startswith("dead."))
        stages.add_row(d.value, str(books.produced[d.topic]), str(books.processed(d)), str(raised), str(dead))
    table = Table(title=f"{len(alerts)} alerts in PostgreSQL, the latest first", expand=True)
    for column in ("time", "severity", "detector", "what"):
        table.add_column(column, no_wrap=column != "what")
    # What does not fit is cut off below: a title may take two lines.
    for alert in reversed(alerts[-max(3, min(SHOWN, (height - ROUND) // 2)) :]):
        name, style = SEVERITY[int(str(alert["severity_id"]))]
        table.add_row(f"{alert['time']:%H:%M:%S}", Text(name, style), str(alert["detector"]), str(alert["title"]))
    running = "  ".join(f"{p.name}: {p.state}" for p in scene.parts.parts if not p.name.startswith("lab-files"))
    return Group(stages, table, Text(running, style="dim"))


def summary(console: Console, scene_directory: str, reader_dsn: str, result: Result, kept: bool) -> None:
    """Print the summary of a demo."""
    books = result.books
    console.print()
    stages = Table(title="records", title_justify="left")
    for column in ("topic", "in", "decoded", "dead letters", "alerts"):
        stages.add_column(column, justify="left" if column == "topic" else "right")
    for d in READ:
        ledger = books.ledger.get(d, {})
        count = {
            k: sum(n for name, n in ledger.items() if name.startswith(f"{k}.")) for k in ("decoded", "dead", "alerts")
        }
        stages.add_row(d.topic, str(books.produced[d.topic]), *(str(count[k]) for k in ("decoded", "dead", "alerts")))
    console.print(stages)

    attacks = Table(title="injected attacks", title_justify="left")
    for column in ("attack", "threat", "detector", "found", "after"):
        attacks.add_column(column)
    for attack, alert in result.attacks:
        if alert is None:
            attacks.add_row(attack.attack, attack.threat, attack.detector, Text("MISSED", "bold red"), "")
        else:
            after = f"{(alert['landed'] - attack.start).total_seconds():.1f} s"
            attacks.add_row(attack.attack, attack.threat, attack.detector, Text("found", "green"), after)
    console.print(attacks)

    by_detector = Counter(str(a["detector"]) for a in result.alerts)
    stray = Counter(str(a["detector"]) for a in result.unexplained)
    detectors = Table(title="alerts by detector", title_justify="left")
    for column in ("detector", "alerts", "explained by no attack"):
        detectors.add_column(column, justify="left" if column == "detector" else "right")
    for name, number in by_detector.most_common():
        detectors.add_row(name, str(number), str(stray[name] or ""))
    console.print(detectors)
    found = sum(alert is not None for _, alert in result.attacks)
    console.print(f"attacks found: {found} of {len(result.attacks)}")
    if result.latency is not None:
        console.print(f"event to PostgreSQL: p50 {result.latency[0]:.2f} s, p99 {result.latency[1]:.2f} s")
    for what, one, other in result.checks:
        holds = Text("holds", "green") if one == other else Text("DOES NOT HOLD", "bold red")
        console.print(Text(f"{what}: {one} and {other}: ").append_text(holds))
    console.print(
        Panel(
            f"{_console(scene_directory, result, kept)}\n"
            f"Parquet     {scene_directory}/lake (alerts, deadletters, telemetry)\n"
            f"PostgreSQL  {reader_dsn} (start it again: GRIDWATCH_RUN_DIR={scene_directory} gridwatch up)\n"
            "Grafana     infra/grafana/provisioning and infra/grafana/dashboards\n"
            f"truth, logs {scene_directory}/truth.jsonl, {scene_directory}/log\n"
            f"notebook    GRIDWATCH_STORE__LAKE={scene_directory}/lake "
            "jupyter execute notebooks/incident_triage.ipynb --output=triage.ipynb",
            title="where things are",
            title_align="left",
        )
    )
    console.print(f"dead letters: {books.produced[topics.DEADLETTER]}")


def _console(directory: str, result: Result, kept: bool) -> str:
    port, token = result.console
    line = f"console     http://127.0.0.1:{port}/incidents, token {token}\n            "
    if kept:
        return f"{line}running, with broker and database, until gridwatch demo --stop"
    return f"{line}again: GRIDWATCH_RUN_DIR={directory} gridwatch up, then GRIDWATCH_RUN_DIR={directory} gridwatch console --port {port}"
