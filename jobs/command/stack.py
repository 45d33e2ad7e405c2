"""`gridwatch up`, `down` and `status`: the embedded Kafka and PostgreSQL."""

from typing import Annotated

import typer

from jobs.command.context import say, settings_of
from schemas.errors import RunFault


def up(context: typer.Context) -> None:
    """Start the embedded Kafka and PostgreSQL, where they do not run yet, and wait until they answer.

    Kafka is fetched once. Logs and data lie in the run directory (setting run_dir, default var).

    Example: gridwatch up
    """
    import os

    from infra.java import ensure_java
    from jobs.connections import embedded_stack

    settings = settings_of(context)
    ensure_java(os.environ, say)
    stack = embedded_stack(settings)
    state = stack.up(say)
    typer.echo(f"Kafka       {state.bootstrap}  log {state.kafka.log}")
    typer.echo(f"PostgreSQL  127.0.0.1:{state.postgres_port}  log {state.postgres.log}")
    typer.echo(f"Passwords   {stack.passwords_file}")


def down(
    context: typer.Context,
    remove_data: Annotated[bool, typer.Option("--remove-data", help="Delete all that they stored, too.")] = False,
) -> None:
    """Stop the embedded Kafka and PostgreSQL; only the processes that gridwatch up started.

    Example: gridwatch down --remove-data
    """
    from jobs.connections import embedded_stack

    stack = embedded_stack(settings_of(context))
    typer.echo("stopped" if stack.down(say) else "nothing was running")
    if remove_data:
        stack.remove()
        typer.echo("removed their data")


def status(context: typer.Context) -> None:
    """Say what of the embedded stack runs and answers; the exit code is 4 when something that should does not.

    Example: gridwatch status
    """
    from jobs.connections import embedded_stack

    stack = embedded_stack(settings_of(context))
    parts = stack.status()
    if not parts:
        typer.echo("down")
    for part in parts:
        word = "answers" if part.answers else "DOES NOT ANSWER"
        typer.echo(f"{part.name:<11} {word}  {part.address}  pid {part.pid}  log {part.log}")
    silent = [part for part in parts if not part.answers]
    if silent:
        raise RunFault(f"{silent[0].name} does not answer", silent[0].log, "read its log, then gridwatch down and up")
