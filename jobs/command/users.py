"""`gridwatch users`: who may use the console."""

from typing import Annotated

import typer

from jobs.command.context import say, settings_of

app = typer.Typer(no_args_is_help=True, epilog="Example: gridwatch users add anna --role operator")


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="How the person appears in events and in the audit log.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
) -> None:
    """Add a user, or give one a new token and role; the token is printed once and kept nowhere.

    Example: gridwatch users add anna --role operator
    """
    from jobs.console import users
    from schemas.errors import UsageFault, meant

    if role.upper() not in users.Role.__members__:
        words = [r.word for r in users.Role]
        raise UsageFault(f"no role {role!r}", "--role", meant(role, words, f"one of {', '.join(words)}"))
    path = settings_of(context).users_file
    token = users.add(path, name, users.Role[role.upper()])
    say(f"{name} is {role} in {path}; the token, shown once:")
    print(token)


@app.command("list")
def listed(context: typer.Context) -> None:
    """Show the users and their roles.

    Example: gridwatch users list
    """
    from jobs.console import users

    path = settings_of(context).users_file
    people = users.load(path).by_hash.values()
    for person in sorted(people, key=lambda p: p.name):
        print(f"{person.name}\t{person.role.word}")
    say(f"{len(people)} users in {path}")


@app.command("remove")
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(help="As `gridwatch users list` shows it.")]
) -> None:
    """Take a user away; what the person has done stays in the events.

    Example: gridwatch users remove anna
    """
    from jobs.console import users

    path = settings_of(context).users_file
    users.remove(path, name)
    say(f"{name} is no user any more ({path})")
