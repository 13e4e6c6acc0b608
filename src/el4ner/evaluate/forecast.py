"""What a run would ask, before anyone is asked: questions, tokens, seconds and money.

Stage 2 is asked of nobody, but its prompts are made and counted, and what the reply store knows costs nothing. How many
candidates will come of it, only the run can tell: stages 3 and 4 are given as a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from el4ner.data import EMPTY, Document
from el4ner.ensemble.costs import Cost
from el4ner.models.base import Done, Model, Reply, Request, Usage
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.stages.extract import form_of
from el4ner.stages.state import CLASSIFY, EXTRACT, RETRIEVE, STAGES, VERIFY

FEWEST, MOST = 1.0, 3.0  # candidates for each entity that the pool's texts have on the average
_TAIL = 24  # tokens of a question behind the prefix, and of its answer, in stages 3 and 4
_SAMPLE = 200  # examples of the pool whose answers are measured


@dataclass(frozen=True, slots=True)
class ForecastShare:
    """A member's share of a stage: from so many questions and tokens to so many. `known`: questions that the store
    answers. `exact`: whether questions and prompts are counted, and not guessed."""

    stage: str
    member: str
    questions: tuple[int, int]
    prompt: tuple[int, int]
    generated: tuple[int, int]
    known: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run over so many texts would ask. `assumed`: what the ranges rest on, in a few words each."""

    texts: int
    shares: tuple[ForecastShare, ...]
    assumed: tuple[str, ...]

    def total(self, what: str) -> tuple[int, int]:
        """The sum of "questions", "prompt" or "generated" over all shares, least and most."""
        pairs = [getattr(share, what) for share in self.shares]
        return sum(low for low, _ in pairs), sum(high for _, high in pairs)

    def seconds(self, rates: Mapping[tuple[str, str], float]) -> tuple[float, float] | None:
        """Least and most seconds at these rates (`ensemble.rates`); None where one of them is not known."""
        if any((share.stage, share.member) not in rates for share in self.shares if share.questions[1]):
            return None
        spent = {share: rates.get((share.stage, share.member), 0.0) for share in self.shares}
        low, high = (sum((s.prompt[i] + s.generated[i]) * rate for s, rate in spent.items()) for i in (0, 1))
        return low, high

    def price(self, prices: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        """Least and most of the price, where members cost so much for a million tokens read, and generated."""
        paid = [(share, *prices[share.member]) for share in self.shares if share.member in prices]
        low, high = (sum((s.prompt[i] * read + s.generated[i] * said) / 1e6 for s, read, said in paid) for i in (0, 1))
        return low, high


class _Counting:
    """Counts the tokens of what a model would be asked, and finds nothing."""

    def __init__(self, model: Model) -> None:
        self.overlaps, self.cached, self.identity = False, None, model.identity
        self.context, self.count = model.context, model.count

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        texts = [r.prompt if isinstance(r.prompt, str) else "\n".join(m.content for m in r.prompt) for r in requests]
        return [Reply(EMPTY, usage=Usage(prompt=tokens)) for tokens in self.count(texts)]

    def close(self) -> None:
        """The model is its opener's."""


def forecast(ner: EL4NER, documents: Iterable[Document], store: Store | None = None) -> Forecast:
    """What `ner` would ask about these texts. Models count tokens, and answer nothing; `store` is only read."""
    counting = {id(m.model): _Counting(m.model) for m in ner.members}
    members = [replace(member, model=counting[id(member.model)]) for member in ner.members]
    dry = EL4NER(ner.recipe, members, ner.pool, store=store and store.read_only(), encoder=ner.encoder)
    texts = passages = candidates = 0
    for annotation in dry.annotate(documents):
        texts, passages = texts + 1, passages + len(annotation.traces)
        candidates += len(annotation.ballots)  # of answers that the store has
    answers, known = _answers(ner), _known(dry.costs)
    entities = sum(len(example.entities) for example in ner.pool.examples) / max(1, len(ner.pool.examples))
    few, many = (max(candidates, round(each * entities * passages)) for each in (FEWEST, MOST))
    shares = [_counted(cost, answers[cost.member]) for cost in dry.costs if cost.stage in known]
    shares += _guessed(dry, few, many, [stage for stage in (CLASSIFY, VERIFY) if stage not in known])
    assumed = [
        f"{FEWEST:g} to {MOST:g} candidates for each of the {entities:.1f} entities that a text of the pool has",
        "nobody is asked in stage 3 who has listed a type in stage 2, or everybody about every candidate",
        f"answers of stage 2 as long as those of the pool's texts: {max(answers.values(), default=0):.0f} tokens",
    ]
    if any(share.stage == RETRIEVE for share in shares):
        assumed.append("demonstrations as they are found by whole texts: members find the spans, in a run")
    return Forecast(texts, tuple(shares), tuple(assumed))


def _known(costs: Sequence[Cost]) -> list[str]:
    """The stages whose questions are those of the run: up to the first, and beyond the second, that asks anything."""
    calls = {stage: sum(cost.calls for cost in costs if cost.stage == stage) for stage in STAGES}
    first = next((n for n, stage in enumerate(STAGES) if calls[stage]), len(STAGES))
    return list(STAGES[: max(2, first + 1)])


def _counted(cost: Cost, answer: float) -> ForecastShare:
    generated = round(cost.calls * (answer if cost.stage in (RETRIEVE, EXTRACT) else _TAIL / 4))
    exact = cost.stage != RETRIEVE
    return ForecastShare(
        cost.stage, cost.member, (cost.calls,) * 2, (cost.prompt,) * 2, (generated,) * 2, cost.stored, exact
    )


def _answers(ner: EL4NER) -> dict[str, float]:
    """How long a member's answer in stage 2 is on the average, in tokens, by the pool's own."""
    form, described = form_of(ner.recipe.extract), {label.name: label.description for label in ner.pool.labels}
    written = [form.write(example, described) for example in ner.pool.examples[:_SAMPLE]]
    return {m.name: sum(m.model.count(written)) / len(written) if written else 0.0 for m in ner.members}


def _guessed(dry: EL4NER, few: int, many: int, stages: Sequence[str]) -> Iterator[ForecastShare]:
    """Stages 3 and 4: a question a candidate and member, behind the prefix of stage 2."""
    read = {
        c.member: (c.prompt + c.stored_prompt) / max(1, c.calls + c.stored) for c in dry.costs if c.stage == EXTRACT
    }
    for stage in stages:
        for name in dry.recipe.verify.members if stage == VERIFY else [member.name for member in dry.members]:
            length = round(read.get(name, 0)) + _TAIL
            least = 0 if stage == CLASSIFY else few
            questions = (least, many)
            yield ForecastShare(
                stage, name, questions, (least * length, many * length), (least, many * _TAIL), 0, False
            )
