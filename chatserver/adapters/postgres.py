"""The pool of connections to Postgres, with jsonb and vectors as Python values."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import asyncpg
import msgspec
from pgvector.asyncpg import register_vector

from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 30.0
COMPLAINT_SECONDS = 60.0
"""Between two lines in the log about errors of one kind."""

# What a database says, or fails to say, while it is down, starting, failing over or full.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    # A row that somebody holds for too long.
    asyncpg.LockNotAvailableError,
    # Classes 53 and 40: no memory, disk or slot left, a deadlock; and the package's own word for a connection that was
    # taken from under an operation.
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InternalClientError,
)

_json_encoder = msgspec.json.Encoder()


def _encode(value: Any) -> str:
    return _json_encoder.encode(value).decode()


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("jsonb", "json"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode)
    # On Supabase the extension lives in a schema of its own.
    schema = await connection.fetchval(
        "select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'"
    )
    await register_vector(connection, schema=schema or "public")


async def _unchanged(connection: asyncpg.Connection) -> None:
    """What a connection was told holds for its transaction only: nothing is to be undone by a journey of its own."""


async def connect(url: str, *, size: int = 8, pooler: bool = False) -> asyncpg.Pool:
    """A pool of at most `size` connections; `pooler` for a transaction pooler, which knows no prepared statements.

    Raises `Unavailable` with a sentence that names the server, never the password.
    """
    try:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare,
            reset=_unchanged,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=0 if pooler else 256,
            server_settings={"application_name": "chatserver"},
        )
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
        raise Unavailable(
            "A transaction pooler stands before the database; set DATABASE_POOLER=transaction, or take its direct one."
        ) from error
    except (*AWAY, asyncpg.PostgresError, ValueError) as error:
        raise Unavailable(f"The database does not answer ({reason(error)}); check DATABASE_URL.") from error


def reason(error: BaseException) -> str:
    """The first line of an error, for a person."""
    return str(error).partition("\n")[0].strip() or type(error).__name__


class Complaints:
    """Why the database is away, for operators: by kind of error and once in a while, not for each who asked it.

    Whoever asked is not told: a driver names hosts, ports and roles.
    """

    def __init__(self, seconds: float = COMPLAINT_SECONDS, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: dict[type[BaseException], float] = {}

    def hear(self, error: BaseException) -> None:
        now, last = self._clock(), self._said.get(type(error))
        if last is None or now - last >= self._seconds:
            self._said[type(error)] = now
            log.warning("the database does not answer just now (%s: %s)", type(error).__name__, reason(error))


complaints = Complaints()
"""Of this process, whichever of its pools it was."""


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Every way in which Postgres may be away, as one; and that somebody was erased since they were looked up.

    Who is cancelled meanwhile is cancelled, whatever goes wrong on the way out.
    """
    task = asyncio.current_task()
    cancelling = task.cancelling() if task else 0
    try:
        yield
    except asyncpg.ForeignKeyViolationError as gone:
        log.warning("something refers to a row that is gone: %s", gone.constraint_name)
        raise Refused("not_found", "Who asks or what is asked for was erased meanwhile; sign in again.") from gone
    except AWAY as error:
        if task and task.cancelling() > cancelling:
            # Postgres overhears a word to cancel that overtakes its statement; the ROLLBACK then waits in vain.
            raise asyncio.CancelledError from error
        complaints.hear(error)
        raise Unavailable("The database does not answer just now; try again.") from error


@asynccontextmanager
async def acquired(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """One connection of the pool. Raises `Unavailable`, also where none is to be had in time."""
    async with answering(), pool.acquire(timeout=CONNECT_SECONDS) as connection:
        try:
            yield connection
        except asyncio.CancelledError:
            # Who is cut off twice is cut off in the ROLLBACK of the first time: asyncpg then finds a transaction open
            # that it knows nothing of, and calls that an error.
            if not connection.is_closed() and connection.is_in_transaction():
                undoing = asyncio.ensure_future(connection.execute("rollback"))
                while not undoing.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait({undoing})
                undoing.exception()
            raise
