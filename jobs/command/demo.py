"""`gridwatch demo`: the whole pipeline for about two minutes."""

from typing import Annotated

import typer

from jobs.command.context import settings_of


def demo(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=20, max=3600, help="Of traffic.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Of everything that the lab draws.")] = 7,
    keep: Annotated[bool, typer.Option("--keep", help="Leave broker, database and console running.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop what --keep left running, and end.")] = False,
) -> None:
    """Run everything on this machine: broker, database, lab, ingest, detection, landing; with attacks; then audit it.

    Fails where a ledger does not balance or an attack was missed.

    Example: gridwatch demo --seconds 60
    """
    from rich.console import Console

    from infra.stack import StackState
    from jobs.demo.run import embedded, play
    from jobs.demo.show import Watch, summary
    from schemas.errors import RunFault

    settings = settings_of(context)
    console = Console(highlight=False)
    directory = settings.run_dir / "demo"
    if stop:
        from jobs.demo.console import stop as stop_kept

        console.print("stopped" if stop_kept(directory, embedded(settings, directory)) else "nothing was running")
        return
    reader: list[StackState | None] = []

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]", soft_wrap=True)
        if not reader and (state := embedded(settings, directory).load()) is not None:
            reader.append(state)

    with Watch(console) as watch:
        result = play(settings, seconds, seed, say, watch.look, keep)
    state = reader[0] if reader else None
    dsn = f"postgresql://grafana@127.0.0.1:{state.postgres_port}/gridwatch" if state else "(see gridwatch status)"
    summary(console, str(directory), dsn, result, keep)
    missed = [attack.attack for attack, alert in result.attacks if alert is None]
    faults = result.faults + ([f"missed: {', '.join(missed)}"] if missed else [])
    if faults:
        raise RunFault("; ".join(faults), str(directory / "log"), "read the logs there, and report it")
