"""`gridwatch detect`: the streaming detection job."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say, settings_of
from schemas.errors import UsageFault


class Which(StrEnum):
    """The domain, or all of them in one Spark application; correlation reads the alerts of the others."""

    METER = "meter"
    SUBSTATION = "substation"
    VEHICLE = "vehicle"
    NETWORK = "network"
    CORRELATION = "correlation"
    ALL = "all"


def detect(
    context: typer.Context,
    domain: Annotated[Which, typer.Option(help="One domain, or all in one Spark application.")] = Which.ALL,
    site: Annotated[Path | None, typer.Option(help="Site file (YAML); default: setting site.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop behind the records that are there now.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Run only this detector; may be repeated.")] = None,
    buckets: Annotated[
        int | None, typer.Option(min=1, help="Locality buckets; default: setting spark.buckets.")
    ] = None,
    master: Annotated[
        str | None, typer.Option(help="Spark master, e.g. spark://host:7077; default: setting spark.master.")
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", help="Where the first start begins: earliest, latest, or a time (ISO 8601, UTC).")
    ] = "earliest",
    metrics: Annotated[
        str | None, typer.Option(help="Answer Prometheus at HOST:PORT; default: setting spark.metrics.")
    ] = None,
    properties: Annotated[
        Path | None, typer.Option(help="Only write the properties file that spark-submit needs for this job.")
    ] = None,
) -> None:
    """Run the detectors over the telemetry topics, and those of correlation over the alerts, until Ctrl-C.

    Killed at any moment, it takes up where it was.

    Example: gridwatch detect --domain substation --site site.yaml
    """
    from detectors.catalog import check_site
    from detectors.site import load_site
    from jobs.command.ingest import host_and_port
    from jobs.connections import kafka_spark_options, reached_broker
    from jobs.detect.application import FAIR, run
    from jobs.detect.query import DetectSettings
    from jobs.session import place_of, session_of, write_properties
    from schemas.types import TELEMETRY_DOMAINS, Domain

    settings = settings_of(context)
    if properties is not None:
        write_properties(place_of(settings, "detect", master), settings.cache_dir, properties, say)
        return
    asked = settings.spark.metrics if metrics is None else metrics
    address = host_and_port(asked) if asked else None
    facts = load_site(site or settings.site)
    check_site(facts)
    chosen = [d for d in (*TELEMETRY_DOMAINS, Domain.CORRELATION) if domain.value in (d.value, "all")]
    how = DetectSettings(
        broker=reached_broker(settings),
        state_uri=settings.state_uri,
        checkpoint_uri=settings.checkpoint_uri,
        buckets=buckets or settings.spark.buckets,
        max_offsets=settings.spark.max_offsets_per_trigger,
        trigger_s=settings.spark.trigger_s,
        once=once,
        only=tuple(only or ()),
        kafka_options=kafka_spark_options(settings),
        begin=_begin(begin),
    )
    if site is None and settings.site is None:
        say("no site file (setting site, or --site): detectors that need its facts are off")
    run(lambda: session_of(settings, "detect", say, master, FAIR), chosen, how, facts, say, metrics=address)


def _begin(text: str) -> str | int:
    """`earliest`, `latest`, or microseconds since 1970."""
    if text in ("earliest", "latest"):
        return text
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageFault(
            f"{text} is no time", "--from", "give earliest, latest, or a time such as 2026-03-02T12:00:00Z"
        ) from None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000_000)
