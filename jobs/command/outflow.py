"""`gridwatch outflow`: incidents for other systems."""

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.command.context import say, settings_of

if TYPE_CHECKING:
    from jobs.outflow.message import Receiver
    from jobs.settings import Settings


def outflow(
    context: typer.Context,
    webhook: Annotated[str | None, typer.Option(help="Address to which each incident is posted.")] = None,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="To the topic incidents of the broker of the settings.")
    ] = False,
    syslog: Annotated[
        str | None, typer.Option(help="HOST:PORT of a syslog receiver: TCP; tls:// or udp:// before it for those.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="ocsf, stix or cef; default: cef by syslog, ocsf else.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when all has been sent.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Under which the position is kept; default: made of format and address.")
    ] = None,
) -> None:
    """Send every incident that is new or was changed to one receiver: opened, further alerts, steps of its life.

    At least once, and the states of an incident in their order. Killed at any moment, it takes up where it was: nothing that
    was acknowledged is sent again, nothing that was not is lost. A second one for the same receiver stands by.

    Example: gridwatch outflow --webhook https://siem.example.org/gridwatch

    Example: gridwatch outflow --syslog tls://siem.example.org:6514
    """
    import socket

    from infra.postgres import CONSOLE
    from jobs.connections import postgres_dsn
    from jobs.export.formats import FORMATS
    from jobs.outflow.run import Outflow, run
    from jobs.signals import stop_on_signals
    from schemas.errors import UsageFault, meant

    if (webhook is not None) + kafka + (syslog is not None) != 1:
        raise UsageFault("not one receiver", "--webhook, --kafka, --syslog", "name one of them; start one for each")
    chosen = form or ("cef" if syslog is not None else "ocsf")
    if chosen not in FORMATS:
        raise UsageFault(
            f"no format {chosen[:40]!r}", "--format", meant(chosen, FORMATS, f"one of {', '.join(FORMATS)}")
        )
    if syslog is not None and chosen != "cef":
        raise UsageFault("syslog carries lines", "--format", "cef; send the others to a webhook or to Kafka")
    settings = settings_of(context)
    what = Outflow(
        dsn=postgres_dsn(settings, CONSOLE),
        receiver=_receiver(settings, webhook, syslog, chosen),
        form=chosen,
        name=name,
        host=None if syslog is None else socket.gethostname(),
        until_end=once,
    )
    with stop_on_signals() as stop:
        run(what, stop, say)
    say(f"outflow: sent {what.sent}")


def _receiver(settings: "Settings", webhook: str | None, syslog: str | None, form: str) -> "Receiver":
    from jobs.outflow.message import KINDS

    own = settings.outflow
    if webhook is not None:
        from jobs.outflow.webhook import Target, Webhook

        secret, authorization = own.webhook_secret, own.authorization
        return Webhook(
            Target(
                webhook,
                KINDS[form],
                secret.get_secret_value() if secret else None,
                authorization.get_secret_value() if authorization else None,
                own.ca_file,
            )
        )
    if syslog is not None:
        from jobs.outflow.syslog import Syslog

        return Syslog(syslog, own.ca_file)
    return _topic(settings, KINDS[form])


def _topic(settings: "Settings", kind: str) -> "Receiver":
    from infra.reach import topics_of
    from jobs.connections import broker
    from jobs.outflow.topic import Topic
    from schemas.errors import RunFault
    from schemas.topics import INCIDENTS

    found = broker(settings)
    if INCIDENTS not in topics_of({"bootstrap.servers": found.bootstrap, **found.security}):
        raise RunFault(f"there is no topic {INCIDENTS}", found.bootstrap, "gridwatch topics creates it")
    return Topic(found, kind)
