"""Suspect labels: what a pool says of its examples, and the ensemble, reading the pool without them, does not.

Each example is annotated as if the pool lacked it (and those that look the same), and its labels are held against what
was found. Where all members are sure of something else, the label is suspect, or the examples that they read are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from el4ner.annotation import Annotation
from el4ner.data import Document, Entity, Example, Span
from el4ner.evaluate.mistakes.match import Pair, match
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool

_SHOWN = 3  # examples that speak against a label, at most


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label of an example that the ensemble contradicts, or an entity that it misses there.

    `pair`: the label (`gold`) and what was found instead; one may be missing. `sureness`: between 0 and 1, the score of
    what was found, or where nothing was, the share of the members that would have to be wrong, times the share of the
    pool's labels at whose place something is found: the silence of a weak ensemble says little. `against`: ids of the
    demonstrations that were read and label it as it was found; the nearest ones, where none does.
    """

    example: Example
    pair: Pair
    sureness: float
    against: tuple[str, ...]

    def record(self) -> dict[str, object]:
        """Ready for a line of JSON: `{"id", "text", "kind", "sureness", "gold", "found", "against"}`."""
        sides = {"gold": self.pair.gold, "found": self.pair.found}
        spans = {side: m and {"start": m.start, "end": m.end, "label": m.label} for side, m in sides.items()}
        kind, sureness = str(self.pair.kind), round(self.sureness, 4)
        head = {"id": self.example.id, "text": self.example.text, "kind": kind, "sureness": sureness}
        return {**head, **spans, "against": list(self.against)}


def audit(ner: EL4NER, annotations: Iterable[Annotation] | None = None) -> list[Suspect]:
    """The suspect labels of the ensemble's own pool, the surest first.

    `annotations`: those of the pool's texts in their order, leave-one-out, where they are at hand (`left_out`).
    """
    found = annotations if annotations is not None else left_out(ner)
    return suspects(zip(ner.pool.examples, found, strict=True), ner.pool, len(ner.voters))


def suspects(judged: Iterable[tuple[Example, Annotation]], pool: Pool, voters: int) -> list[Suspect]:
    """The suspect labels of some examples of a pool, each with its annotation, leave-one-out, by so many voters."""
    doubted, labels, missed = list[Suspect](), 0, 0
    for example, annotation in judged:
        labels += len(example.entities)
        for pair in match(example.entities, annotation.entities):
            if pair.kind is not None:
                missed += pair.found is None
                sureness = _sureness(pair, annotation, voters)
                doubted.append(Suspect(example, pair, sureness, _against(pair, annotation, pool)))
    recall = 1 - missed / max(1, labels)
    weighed = [s if s.pair.found else replace(s, sureness=s.sureness * recall) for s in doubted]
    return sorted(weighed, key=lambda suspect: -suspect.sureness)


def left_out(ner: EL4NER) -> Iterator[Annotation]:
    """The pool's texts, each annotated without itself among the demonstrations."""
    documents = (Document(example.id, example.text) for example in ner.pool.examples)
    return ner.annotate(documents, leave_one_out=True)


def _sureness(pair: Pair, annotation: Annotation, voters: int) -> float:
    if isinstance(pair.found, Entity):
        return pair.found.score
    ballot = annotation.ballot_of(pair.gold) if pair.gold else None
    votes = [vote.label for vote in ballot.votes if not vote.abstained] if ballot else [None] * voters
    against = sum(pair.gold is not None and label != pair.gold.label for label in votes)
    return against / (len(votes) + 1)  # add-one smoothing: no ballot is beyond doubt


def _against(pair: Pair, annotation: Annotation, pool: Pool) -> tuple[str, ...]:
    """The demonstrations that say what was found: the same string with its type, or without any."""
    read = list(dict.fromkeys(shown.id for trace in annotation.traces for shown in trace.demonstrations))
    wanted = pair.found or pair.gold
    if wanted is None:
        return ()
    surface, label = annotation.text[wanted.start : wanted.end].casefold(), wanted.label if pair.found else None
    examples = {example.id: example for example in pool.examples}
    saying = [id_ for id_ in read if id_ in examples and label in _labels(examples[id_], surface)]
    return tuple((saying or read)[:_SHOWN])


def _labels(example: Example, surface: str) -> Sequence[str | None]:
    """What an example calls a string: the types that it has there, [None] where it stands without one."""
    own = [span for span in example.entities if _surface(example, span) == surface]
    return [span.label for span in own] or ([None] if surface in example.text.casefold() else [])


def _surface(example: Example, span: Span) -> str:
    return example.text[span.start : span.end].casefold()
