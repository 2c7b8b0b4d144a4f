"""What goes wrong first without each rule, and the rules that only make things quicker or cheaper."""

from dataclasses import dataclass, field
from typing import Any

from tests.protocol_model.configuration import Command, Configuration
from tests.protocol_model.configurations import (
    ADMIN_POSTS,
    ANOTHER_POST,
    ASK_HUMAN,
    HAND_BACK,
    POST,
    POST_ELSEWHERE,
    RENEW,
    RETRY_TWICE,
    SECOND_ADMIN,
    STOP,
    TAKE_OVER,
)
from tests.protocol_model.rules import without

ANOTHERS_HAND_BACK = Command("hand_back", 2, (0,))
ANOTHERS_RENEWAL = Command("renew", 2, (0,))
POST_AT_ONCE = Command("post", 2, (0,))


@dataclass(frozen=True, slots=True)
class Ablation:
    """Rules left out together, which promise then breaks, and within how many steps of a configuration."""

    rules: str
    promise: str
    steps: int
    commands: tuple[Command, ...]
    faults: dict[str, int] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def configuration(self) -> Configuration:
        return Configuration(self.rules, self.commands, self.faults, without(*self.rules.split()), **self.more)


ONE, TAKEN, TWO = (POST,), (POST, TAKE_OVER), (POST, ANOTHER_POST)
BAD_WAY = {"unsent": 1, "sent_twice": 1, "wipe": 1}
LAPSE, DRAIN, BOTH, GONE = {"lapse": 1}, {"drain": 1}, {"drain": 1, "lapse": 1}, {"holder_gone": 1}
LONGER: dict[str, Any] = {"tokens": 2}
LOGGED: dict[str, Any] = {"flushes": True}
NEAR: dict[str, Any] = {"tokens": 2, "near": True}

NEEDED = (
    # Writing
    Ablation("finish_checks_that_it_runs finish_checks_the_turn", "P1: an answer after", 6, TAKEN),
    Ablation("finish_checks_the_turn", "P2: an answer of an older turn", 10, ONE, LAPSE),
    Ablation("finish_raises_the_turn", "P2: text of a turn that is over", 8, ONE),
    Ablation("fail_checks_the_turn", "P6", 7, ONE, {"lapse": 1, "fail": 1}),
    Ablation("fail_leaves_a_word", "P11: a question is left", 6, ONE, {"fail": 1}),
    Ablation("take_over_raises_the_turn", "P2: text after a takeover", 9, TAKEN),
    Ablation("take_over_leaves_the_queue", "P13: a session waits", 3, (ASK_HUMAN, TAKE_OVER)),
    Ablation("take_over_respects_the_holder", "P14: an admin took", 4, (TAKE_OVER, SECOND_ADMIN)),
    Ablation("hand_back_respects_the_holder", "P14: a session was handed back", 3, (TAKE_OVER, ANOTHERS_HAND_BACK)),
    Ablation("reap_raises_the_turn", "P4", 11, ONE, LAPSE),
    Ablation("reap_judges_again_under_the_lock", "P11: an answer was given up", 7, ONE, LAPSE),
    Ablation("somebody_reaps", "P5: an answer that nobody writes", 6, ONE, {"crash": 1}),
    Ablation("only_the_assistants_session_claims", "P1: an answer runs under a person", 4, (TAKE_OVER, POST)),
    Ablation("an_interrupted_text_is_no_answer", "P11: a question is left", 14, (*TAKEN, HAND_BACK)),
    Ablation("stopped_is_settled", "P9: an answer after a stop", 10, (POST, STOP, TAKE_OVER, HAND_BACK)),
    Ablation("stop_checks_the_turn", "P9: a stop took", 7, (POST, STOP, POST_AT_ONCE)),
    Ablation("stop_knows_the_first_turn", "P9: what was stopped goes on", 8, (POST, STOP), LAPSE),
    Ablation("retry_checks_what_last_raised_the_turn", "P10", 10, (POST, RETRY_TWICE), {"fail": 1}),
    Ablation("asking_keeps_the_turn", "P11: an answer was given up", 9, ONE, {"tool": 1, "lapse": 1}),
    Ablation("asking_keeps_the_turn", "P11: an answer was given up", 9, (POST, ASK_HUMAN), LAPSE),
    Ablation("asking_is_void_under_a_person", "P13: a session waits", 3, (TAKE_OVER, ASK_HUMAN)),
    Ablation("a_tool_names_its_turn", "P13: a tool asked", 5, TWO, {"tool": 1}),
    Ablation("cut_takes_the_pad_of_the_running_turn", "P6", 9, (*TWO, TAKE_OVER)),
    Ablation("ok_after_the_commit", "P7", 1, ONE),
    Ablation("post_looks_again_under_the_lock", "P8", 4, (POST, POST_ELSEWHERE)),
    # Leases
    Ablation("renews_only_what_it_runs", "P5: an answer that nobody writes", 5, ONE, {"forsake": 1}),
    Ablation("an_owner_is_one_process renews_only_what_it_runs", "P5", 6, ONE, {"crash": 1, "restart": 1}),
    Ablation("what_was_given_up_is_not_renewed renews_only_what_it_runs", "P5", 6, ONE, DRAIN),
    Ablation("leaving_claims_for_others", "P11: an answer was given up", 9, ONE, BOTH),
    Ablation("leaving_claims_for_others renews_only_what_it_runs", "P5", 5, ONE, DRAIN),
    Ablation("leaving_reaps_nothing", "P5: an answer is handed round for ever", 15, ONE, DRAIN, {"turns_max": 6}),
    Ablation("leaving_reaps_nothing leaving_reaps_for_others", "P11: an answer was given up", 11, ONE, DRAIN),
    Ablation("leaving_reaps_nothing leaving_reaps_for_others renews_only_what_it_runs", "P5", 8, ONE, DRAIN),
    Ablation("leaving_reaps_for_others", "P11: an answer was given up", 9, ONE, BOTH),
    Ablation("leaving_gives_up_its_leases", "P11: an answer was given up", 10, ONE, BOTH),
    Ablation("handing_over_is_no_attempt", "P11: an answer was given up", 8, ONE, BOTH),
    Ablation("system_hands_back", "P14: a message waits", 9, (TAKE_OVER, POST), GONE),
    Ablation("system_judges_again_under_the_lock", "P14: a session was handed back", 8, (TAKE_OVER, POST, RENEW), GONE),
    Ablation("overdue_sees_past_an_interrupted_text", "P14: a message waits", 13, TAKEN, GONE),
    Ablation("only_the_holder_renews", "P14: a message waits", 9, (TAKE_OVER, POST, ANOTHERS_RENEWAL), GONE),
    # conversation_log
    Ablation("flush_goes_on_from_logged_seq", "P12", 10, TAKEN, more=LOGGED),
    Ablation("others_sweep_what_a_dead_node_left", "P12", 7, ONE, {"crash": 1}, LOGGED),
    # The scratch pad
    Ablation("script_compares_turns", "P4", 14, ONE, LAPSE, LONGER),
    Ablation("script_compares_offsets", "P4", 8, ONE, {"sent_twice": 1}),
    # What is shown near its writer: each connection's own judgement is what keeps the promises
    Ablation("near_text_is_judged_by_its_place", "P4", 8, ONE, more=NEAR),
    Ablation("near_text_is_judged_by_its_turn", "P4", 13, ONE, LAPSE, NEAR),
    Ablation(
        "near_text_is_judged_by_its_turn near_waits_for_the_first_word_of_the_pad", "P2: text", 8, TAKEN, more=NEAR
    ),
    Ablation("older_turns_are_dropped near_only_while_fresh", "P2", 13, TAKEN, {"sleep": 1}, NEAR),
    Ablation("script_compares_offsets", "P4", 9, ONE, {"unsent": 1}, {**NEAR, "tokens": 3}),
    # Receiving
    Ablation("seen_events_are_dropped", "P3", 5, ONE, {"doubled": 1}),
    Ablation("gap_is_filled_from_the_log", "P3", 7, (TAKE_OVER, ADMIN_POSTS), {"lost": 1}),
    Ablation("older_turns_are_dropped", "P2", 10, TWO),
    Ablation("higher_turn_reads_the_log", "P2: text after a takeover", 12, (*TAKEN, HAND_BACK), {"lost": 1}),
    Ablation("offsets_are_checked", "P4", 9, ONE, more=LONGER),
    Ablation("pad_is_judged_when_read", "P2", 8, TAKEN),
    Ablation("join_compares_the_pads_turn", "P4: the text is that of another turn", 10, TWO, {"reconnect": 1}),
    Ablation("growing_turn_empties_the_text", "P4", 18, ONE, LAPSE, LONGER),
    Ablation("positions_are_checked", "P5: a connection is left behind", 10, ONE, {"lost": 1}),
    Ablation("join_reads_again_once_it_listens positions_are_checked", "P5", 10, ONE, {"reconnect": 1}),
    Ablation("each_connection_has_its_own_place", "P3", 4, ONE, {"second_joins": 1}),
)

ONLY_QUICKER = (
    # The turn says it too: it goes on whenever an answer ends.
    Ablation("finish_checks_that_it_runs", "", 0, TAKEN, LAPSE),
    # Nothing of an older turn is stored or shown, whoever goes on writing it: these save money.
    Ablation("refusal_stops_the_owner", "", 0, ONE, LAPSE, {"tokens": 2, "fences": True}),
    Ablation("a_change_cuts_its_nodes_own_tasks", "", 0, (POST, POST_AT_ONCE, TAKE_OVER)),
    # Given that a lease is renewed for what runs here alone.
    Ablation("an_owner_is_one_process", "", 0, ONE, {"crash": 1, "restart": 1}),
    Ablation("what_was_given_up_is_not_renewed", "", 0, ONE, BOTH),
    # Given that whoever runs out of its lease is void anyway.
    Ablation("leaving_ends_its_tasks_first", "", 0, ONE, BOTH),
    # A lost piece of text comes with the next whole one, at the latest with the message.
    Ablation("gap_in_the_text_reads_the_pad", "", 0, ONE, {"lost": 1, "wipe": 1}, LONGER),
    # What is shown may then become shorter for a moment, and stays the beginning of the same text.
    Ablation("replace_never_shrinks", "", 0, ONE, {"sent_twice": 2, "wipe": 1, "lost": 1}, LONGER),
    Ablation("shorter_rebase_is_dropped", "", 0, ONE, {"sent_twice": 1, "wipe": 1, "late": 1, "lost": 1}, LONGER),
    # Near: who has not heard of a takeover is shown text before it, as over a slow wire; who has heard drops it. That a
    # process which slept asks the pad first, and that the pad has to agree to the beginning, spares people text of an
    # answer that is over already. It is a kindness, which ends with a wiped pad anyway.
    Ablation("near_only_while_fresh", "", 0, TAKEN, {"sleep": 1}, NEAR),
    Ablation("near_waits_for_the_first_word_of_the_pad", "", 0, TAKEN, {"wipe": 1, "lost": 1, "unsent": 1}, NEAR),
    # Whatever the pad lacks is asked for with the next delta, as a whole.
    Ablation("a_drop_ends_the_front a_wish_for_the_whole_ends_the_front", "", 0, ONE, BAD_WAY, {**NEAR, "tokens": 3}),
    # Others then see nothing before the message.
    Ablation("near_text_goes_to_others_too", "", 0, ONE, {"lost": 1}, {**NEAR, "screens": 2}),
    # Given the position check.
    Ablation("join_reads_again_once_it_listens", "", 0, ONE, {"lost": 1, "reconnect": 1}),
)
