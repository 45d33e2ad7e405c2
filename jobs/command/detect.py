"""`gridwatch detect`: the streaming detection job."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.command.context import say, settings_of


class Which(StrEnum):
    """The domain, or all of them in one Spark application."""

    METER = "meter"
    SUBSTATION = "substation"
    VEHICLE = "vehicle"
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
) -> None:
    """Run the detectors over the telemetry topics, until Ctrl-C. Killed at any moment, it takes up where it was.

    Example: gridwatch detect --domain substation --site site.yaml
    """
    from detectors.site import load_site
    from jobs.connections import broker, kafka_spark_options
    from jobs.detect.application import run
    from jobs.detect.query import DetectSettings
    from jobs.session import session_of
    from jobs.signals import stop_on_signals
    from schemas.types import Domain

    settings = settings_of(context)
    facts = load_site(site or settings.site)
    chosen = [d for d in Domain if d is not Domain.SYSTEM and domain.value in (d.value, "all")]
    how = DetectSettings(
        broker=broker(settings),
        state_uri=settings.state_uri,
        checkpoint_uri=settings.checkpoint_uri,
        buckets=buckets or settings.spark.buckets,
        max_offsets=settings.spark.max_offsets_per_trigger,
        once=once,
        only=tuple(only or ()),
        kafka_options=kafka_spark_options(settings),
    )
    with stop_on_signals() as stop:
        run(lambda: session_of(settings, "detect", say), chosen, how, facts, stop, say)
