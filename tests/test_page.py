from html.parser import HTMLParser

import pytest
from test_render import HOSTILE, annotation

from el4ner.annotation import Annotation
from el4ner.data import Label, Span
from el4ner.decide import Decision
from el4ner.ensemble.costs import Cost
from el4ner.view.page import marked, page

VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Checks that tags are balanced; collects tags and the text of marks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

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
    read = Reader(marked("ab<d&f", [Span(1, 4, "x"), Span(*other, "y")], {}))
    assert "".join(read.words) == "ab<d&f"
    assert {attributes["data-label"] for attributes in read.having("mark")} == {"x", "y"}


def test_both_schemes_are_styled() -> None:
    html = page("t", [], LABELS, [])
    assert "prefers-color-scheme: dark" in html
    assert "color-scheme: light dark" in html
