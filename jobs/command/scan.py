"""`gridwatch scan`: the detectors over files."""

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.command.context import require_files, say, settings_of


def scan(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Captures, candump logs, ODE JSON, CSV, JSON lines, Parquet.")],
    site: Annotated[
        Path | None, typer.Option(help="Site file (YAML): masters, writers, point maps; default: setting site.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One alert a line as JSON.")] = False,
    flags: Annotated[
        Path | None, typer.Option(help="CSV of every record that took part: file,record_number,detector,alert_id.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only this detector; may be repeated.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="Vehicle that a candump log belongs to.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Receiver of ODE messages that do not name theirs.")] = None,
    modbus_port: Annotated[list[int] | None, typer.Option(help="TCP port of Modbus; repeatable; default 502.")] = None,
    iec104_port: Annotated[
        list[int] | None, typer.Option(help="TCP port of IEC 60870-5-104; repeatable; default 2404.")
    ] = None,
    dnp3_port: Annotated[
        list[int] | None, typer.Option(help="TCP or UDP port of DNP3; repeatable; default 20000.")
    ] = None,
    mms_port: Annotated[list[int] | None, typer.Option(help="TCP port of MMS; repeatable; default 102.")] = None,
) -> None:
    """Run the detectors over files: no Kafka, no Spark, no Java. What the alerts show together is told at the end.

    Example: gridwatch scan capture.pcap --site site.yaml --json
    """
    from detectors.catalog import DETECTORS, check_site, site_rules
    from detectors.site import load_site
    from ingest.files import FileOptions
    from ingest.tap import Ports, TapOptions
    from jobs.scan import Flags, Scan, to_json
    from schemas.errors import RunFault, UsageFault

    require_files(files)
    facts = load_site(site or settings_of(context).site)
    check_site(facts)
    known = sorted(d.id for d in (*DETECTORS, *site_rules(facts)))
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise UsageFault(f"unknown detector {unknown[0]}", "--only", f"one of {', '.join(known)}")
    defaults = Ports()
    ports = Ports(
        modbus=frozenset(modbus_port) if modbus_port else defaults.modbus,
        iec104=frozenset(iec104_port) if iec104_port else defaults.iec104,
        dnp3=frozenset(dnp3_port) if dnp3_port else defaults.dnp3,
        mms=frozenset(mms_port) if mms_port else defaults.mms,
    )
    options = FileOptions(vehicle=vehicle, receiver=receiver, tap=TapOptions(ports=ports))
    run = Scan(facts, only or ())

    def tell(outcome: Any) -> None:
        for alert in outcome.alerts.iter_rows(named=True):
            print(to_json(alert) if json else _line(alert))
        sys.stdout.flush()

    with ExitStack() as stack:
        writer: Flags | None = None
        if flags is not None:
            try:
                sink = stack.enter_context(flags.open("w", newline="", encoding="utf-8"))
            except OSError as wrong:
                raise RunFault(
                    f"cannot write: {wrong.strerror}", str(flags), "name a file in a writable folder"
                ) from wrong
            writer = Flags(sink, run.place)
        unreadable = []
        for path in files:
            before, read = Counter(run.summary.refused), run.summary.records.total()
            for outcome in run.run(path, options):
                tell(outcome)
                if writer is not None:
                    writer.write(outcome)
            if refused := run.summary.refused - before:
                first = run.summary.first_refused[path]
                where = f", at {first.frame}" if first.frame is not None else ""
                counted = ", ".join(f"{reason} {n}" for reason, n in sorted(refused.items()))
                say(f"{path}: refused: {counted}; the first{where}: {first.detail}")
                if run.summary.records.total() == read:
                    unreadable.append(str(path))
        if (together := run.correlate()) is not None:
            tell(together)
    _summarise(run)
    if unreadable:
        raise RunFault("no record could be read", ", ".join(unreadable), "see above what was refused, and why")


def _line(alert: dict[str, Any]) -> str:
    severity = {1: "info", 2: "low", 3: "medium", 4: "high", 5: "critical"}[alert["severity_id"]]
    where = f" [{alert['capture']} {','.join(map(str, (alert['frames'] or [])[-3:]))}]" if alert["capture"] else ""
    return f"{alert['time']:%Y-%m-%d %H:%M:%S.%f} {severity:<8} {alert['detector']:<22} {alert['title']}{where}"


def _summarise(run: Any) -> None:
    s = run.summary
    records = ", ".join(f"{n} {c}" for n, c in sorted(s.records.items())) or "none"
    refused = ", ".join(f"{n} {c}" for n, c in sorted(s.refused.items())) or "none"
    alerts = ", ".join(f"{n} {c}" for n, c in s.alerts.most_common()) or "none"
    say(f"records: {records}; refused: {refused}; alerts: {alerts}")
    for detector, reason in sorted(s.off.items()):
        say(f"off: {detector}: {reason}")
