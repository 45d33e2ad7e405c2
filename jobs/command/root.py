"""The command's root: which subcommands there are, and how faults reach the user."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from jobs.command.context import Options
from schemas.errors import Fault, RunFault

#: Exit codes beyond those of faults (2 usage, 3 configuration, 4 run time).
UNEXPECTED: Final = 1
INTERRUPTED: Final = 130


@dataclass(frozen=True)
class Subcommand:
    """A subcommand, imported only when it is called.

    Args:
        name: as typed.
        target: `module:attribute`; a typer.Typer makes a group, a function a single command.
        says: one line for `gridwatch --help`.
    """

    name: str
    target: str
    says: str


#: Every subcommand; a new one is one line here.
SUBCOMMANDS: Final = (
    Subcommand("up", "jobs.command.stack:up", "Start the embedded Kafka and PostgreSQL."),
    Subcommand("down", "jobs.command.stack:down", "Stop the embedded Kafka and PostgreSQL."),
    Subcommand("status", "jobs.command.stack:status", "Say what of the embedded stack runs and answers."),
    Subcommand("topics", "jobs.command.topics:topics", "Create the topics on a Kafka of your own."),
    Subcommand("scan", "jobs.command.scan:scan", "Run the detectors over files: no Kafka, no Spark, no Java."),
    Subcommand("ingest", "jobs.command.ingest:app", "Read a source and publish its records."),
    Subcommand("records", "jobs.command.records:records", "Show the record types: fields, units, bounds, an example."),
    Subcommand("lab", "jobs.command.lab:app", "Make traffic of a simulated grid and road, with attacks."),
    Subcommand("land", "jobs.command.land:land", "Land alerts in PostgreSQL and in the Parquet lake."),
    Subcommand(
        "database",
        "jobs.command.database:app",
        "Make or update the tables and the rights of the roles; say where sites are.",
    ),
    Subcommand("incidents", "jobs.command.incidents:incidents", "List what there is to work on."),
    Subcommand(
        "suppressions", "jobs.command.incidents:suppressions", "Show what hides alerts from incidents, and how many."
    ),
    Subcommand("incident", "jobs.command.incident:app", "Work on an incident: acknowledge, assign, comment, close."),
    Subcommand("console", "jobs.command.console:console", "Serve the pages on which people work on incidents."),
    Subcommand("report", "jobs.command.report:report", "Write a period or one incident as a page that stands alone."),
    Subcommand("grafana", "jobs.command.grafana:app", "Bring dashboards and alert rules into a Grafana of your own."),
    Subcommand("outflow", "jobs.command.outflow:outflow", "Send incidents to a webhook, to Kafka or by syslog."),
    Subcommand("users", "jobs.command.users:app", "Say who may use the console, and in which role."),
    Subcommand("detect", "jobs.command.detect:detect", "Run the detectors over the telemetry topics, in Spark."),
    Subcommand("archive", "jobs.command.archive:archive", "Keep telemetry in the Parquet lake."),
    Subcommand("observe", "jobs.command.observe:observe", "Keep sums of the telemetry, from which dashboards draw."),
    Subcommand("sample-lake", "jobs.command.sample_lake:sample_lake", "Make a small lake for the notebooks."),
    Subcommand("demo", "jobs.command.demo:demo", "Run the whole pipeline here for two minutes, with attacks."),
    Subcommand("catalog", "jobs.command.catalog:catalog", "Show the threats and the detectors that serve them."),
    Subcommand("evaluate", "jobs.command.evaluate:evaluate", "Measure what the detectors find, and write it down."),
    Subcommand("rules", "jobs.command.rules:app", "Check a site's own rules in Sigma's syntax; write example rules."),
    Subcommand("learn", "jobs.command.learn:learn", "Make a site file of quiet traffic; accept an alert as normal."),
    Subcommand("backtest", "jobs.command.backtest:backtest", "How many alerts a day a detector would have raised."),
    Subcommand("state", "jobs.command.state:app", "Look into what the detectors remember; re-split and verify it."),
    Subcommand("train", "jobs.command.train:train", "Fit a learned detector and measure it."),
    Subcommand("bench", "jobs.command.bench:bench", "Measure detection on this machine, as ratios."),
    Subcommand("doctor", "jobs.command.doctor:doctor", "Check this machine: what is missing and how to get it."),
)


def build(words: Sequence[str], options: Options) -> typer.Typer:
    """The command, with those subcommands imported that are among the words typed; the others are only listed."""
    app = typer.Typer(
        name="gridwatch",
        help="Detect attacks in the telemetry of smart grids and transport systems.",
        epilog="Example: gridwatch doctor && gridwatch up && gridwatch status",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        context: typer.Context,
        settings: Annotated[
            Path | None, typer.Option(help="Settings file; default: gridwatch.toml here, if there is one.")
        ] = None,
        debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    ) -> None:
        options.settings, options.debug = settings, debug
        context.obj = options

    for subcommand in SUBCOMMANDS:
        if subcommand.name in words:
            module, attribute = subcommand.target.split(":")
            target = getattr(importlib.import_module(module), attribute)
            if isinstance(target, typer.Typer):
                app.add_typer(target, name=subcommand.name, help=subcommand.says)
            else:
                app.command(subcommand.name, short_help=subcommand.says)(target)
        else:
            app.command(subcommand.name, help=subcommand.says)(_not_imported)
    return app


def _not_imported() -> None:
    raise AssertionError("a subcommand that was typed is always imported")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0, or the code of what went wrong, told in one line on standard error."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command on its arguments; the exit code."""
    options = Options(debug="--debug" in arguments)
    try:
        app = build(arguments, options)
        return int(app(args=list(arguments) or ["--help"], prog_name="gridwatch", standalone_mode=False) or 0)
    except Fault as fault:
        if options.debug:
            traceback.print_exc()
        _tell(str(fault))
        return fault.exit_code
    except typer.TyperException as error:
        return _tell_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads our output has seen enough; Python must not try to write the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return RunFault.exit_code
    except OSError as error:
        if error.filename is None:
            return _unexpected(error, options)
        if options.debug:
            traceback.print_exc()
        _tell(f"{error.strerror} ({error.filename}): check the path, its rights and the space on its disk")
        return RunFault.exit_code
    except Exception as error:  # noqa: BLE001 -- the last resort: told, and kept whole in a file
        return _unexpected(error, options)


def _unexpected(error: Exception, options: Options) -> int:
    if options.debug:
        traceback.print_exc()
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    _tell(f"unexpected {summary} ({_keep_traceback()}): please report it with that file, or run it with --debug")
    return UNEXPECTED


def _tell(line: str) -> None:
    print(f"gridwatch: {line}", file=sys.stderr)


def _tell_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "gridwatch"
    if "\n" in message.strip():
        # A group called without a subcommand: the message is its help.
        print(message, file=sys.stderr)
    else:
        _tell(f"{message.rstrip('.')} ({path}): see {path} --help")
    return error.exit_code


def _keep_traceback() -> Path:
    from jobs.settings import default_cache

    directory = default_cache() / "errors"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.log"
    path.write_text(traceback.format_exc())
    return path
