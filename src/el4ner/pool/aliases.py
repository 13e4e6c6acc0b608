"""Names of types as models see them. Whoever uses el4ner never meets them.

A name may hold what parts the entries of a list or closes a type (`location (city)`, `a;b`), may mean something else
there (`none`), or differ from another in its case alone. Models are then shown a name of the same words that cannot be
misread, here `location_city`, `a_b`, `type_none`, `person_2`; every other name is shown as it is. Texts go in and
annotations come out with the user's names: `EL4NER` translates at its own border, and nothing within knows of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Entity, Example, Label, Span, Trace
from el4ner.pool.pool import Pool

# What lists and answers are made of, in any width, and what readers set aside: quotes, bold type, invisible signs.
_ODD = re.compile(
    r"[\s_]*(?:[][(){}<>|;,\"“”„‟«»‹›`´*\\（）［］｛｝＜＞｜；，、。「」『』【】〈〉《》〔〕"
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]|:(?=\s|$)|(?<!\S):|：)+[\s_]*"
)
_QUOTES = " '‘’"
_EDGES = _QUOTES + ".*"  # what a reader drops around an answer
_TAKEN = frozenset(
    ("none", "none of these", "none of these types", "no type", "no", "yes", "true", "false", "null", "o", "n/a")
)


@dataclass(frozen=True)
class Aliases:
    """The names that models see, by the user's; no two of them look the same to a reader of answers."""

    shown: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str], known: Mapping[str, str] | None = None) -> Aliases:
        """Aliases for names: what can be shown as it is comes first. Those that are `known` stay as they are."""
        shown = dict(known or {})
        taken = {_key(alias) for alias in shown.values()}
        fresh = [name for name in dict.fromkeys(names) if name not in shown]
        for alike in (True, False):  # an alias gives way to a name
            for name in fresh:
                base = _base(name)
                if name not in shown and (not alike or (base == name and _key(name) not in taken)):
                    shown[name] = base if _key(base) not in taken else _numbered(base, taken)
                    taken.add(_key(shown[name]))
        return cls(shown)

    def also(self, labels: Sequence[Label]) -> Aliases:
        """With aliases for these, too."""
        return Aliases.of((label.name for label in labels), self.shown)

    @cached_property
    def changed(self) -> dict[str, str]:
        """The aliases of the names that cannot be shown as they are."""
        return {name: alias for name, alias in self.shown.items() if alias != name}

    @cached_property
    def _names(self) -> dict[str | None, str]:
        return {alias: name for name, alias in self.changed.items()}

    def labels(self, labels: Sequence[Label]) -> tuple[Label, ...]:
        """The labels as models see them."""
        return tuple(replace(label, name=self.shown[label.name]) for label in labels)

    def pool(self, pool: Pool) -> Pool:
        """The pool as models see it; its examples stand where they stood."""
        if not self.changed:
            return pool
        return Pool(tuple(map(self._example, pool.examples)), self.labels(pool.labels))

    def back(self, annotation: Annotation) -> Annotation:
        """An annotation in the user's names."""
        if not self.changed:
            return annotation
        return replace(
            annotation,
            entities=tuple(map(self._entity, annotation.entities)),
            ballots=tuple(map(self._ballot, annotation.ballots)),
            traces=tuple(map(self._trace, annotation.traces)),
        )

    def _example(self, example: Example) -> Example:
        spans = (Span(s.start, s.end, self.shown[s.label]) for s in example.entities if s.label is not None)
        return replace(example, entities=tuple(spans))

    def _name(self, alias: str) -> str:
        return self._names.get(alias, alias)

    def _maybe(self, alias: str | None) -> str | None:
        return self._names.get(alias, alias)

    def _entity(self, entity: Entity) -> Entity:
        votes = {member: self._maybe(label) for member, label in entity.votes.items()}
        return replace(entity, label=self._name(entity.label), votes=votes)

    def _ballot(self, ballot: Ballot) -> Ballot:
        proposals = tuple(replace(p, label=self._maybe(p.label)) for p in ballot.candidate.proposals)
        return Ballot(
            replace(ballot.candidate, proposals=proposals),
            tuple(replace(vote, label=self._maybe(vote.label)) for vote in ballot.votes),
            tuple(replace(verdict, label=self._name(verdict.label)) for verdict in ballot.verdicts),
        )

    def _trace(self, trace: Trace) -> Trace:
        return replace(trace, ungrounded=tuple(replace(u, label=self._maybe(u.label)) for u in trace.ungrounded))


def _base(name: str) -> str:
    """The name with what could be misread taken out; itself where there is nothing of that."""
    plain = name
    if _ODD.search(name):
        plain = _ODD.sub("_", name).strip(" _")
    plain = plain.strip(_QUOTES)
    if not plain.strip(_EDGES):
        return "type"
    return f"type_{plain.strip(_EDGES)}" if _key(plain) in _TAKEN else plain


def _key(name: str) -> str:
    """What a reader of answers compares by: case, width, and what stands around do not matter."""
    return unicodedata.normalize("NFKC", name).casefold().strip(_EDGES)


def _numbered(base: str, taken: set[str]) -> str:
    number = 2
    while _key(alias := f"{base}_{number}") in taken:
        number += 1
    return alias
