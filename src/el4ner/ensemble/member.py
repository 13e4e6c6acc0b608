"""A member of the ensemble: a model plus a way of asking it."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from el4ner.data import Example, Label
from el4ner.errors import ContextError
from el4ner.models.base import Model
from el4ner.prompts.form import Form
from el4ner.prompts.style import Hints, Style
from el4ner.recipes.settings import MemberSettings
from el4ner.text.passage import Passage

_TAIL = 160  # tokens kept free for a question after the prefix and a short answer
_SHORTEST = 128  # tokens that an answer is left at least


@dataclass(frozen=True, slots=True)
class Brief:
    """What a member's questions about a passage begin with, its demonstrations, and how long an answer may get.

    `tokens` is the length of the prefix, `limit` that of an answer at most. `left_out`: demonstrations without
    room.
    """

    prefix: str
    tokens: int
    demonstrations: int
    limit: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """`settings` say how `model` is asked, in the words of `style`, and `hints` who marks its texts beforehand."""

    settings: MemberSettings
    model: Model
    style: Style
    hints: Hints | None = None

    @property
    def name(self) -> str:
        """Its name in the recipe, unique."""
        return self.settings.name

    @property
    def reach(self) -> int:
        """How many of the retrieved demonstrations it can make use of."""
        return self.settings.demonstrations * self.settings.stripe[1]

    def choose(self, retrieved: Sequence[Example], entity_free: Sequence[Example]) -> list[Example]:
        """Its demonstrations out of the retrieved ones (most similar first in both lists), least similar first.

        Those of its stripe, and where a small pool has too few of them, the most similar of the others.
        """
        free = list(entity_free[: min(self.settings.entity_free, self.settings.demonstrations)])
        room = self.settings.demonstrations - len(free)
        first, step = self.settings.stripe
        own = range(first, len(retrieved), step)[:room]
        others = [i for i in range(len(retrieved)) if i not in own][: room - len(own)]
        chosen = [retrieved[i] for i in sorted([*own, *others])]
        return free[::-1] + chosen[::-1]

    def labels(self, labels: Sequence[Label]) -> list[Label]:
        """The types as this member is shown them."""
        return list(labels) if self.settings.descriptions else [Label(label.name) for label in labels]

    def brief(
        self,
        labels: Sequence[Label],
        passages: Sequence[Passage],
        demonstrations: Sequence[Sequence[Example]],
        form: Form = Form.LIST,
    ) -> list[Brief]:
        """Prefixes for passages, with as many of their demonstrations (least similar first) as the context holds.

        Of the demonstrations' entities, those of `labels` are shown, written in `form`. Warns where demonstrations had
        to be left out. Where a passage fits without any alone, its answer is given less room; `ContextError` where
        there is not enough for a short one.
        """
        labels = self.labels(labels)
        lengths = self.model.count([p.shown for p in passages])
        limits = [form.limit(length) for length in lengths]
        names = {label.name for label in labels}
        used = [[_only(example, names) for example in d] for d in demonstrations]
        prefixes = [self._prefix(labels, d, p, form) for d, p in zip(used, passages, strict=True)]
        overhead = _TAIL + (self.model.count([self._system(labels)])[0] if self.style.chat else 0)
        tokens = [0] * len(passages)
        open_ = list(range(len(passages)))
        while open_:
            for i, n in zip(open_, self.model.count([prefixes[i] for i in open_]), strict=True):
                tokens[i] = n
            room = {i: self.model.context - overhead - tokens[i] for i in open_}
            for i in open_:
                if not used[i] and room[i] >= _SHORTEST:  # an answer that is cut is worth more than none
                    limits[i] = min(limits[i], room[i])
            open_ = [i for i in open_ if limits[i] > room[i]]
            for i in open_:
                if not used[i]:
                    raise ContextError(
                        f"member {self.name}: a passage of {lengths[i]} tokens and {len(labels)} types do not fit the"
                        f" context of {self.model.context} tokens; {self._way_out(labels, lengths[i])}"
                    )
                used[i].pop(0)
                prefixes[i] = self._prefix(labels, used[i], passages[i], form)
        self._warn_of_fewer([len(u) for u in used], [len(d) for d in demonstrations])
        lost = [len(given) - len(held) for given, held in zip(demonstrations, used, strict=True)]
        return [Brief(*one) for one in zip(prefixes, tokens, map(len, used), limits, lost, strict=True)]

    def _way_out(self, labels: Sequence[Label], length: int) -> str:
        """What makes room: where the types take more of it than the passage, fewer of these, or their names alone."""
        types = self.model.count(["\n".join(f"{label.name}: {label.description}" for label in labels)])[0]
        if types <= length:
            return "lower passage_bytes in the recipe, or raise the model's context"
        shorter = "shorter descriptions or none (members: descriptions = false), " * any(x.description for x in labels)
        return (
            f"the types alone take {types}: ask for fewer at a time (--labels), {shorter}or raise the model's context"
        )

    def _warn_of_fewer(self, used: Sequence[int], given: Sequence[int]) -> None:
        fewer = sum(u < g for u, g in zip(used, given, strict=True))
        if fewer:
            warnings.warn(
                f"member {self.name}: the context of {self.model.context} tokens holds fewer demonstrations than asked"
                f" for in {fewer} of {len(used)} passages ({min(used)} at least, of {self.settings.demonstrations})",
                stacklevel=3,
            )

    def _prefix(self, labels: Sequence[Label], demonstrations: Sequence[Example], passage: Passage, form: Form) -> str:
        nearest_first = self.settings.order == "nearest_first"
        ordered = demonstrations[::-1] if nearest_first else demonstrations
        return self.style.prefix(labels, ordered, passage.shown, form, self.hints)

    def _system(self, labels: Sequence[Label]) -> str:
        request = self.style.classify("", labels, "", True)
        return "" if isinstance(request.prompt, str) else "\n".join(m.content for m in request.prompt)


def _only(example: Example, names: Collection[str]) -> Example:
    kept = tuple(entity for entity in example.entities if entity.label in names)
    return example if len(kept) == len(example.entities) else Example(example.id, example.text, kept)
