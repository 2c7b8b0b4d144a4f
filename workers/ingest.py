"""`python -m workers.ingest [SOURCE …]`: runs sources here and now, with a bar for each board."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
from tqdm import tqdm

from chatserver import logs
from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.runs import RunStore
from chatserver.adapters.spend import EnrichmentBudget
from chatserver.core.guides import EnricherKind
from chatserver.core.ports import Unavailable
from chatserver.core.run import Run
from chatserver.enrichment import Forecast
from chatserver.settings import Settings, SettingsError
from workers.boards.config import BoardsError
from workers.building import build_ingestion, connected
from workers.ingestion import Ingestion

DONE, FAILED, USAGE = 0, 1, 2


class Bars:
    """One line a board on a terminal; one line per step elsewhere."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[object]] = {}

    def __call__(self, board: str, through: int, of: int | None, what: str) -> None:
        bar = self._bars.get(board)
        if bar is None:
            bar = self._bars[board] = tqdm(
                desc=board, unit=" postings", position=len(self._bars), file=sys.stderr, mininterval=0.5,
                disable=not sys.stderr.isatty(),
            )  # fmt: skip
        bar.total = of
        bar.n = through
        bar.set_postfix_str(what, refresh=False)
        bar.refresh()

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()


def told(run: Run) -> str:
    """A run and its boards as a person reads them."""
    counted = f"{run.jobs_fetched:,} postings, {run.jobs_new:,} new, {run.jobs_closed:,} closed, {run.errors:,} errors"
    lines = [f"{run.source_name}: {run.status}: {counted}{_because(run.detail)}"]
    for board in run.boards:
        counted = f"{board.jobs_fetched:,} postings, {board.jobs_new:,} new, {board.jobs_closed:,} closed"
        lines.append(f"  {board.board}: {board.status.replace('_', ' ')}: {counted}{_because(board.detail)}")
    return "\n".join(lines)


def _because(detail: str | None) -> str:
    return f". {detail}" if detail else ""


async def ingest(settings: Settings, sources: list[str]) -> int:
    async with AsyncExitStack() as stack:
        parts = await connected(settings, stack)
        bars = Bars()
        stack.callback(bars.close)
        ingestion = await build_ingestion(settings, parts, stack, bars)
        unknown = [source for source in sources if source not in ingestion.sources]
        if unknown:
            print(f"{unknown[0]} is no source; name one of {', '.join(ingestion.sources)}.", file=sys.stderr)
            return USAGE
        runs = RunStore(parts.pool)
        print(await waiting(settings, parts.pool))
        well = True
        for source in sources or list(ingestion.sources):
            well = await _one(ingestion, runs, source, bars) and well
    return DONE if well else FAILED


async def waiting(settings: Settings, pool: asyncpg.Pool) -> str:
    """What already waits for enrichment and what it may cost, before more is added to it."""
    kind: EnricherKind = "offline"
    dearest = 0.0
    if settings.anthropic_api_key:
        # The package takes a second to load.
        from chatserver.adapters.anthropic_enricher import dearest_usd

        kind, dearest = "anthropic", dearest_usd(settings.enrichment_model)
    budget = EnrichmentBudget(pool, day_usd=settings.budget_enrichment_day_usd)
    told = await Forecast(PostgresEnrichments(pool), budget, kind, dearest).estimate()
    most = "at most " if told.is_ceiling else "about "
    return (
        f"{told.jobs_waiting:,} jobs wait for enrichment, {told.known:,} of them with a description that is known: "
        f"{most}${told.expected_usd:.2f}, ${told.left_usd:.2f} of today's ${told.limit_usd:.2f} left."
    )


async def _one(ingestion: Ingestion, runs: RunStore, source: str, bars: Bars) -> bool:
    run: UUID | None = await ingestion.run(source)
    bars.close()
    if run is None:
        print(f"{source}: another worker is at it; `GET /api/admin/runs` says how far.", file=sys.stderr)
        return False
    done = await runs.one(run)
    print(told(done))
    return done.status == "completed"


def main() -> None:
    try:
        settings = Settings.from_env(os.environ)
        if not settings.database_url or not settings.redis_url:
            raise Unavailable("DATABASE_URL and REDIS_URL are not set; set them, or use `chatserver up`.")
        logs.configure("WARNING", settings.log_format, "ingest")
        code = asyncio.run(ingest(settings, sys.argv[1:]))
    except (SettingsError, BoardsError, Unavailable) as error:
        print(error, file=sys.stderr)
        code = FAILED
    except KeyboardInterrupt:
        print("Stopped; a bulk worker goes on with it, or start it again.", file=sys.stderr)
        code = FAILED
    raise SystemExit(code)


if __name__ == "__main__":
    main()
