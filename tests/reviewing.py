"""A review of some texts by a scripted model, for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from fakes import LABELS, Asked, FakeModel, LetterEncoder, ensemble, scripted

from el4ner.data import Document, Label, Span
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.review.judgement import Kind
from el4ner.review.reader import Reader
from el4ner.review.readings import Readings
from el4ner.review.review import Review, Said
from el4ner.review.worth import Sorting

NAMES = {"Ada": "person", "Bob": "person", "Rome": "location", "Oslo": "location", "Blue Owls": "group"}
TEXTS = (
    "Ada met Bob in Rome.",
    "🚀 Rome, said Ada 👩‍🚀 of the Blue Owls.",
    "רומא היא עיר Rome ואדה Ada שם.",
    "Nothing happened all day.",
    "Bob and the Blue Owls of Oslo.",
    "Oslo is north of Rome.",
)
_KEYS = count()


def named(asked: Asked) -> str:
    """Lists every name that it knows and that the text holds."""
    found = [f"{name} ({label})" for name, label in NAMES.items() if name in asked.text]
    return "; ".join(found) or "none"


def typed(asked: Asked) -> str:
    return NAMES.get(asked.span, "none")


def knowing() -> FakeModel:
    return scripted(named, typed)


def documents(texts: Sequence[str] = TEXTS) -> list[Document]:
    return [Document(f"t{number}", text) for number, text in enumerate(texts)]


def opener(*models: FakeModel) -> Callable[[Pool], EL4NER]:
    return lambda pool: ensemble(*models, pool=pool, retrieve={"by": "sentence"})


def review_of(
    pool: Path,
    texts: Sequence[str] = TEXTS,
    labels: Sequence[Label] | None = LABELS,
    sorting: Sorting = "given",
) -> Review:
    recipe = ensemble(knowing(), retrieve={"by": "sentence"}).recipe
    encoder = LetterEncoder()
    return Review(documents(texts), pool, labels, lambda held: Readings(held, recipe, encoder, sorting))


def reading(review: Review, *models: FakeModel) -> Reader:
    return Reader(review, opener(*(models or (knowing(),))), review.labels_file.with_name("rest.jsonl"))


def said(
    review: Review,
    ref: str,
    kind: Kind = "accept",
    *,
    key: str = "",
    entities: tuple[Span, ...] = (),
    suggested: Sequence[Sequence[Any]] | None = None,
    seconds: float = 1.0,
) -> Said:
    """A decision, on the pool as it is."""
    return Said(review.digest, key or f"{ref}-{next(_KEYS)}", ref, kind, entities, suggested, seconds)


def spans(text: str, **entities: str) -> tuple[Span, ...]:
    """The first mentions of `label="surface|surface"`."""
    return tuple(
        Span(text.index(surface), text.index(surface) + len(surface), label)
        for label, surfaces in entities.items()
        for surface in surfaces.split("|")
    )


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds, and fail if it never does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
