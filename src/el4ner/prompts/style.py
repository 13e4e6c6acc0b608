"""A prompt style: the same four questions, laid out for one kind of model.

All of a member's questions about a passage begin with the same prefix (types, demonstrations, passage) and differ at
the end, so that an engine with a prefix cache reads the passage once. Pre-extraction has no demonstrations and stands
alone; extraction in another form than a list has demonstrations in that form, and so a prefix of its own.

`compact` is plain continuation for small models. Its constrained answers follow an opening bracket, never a space: a
space can be a token of its own, and a small model that is led into it by a grammar continues badly.
`chat` goes through the model's chat template.

A demonstration's typed entities serve extraction and classification alike; the types a member writes while it extracts
are kept with its proposals. A file `NAME-FORM.txt` stands in for `NAME.txt` where entities are written in that form.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Protocol

from el4ner.data import EMPTY, SEPARATOR, Example, Label
from el4ner.errors import ConfigError
from el4ner.models.base import Message, Request
from el4ner.models.constraint import Listing, OneOf
from el4ner.prompts.form import Form
from el4ner.text.passage import show

STYLES = ("compact", "chat")
_STOP = ("\n",)
_VERDICTS = ("true", "false")
# Repeats in a row that end a list. Reckoned over 4,951 kept replies of nano and its baselines: five would end 832, at a
# loss of five entries; six would end 759, at a loss of two, and save 22 % of what was generated.
_STALE = 6


class Hints(Protocol):
    """Something that marks entities on its own: what it says stands beside each text. Empty if it finds nothing."""

    def hint(self, shown: str, labels: Collection[str]) -> str:
        """What it says of the line of a passage or of a demonstration, without having learnt from it."""
        ...


@dataclass(frozen=True, slots=True)
class Style:
    """The texts of one style and the questions that can be asked with them."""

    name: str
    chat: bool
    texts: dict[str, str]

    def prefix(
        self,
        labels: Sequence[Label],
        demonstrations: Sequence[Example],
        shown: str,
        form: Form = Form.LIST,
        hints: Hints | None = None,
    ) -> str:
        """What all questions about a passage begin with; `shown` is the passage's line."""
        examples = "".join(self.demonstration(example, labels, form, hints) for example in demonstrations)
        return self._text("prefix", form).format(
            types=self._types(labels),
            demonstrations=examples,
            text=form.line(shown),
            hint=self._hint(hints.hint(shown, _names(labels))) if hints else "",
        )

    def demonstration(
        self,
        example: Example,
        labels: Sequence[Label] = (),
        form: Form = Form.LIST,
        hints: Hints | None = None,
    ) -> str:
        """One labelled example. `labels` are needed where the form says what they mean, and for hints."""
        meant = {label.name: show(label.description) for label in labels} if form is Form.REASONS else {}
        return self._text("demonstration", form).format(
            text=form.line(show(example.text)),
            entities=form.write(example, meant),
            hint=self._hint(hints.hint(show(example.text), _names(labels))) if hints else "",
        )

    def _hint(self, entities: str) -> str:
        return self.texts["hint"].format(entities=entities or EMPTY)

    def preextract(
        self, labels: Sequence[Label], shown: str, constrain: bool, limit: int, cuts: tuple[int, ...] = ()
    ) -> Request:
        """Stage 1: which spans could be entities? Without demonstrations. `cuts`: see `Listing`."""
        names = ", ".join(label.name for label in labels)
        prompt = self.texts["preextract"].format(text=shown, names=names)
        constraint = Listing(shown, lead=self._lead, cuts=cuts) if constrain else None
        return Request(self._prompt(labels, prompt), limit, self._stop, constraint)

    def extract(
        self,
        prefix: str,
        labels: Sequence[Label],
        shown: str,
        constrain: bool,
        limit: int,
        form: Form = Form.LIST,
        cuts: tuple[int, ...] = (),
    ) -> Request:
        """Stage 2: which spans are entities? Only lists can be held to the text (`constrain`), parted at `cuts`."""
        names = tuple(label.name for label in labels) if form is Form.LIST else ()
        constraint = Listing(shown, names, self._lead, cuts) if constrain else None
        prompt = self._prompt(labels, prefix + self._text("extract", form), form)
        stop = ("\n\n",) if form is Form.REASONS and not self.chat else self._stop
        stale = _STALE if form in (Form.LIST, Form.NAMES) else 0
        return Request(prompt, limit, stop, constraint, stale=stale)

    def classify(self, prefix: str, labels: Sequence[Label], span: str, none: bool) -> Request:
        """Stage 3: of which type is this span, or (if `none` is allowed) of none of these?"""
        names = [label.name for label in labels] + [EMPTY] * none
        tail = self.texts["classify"].format(span=span, choices=", ".join(names))
        return self._choice(labels, prefix + tail, tuple(names))

    def verify(self, prefix: str, labels: Sequence[Label], span: str, label: str) -> Request:
        """Stage 4: is this span of this type here?"""
        tail = self.texts["verify"].format(span=span, label=label)
        return self._choice(labels, prefix + tail, _VERDICTS)

    def _choice(self, labels: Sequence[Label], prompt: str, options: tuple[str, ...]) -> Request:
        longest = max(len(option.encode()) for option in options)  # a token is a byte at least
        stop = self._stop if self.chat else (*_STOP, ")")
        return Request(self._prompt(labels, prompt), longest + 2, stop, OneOf(options))

    def _prompt(self, labels: Sequence[Label], text: str, form: Form = Form.LIST) -> str | tuple[Message, ...]:
        if not self.chat:
            return text
        system = self.texts["system"].format(types=self._types(labels), answer=self._text("answer", form).strip())
        return (Message("system", system.strip()), Message("user", text))

    def _text(self, name: str, form: Form) -> str:
        return self.texts.get(f"{name}-{form}", self.texts[name])

    def _types(self, labels: Sequence[Label]) -> str:
        described = [show(f"{x.name}: {x.description}" if x.description else x.name) for x in labels]
        if self.chat:
            return "\n".join(described)
        return (SEPARATOR if any(label.description for label in labels) else ", ").join(described)

    @property
    def _stop(self) -> tuple[str, ...]:
        return () if self.chat else _STOP

    @property
    def _lead(self) -> str:
        return "" if self.chat else " "


def _names(labels: Sequence[Label]) -> set[str]:
    return {label.name for label in labels}


@cache
def style(name: str) -> Style:
    """The style of that name, read from its folder of text files."""
    if name not in STYLES:
        raise ConfigError(f"style: no such prompt style as {name!r}; there are: {', '.join(STYLES)}")
    folder = files("el4ner.prompts") / name
    texts = {
        file.name.removesuffix(".txt"): file.read_text("utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".txt")
    }
    return Style(name, "system" in texts, texts)
