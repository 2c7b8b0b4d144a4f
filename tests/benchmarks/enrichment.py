"""Calls that the description's hash saves among 1,000 postings, 40 % of which repeat another's text."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack

from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.postgres import connect
from chatserver.adapters.spend import EnrichmentBudget
from chatserver.core.draft import JobDraft, Posting
from chatserver.core.guides import Bill, EnricherKind, Guides, JobText
from chatserver.core.job_ports import Enrichment
from chatserver.core.offline_guides import compose
from chatserver.enrichment import Enriching, Forecast, Paid
from chatserver.jobs import SYSTEM_PROVIDER
from tests.benchmarks.servers import servers
from tests.embedders import HashedEmbedder

POSTINGS = 1_000
DISTINCT = 600
WORKERS = 8
CALL_SECONDS = 0.02
"""Of the model that is played here; a real one takes seconds."""
CALL_USD = 0.001
SENTENCE = "You plan the work of a small team, talk with clients and write down what was decided. "


class CountingEnricher:
    kind: EnricherKind = "anthropic"

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def ceiling_usd(self, job: JobText) -> float:
        return 8 * CALL_USD

    async def write(self, job: JobText, bill: Bill) -> Guides:
        self.asked[job.description] += 1
        await asyncio.sleep(CALL_SECONDS)
        bill.usd = CALL_USD
        return compose(job, ["Planning"])


async def measure() -> None:
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(servers())
        pool = await connect(own.database_url, size=WORKERS)
        stack.push_async_callback(pool.close)
        store, enrichments = PostgresJobs(pool), PostgresEnrichments(pool)
        budget = EnrichmentBudget(pool, day_usd=100)
        model, gazetteer = CountingEnricher(), await asyncio.to_thread(load_gazetteer)
        waiting: asyncio.Queue[Enrichment] = asyncio.Queue()
        # Repetitions beside each other, as a firm posts one text for many places: workers meet at them.
        texts = [f"Posting {n * DISTINCT // POSTINGS}. " + SENTENCE * 30 for n in range(POSTINGS)]
        for number, text in enumerate(texts):
            posting = Posting(JobDraft(f"Planner {number}", text, company_name="Alpha"), "alpha", "in", str(number))
            taken = await store.take_in(SYSTEM_PROVIDER, posting)
            assert taken is not None
            waiting.put_nowait(taken[1])
        estimate = await Forecast(enrichments, budget, "anthropic", 8 * CALL_USD).estimate()
        sent_away = 0

        async def work() -> None:
            nonlocal sent_away
            paid = Paid(model, enrichments, budget)
            worker = Enriching(store, OfflineEnricher(gazetteer), HashedEmbedder("hashed"), gazetteer, paid)
            while not waiting.empty():
                enrichment = waiting.get_nowait()
                if await worker.run(enrichment.job, enrichment.version) is not None:
                    sent_away += 1
                    waiting.put_nowait(enrichment)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(WORKERS)))
        seconds = time.perf_counter() - began
        spent = await budget.spent()
        active = await pool.fetchval("select count(*) from jobs where status = 'active'")
    calls = model.asked.total()
    print(f"{POSTINGS:,} postings with {DISTINCT:,} different descriptions, {WORKERS} workers")
    print(f"estimated before: {estimate.calls:,} calls, at most {estimate.expected_usd:.2f} USD")
    print(f"made: {calls:,} calls for {spent.spent_usd:.2f} USD; {1 - calls / POSTINGS:.0%} saved by the hash")
    print(f"descriptions paid for twice: {sum(asked > 1 for asked in model.asked.values())}")
    print(f"{active:,} jobs active after {seconds:.1f} s ({active / seconds:,.0f} a second beside the calls)")
    print(f"{sent_away:,} times a worker came while another wrote the same guides, and came again")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
