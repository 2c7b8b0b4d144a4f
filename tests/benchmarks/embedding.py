"""How many texts a second all-MiniLM-L6-v2 reads on this machine, and how long one short question waits for it."""

import asyncio
import statistics
import time

from chatserver.adapters.minilm import MiniLM

REPEATS = 5
QUERIES = 50
WORDS = "You plan the audit of a client, talk with its people, test its controls and write down what you found. "


def text(words: int, number: int) -> str:
    return " ".join([f"Case {number}.", *(WORDS * (1 + words // 20)).split()[:words]])


async def measure() -> None:
    started = time.perf_counter()
    model = MiniLM()
    print(f"load {time.perf_counter() - started:.2f} s")
    await model.warm()
    for name, words, many in (("a title", 6, 512), ("a paragraph", 60, 128), ("a full chunk (256 tokens)", 300, 64)):
        rates, processor = [], []
        for repeat in range(REPEATS):
            texts = [text(words, repeat * many + number) for number in range(many)]
            wall, own = time.perf_counter(), time.process_time()
            await model.embed(texts)
            rates.append(many / (time.perf_counter() - wall))
            processor.append((time.process_time() - own) / many * 1e3)
        print(
            f"{name:26} {statistics.median(rates):7.1f} texts/s (least {min(rates):.1f}), "
            f"{statistics.median(processor):.1f} ms of processor each"
        )
    waits = []
    for number in range(QUERIES):
        wall = time.perf_counter()
        await model.embed([f"Which of these jobs ask for Python and audit, number {number}?"])
        waits.append((time.perf_counter() - wall) * 1e3)
    waits.sort()
    print(f"{'one question, alone':26} {statistics.median(waits):7.1f} ms, p95 {waits[int(QUERIES * 0.95)]:.1f} ms")


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
