"""What is explored to the end: the small with every run of the tests, all by `python -m tests.protocol_model`."""

from tests.protocol_model.configuration import Command, Configuration

# What may befall a node befalls node 0 alone, so a command that is fixed to 0 or 1 is fixed to the one that is at risk
# or to the one that stays; where both matter it goes to either.
POST = Command("post", 1, (0,))
POST_ELSEWHERE = Command("post", 1, (1,))
ANOTHER_POST = Command("post", 2, (1,))
TAKE_OVER = Command("take_over", 1, (1,))
TAKE_OVER_ANYWHERE = Command("take_over", 1)
SECOND_ADMIN = Command("take_over", 2, (0,))
HAND_BACK = Command("hand_back", 1, (1,))
HAND_BACK_AT_RISK = Command("hand_back", 1, (0,))
CLOSE = Command("close", 1, (1,))
STOP = Command("stop", 0, (1,))
RETRY = Command("retry", 0, (1,))
RETRY_AT_RISK = Command("retry", 0, (0,))
RETRY_TWICE = Command("retry", 0, (1,), 2)
ASK_HUMAN = Command("ask_human", 0, (0,))
RENEW = Command("renew", 1, (1,))
ADMIN_POSTS = Command("admin_posts", 1, (1,))

SMALL = (
    Configuration("a takeover and a hand-back", (POST, TAKE_OVER, HAND_BACK), {"lost": 1, "wipe": 1}),
    Configuration("a death and a takeover", (POST, TAKE_OVER_ANYWHERE), {"crash": 1, "restart": 1, "wipe": 1}),
    Configuration("a node that hangs and comes back", (POST, TAKE_OVER), {"lapse": 1, "lost": 1}),
    Configuration("three deaths", (POST,), {"crash": 1, "forsake": 2}, attempts_max=3),
    Configuration("two questions", (POST, ANOTHER_POST), {"pad_unread": 1, "lost": 1}),
    Configuration("stopped, and retried by two", (POST, STOP, RETRY_TWICE), {"wipe": 1, "lost": 1}),
    Configuration("failed, and retried by two", (POST, RETRY_TWICE), {"fail": 1, "wipe": 1, "lost": 1}),
    Configuration("stopped, and another question", (POST, STOP, ANOTHER_POST)),
    Configuration("a tool and the seeker ask for a person", (POST, TAKE_OVER, ASK_HUMAN), {"tool": 1}),
    Configuration("a tool asks, and its answer dies", (POST,), {"tool": 1, "lapse": 1}),
    Configuration("closed", (POST, CLOSE, ASK_HUMAN), {"tool": 1, "lost": 1}),
    Configuration("an admin vanishes", (TAKE_OVER, POST, RENEW, ADMIN_POSTS), {"holder_gone": 1}),
    Configuration("an admin vanishes in mid-answer", (POST, TAKE_OVER), {"holder_gone": 1}),
    Configuration("one admin after the other", (TAKE_OVER, SECOND_ADMIN, HAND_BACK), {"holder_gone": 1}),
    Configuration("a node leaves", (POST, ANOTHER_POST), {"drain": 1}),
    Configuration("a node leaves and hangs", (POST,), {"drain": 1, "lapse": 1, "crash": 1, "unsent": 1}),
    Configuration("a node leaves, and is asked to retry", (POST, STOP, RETRY_AT_RISK), {"drain": 1}),
    Configuration("a node leaves, and is handed back to", (TAKE_OVER, POST, HAND_BACK_AT_RISK), {"drain": 1}),
    Configuration("an id given twice", (POST, POST_ELSEWHERE, STOP), {"crash": 1, "lost": 1}),
    Configuration("conversation_log", (POST, TAKE_OVER_ANYWHERE), {"crash": 1, "flush_skipped": 1}, flushes=True),
    Configuration("a bad wire", (POST,), {"lost": 1, "doubled": 1, "late": 1, "wipe": 1, "reconnect": 1}, tokens=2),
    Configuration("a bad way to the pad", (POST,), {"sent_twice": 1, "unsent": 1, "wipe": 1, "lost": 1}, tokens=2),
    Configuration("a death in mid-text", (POST,), {"lapse": 1, "lost": 1}, tokens=2),
    Configuration("two devices", (POST,), {"second_joins": 1, "reconnect": 1, "lost": 1}, tokens=2),
    Configuration("fences", (POST, ANOTHER_POST), {"wipe": 1}, fences=True),
    *(
        Configuration(f"near: {name}", commands, faults, tokens=3, near=True, screens=screens)
        for name, commands, faults, screens in (
            ("a takeover, cut by a pad that is behind", (POST, TAKE_OVER), {"pad_unread": 1, "lost": 1}, 1),
            ("a takeover, and the client moves", (POST, TAKE_OVER), {"moves": 1}, 1),
            ("a bad way to the pad", (POST,), {"unsent": 1, "sent_twice": 1, "wipe": 1}, 1),
            ("others listen, and are not counted", (POST,), {"uncounted": 1, "lost": 1}, 2),
            ("somebody asks for a person", (POST, ASK_HUMAN), {"tool": 1}, 1),
            ("its node leaves", (POST,), {"drain": 1}, 1),
        )
    ),
    *(
        Configuration(f"near: {name}", commands, faults, tokens=2, near=True, fences=fences)
        for name, commands, faults, fences in (
            ("the owner sleeps", (POST,), {"sleep": 1}, False),
            ("its node dies", (POST,), {"crash": 1, "restart": 1, "wipe": 1}, False),
            ("stopped, and retried", (POST, STOP, RETRY_AT_RISK), {"lost": 1}, False),
            ("fences and a takeover", (POST, TAKE_OVER), {"wipe": 1, "lost": 1}, True),
        )
    ),
)

LARGE = (
    Configuration("three deaths of all kinds", (POST,), {"crash": 1, "lapse": 2, "forsake": 1}, attempts_max=3),
    Configuration("a tool asks, taken over, forsaken", (POST, TAKE_OVER, ASK_HUMAN), {"tool": 1, "forsake": 1}),
    Configuration("two admins, handed back", (TAKE_OVER, SECOND_ADMIN, HAND_BACK, POST), {"holder_gone": 1}),
    Configuration("a takeover, a hand-back, deaths", (POST, TAKE_OVER, HAND_BACK), {"crash": 1, "lapse": 1, "wipe": 1}),
    Configuration("two questions and a takeover", (POST, ANOTHER_POST, TAKE_OVER), {"lost": 1, "wipe": 1}),
    Configuration("two questions on a node that hangs", (POST, ANOTHER_POST), {"lapse": 1, "lost": 1}),
    Configuration("failed in mid-death, retried by two", (POST, RETRY_TWICE), {"fail": 1, "lapse": 1}),
    Configuration("a tool and the seeker ask, and the answer dies", (POST, ASK_HUMAN), {"tool": 1, "lapse": 1}),
    Configuration("stopped, another question, retried", (POST, STOP, ANOTHER_POST, RETRY)),
    Configuration("stopped in mid-death, retried by two", (POST, STOP, RETRY_TWICE), {"lapse": 1, "crash": 1}),
    Configuration("failed, taken over, handed back", (POST, TAKE_OVER, HAND_BACK, RETRY_TWICE), {"fail": 1, "lost": 1}),
    Configuration("admins come and go", (TAKE_OVER, POST, SECOND_ADMIN, RENEW), {"holder_gone": 2}),
    Configuration("a node leaves, another question", (POST, ANOTHER_POST), {"drain": 1, "lapse": 1}),
    Configuration("a node leaves, and an admin vanishes", (TAKE_OVER, POST), {"drain": 1, "holder_gone": 1}),
    Configuration("two questions, a takeover, a hand-back", (POST, ANOTHER_POST, TAKE_OVER, HAND_BACK)),
    Configuration("a node leaves with everything", (POST, TAKE_OVER, HAND_BACK), {"drain": 1, "lost": 1}),
    Configuration("conversation_log, both ways", (POST, TAKE_OVER, HAND_BACK), {"crash": 1}, flushes=True),
    Configuration(
        "everything on the wire", (POST,), tokens=2,
        faults=dict.fromkeys(("lost", "doubled", "late", "sent_twice", "unsent", "wipe", "reconnect"), 1),
    ),
    Configuration("a bad wire and a death", (POST,), {"lost": 1, "late": 1, "wipe": 1, "lapse": 1}, tokens=2),
    Configuration("a new line and a death", (POST,), {"lost": 1, "reconnect": 1, "lapse": 1}, tokens=2),
    Configuration(
        "a bad wire and a takeover", (POST, TAKE_OVER), {"lost": 2, "late": 1, "wipe": 1, "reconnect": 1}, tokens=2
    ),
    Configuration("fences, a takeover, a hand-back", (POST, TAKE_OVER, HAND_BACK), {"wipe": 1, "lost": 1}, fences=True),
    Configuration("two devices and a death", (POST,), {"second_joins": 1, "lapse": 1}, tokens=2),
    *(
        Configuration(f"near: {name}", commands, faults, tokens=tokens, near=True)
        for name, commands, faults, tokens in (
            ("the owner sleeps, taken over", (POST, TAKE_OVER), {"sleep": 1, "wipe": 1}, 2),
            ("the owner sleeps, the pad is wiped", (POST,), {"sleep": 1, "wipe": 1, "lost": 1}, 2),
            ("the owner sleeps, stopped", (POST, STOP), {"sleep": 1, "moves": 1}, 2),
            ("the owner sleeps in a longer text", (POST,), {"sleep": 1, "lapse": 1}, 3),
            ("taken over, handed back", (POST, TAKE_OVER, HAND_BACK), {"lost": 1, "wipe": 1}, 2),
            ("two questions", (POST, ANOTHER_POST), {"moves": 1, "lost": 1}, 2),
            ("a second device joins, stopped", (POST, STOP), {"second_joins": 1, "wipe": 1}, 3),
            ("its node leaves, badly", (POST,), {"drain": 1, "unsent": 1, "wipe": 1}, 3),
        )
    ),
)  # fmt: skip
