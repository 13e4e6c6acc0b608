from html.parser import HTMLParser

import pytest
from test_render import HOSTILE, annotation

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Entity, Label, Proposal, Span, Trace, Ungrounded, Verdict, Vote
from el4ner.decide import Decision
from el4ner.ensemble.costs import Cost
from el4ner.view.page import page

VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Checks that tags are balanced; collects tags and the text of marks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self._classes: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._places: list[list[tuple[str, str]]] = []  # where each of the words stands: tags and their classes
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self._classes.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._classes.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        self._places.append(list(self._classes))

    def within(self, tag: str, kind: str | None = None) -> list[str]:
        """What stands in elements of that tag, and of that class if one is given."""
        return [
            words
            for words, places in zip(self.words, self._places, strict=True)
            if any(name == tag and (kind is None or kind in classes.split()) for name, classes in places)
        ]

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


LABELS = [Label("person", "who"), Label('<img src=x onerror="alert(1)">', '"><script>')]


def test_page_holds_entities_votes_verdicts_and_costs() -> None:
    html = page(
        "demo", [annotation("Ada met Bob", ("Ada", "person"))], LABELS, ["one", "two"], [Cost("extract", "one", 3)]
    )
    read = Reader(html)
    [mark] = read.having("mark")
    assert mark["data-label"] == "person"
    assert "one: person 0.90" in (mark["title"] or "")
    assert "two: none 0.30" in (mark["title"] or "")
    assert "one: person? true 0.75" in (mark["title"] or "")
    assert "Where the time went" in read.words
    assert "1 not in the text" in html


def test_page_needs_nothing_else() -> None:
    html = page("demo", [annotation("Ada met Bob", ("Ada", "person"))], LABELS, ["one"])
    assert "http" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert not {tag for tag, _ in Reader(html).tags} & {"script", "link", "img", "iframe"}


def test_page_escapes_everything() -> None:
    found = annotation(HOSTILE + "<script>alert(1)</script>", ("Eve", LABELS[1].name), ("alert", "</style><script>"))
    html = page("</title><script>", [found], LABELS, ["one", "<script>"], [Cost("<script>", "&")], "<script>")
    read = Reader(html)
    assert not read.having("script")
    assert not read.having("img")
    assert "\x00" not in html
    assert "\x1b" not in html
    assert "<script>alert(1)</script>" in "".join(read.words)
    html.encode()


def test_direction_and_nothing_found() -> None:
    read = Reader(page("t", [Annotation("1", "سافرت ليلى", (), (), (), Decision()), annotation("")], [], []))
    texts = [attributes for attributes in read.having("p") if attributes.get("class") == "text"]
    assert [attributes["dir"] for attributes in texts] == ["auto", "auto"]


@pytest.mark.parametrize("other", [(0, 6), (2, 4), (3, 6), (1, 5)])
def test_marks_are_balanced_and_keep_the_text(other: tuple[int, int]) -> None:
    text = "ab<d&f"
    found = [Entity(s, e, text[s:e], label, 0.5, {}) for s, e, label in ((1, 4, "x"), (*other, "y"))]
    read = Reader(page("t", [Annotation("1", text, tuple(found), (), (), Decision())], [], []))
    assert "".join(read.within("p", "text")) == text
    assert {attributes["data-label"] for attributes in read.having("mark")} == {"x", "y"}


EVIL = "\"'><script>alert(1)</script></style>&amp;{{ 7 * 7 }}{% raw %}\x1b[31m\u202e\ud83d\x00"
CLEAN = "\"'><script>alert(1)</script></style>&amp;{{ 7 * 7 }}{% raw %}\u241b[31m\ufffd\ufffd\u2400"
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "dir", "title", "data-label", "aria-label"}


def assert_tame(html: str, read: Reader) -> None:
    """Whatever was given stands in the page as text, and nowhere as markup or as what a browser could obey."""
    html.encode()
    assert not {tag for tag, _ in read.tags} & {"script", "img", "link", "iframe"}
    assert {name for _, attributes in read.tags for name in attributes} <= ATTRIBUTES
    assert not set(html) & set("\x1b\u202e\x00")


def test_nothing_hostile_comes_through_from_any_place() -> None:
    proposal = Proposal(EVIL, EVIL, 0.5, 0.5)
    votes = (Vote(EVIL, EVIL, 0.9), Vote("two", None, abstained=EVIL))
    ballots = tuple(
        Ballot(Candidate(Span(*place), (proposal,)), votes, (Verdict(EVIL, EVIL, holds),))
        for place, holds in (((0, len(EVIL)), True), ((1, 4), False))
    )
    entity = Entity(0, len(EVIL), EVIL, EVIL, 0.5, {})
    trace = Trace({}, EVIL, (), {}, (Ungrounded("extract", EVIL, EVIL, EVIL),), (EVIL,))
    found = Annotation(EVIL, EVIL, (entity,), ballots, (trace,), Decision())
    html = page(EVIL, [found], [Label(EVIL, EVIL)], [EVIL, "two"], [Cost(EVIL, EVIL)], EVIL)
    read = Reader(html)
    assert_tame(html, read)
    for tag, kind in (("h1", None), ("p", "id"), ("p", "text"), ("li", "chip"), ("th", None), ("bdi", None)):
        assert CLEAN in "".join(read.within(tag, kind)), (tag, kind)
    for tag, kind in (("td", None), ("p", "quiet"), ("span", "chip"), ("title", None)):
        assert CLEAN in "".join(read.within(tag, kind)), (tag, kind)
    assert read.having("mark") == [{"class": "l0", "data-label": CLEAN, "title": read.having("mark")[0]["title"]}]
    assert f"{CLEAN}: {CLEAN} 0.90"[:60] in (read.having("mark")[0]["title"] or "")
    assert read.having("li")[0]["title"] == CLEAN


def test_both_schemes_are_styled() -> None:
    html = page("t", [], LABELS, [])
    assert "prefers-color-scheme: dark" in html
    assert "color-scheme: light dark" in html
