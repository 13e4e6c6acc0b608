from io import StringIO

import pytest
from rich.console import Console, RenderableType

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Example, Proposal, Shown, Span, Trace, Ungrounded, Verdict, Vote
from el4ner.decide import Decision, decide
from el4ner.ensemble.costs import Cost
from el4ner.pool.pool import Pool
from el4ner.text.marks import INK, Mark, marks, palette
from el4ner.text.printable import one_line, printable
from el4ner.view.explain import explain
from el4ner.view.render import cost_table, entity_table, highlight, legend, spent

HOSTILE = "[red]x[/red] \x1b[31mEve\x1b[0m \x00\x07\r\x9b \ud83d \u202eabc <b> :smile: [/]"


def printed(*parts: RenderableType, width: int = 100) -> str:
    stream = StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    for part in parts:
        console.print(part)
    return stream.getvalue()


def annotation(text: str, *found: tuple[str, str]) -> Annotation:
    ballots = tuple(ballot(text, mention, label) for mention, label in found)
    trace = Trace(
        {"one": tuple(b.candidate.span for b in ballots)},
        "pos",
        (Shown("x", 0.5),),
        {"one": 1, "two": 0},
        (Ungrounded("extract", "two", "Nowhere [bold]", "place"),),
        ("extract two: cut off",),
    )
    decision = Decision(overlap="all")
    return Annotation("t", text, decide(text, ballots, decision), ballots, (trace,), decision)


def ballot(text: str, mention: str, label: str) -> Ballot:
    at = text.index(mention)
    votes = (Vote("one", label, 0.9), Vote("two", None, 0.3), Vote("three", None, abstained="no answer [x]"))
    candidate = Candidate(Span(at, at + len(mention)), (Proposal("one", label, 0.8, 0.7),))
    return Ballot(candidate, votes, (Verdict("one", label, True, 0.75),))


def drawn(text: str, *spans: Span) -> str:
    signs = {"open": ("<", "~<"), "close": (">", ">~")}
    return "".join(m.text if m.kind == "text" else signs[m.kind][m.broken] for m in marks(text, spans))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((), "abcdef"),
        (((0, 6),), "<abcdef>"),
        (((0, 2), (2, 4)), "<ab><cd>ef"),
        (((1, 5), (2, 3)), "a<b<c>de>f"),
        (((0, 3), (0, 3)), "<<abc>>def"),
        (((0, 4), (2, 6)), "<ab<cd>~>~<ef>"),
        (((0, 3), (1, 5), (2, 6)), "<a<b<c>~>~>~<~<de>~>~<f>"),
    ],
)
def test_marks_nest_whatever_the_entities_do(spans: tuple[tuple[int, int], ...], expected: str) -> None:
    assert drawn("abcdef", *(Span(start, end, "x") for start, end in spans)) == expected


def test_marks_of_nothing() -> None:
    assert list(marks("", [])) == []
    assert list(marks("a", [])) == [Mark("text", "a")]


def test_printable_keeps_offsets_and_leaves_nothing_to_obey() -> None:
    safe = printable(HOSTILE + "\n\t")
    assert len(safe) == len(HOSTILE) + 2
    assert all(c in "\n\t" or c.isprintable() or c == "\ufffd" for c in safe)
    safe.encode()
    assert printable("Zoë 東京 👩‍🔬 e\u0301") == "Zoë 東京 👩‍🔬 e\u0301"


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\nb") == "a\u2424b"
    assert len(one_line("x" * 10_000, 60)) < 70


def test_palette_is_stable_distinct_and_legible() -> None:
    names = [f"label {i}" for i in range(20)]
    colours = palette(names)
    assert len(set(colours.values())) == 20
    assert palette([*names, "one more"])["label 3"] == colours["label 3"]
    assert min(contrast(colour, INK) for colour in colours.values()) >= 7
    assert palette([]) == {}


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_highlight_says_labels_without_colour() -> None:
    text = highlight("The University of Porto opened", [Span(4, 23, "org"), Span(18, 23, "place")], {})
    assert text.plain == "The [University of [Porto | place] | org] opened"


def test_highlight_colours_inner_over_outer() -> None:
    colours = palette(["org", "place"])
    text = highlight("University of Porto", [Span(0, 19, "org"), Span(14, 19, "place")], colours)
    at = text.plain.index("Porto")
    inner = [str(span.style) for span in text.spans if span.start <= at < span.end]
    assert any(colours["place"] in style for style in inner)


def test_hostile_text_does_no_harm() -> None:
    found = annotation(HOSTILE, ("Eve", "[bold]person[/bold]"), ("abc", "x\x1b]0;y\x07"))
    colours = palette(["[bold]person[/bold]"])
    members = ["one", "two", "[blink]three"]
    shown = printed(
        highlight(found.text, found.entities, colours),
        entity_table(found, members, colours),
        legend(colours),
        cost_table([Cost("[red]", "\x1b[31m")]),
        *explain(found, Pool.of([Example("x", HOSTILE, (Span(0, 1, "[b]"),))]), members, colours),
    )
    assert "\x1b[31m" not in shown
    assert "\x07" not in shown
    assert "[red]x[/red]" in shown
    assert "[bold]person[/bold]" in shown
    assert ":smile:" in shown
    shown.encode()


def test_entity_table_shows_votes_and_verdicts() -> None:
    found = annotation("Ada met Bob", ("Ada", "person"))
    shown = printed(entity_table(found, ["one", "two", "three"], {}))
    for piece in ("Ada", "person", "✓ 0.90", "none 0.30", "abstained", "verified", "yes"):
        assert piece in shown


def test_explain_names_every_stage() -> None:
    found = annotation("Ada met Bob", ("Ada", "person"), ("Bob", "person"))
    pool = Pool.of([Example("x", "Eve ran", (Span(0, 3, "person"),))])
    shown = printed(*explain(found, pool, ["one", "two", "three"], {}), width=160)
    for piece in (
        "weighed by part of speech",
        "[Eve | person] ran",
        "0.5000",
        "yes 0.80, person 0.70",
        "Nowhere [bold]",
    ):
        assert piece in shown
    for piece in ("extract two: cut off", "abstained: no answer [x]", "one: person? yes 0.75"):
        assert piece in shown


def test_explain_says_why_candidates_are_out() -> None:
    found = annotation("Ada met Bob", ("Ada", "person"), ("Ada met", "event"), ("Bob", "person"))
    pool = Pool.of([Example("x", "Eve ran", (Span(0, 3, "person"),))])
    decided = found.decide(overlap="flat")
    assert "overlaps a better one" in printed(*explain(decided, pool, ["one"], {}), width=200)
    assert "below the threshold" in printed(*explain(found.decide(threshold=0.99), pool, ["one"], {}), width=200)
    assert "too few members" in printed(*explain(found.decide(proposers=2), pool, ["one"], {}), width=200)


def test_explain_of_an_empty_text() -> None:
    found = Annotation("1", "", (), (), (), Decision())
    pool = Pool.of([Example("x", "Eve ran", (Span(0, 3, "person"),))])
    assert "none" in printed(*explain(found, pool, ["one"], {}))


def test_costs_fit_eighty_columns_and_leave_zeros_out() -> None:
    costs = [Cost("classify", "a-member", 1200, 0, 0, 1200, 1_234_567, 0, 65_432, 0, 12, 123.4) for _ in range(3)]
    shown = printed(cost_table(costs), width=80)
    assert "3,703,701" in shown
    assert "cut" in shown
    assert "repeated" not in shown
    assert "…" not in shown


def test_spent_without_time() -> None:
    assert "none of it outside" in spent(0.0, 0.0, 0.0)
    assert "50.0% of it outside" in spent(1.0, 2.0, 0.5)
