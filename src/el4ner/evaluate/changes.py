"""What changed between two annotations of the same texts: entities that came, went, moved or got another type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from el4ner.annotation import Annotation
from el4ner.errors import DataError
from el4ner.evaluate.mistakes.match import Kind, Pair, match
from el4ner.evaluate.score import Mention
from el4ner.text.printable import one_line

_WORDS = {
    Kind.MISSED: "went",
    Kind.SPURIOUS: "came",
    Kind.TYPE: "retyped",
    Kind.BOUNDARY: "moved",
    Kind.BOTH: "moved and retyped",
}


def changes(old: Iterable[Annotation], new: Iterable[Annotation]) -> Iterator[tuple[str, str, tuple[Pair, ...]]]:
    """Id, text and the pairs of old and new entities (as `gold` and `found`) of every text that both hold.

    In the order of `new`. Raises `DataError` where a text stands in one only, twice in one, or under another's id.
    """
    before: dict[str, Annotation] = {}
    for annotation in old:
        if annotation.id in before:
            raise DataError(f"text {annotation.id!r} stands twice in the old file; give texts ids of their own")
        before[annotation.id] = annotation
    for annotation in new:
        past = before.pop(annotation.id, None)
        if past is None:
            raise DataError(f"text {annotation.id!r} is not in the old file, or twice in the new one")
        if past.text != annotation.text:
            raise DataError(f"text {annotation.id!r} is another text in the old file; compare the same texts")
        yield annotation.id, annotation.text, match(past.entities, annotation.entities)
    if before:
        raise DataError(f"{len(before)} texts of the old file are not in the new one, {next(iter(before))!r} first")


def changed(pairs: Iterable[Pair], text: str) -> Iterator[tuple[str, str]]:
    """What came, went, moved or changed its type in a text: in a word, and the line that tells it."""
    return (_words(pair, text) for pair in pairs if pair.kind is not None)


def _words(pair: Pair, text: str) -> tuple[str, str]:
    """What happened, in a word, and the line that tells it."""
    what = _WORDS[pair.kind] if pair.kind else "same"
    sides = [_mention(text, mention) for mention in (pair.gold, pair.found) if mention]
    return what, f"{what}: {' → '.join(sides)}"


def _mention(text: str, mention: Mention) -> str:
    surface, label = one_line(text[mention.start : mention.end], 60), one_line(mention.label or "")
    return f"{surface} ({label}) {mention.start}–{mention.end}"
