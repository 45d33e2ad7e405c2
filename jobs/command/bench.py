"""`gridwatch bench`: how fast detection is on this machine, as ratios."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from jobs.bench.parts import Part
from jobs.command.context import say, settings_of


def bench(
    context: typer.Context,
    records: Annotated[int | None, typer.Option(min=1000, help="Records on the topic; default 3000000.")] = None,
    meters: Annotated[int | None, typer.Option(min=100, help="Meters of the fleet; default 100000.")] = None,
    passes: Annotated[
        int | None, typer.Option(min=1, help="Passes of each query; medians are told; default 3.")
    ] = None,
    only: Annotated[list[Part] | None, typer.Option(help="Measure only this part; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of it all, to try it out.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures there, as JSON.")] = None,
    seed: Annotated[int, typer.Option(help="Of the traffic.")] = 1,
) -> None:
    """Measure detection on a Kafka and a PostgreSQL of its own, started and removed for it; takes some minutes.

    Rates of the meter domain against reading and decoding alone, what each stateful detector adds, the same rules in
    QuixStreams, ten thousand against a million meters, and latency from the event to PostgreSQL. Let nothing else run.

    Example: gridwatch bench --quick --only rate
    """
    import json
    import os
    import tempfile

    from rich.console import Console

    from jobs.bench.run import QUICK, Bench, Scale, Spark
    from jobs.bench.table import show

    settings = settings_of(context)
    given = {"records": records, "meters": meters, "passes": passes}
    scale = replace(QUICK if quick else Scale(), **{k: v for k, v in given.items() if v is not None})
    spark = Spark(settings.spark.master, settings.spark.buckets, settings.spark.driver_memory)
    with tempfile.TemporaryDirectory(prefix="gridwatch-bench-") as folder:
        result = Bench(scale, spark, Path(folder), settings.cache_dir, dict(os.environ), seed, say).run(
            tuple(dict.fromkeys(only or Part))
        )
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n")
    show(result, Console())
