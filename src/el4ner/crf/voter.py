"""The random field beside the language models: what it hints at, and how it votes.

It learns from the pool when it is first asked, and once. What it says of a text of the pool was learnt without that
text (out of fold): of texts that it has learnt by heart it is right too often, and a model that reads this in
demonstrations trusts it blindly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from threading import RLock

from el4ner.crf.model import Crf, Guess, require
from el4ner.data import Ballot, Candidate, Proposal, Span, Vote
from el4ner.pool.pool import Pool
from el4ner.recipes.settings import CRF, Recipe
from el4ner.text.passage import passage, show

_FOLDS = 5
_LEAST = 0.05
_JUDGED = 400  # texts of the pool that it is judged by, at least; of large pools that is one fold


class CrfVoter:
    """A random field for a pool. Raises `MissingExtraError` where python-crfsuite is not installed."""

    def __init__(self, pool: Pool) -> None:
        require()
        self._pool = pool
        self._folds: dict[int, Crf] = {}
        self._fold_of = {shown: _fold(shown) for shown in pool.places}
        self._said: dict[str, tuple[Guess, ...]] = {}  # of the pool's texts, which come back as demonstrations
        self._worth: float | None = None
        self._lock = RLock()  # windows may overlap, and the first of them trains

    @cached_property
    def _whole(self) -> Crf:
        return Crf.train(self._pool.examples)

    def worth(self) -> float:
        """Its strict F1 on texts of the pool, each read without having learnt from it, and a little above 0 at least.

        Add-one smoothing: one more that is wrong, and one more that is missed, so that a tiny pool says little for it.
        """
        with self._lock:
            if self._worth is None:
                self._worth = self._measured()
            return self._worth

    def _measured(self) -> float:
        right, found, gold, judged = 0, 1, 1, 0
        for fold in range(_FOLDS):
            texts = [e for e in self._pool.examples if judged < _JUDGED and _fold(show(e.text)) == fold]
            for text in texts:
                here, true = passage(text.text), set(text.entities)
                spans = [guess.span for guess in self._without(fold).guess(here.shown)]
                said = {here.span(span.start, span.end, span.label) for span in spans}
                right, found, gold = right + len(true & said), found + len(said), gold + len(true)
            judged += len(texts)
        return max(_LEAST, 2 * right / (found + gold))

    def guess(self, shown: str, labels: Collection[str]) -> list[Guess]:
        """The entities of these types that it sees in a shown text."""
        with self._lock:
            found = self._out_of_fold(shown) if shown in self._fold_of else self._whole.guess(shown)
        return [guess for guess in found if guess.span.label in labels]

    def leave_out(self, text: str, passages: Collection[str]) -> None:
        """From now on, what it says of these passages of a pool's text is learnt without that text."""
        with self._lock:
            self._fold_of |= dict.fromkeys(passages, _fold(show(text)))

    def hint(self, shown: str, labels: Collection[str]) -> str:
        """The same in words, for a prompt; empty if there are none."""
        return _worded(shown, self.guess(shown, labels))

    def _out_of_fold(self, shown: str) -> tuple[Guess, ...]:
        if shown not in self._said:
            self._said[shown] = tuple(self._without(self._fold_of[shown]).guess(shown))
        return self._said[shown]

    def _without(self, fold: int) -> Crf:
        if fold not in self._folds:
            self._folds[fold] = Crf.train([e for e in self._pool.examples if _fold(show(e.text)) != fold])
        return self._folds[fold]


def weights(recipe: Recipe, worth: Callable[[], float]) -> dict[str, float]:
    """Who votes, and with what weight; the field's is times its worth where the recipe says so."""
    told = recipe.weights
    if CRF in told and recipe.crf.measured:
        told[CRF] *= worth()
    return told


def proposed(candidates: Sequence[Candidate], guesses: Sequence[Guess]) -> tuple[Candidate, ...]:
    """The candidates with what the field proposes, in order of place."""
    found = {candidate.span: candidate.proposals for candidate in candidates}
    for guess in guesses:
        place = Span(guess.span.start, guess.span.end)
        proposal = Proposal(CRF, guess.span.label, guess.confidence, guess.confidence)
        found[place] = (*found.get(place, ()), proposal)
    ordered = sorted(found, key=lambda span: (span.start, -span.end))
    return tuple(Candidate(span, found[span]) for span in ordered)


def voted(ballot: Ballot) -> Ballot:
    """The ballot with the field's vote: its type with its confidence, "none of these" on what it did not propose.

    That is one head, but no belief: of names that the pool does not have it knows nothing.
    """
    mine = next((p for p in ballot.candidate.proposals if p.member == CRF), None)
    vote = Vote(CRF, mine.label, mine.probability) if mine else Vote(CRF, None, 0.0)
    return Ballot(ballot.candidate, (*ballot.votes, vote), ballot.verdicts)


def _worded(shown: str, guesses: Sequence[Guess]) -> str:
    said = (f"{shown[g.span.start : g.span.end]} ({g.span.label}, {g.confidence:.2f})" for g in guesses)
    return "; ".join(said)


def _fold(shown: str) -> int:
    """By the text alone, so that copies of a text are in one fold."""
    return hashlib.sha256(shown.encode()).digest()[0] % _FOLDS
