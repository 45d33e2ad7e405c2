"""Working on through outages of PostgreSQL: what `land` and `observe` share."""

import threading
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from schemas.errors import RunFault

#: First and longest wait (s) between two attempts to reach PostgreSQL.
BACKOFF_S: Final = (0.5, 30.0)


def through_outages(
    connect: Callable[[], bool],
    work: Callable[[], None],
    disconnect: Callable[[], None],
    dsn: str,
    stop: threading.Event,
    say: Callable[[str], None],
) -> None:
    """Connect and work, until the work is done or told to stop; after a lost connection, again.

    Args:
        connect: False while another process is at work: it has waited then.
        work: from the positions that PostgreSQL has.
        disconnect: lets go of what is left of the connections.
        dsn: PostgreSQL, as it is told to people.
        stop: ends it.
        say: takes lines of progress.

    Raises:
        RunFault: PostgreSQL refuses what is asked of it; that it is away is waited for.
    """
    backoff = BACKOFF_S[0]
    while not stop.is_set():
        try:
            if not connect():
                continue
            backoff = BACKOFF_S[0]
            work()
            return
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            disconnect()
            say(
                f"no connection to PostgreSQL at {address(dsn)} (postgres.dsn): {_reason(error)}; "
                f"next attempt in {backoff:g} s"
            )
            stop.wait(backoff)
            backoff = min(2 * backoff, BACKOFF_S[1])
        except psycopg.ProgrammingError as error:
            remedy = "gridwatch database gives the roles their rights"
            raise RunFault(f"PostgreSQL refuses: {_reason(error)}", address(dsn), remedy) from error


def address(dsn: str) -> str:
    """Host, port and database of a connection string, without its password."""
    parts = conninfo_to_dict(dsn)
    return f"{parts.get('host', 'local socket')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _reason(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
