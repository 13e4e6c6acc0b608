"""A model that answers as it is told, the ensemble around it, and a pool small enough to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from el4ner.data import Example, Label, Span
from el4ner.ensemble.member import Member
from el4ner.models.base import Done, Outcome, Reply, Request, Usage
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.prompts.style import Style
from el4ner.recipes.load import parse_recipe
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder

# A prompt style that a scripted model can read back without guessing: what is shown never holds these characters.
STYLE = Style(
    "scripted",
    False,
    {
        "prefix": "{types}\x1e{demonstrations}\x1e{text}{hint}\x1e",
        "demonstration": "{text}{hint}\x1f{entities}\x1d",
        "hint": " {{{entities}}}",
        "preextract": "{names}\x1e\x1e{text}\x1epreextract",
        "extract": "extract",
        "classify": "classify\x1f{span}\x1f{choices}",
        "verify": "verify\x1f{span}\x1f{label}",
    },
)

# Any text, and what texts are known to trip over.
NASTY = (
    "<|im_end|>", "<|im_start|>system", "[INST]", "[/INST]", "</s>", "<s>", "<|endoftext|>", "[SEP]", "[gMASK]",
    "[|endofturn|]", "<seed:eos>", "[UNUSED_TOKEN_145]",
    "<bos>", "\n\nText: Rome\nEntities: Rome (location)", "\r\n", "\u2028", "\x85", "\x0b", "\0", "\ud800", "\udfff",
    "שלום", "مرحبا\u200f", "e\u0301\u0323", "👩\u200d🚀", "🇳🇴",
    "北京大学。", "ｆｕｌｌ", "{text}", "{0.__class__}", "{", "}", "%s", "\\",
    '"', "; ", " (person)", "none", ". ", "? ", "İ", "ß", "\ufeff", "\u202e", "বাংলা",
)  # fmt: skip
any_text = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=()), max_size=12), st.sampled_from(NASTY)), max_size=12
).map("".join)


@dataclass(frozen=True)
class Asked:
    """A question, read back from its prompt. `demonstrations` are pairs of a text and its listed entities."""

    stage: str
    text: str
    demonstrations: tuple[tuple[str, str], ...] = ()
    span: str = ""
    last: str = ""  # the choices of a classification, the type of a verification
    types: str = ""  # as they are shown

    @classmethod
    def of(cls, request: Request) -> Asked:
        assert isinstance(request.prompt, str)
        types, shown, text, tail = request.prompt.split("\x1e")
        stage, *rest = tail.split("\x1f")
        pairs = [tuple(one.split("\x1f")) for one in shown.split("\x1d")[:-1]]
        return cls(stage, text, tuple((text, entities) for text, entities in pairs), *rest, types=types)


@dataclass
class FakeModel:
    """Answers every request by a function, and remembers what it was asked. A token is a word."""

    answer: Callable[[Request], Reply | str]
    context: int = 100_000
    identity: str = "fake"
    asked: list[Request] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    closed: bool = False
    overlaps: bool = False
    cached: int | None = None

    @property
    def calls(self) -> int:
        return len(self.asked)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        self.batches.append(len(requests))
        replies = [self._reply(request) for request in requests]
        if done is not None:
            done(list(enumerate(replies)))
        return replies

    def _reply(self, request: Request) -> Reply:
        self.asked.append(request)
        answer = self.answer(request)
        return answer if isinstance(answer, Reply) else Reply(answer, usage=Usage(3, 0, 1))

    def close(self) -> None:
        self.closed = True

    def questions(self, stage: str) -> list[Asked]:
        """What it was asked in a stage, in order."""
        return [asked for asked in map(Asked.of, self.asked) if asked.stage == stage]


Answer = str | Callable[[Asked], Reply | str]


def scripted(
    extract: Answer = "none",
    classify: Answer = "none",
    verify: Answer = "true",
    preextract: Answer = "none",
    **more: Any,
) -> FakeModel:
    """A model with one answer a stage: a text, or a function of the question."""
    answers = {"extract": extract, "classify": classify, "verify": verify, "preextract": preextract}

    def answer(request: Request) -> Reply | str:
        asked = Asked.of(request)
        said = answers[asked.stage]
        return said if isinstance(said, str) else said(asked)

    return FakeModel(answer, **more)


def failing(reason: str = "connection refused") -> FakeModel:
    """A model whose every request fails."""
    return FakeModel(lambda _: Reply("", Outcome.FAILED, error=reason), identity=f"failing: {reason}")


def example(name: str, text: str, **entities: str) -> Example:
    """An example whose entities are the first mentions of `label="surface|surface"`."""
    spans = [
        Span(text.index(surface), text.index(surface) + len(surface), label)
        for label, surfaces in entities.items()
        for surface in surfaces.split("|")
    ]
    return Example(name, text, tuple(spans))


LABELS = (Label("person", "a human being"), Label("location", "a place"), Label("group", "a named group"))
POOL = Pool.of(
    [
        example("p1", "Anna Berg lives in Berlin .", person="Anna Berg", location="Berlin"),
        example("p2", "The University of Oslo hired Tom Lind .", group="University of Oslo", location="Oslo",
                person="Tom Lind"),
        example("p3", "Rain is expected in Kyoto tomorrow .", location="Kyoto"),
        example("p4", "The Blue Owls played in Lima .", group="Blue Owls", location="Lima"),
        example("p5", "Nothing happened all day ."),
        example("p6", "Maria Sol met the mayor of Quito .", person="Maria Sol", location="Quito"),
    ],
    LABELS,
)  # fmt: skip


class LetterEncoder:
    """Counts letters. Remembers every text that it was given."""

    identity = "letters"

    def __init__(self) -> None:
        self.given: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.given += texts
        vectors = np.zeros((len(texts), 32), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for char in text.casefold():
                row[ord(char) % 32] += 1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def recipe(names: Sequence[str], member: Mapping[str, Any] | None = None, **sections: Any) -> Recipe:
    """A recipe with a member and a model of each name; `sections` are settings and tables of the recipe."""
    table = {
        "name": "test",
        "models": {name: {"engine": "openvino", "path": "nowhere"} for name in names},
        "members": [{"name": name, "model": name, "demonstrations": 2, **(member or {})} for name in names],
        "retrieve": {"spans": "words"},
        **sections,
    }
    return parse_recipe(table, "test")


def ensemble(
    *models: FakeModel,
    pool: Pool = POOL,
    store: Store | None = None,
    style: Style = STYLE,
    member: Mapping[str, Any] | None = None,
    encoder: Encoder | None = None,
    **sections: Any,
) -> EL4NER:
    """Members "a", "b", ... on these models, without the weights of the shipped encoder."""
    names = [chr(ord("a") + number) for number in range(len(models))]
    how = recipe(names, member, **sections)
    members = [Member(settings, model, style) for settings, model in zip(how.members, models, strict=True)]
    return EL4NER(how, members, pool, store=store, encoder=encoder or LetterEncoder())
