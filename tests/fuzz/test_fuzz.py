"""Ten thousand of the frames that `make fuzz` sends by the million; the seed is printed where it fails."""

import random
from pathlib import Path

import asyncpg
import msgspec

from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.core.codec import decode
from chatserver.core.errors import Refused
from chatserver.core.server_frames import Ok
from tests.fuzz.expected import expected, matches
from tests.fuzz.forge import Forge
from tests.fuzz.guest import Count
from tests.fuzz.house import a_node
from tests.fuzz.known import Known, Told
from tests.fuzz.people import People
from tests.fuzz.town import Fuzzing

FRAMES = 10_000
SEED = 20_261_130
DECODED = 3_000
DEEP = {
    "delta", "joined in mid-answer", "message interrupted", "status stopped of a running answer",
    "status taken_over of a running answer", "status handed_back", "status closed", "message of assistant",
    "message of admin", "note", "draft", "presence", "lobby_changed", "error conflict", "error not_holder",
    "error closed", "error not_found",
}  # fmt: skip
"""What only who says the right things in the right order comes to."""
REFLECTED = b'{"type":"' + b"x" * 100_000 + b'"}'


async def test_ten_thousand_hostile_frames_harm_nobody(database_url: str, redis_url: str, tmp_path: Path) -> None:
    database = await asyncpg.connect(database_url)
    try:
        async with a_node(database_url, redis_url, tmp_path) as node:
            people = People(database, DevelopmentIssuer(database_url), SEED)
            done = Fuzzing(people, node, SEED, Count(FRAMES), devices=1)
            print(await done.run())
    finally:
        await database.close()
    # That the frames are carried out, not merely sent: everybody gets somewhere, and some get too far.
    assert {"1000", "1002", "1009", "4400", "4401"} <= set(done.count.codes)
    assert not DEEP - {name for name, many in done.count.reached.items() if many}
    assert done.count.erased


def test_the_same_seed_makes_the_same_frames() -> None:
    known = Known(sessions={"0" * 32: Told()}, tokens=["t"], mark="m")

    def made() -> list[bytes]:
        forge = Forge(random.Random(7), Known(sessions={"0" * 32: Told()}, tokens=["t"], mark="m"))
        return [one for _ in range(200) for one in (forge.hostile(), forge.mutated(), forge.whole())]

    assert made() == made()
    forge = Forge(random.Random(8), known)
    for _ in range(DECODED):
        # Honest ones are understood, each kind of them: else nothing but the first door would be tried.
        decode(msgspec.json.encode(forge.honest()))


def test_whatever_comes_is_a_frame_or_refused() -> None:
    forge = Forge(random.Random(9), Known(sessions={"0" * 32: Told()}, tokens=["t"], mark="m"))
    understood = 0
    codes: set[str] = set()
    echoed: list[str] = []
    for _ in range(DECODED):
        for data in (forge.hostile(), forge.mutated(), forge.whole(), REFLECTED):
            try:
                decode(data)
                understood += 1
            except Refused as refused:
                codes.add(refused.code)
                told = refused.message
                # What was sent is not sent back: neither its size nor what a terminal might obey.
                if not (told.isprintable() and len(told) < 300):
                    echoed.append(told[:300])
    assert not echoed
    assert codes == {"bad_frame", "bad_content"}
    assert understood > DECODED / 20


def test_an_ok_without_a_ref_answers_no_frame_that_is_carried_out_without_a_word() -> None:
    session = "00000000-0000-4000-8000-000000000000"
    seen = expected(f'{{"type":"seen","session":"{session}","seq":1,"ref":null}}', "seeker", "t")
    unwatch = expected('{"type":"unwatch"}', "admin", "t")
    assert seen.may_be_silent
    assert matches(seen, "ok", Ok()) is not None
    assert matches(unwatch, "ok", Ok()) is None
