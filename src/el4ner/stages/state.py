"""What the stages hand on: the state of each passage, and the task that is the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from el4ner.crf.voter import CrfVoter
from el4ner.data import Ballot, Candidate, Example, Label, Shown, Span, Trace, Ungrounded
from el4ner.decide import Decision
from el4ner.ensemble.dispatch import Dispatcher
from el4ner.ensemble.member import Brief, Member
from el4ner.recipes.settings import Recipe
from el4ner.retrieval.encoder import Encoder
from el4ner.text.passage import Passage

STAGES = RETRIEVE, EXTRACT, CLASSIFY, VERIFY = "retrieve", "extract", "classify", "verify"


@dataclass(frozen=True, slots=True)
class Task:
    """What the questions about all passages share: the recipe, who is asked (by way of `dispatch`), and which types.

    `field` is the random field where it votes. `cut`: the scripts in which the pool's entities cut words. `encoder`
    tells which types are alike.
    """

    recipe: Recipe
    members: tuple[Member, ...]
    labels: tuple[Label, ...]
    decision: Decision
    dispatch: Dispatcher
    encoder: Encoder
    field: CrfVoter | None = None
    cut: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Demonstrations of a passage, most similar first, with their similarity; likewise those without entities.

    `weights` says how the input's spans were weighed: "pos", "uniform" (see `retrieval.pos_weights`), or, where there
    was no span or the recipe does not retrieve by spans, "sentence" or "random"; "none" where nobody reads any.
    """

    examples: tuple[Example, ...] = ()
    similarities: tuple[float, ...] = ()
    entity_free: tuple[Example, ...] = ()
    weights: str = "none"


@dataclass(frozen=True, slots=True)
class PassageState:
    """All that is known of a passage so far. A stage takes states and gives them back with its part filled in.

    `hidden`: positions of the pool's examples that it is annotated without.
    Stage 1: `spans` by who listed them without demonstrations, `silent` why others gave no usable answer;
    what was `retrieved`; each member's `briefs`.
    Stage 2: `candidates`, spans into what is shown; `ungrounded`, what has no place in it; `failed`, the reason of each
    member that failed in a question; `cut`, whose list the token limit cut; `answered`, whether anyone did.
    Stages 3 and 4: `ballots`, one a candidate.
    """

    passage: Passage
    hidden: Sequence[int] = ()
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    retrieved: Retrieved = Retrieved()
    briefs: Mapping[str, Brief] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    ungrounded: tuple[Ungrounded, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    answered: bool = False
    ballots: tuple[Ballot, ...] = ()

    @property
    def shown(self) -> str:
        """The line that models are shown."""
        return self.passage.shown

    def placed_ballots(self) -> list[Ballot]:
        """The ballots with their spans' places in the text as it was given."""
        return [Ballot(self._placed(ballot.candidate), ballot.votes, ballot.verdicts) for ballot in self.ballots]

    def trace(self) -> Trace:
        """How it was read."""
        found, where = self.retrieved, self.passage
        return Trace(
            {name: tuple(where.span(s.start, s.end) for s in group) for name, group in self.spans.items()},
            found.weights,
            tuple(Shown(e.id, s) for e, s in zip(found.examples, found.similarities, strict=True)),
            {name: brief.demonstrations for name, brief in self.briefs.items()},
            self.ungrounded,
            tuple(
                f"{stage} {member}: {reason}"
                for stage, failed in ((RETRIEVE, self.silent), (EXTRACT, self.failed))
                for member, reason in failed.items()
            ),
            self.cut,
            {**self.failed, **self.silent},
            {name: brief.left_out for name, brief in self.briefs.items() if brief.left_out},
        )

    def _placed(self, candidate: Candidate) -> Candidate:
        return Candidate(self.passage.span(candidate.span.start, candidate.span.end), candidate.proposals)
