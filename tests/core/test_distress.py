"""Who speaks of their own death is found in the languages that seekers write; idioms, denials and work are let pass."""

import time

import pytest

from chatserver.core.distress import language_of_distress
from chatserver.core.system_texts import LANGUAGES, help_in_distress

FOUND = {
    "en": [
        "I want to die",
        "i wanna die",
        "I just want to die, nothing works",
        "thinking of suicide after this rejection",
        "I feel suicidal",
        "suicide",
        "i am having suicidal thoughts",
        "I\u2019m going to kill myself",
        "I can't take it anymore i want to kill myself",
        "kill myself",
        "I want to end my life",
        "I might end it all tonight",
        "I don't want to live anymore",
        "i dont want to be alive",
        "there is no reason to live",
        "everyone would be better off without me",
        "I wish I was dead",
        "I wish I had never been born",
        "I've been cutting myself again",
        "I want to hurt myself",
        "I don't know why I want to die",
        "I can't stop thinking about suicide",
        "I will take my own life",
        "suicide is the only option left",
        "i w\u200bant to d\u200bie",
        "મારે મરવું છે",
        "ನಾನು ಸಾಯಬೇಕು",
        "എനിക്ക് മരിക്കണം",
        "ਮੈਂ ਮਰਨਾ ਚਾਹੁੰਦਾ ਹਾਂ",
        "میں مرنا چاہتا ہوں",
    ],
    "hi": [
        "मैं आत्महत्या करना चाहता हूँ",
        "मुझे मर जाना है",
        "मैं मरना चाहती हूं",
        "जीने का मन नहीं करता",
        "अब जीना नहीं चाहता",
        "ख़ुदकुशी करने का मन है",
    ],
    "hi-Latn": [
        "main marna chahta hu",
        "mujhe jeena nahi chahta ab",
        "suicide kar lunga",
        "jeene ka mann nahi hai",
        "khudkushi karna chahti hu",
        "mar jaun to accha hai",
        "mujhe mar jana hai",
        "zindagi khatam karna chahta hoon",
        "apni jaan de dunga",
    ],
    "ta": [
        "நான் தற்கொலை செய்து கொள்ள போகிறேன்",
        "நான் சாக வேண்டும்",
        "வாழ பிடிக்கவில்லை",
        "naan saaganum",
    ],
    "te": [
        "నేను చనిపోవాలని అనుకుంటున్నాను",
        "ఆత్మహత్య చేసుకోవాలనిపిస్తుంది",
        "నాకు బతకాలని లేదు",
    ],
    "bn": [
        "আমি মরতে চাই",
        "আমি আত্মহত্যা করব",
        "আর বাঁচতে চাই না",
        "মরে যেতে ইচ্ছে করে",
        "ami morte chai",
    ],
    "mr": [
        "मला मरायचं आहे",
        "मला जगायचं नाही",
        "आत्महत्या करावीशी वाटते",
        "mala marayche aahe",
    ],
}

LET_PASS = [
    "my boss will kill me if I am late",
    "I will hurt me resume",
    "this job market is killing me",
    "The deadline kills me, why audit?",
    "How do I kill a process in Linux?",
    "kill -9 the worker",
    "I would kill for that job",
    "I'd die to work at Deloitte",
    "dying to join EY",
    "a job to die for",
    "my battery is about to die",
    "the app wants to die when I upload",
    "I am killing myself with work",
    "I'm killing myself to meet the deadline",
    "shoot myself in the foot",
    "I don't want to shoot myself in the foot",
    "cut myself some slack",
    "is it career suicide to leave after six months?",
    "I volunteered at a suicide prevention hotline for two years",
    "Suicide Squad was on TV",
    "I am not suicidal",
    "I don't want to die",
    "I would never kill myself",
    "no suicidal thoughts, just tired",
    "I don't want to live in Mumbai",
    "I do not want to live far from my parents",
    "can't live on this salary",
    "I hurt myself at work last year, hence the gap",
    "my father committed suicide, so there is a gap of a year",
    "drop-dead gorgeous design",
    "dead letter queue",
    "I want to die of embarrassment after that interview",
    "This is a dead end job, help me get out of it",
    "मुझे नौकरी चाहिए",
    "काम करते करते मर गया",
    "मैं मरना नहीं चाहता",
    "आत्महत्या रोकथाम केंद्र में काम किया",
    "मेरे भाई ने आत्महत्या कर ली थी",
    "kaam kar kar ke mar gaya yaar",
    "job nahi mil rahi, bhai mar gaye",
    "main marna nahi chahta",
    "தற்கொலை தடுப்பு மையத்தில் வேலை செய்தேன்",
    "ఆత్మహత్య నివారణ కేంద్రంలో పని చేశాను",
    "আত্মহত্যা প্রতিরোধ কেন্দ্রে কাজ করেছি",
    "आत्महत्या प्रतिबंध केंद्रात काम केले",
    "Which job fits me best?",
    "end-to-end testing of my life insurance product",
    "I want to end my contract",
    "We need to end it all by Friday, the migration I mean",
    "take my life to the next level",
    "I worked on self-harm prevention policy",
    "killer app, killing it at work",
    "I want to execute and kill child processes myself",
    "My commute is 40 kms",
    "I'm ready to die on this hill: tabs over spaces",
    "I will just hang up",
    "I will burn out at this pace",
    "suicide risk assessment is part of my nursing experience",
    "Bengaluru is where I want to live",
    "I think of myself as a leader",
    "hanging myself around with designers",
]


@pytest.mark.parametrize(("language", "said"), [(language, said) for language, all_ in FOUND.items() for said in all_])
def test_words_of_self_harm_are_found(language: str, said: str) -> None:
    assert language_of_distress(said) == language
    assert language_of_distress(f"Hello, I have a question. {said.upper()}! What do I do") == language
    assert language_of_distress(f"{'Thank you for the tips. ' * 300}{said}") == language


@pytest.mark.parametrize("said", LET_PASS)
def test_idioms_denials_and_work_are_let_pass(said: str) -> None:
    assert language_of_distress(said) is None


@pytest.mark.parametrize("before", range(360, 430, 3))
def test_nothing_is_overlooked_where_a_long_clause_is_parted(before: int) -> None:
    """Who is in despair sets no full stops."""
    told = "they never wrote back to me and the rent is due " * 10
    assert language_of_distress(f"{told[-before:]}i want to kill myself {told}") == "en"
    assert language_of_distress(f"{told[-before:]}i do not want to kill myself {told}") is None


def test_every_language_has_its_text_with_the_numbers() -> None:
    for language in LANGUAGES:
        for again in (False, True):
            said = help_in_distress(language, again=again)
            assert "112" in said.content
            assert "14416" in said.content
            assert said.meta["params"] == {"language": language, "numbers": ["112", "14416"]}
    assert set(FOUND) == set(LANGUAGES)


@pytest.mark.parametrize("made", ["i want to ", "a", "thinking about of to ", "not to be ", "i really ", "मर "])
def test_no_message_is_slow_to_look_through(made: str) -> None:
    """Twice the text takes about twice the time, not four times: nothing in the table backtracks without end."""
    before = time.process_time()
    language_of_distress((made * 8_000)[:8_000])
    assert time.process_time() - before < 1
