"""Leave-one-out: what a recipe makes of the pool's own texts, each without itself among the demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from el4ner.annotation import Annotation
from el4ner.crf.voter import CrfVoter, weights
from el4ner.data import Ballot, Document, Example
from el4ner.ensemble.costs import Cost
from el4ner.evaluate.score import Counts, strict
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.recipes.settings import DecideSettings, Recipe, VerifySettings

Opener = Callable[[Recipe, Pool], EL4NER]
Watch = Callable[[Iterator[Annotation], EL4NER, int], Iterator[Annotation]]


@dataclass(frozen=True, slots=True)
class Scored:
    """The entities that were found, whatever their score: `scores` (m,), `right` (m,), the text of each (m,).

    `gold` (n,) counts the true entities of each text.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    owner: NDArray[np.int64]
    gold: NDArray[np.int64]

    def table(self, threshold: float) -> Counts:
        """Right, found and gold of each text (n, 3) under a threshold.

        A threshold may be laid on afterwards: overlaps are settled from the highest score down, so that what it drops
        never stood in the way of what it keeps.
        """
        kept = self.scores >= threshold
        found = np.bincount(self.owner[kept], minlength=len(self.gold))
        right = np.bincount(self.owner[kept & self.right], minlength=len(self.gold))
        return np.stack([right, found, self.gold], axis=1).astype(np.int64)


class Evidence:
    """Annotates the same texts of a pool, leave-one-out, by any recipe with the same members.

    Models are asked only where the evidence that is there cannot tell: recipes that differ in what is decided from
    answers share them. Where verifiers are wanted, every member is asked as one, so that any of them can be chosen.
    """

    def __init__(self, pool: Pool, texts: Sequence[Example], open_: Opener, watch: Watch | None = None) -> None:
        self.texts = tuple(texts)
        self._pool = pool
        self._open = open_
        self._watch = watch
        self._annotated: dict[str, tuple[Annotation, ...]] = {}
        self._scored: dict[str, Scored] = {}
        self.costs: tuple[Cost, ...] = ()

    def annotations(self, recipe: Recipe) -> list[Annotation]:
        """The texts as `recipe` annotates them."""
        asked = self._asked(recipe)
        annotations = [_heard(a, recipe) for a in asked] if recipe.verify.members else asked
        decision = recipe.decide.decision(weights(recipe, lambda: self._plugin.worth()))
        return [annotation.decide(decision) for annotation in annotations]

    @cached_property
    def _plugin(self) -> CrfVoter:
        return CrfVoter(self._pool)

    def scored(self, recipe: Recipe) -> Scored:
        """What `recipe` finds without its threshold, and whether it is right."""
        open_ = recipe.model_copy(update={"decide": recipe.decide.model_copy(update={"threshold": 0.0})})
        key = open_.model_dump_json()
        if key not in self._scored:
            self._scored[key] = _scored(self.texts, self.annotations(open_))
        return self._scored[key]

    def table(self, recipe: Recipe) -> Counts:
        """Right, found and gold of each text by `recipe`, shape (texts, 3)."""
        return self.scored(recipe).table(recipe.decide.threshold)

    def weights(self, recipe: Recipe, rows: Sequence[int]) -> dict[str, float]:
        """For each who votes, the share of the votes that are right on these texts, between 0 and 1 and neither.

        A vote for "none of these" is right where the candidate is no gold span. With add-one
        smoothing (a right and a wrong vote more than were cast), so that a few votes do not weigh everything.
        """
        right = dict.fromkeys(recipe.weights, 1)
        cast = dict.fromkeys(recipe.weights, 2)
        annotations = self._asked(recipe)
        for row in rows:
            gold = self.texts[row].entities
            for ballot in annotations[row].ballots:
                span = ballot.candidate.span
                types = {g.label for g in gold if (g.start, g.end) == (span.start, span.end)} or {None}
                for vote in ballot.votes:
                    if not vote.abstained:
                        right[vote.member] += vote.label in types
                        cast[vote.member] += 1
        return {name: round(right[name] / cast[name], 3) for name in right}

    def _asked(self, recipe: Recipe) -> tuple[Annotation, ...]:
        asking = _asking(recipe)
        key = asking.model_dump_json()
        if key not in self._annotated:
            ner = self._open(asking, self._pool)
            documents = [Document(text.id, text.text) for text in self.texts]
            annotations = ner.annotate(documents, leave_one_out=True)
            if self._watch is not None:
                annotations = self._watch(annotations, ner, len(documents))
            self._annotated[key] = tuple(annotations)
            self.costs += ner.costs
        return self._annotated[key]


def _asking(recipe: Recipe) -> Recipe:
    """The recipe whose answers tell what `recipe` decides: equal for recipes that need the same answers.

    Verifiers are asked about the type that won the vote, so that with them the vote's rule matters.
    """
    verified = bool(recipe.verify.members)
    rule = recipe.decide.rule if verified else "majority"
    everyone = tuple(member.name for member in recipe.members) if verified else ()
    weighed = recipe if rule != "majority" else recipe.weighing(dict.fromkeys(recipe.weights, 1.0))
    return weighed.model_copy(
        update={
            "verify": VerifySettings(members=everyone),
            "decide": DecideSettings(rule=rule),
        }
    )


def _heard(annotation: Annotation, recipe: Recipe) -> Annotation:
    """As if only the recipe's verifiers had been asked."""
    ballots = tuple(_of(ballot, recipe.verify.members) for ballot in annotation.ballots)
    return replace(annotation, ballots=ballots)


def _of(ballot: Ballot, verifiers: Sequence[str]) -> Ballot:
    return replace(ballot, verdicts=tuple(v for v in ballot.verdicts if v.member in verifiers))


def _scored(texts: Sequence[Example], annotations: Sequence[Annotation]) -> Scored:
    scores, right, owner = [], [], []
    for at, (text, annotation) in enumerate(zip(texts, annotations, strict=True)):
        gold = {strict(text.text, span) for span in text.entities}
        for entity in annotation.entities:
            scores.append(entity.score)
            right.append(strict(text.text, entity) in gold)
            owner.append(at)
    gold_counts = [len({strict(text.text, span) for span in text.entities}) for text in texts]
    return Scored(
        np.array(scores, dtype=np.float64),
        np.array(right, dtype=bool),
        np.array(owner, dtype=np.int64),
        np.array(gold_counts, dtype=np.int64),
    )
