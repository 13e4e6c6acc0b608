"""What a recipe can say: which models, which members, and how each stage works. `el4ner.recipes.load` reads them.

Stages are those of EL4NER (arXiv 2505.23038), "the paper" below. What it leaves open is said with the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from el4ner.decide import Decision, Overlap, Rule
from el4ner.errors import did_you_mean
from el4ner.models.engines import ModelSettings
from el4ner.models.settings import Count, EngineSettings, Positive, Settings, Share

CRF = "crf"  # the random field's name among the voters


def renamed(table: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's table with `[tagger]`, the old name, read as `[crf]`. Raises `ValueError` where both are there."""
    if "tagger" in table and "crf" in table:
        raise ValueError("tagger: this is the old name of [crf], which is there too; leave one of the two out")
    return {"crf" if key == "tagger" else key: value for key, value in table.items()}


class MemberSettings(Settings):
    """A member: a model and a way of asking it.

    `model` names one of `[models]`; `style` is how its prompts are worded (a folder of `el4ner.prompts`).
    `demonstrations`: how many examples of the pool it reads with each text, at most; the paper's k (stage 1, open
    there). `order`: where the most similar one stands. `stripe` [i, n]: of the retrieved ones it sees every n-th from
    the i-th (from 0), so that members read different ones; others only where the pool is too small for that.
    `entity_free`: how many of them are the most similar texts without entities. `descriptions`: whether types are shown
    with theirs. `temperature`: 0 writes what is most probable; above, replies are drawn, by `seed`.
    `weight`: what its vote counts beside the others', unless the rule is "majority".
    """

    name: str
    model: str
    style: Literal["compact", "chat"] = "chat"
    demonstrations: Count = 8
    order: Literal["nearest_last", "nearest_first"] = "nearest_last"
    stripe: tuple[Count, Positive] = (0, 1)
    entity_free: Count = 0
    descriptions: bool = True
    temperature: Annotated[float, Field(ge=0)] = 0.0
    seed: int = 0
    weight: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _stripe_in_range(self) -> MemberSettings:
        if self.stripe[0] >= self.stripe[1]:
            raise ValueError("stripe [i, n] counts from 0: i must be less than n")
        return self


class RetrieveSettings(Settings):
    """Stage 1: which examples of the pool are shown with a text.

    `by`: "span" is SpanSim, the paper's; "sentence" compares whole texts; "random" draws by `seed`, once for all texts.
    `spans`: where the input's spans come from: "members" is the paper's, zero-shot pre-extraction by every member;
    "words" takes runs of words whose part of speech can be a name, and asks nobody.
    `pool_spans`: "gold" takes the pool's labelled spans; "members" pre-extracts them once (stored); "words" as above.
    `proper`, `common`, `pronoun`, `other`: what a span counts in SpanSim by its part of speech. The paper gives their
    order only; the numbers are a public reproduction's.
    `search` "approximate" sifts pools of more than a million spans (or texts) before it compares exactly: see
    `el4ner.retrieval.approximate`.
    `balance`: every label of the pool, where it can be, is among the demonstrations. `diversity` d chooses them one by
    one (maximal marginal relevance): the next is that with the most (1 - d) x similarity - d x cosine of its text to
    the nearest of those chosen already; 0 is similarity alone.
    """

    by: Literal["span", "sentence", "random"] = "span"
    spans: Literal["members", "words"] = "members"
    pool_spans: Literal["gold", "members", "words"] = "gold"
    proper: Annotated[float, Field(ge=0)] = 4.0
    common: Annotated[float, Field(ge=0)] = 2.0
    pronoun: Annotated[float, Field(ge=0)] = 1.0
    other: Annotated[float, Field(ge=0)] = 0.0
    search: Literal["exact", "approximate"] = "exact"
    balance: bool = False
    diversity: Share = 0.0
    seed: int = 0


class ExtractSettings(Settings):
    """Stage 2: how members are asked which entities they see.

    `answer` is how a member says what it found, in demonstrations and replies alike: "list" is "Anna Berg (person)";
    "marks" copies the text with signs around each entity, and says no types; "reasons" is a line a candidate, with true
    or false and a reason. `types`: "together" asks for all types at once, "apart" puts a question for each type, whose
    demonstrations show that type only, and are the most similar ones that hold it as far as there are any among those
    retrieved (so many times more are); "none" asks for spans without types.
    `samples` replies are drawn for every question, by consecutive seeds, and what any of them holds goes on.
    `constrain`: hold lists to spans of the text by a grammar, where the engine can.
    """

    answer: Literal["list", "marks", "reasons"] = "list"
    types: Literal["together", "apart", "none"] = "together"
    samples: Positive = 1
    constrain: bool = False

    @model_validator(mode="after")
    def _go_together(self) -> ExtractSettings:
        if self.answer == "marks" and self.types == "together":
            raise ValueError('answer = "marks" says no types: set types = "apart" or "none"')
        if self.answer == "reasons" and self.types == "none":
            raise ValueError('answer = "reasons" says types: set types = "together" or "apart"')
        if self.constrain and self.answer != "list":
            raise ValueError('constrain: only answer = "list" can be held to the text')
        return self


class ClassifySettings(Settings):
    """Stage 3: who votes on a candidate's type.

    `ask`: who is asked for a span's type. "others": a type that a member wrote next to the span in stage 2 is its vote,
    and it is not asked again (the prompt would be the same up to that type). "undecided" asks the others one after the
    other, and only where their votes can still change what is found: the same entities of the same types for fewer
    questions, with scores of fewer votes. "everyone" asks all the same. "nobody" asks no question: the entries of
    stage 2 are the votes, as probable as span and type together, and a member that did not list a span votes "none of
    these". "both" asks everyone, and counts the entry as much as the answer: a member's belief in a type is the mean of
    the two, where a span that is not listed and the answer "none of these" are no belief in any.
    `none`: whether "none of these" is an answer. Where nobody is asked and it is none, a member that did not list a
    span counts with a belief of 0: with the rule "probability", scores are then means of the members' probabilities.
    `branches`: with more types than so many, they are grouped by likeness into so many groups; the group is asked for
    first, then the type within it.
    """

    ask: Literal["others", "undecided", "everyone", "nobody", "both"] = "others"
    none: bool = True
    branches: Annotated[int, Field(ge=2)] | None = None


class VerifySettings(Settings):
    """Stage 4: who is asked whether an entity holds. `members` are their names; an empty list leaves the stage out."""

    members: tuple[str, ...] = ()


class CrfSettings(Settings):
    """The conditional random field (`el4ner.crf.voter`): learns from the pool in seconds. Its extra is `tagger`.

    `hints`: its entities, with its confidence, stand beside every text that members read: beside demonstrations as a
    field says that did not learn from them. `votes`: what it finds is proposed by a voter called "crf", who votes
    for its type and, elsewhere, for "none of these" with a belief of 0. `weight` is that of a member; `measured`: times
    the F1 that it has on texts of the pool which it did not learn from, so that it counts little where the pool
    is small or its names are new.
    """

    hints: bool = False
    votes: bool = False
    weight: Annotated[float, Field(gt=0)] = 1.0
    measured: bool = False


class DecideSettings(Settings):
    """How ballots become entities: `el4ner.decide.Decision` says what each setting means.

    `calibration` [slope, shift] turns the share of a vote into a probability, against which the threshold is held;
    `el4ner tune` measures it.
    """

    rule: Rule = "majority"
    proposers: Positive = 1
    threshold: Share = 0.0
    overlap: Overlap = "flat"
    calibration: tuple[Annotated[float, Field(ge=0.01, le=100)], Annotated[float, Field(ge=-100, le=100)]] | None = None

    def decision(self, weights: Mapping[str, float]) -> Decision:
        """The same with the weights of those who vote; verdicts count."""
        return Decision(weights=weights, **self.model_dump())


class Recipe(Settings):
    """All settings of an ensemble.

    `window` is the number of texts that are worked on together. A text of more than `passage_bytes` bytes of UTF-8
    is cut into passages at sentence ends. There may be no members where the random field votes.
    """

    name: str
    description: str = ""
    window: Positive = 32
    passage_bytes: Annotated[int, Field(ge=16)] = 1500
    models: dict[str, ModelSettings]
    members: tuple[MemberSettings, ...]
    retrieve: RetrieveSettings = RetrieveSettings()
    extract: ExtractSettings = ExtractSettings()
    classify: ClassifySettings = ClassifySettings()
    verify: VerifySettings = VerifySettings()
    crf: CrfSettings = CrfSettings()
    decide: DecideSettings = DecideSettings()

    @property
    def used(self) -> dict[str, EngineSettings]:
        """The models that members ask, by name."""
        asked = {member.model for member in self.members}
        return {name: settings for name, settings in self.models.items() if name in asked}

    @property
    def weights(self) -> dict[str, float]:
        """Who votes, and with what weight: the members, and the random field where it votes."""
        return {m.name: m.weight for m in self.members} | ({CRF: self.crf.weight} if self.crf.votes else {})

    @property
    def alike(self) -> bool:
        """Whether all who vote weigh the same: then the rule "weighted" is "majority"."""
        return len(set(self.weights.values())) == 1 and not (self.crf.votes and self.crf.measured)

    def weighing(self, weights: Mapping[str, float]) -> Recipe:
        """The same recipe with other weights of all who vote, as they are given."""
        members = tuple(m.model_copy(update={"weight": weights[m.name]}) for m in self.members)
        crf = self.crf.model_copy(update={"weight": weights[CRF], "measured": False} if CRF in weights else {})
        return self.model_copy(update={"members": members, "crf": crf})

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_called(cls, table: Any) -> Any:
        return renamed(table) if isinstance(table, Mapping) else table

    @model_validator(mode="after")
    def _names_exist(self) -> Recipe:
        names = [member.name for member in self.members]
        if len(set(names)) < len(names):
            raise ValueError("members: every member needs a name of its own")
        if not names and not self.crf.votes:
            raise ValueError("members: none; name at least one, or let the random field vote (crf.votes)")
        if CRF in names and self.crf.votes:
            raise ValueError("members: 'crf' is the name of the random field, which votes; give another")
        if (least := self.decide.proposers) > len(self.weights):
            raise ValueError(f"decide.proposers: {least} of {len(self.weights)} who vote; nothing passes")
        for member in self.members:
            if member.model not in self.models:
                told = f"{member.model!r}{did_you_mean(member.model, self.models)}"
                raise ValueError(f"members: {member.name!r} names the model {told}")
        for name in self.verify.members:
            if name not in names:
                raise ValueError(f"verify.members: no member is called {name!r}{did_you_mean(name, names)}")
        return self

    @model_validator(mode="after")
    def _go_together(self) -> Recipe:
        if self.classify.branches is not None and self.crf.hints:
            raise ValueError("classify.branches: crf.hints name types, not groups of them; leave one of the two out")
        if self.classify.ask == "undecided" and (self.crf.votes or (self.verify.members and self.decide.threshold)):
            raise ValueError(
                'classify.ask = "undecided": with a random field that votes, or with verifiers and a threshold, every'
                ' vote matters; use "others"'
            )
        if self.extract.types == "none" and self.classify.ask == "nobody":
            raise ValueError('classify.ask = "nobody": with extract.types = "none" nobody says a type; ask someone')
        if self.retrieve.by == "random" and (self.retrieve.balance or self.retrieve.diversity):
            raise ValueError('retrieve: balance and diversity choose among the most similar; not with by = "random"')
        cold = next((member.name for member in self.members if member.temperature == 0), None)
        if cold is not None and self.extract.samples > 1:
            raise ValueError(f"extract.samples: at temperature 0 all samples of {cold!r} are the same; set it above 0")
        return self
