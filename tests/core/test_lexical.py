"""BM25 with what a corpus knows of words, and which texts are in another language than English."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.lexical import LANGUAGE_WORDS_MAX, QUERY_TERMS_MAX, Corpus, is_foreign, lexical_scores, terms


def test_terms_keep_the_signs_of_technical_names_and_drop_the_commonest_words() -> None:
    assert terms("The firm's C++ and C# of R&D at Node.js.") == ["firm", "c++", "c#", "r&d", "node.js"]


def test_words_that_a_stroke_joins_are_found_one_by_one() -> None:
    assert terms("Python/Java, end-to-end CI/CD, S/4HANA") == ["python", "java", "end", "end", "ci", "cd", "4hana"]


def test_rare_words_count_more_than_frequent_ones() -> None:
    documents = ["audit of banks", "audit of insurers", "audit of actuaries reserving"]
    scores = lexical_scores("audit reserving", documents)
    assert scores[2] > scores[0] == scores[1] > 0


def test_a_short_document_that_says_it_counts_more_than_a_long_one() -> None:
    short, long = lexical_scores("kafka", ["kafka streams", "kafka " + "and many other words about work " * 20])
    assert short > long > 0


def test_a_score_is_bm25_computed_by_hand() -> None:
    # Two documents of two words each: length normalisation is 1; the word is in one of them.
    scores = lexical_scores("kafka", ["kafka kafka", "redis queue"])
    weight = np.log(1 + 1.5 / 1.5)
    assert scores == pytest.approx([weight * 2 * 2.2 / (2 + 1.2), 0.0])


def test_without_documents_or_words_there_is_no_score() -> None:
    assert lexical_scores("audit", []) == []
    assert lexical_scores("", ["audit"]) == [0.0]
    assert lexical_scores("audit", ["", "the"]) == [0.0, 0.0]


def test_a_corpus_tells_common_words_from_rare_ones_where_the_candidates_cannot() -> None:
    documents = ["prepare ledgers", "reserving ledgers"]
    alike = lexical_scores("prepare reserving", documents)
    assert alike[0] == alike[1]
    told = lexical_scores("prepare reserving", documents, Corpus(900, {"prepare": 600, "reserving": 3}))
    assert told[1] > told[0] > 0


def test_a_word_that_the_corpus_does_not_know_is_as_rare_as_one_can_be() -> None:
    corpus = Corpus(900, {"prepare": 600, "audit": 2})
    assert corpus.rarity("kdb") > corpus.rarity("audit") > corpus.rarity("prepare") > 0


def test_of_a_long_query_the_commonest_terms_count() -> None:
    many = " ".join(f"word{n} word{n}" for n in range(QUERY_TERMS_MAX))
    assert lexical_scores(f"kdb {many}", ["kdb", "word7"])[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        "Wir suchen eine Beraterin für die Prüfung von Banken, mit Erfahrung in SAP und Freude an der Arbeit im Team.",
        "Nous cherchons un auditeur pour les banques de la région, avec une expérience du contrôle et des risques.",
        "Buscamos una persona para el equipo de auditoría, con experiencia en banca y con ganas de aprender.",
        "監査 の 経験 が ある 方 を 求め ます",
        "Мы ищем аудитора с опытом работы",
    ],
)
def test_another_language_is_known_by_its_commonest_words_or_its_script(text: str) -> None:
    assert is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Python jobs in Pune",
        "Java, Spring Boot, Hibernate, MySQL, Git, Jenkins, Tomcat",
        "Chef de partie at La Mer; worked with the pastry cook and for the sous chef de cuisine",
        "I have worked for a bank in Frankfurt, at Müller und Söhne, for three years, and speak some German",
    ],
)
def test_english_stays_english_with_foreign_names_in_it(text: str) -> None:
    assert not is_foreign(text)


def test_only_the_beginning_of_a_text_is_asked_for_its_language() -> None:
    assert not is_foreign("audit " * LANGUAGE_WORDS_MAX + "und der die das mit für eine")


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=5))
def test_every_document_has_a_finite_score_that_is_not_negative(query: str, documents: list[str]) -> None:
    scores = lexical_scores(query, documents)
    assert len(scores) == len(documents)
    assert all(np.isfinite(score) and score >= 0 for score in scores)
