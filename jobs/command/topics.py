"""`gridwatch topics`: the topics on a broker of your own."""

import typer

from jobs.command.context import say, settings_of


def topics(context: typer.Context) -> None:
    """Create the Kafka topics that are missing on the broker of the settings; those that exist stay as they are.

    Needed once on a broker of your own: gridwatch up does it on the embedded one.

    Example: gridwatch topics
    """
    from infra.topics import create
    from jobs.connections import kafka_client

    settings = settings_of(context)
    created = create(
        kafka_client(settings), partitions=settings.kafka.partitions, replication=settings.kafka.replication
    )
    say(f"created: {', '.join(created) or 'nothing, all topics are there'}")
