"""arq: the two queues, the names and payloads of what is in them, and how they are written down."""

import asyncio
import logging

import msgspec
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chatserver.adapters.redis_address import address
from chatserver.core.job_ports import Enrichment
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

WAITED_FOR_QUEUE = "ottobon:waited-for"
BULK_QUEUE = "ottobon:bulk"
ENRICH = "enrich"

EXPIRES_SECONDS = 3_600
"""What nobody took up by then is dropped; the sweep asks again for what is still wanted."""
ANSWER_SECONDS = 5.0
PUBLISHER_RETRIES = 1
WORKER_RETRIES = 60
"""Pauses grow to five seconds: a worker sits out five minutes without Redis, and then somebody starts it again."""
GOODBYE_SECONDS = 2.0
SAID_EVERY = 10

_encoder = msgspec.json.Encoder(enc_hook=lambda value: type(value).__name__)


def serialize(value: dict[str, object]) -> bytes:
    """JSON, not pickle: who can write to Redis must not run code here."""
    return _encoder.encode(value)


def deserialize(data: bytes) -> dict[str, object]:
    decoded: dict[str, object] = msgspec.json.decode(data)
    return decoded


class _SpokenBackoff(ExponentialBackoff):  # type: ignore[misc]
    """Says now and then that it waits."""

    def compute(self, failures: int) -> float:
        if failures % SAID_EVERY == 3:
            log.warning("Redis does not answer; this is try %d, more follow. Check REDIS_URL.", failures)
        pause: float = super().compute(failures)
        return pause


class QueueRedis(ArqRedis):
    """arq's client, which still calls a method that redis-py has renamed. Closing it closes its own pool."""

    async def aclose(self, close_connection_pool: bool | None = True) -> None:
        await super().aclose(close_connection_pool)

    async def close(self, close_connection_pool: bool | None = True) -> None:
        await self.aclose(close_connection_pool)

    async def delete(self, *names: bytes | str) -> int:
        """arq's last word is a key that expires anyhow; a worker that is told to go does not wait for Redis."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                return int(await super().delete(*names))
        except (RedisError, OSError):
            return 0


def queue_redis(url: str, *, queue: str, retries: int) -> QueueRedis:
    """Connects with the first command, so that it can be made before a loop runs."""
    pool = ConnectionPool.from_url(
        address(url),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(_SpokenBackoff(cap=5, base=0.1), retries),
        # A port that nobody listens on is an OSError until the connection gives up.
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
    )
    return QueueRedis(pool, job_serializer=serialize, job_deserializer=deserialize, default_queue_name=queue)


class ArqQueue:
    """The queue of `chatserver.jobs`."""

    def __init__(self, url: str) -> None:
        self._redis = queue_redis(url, queue=WAITED_FOR_QUEUE, retries=PUBLISHER_RETRIES)

    async def enrich(self, enrichment: Enrichment) -> None:
        try:
            await self._redis.enqueue_job(
                ENRICH,
                str(enrichment.job),
                enrichment.version,
                _job_id=f"{ENRICH}:{enrichment.job}:{enrichment.version}",
                _queue_name=BULK_QUEUE if enrichment.bulk else WAITED_FOR_QUEUE,
                _expires=EXPIRES_SECONDS,
            )
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis does not answer ({type(error).__name__})") from error

    async def aclose(self) -> None:
        await self._redis.aclose()
