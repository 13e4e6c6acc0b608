"""What a check of a pool finds."""

import time

import pytest

from el4ner.data import Example, Label, Span
from el4ner.pool.check import LONG, LabelCount, Oddity, Severity, check
from el4ner.pool.pool import Pool


def example(id: str, text: str, *spans: tuple[int, int, str]) -> Example:
    return Example(id, text, tuple(Span(*span) for span in spans))


def enough(*labels: str) -> list[Example]:
    """Three clean examples of each label."""
    return [example(f"{label}-{n}", f"x{n} of {label}", (0, 2, label)) for label in labels for n in range(3)]


def findings(examples: list[Example], labels: list[Label] | None = None) -> tuple[Oddity, ...]:
    return check(Pool.of(examples, labels)).oddities


def test_a_clean_pool() -> None:
    assert findings([*enough("PER", "LOC"), example("none", "nothing")]) == ()


def test_counts() -> None:
    report = check(
        Pool.of(
            [
                example("1", "Bank of Oslo in Oslo", (0, 12, "ORG"), (8, 12, "LOC"), (16, 20, "LOC")),
                example("2", "a b c", (0, 3, "ORG"), (2, 5, "ORG")),
                example("3", "nothing"),
                example("4", "Oslo", (0, 4, "LOC"), (0, 4, "ORG")),
            ]
        )
    )
    assert report.labels == (LabelCount("ORG", 4, 3), LabelCount("LOC", 3, 2))
    assert (report.with_entities, report.without_entities) == (3, 1)
    assert (report.nested, report.overlapping) == (2, 1)


def test_rare_and_unused_labels() -> None:
    labels = [Label("PER"), Label("LOC"), Label("product")]
    rare, unused = findings([*enough("PER"), example("1", "Oslo", (0, 4, "LOC"))], labels)
    assert (rare.severity, rare.message) == (Severity.WARNING, "label 'LOC': only 1 example has it; add some")
    assert unused.severity is Severity.NOTE
    assert "'product': no example has it" in unused.message


def test_labels_that_look_alike() -> None:
    pairs = [
        ("Work of Art", "work-of-art"),
        ("products", "Product"),
        ("organisation", "organization"),
        ("cell_line", "cell_type"),
    ]
    found = [findings(enough(*pair)) for pair in pairs]
    assert [f.severity for fs in found for f in fs] == [Severity.WARNING, Severity.WARNING, Severity.NOTE]
    assert "'cell_line'" not in str(found)
    assert findings(enough("S", "_", "-")) == ()


def test_repeated_texts_and_ids() -> None:
    ada = example("a", "Ada ran", (0, 3, "PER"))
    same, other = example("b", "Ada ran", (0, 3, "PER")), example("a", "Ada ran")
    twice, again, conflict = findings([*enough("PER"), ada, same, other])
    assert twice == Oddity(Severity.WARNING, "a", "2 examples have this id; give each its own")
    assert again == Oddity(Severity.NOTE, "b", "repeats the text and the labels of 'a'")
    assert conflict == Oddity(Severity.WARNING, "a", "has the text of 'a' with other labels; make them agree")


def test_odd_spans() -> None:
    odd = example("odd", "Ada  Byron\nran", (0, 4, "PER"), (3, 5, "PER"), (5, 8, "PER"), (10, 14, "PER"))
    found = findings([*enough("PER"), odd])
    assert [(f.severity.value, f.example) for f in found] == [
        ("warning", "odd"),
        ("error", "odd"),
        ("warning", "odd"),
        ("warning", "odd"),
    ]
    assert [f.message.split(") ")[1].split(";")[0] for f in found] == [
        "begins or ends with white space",
        "is nothing but white space",
        "cuts through a word",
        "begins or ends with white space",
    ]
    assert found[2].message.startswith("'Byr' (PER, 5 to 8)")
    assert "\n" not in found[3].message


def test_chinese_has_no_words_to_cut() -> None:
    assert findings([*enough("LOC"), example("zh", "我爱北京市", (2, 4, "LOC"))]) == ()


def test_long_texts_and_mentions() -> None:
    text = "Ada " * 600
    long, cut = findings([*enough("PER"), example("long", text, (1, 199, "PER"))])
    assert len(text) > LONG
    assert long.message.startswith("2400 characters long")
    assert len(cut.message) < 120


@pytest.mark.parametrize(
    ("label", "alias"), [("none", "type_none"), ("Location (city)", "Location_city"), ("a;b", "a_b")]
)
def test_labels_that_models_are_shown_otherwise(label: str, alias: str) -> None:
    (found,) = findings(enough(label))
    assert found.severity is Severity.NOTE
    assert found.message.startswith(f"label {label!r}: models are shown {alias!r}")


def test_names_that_differ_in_their_numbers_are_meant() -> None:
    assert findings(enough("field 17", "field 18", "field 2")) == ()
    (found,) = findings(enough("organisation 1", "organization 2", "organization 3"))
    assert "'organisation 1' and 'organization 2': nearly the same" in found.message


def test_of_many_like_names_some_are_told_and_that_there_are_more() -> None:
    letters = "abcdefghijkl"
    names = [f"organisation of the {a}{b} kind" for a in letters for b in letters]
    *_, last, more = findings([example("1", "Oslo", (0, 4, "place")), *enough(*names)])
    assert "nearly the same name; are both meant?" in last.message
    assert more.message == "more than 50 pairs of labels have nearly the same name"


WORDS = (
    "river", "bank", "court", "army", "party", "music", "plant", "metal", "drink", "sport", "novel", "crime", "virus",
)  # fmt: skip


def test_ten_times_the_labels_and_examples_take_far_less_than_a_hundred_times_the_time() -> None:
    def seconds(count: int) -> float:
        names = [f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS][:: 2197 // count][:count]
        examples = [example(str(n), f"x{n} of it", (0, 2, names[n % count])) for n in range(5 * count)]
        pool = Pool.of(examples)
        began = time.perf_counter()
        report = check(pool)
        taken = time.perf_counter() - began
        assert len(report.labels) == count
        return taken

    assert seconds(1000) < max(2.0, 40 * seconds(100))


def test_words_that_carry_particles_may_be_cut_and_so_may_those_that_the_pool_cuts_as_a_habit() -> None:
    korean = Example("ko", "서울에서 삼성전자가 발표했다.", (Span(0, 2, "LOC"), Span(5, 9, "ORG")))
    assert not [o for o in check(Pool.of([korean])).oddities if "cuts through" in o.message]
    assert Pool.of([korean]).cut_scripts == {"HANGUL"}
    finnish = [Example(f"fi{n}", "Helsingissä on kylmä.", (Span(0, 8, "LOC"),)) for n in range(3)]
    assert Pool.of(finnish).cut_scripts == {"LATIN"}
    (told,) = [o for o in check(Pool.of(finnish)).oddities if "word" in o.message]
    assert told.message.startswith(
        "3 of 3 entities begin or end within a word (latin; 'Helsingi', followed by 'ssä on k'"
    )
    assert "are the ends inclusive?" in told.message
    slips = [*(Example(f"{n}", "Anna came.", (Span(0, 4, "PER"),)) for n in range(60)), finnish[0], finnish[1]]
    assert Pool.of(slips).cut_scripts == frozenset()
    assert len([o for o in check(Pool.of(slips)).oddities if "cuts through" in o.message]) == 2
