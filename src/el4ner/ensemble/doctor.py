"""Asks a recipe's models what they can do, and says what that means for each member.

A handful of short requests a model: enough to tell a server that ignores grammars from one that holds them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from el4ner.crf.model import require
from el4ner.data import EMPTY
from el4ner.ensemble.member import Member
from el4ner.errors import ContextError, El4nerError, MissingExtraError
from el4ner.models.base import Message, Model, Outcome, Reply, Request
from el4ner.models.constraint import Constraint, Listing, OneOf
from el4ner.models.open import open_models
from el4ner.models.settings import EngineSettings
from el4ner.pool.demo import demo_pool, demo_texts
from el4ner.prompts.choice import read_choice
from el4ner.prompts.listing import read_listing
from el4ner.prompts.style import style
from el4ner.recipes.settings import MemberSettings, Recipe
from el4ner.text.passage import passage

_OPTIONS = ("quartz-42", "zebra-17")  # nobody answers these unless a grammar makes them
_SENTENCE = "Ilvara Quent sailed from Port Masry to Old Dun on Friday."
_LABELS = ("person", "location")
_ASIDE = ("The months of the year are", "Once upon a time")


_Say = Callable[[str, Constraint | None, int], Request]

PLAIN, CHAT = "continues plain text", "answers through its chat template"
CHOICE, SPANS = "holds a choice", "holds spans of a text"
LOGPROBS, REPEATS, CONTEXT = "gives log-probabilities", "repeats at temperature 0", "context as asked for"


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and its answer: `holds` is None where it could not be told."""

    question: str
    holds: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found out about one model, asked in one prompt style.

    `style` is empty where there is none. `error` is empty if the model is there; otherwise nothing else is known, but
    perhaps what would help: `advice` is lines for the model's table in the recipe.
    """

    model: str
    style: str
    identity: str = ""
    context: int = 0
    findings: tuple[Finding, ...] = ()
    error: str = ""
    advice: tuple[str, ...] = ()

    def holds(self, question: str) -> bool | None:
        """The answer to a question, None if it is not known."""
        return next((finding.holds for finding in self.findings if finding.question == question), None)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What degrades for one member of the recipe, in sentences; nothing if all is well."""

    member: str
    model: str
    losses: tuple[str, ...]


def examine(recipe: Recipe) -> Iterator[tuple[Diagnosis, list[Outlook]]]:
    """Open one model after the other and ask it in every style that a member asks it in.

    Each diagnosis with what it means for these members. A model that is not there is a diagnosis, too, and so is the
    random field, which has no style.
    """
    if recipe.crf.hints or recipe.crf.votes:
        yield _random_field(), []
    for name, settings in recipe.used.items():
        styles = dict.fromkeys(member.style for member in recipe.members if member.model == name)
        try:
            model = open_models({name: settings})[name]
        except El4nerError as error:
            yield from ((d := Diagnosis(name, style, error=str(error)), _outlooks(recipe, None, d)) for style in styles)
            continue
        try:
            yield from ((d := diagnose(name, settings, style, model), _outlooks(recipe, model, d)) for style in styles)
        finally:
            model.close()


def _random_field() -> Diagnosis:
    try:
        return Diagnosis("the random field", "", require())
    except MissingExtraError as error:
        return Diagnosis("the random field", "", error=str(error))


def diagnose(name: str, settings: EngineSettings, style: str, model: Model) -> Diagnosis:
    """Ask an open model, in the prompt style "compact" or "chat"."""
    plain, chat = model.generate([_plain("The capital of France is"), _chat("What is the capital of France?")])
    if plain.outcome is Outcome.FAILED and chat.outcome is Outcome.FAILED:
        return Diagnosis(name, style, error=plain.error or chat.error, advice=tuple(settings.advice()))
    say, reply = (_chat, chat) if style == "chat" else (_plain, plain)
    findings = (
        _answered(PLAIN, plain),
        _answered(CHAT, chat),
        _choice(model, say),
        _spans(model, say),
        Finding(LOGPROBS, bool(reply.tokens), "votes carry probabilities" if reply.tokens else "none came"),
        _repeats(model, say),
        _context(settings, model),
    )
    advice = tuple(settings.advice()) if style == "chat" else ()
    return Diagnosis(name, style, model.identity, model.context, findings, advice=advice)


def _outlooks(recipe: Recipe, model: Model | None, found: Diagnosis) -> list[Outlook]:
    mine = [m for m in recipe.members if m.model == found.model and m.style == found.style]
    return [outlook(recipe, member, model, found) for member in mine]


def outlook(recipe: Recipe, settings: MemberSettings, model: Model | None, found: Diagnosis) -> Outlook:
    """What a diagnosis means for a member."""
    if model is None or found.error:
        return Outlook(settings.name, found.model, ("cannot take part",))
    reasons = [
        (found.holds(CHAT if settings.style == "chat" else PLAIN) is False, _unusable(settings)),
        (
            found.holds(CHOICE) is False and (recipe.classify.ask != "nobody" or bool(recipe.verify.members)),
            "types and verdicts are not held to a list: other answers count as abstentions",
        ),
        (
            found.holds(SPANS) is False and (recipe.extract.constrain or recipe.retrieve.spans == "members"),
            "spans are not held to the text: what is made up is thrown out, and reported as ungrounded",
        ),
        (found.holds(LOGPROBS) is False, "votes count whole: scores are shares of heads, not of probabilities"),
        (
            found.holds(REPEATS) is False and settings.temperature == 0,
            "answers differ from run to run: only what the reply store holds comes back the same",
        ),
        (found.holds(CONTEXT) is False, "the context is smaller than the recipe asks for"),
        (bool(short := _short(settings, model)), short),
    ]
    return Outlook(settings.name, found.model, tuple(loss for applies, loss in reasons if applies))


def _unusable(settings: MemberSettings) -> str:
    other = "compact" if settings.style == "chat" else "chat"
    return f'gives no usable answer in the style "{settings.style}"; set style = "{other}", or serve it differently'


def _answered(question: str, reply: Reply) -> Finding:
    if reply.outcome is Outcome.FAILED:
        return Finding(question, False, reply.error)
    return Finding(question, bool(reply.text.strip()), f"it said {_quoted(reply)}")


def _choice(model: Model, say: _Say) -> Finding:
    """A model that is free does not happen to answer one of these."""
    reply = model.generate([say("The capital of France is", OneOf(_OPTIONS), 16)])[0]
    if reply.outcome is Outcome.FAILED:
        return Finding(CHOICE, False, reply.error)
    return Finding(CHOICE, read_choice(reply, _OPTIONS)[0] is not None, f"it said {_quoted(reply)}")


def _spans(model: Model, say: _Say) -> Finding:
    prompt = f"Text: {_SENTENCE}\nCapital cities of Europe, apart from the text:"
    reply = model.generate([say(prompt, Listing(_SENTENCE, _LABELS, " "), 48)])[0]
    if reply.outcome is Outcome.FAILED:
        return Finding(SPANS, False, reply.error)
    items = read_listing(reply, _LABELS)
    kept = all(item.text in _SENTENCE and item.label in _LABELS for item in items)
    listed = bool(items) or reply.text.strip() in (EMPTY, '{"entities": []}', '{"entities":[]}')
    return Finding(SPANS, kept and listed, f"it said {_quoted(reply)}")


def _repeats(model: Model, say: _Say) -> Finding:
    """The same request alone, and in the company of others, as it is in a batch."""
    request = say("Write about the sea:", None, 32)
    alone = model.generate([request])[0]
    batch = model.generate([say(_ASIDE[0], None, 16), request, say(_ASIDE[1], None, 32), request])
    same = {alone.text, batch[1].text, batch[3].text}
    if any(reply.outcome is Outcome.FAILED for reply in (alone, batch[1], batch[3])):
        return Finding(REPEATS, None, "a request failed")
    return Finding(REPEATS, len(same) == 1, "asked alone and among others, three times")


def _context(settings: EngineSettings, model: Model) -> Finding:
    real, asked = settings.real_context(model), settings.context
    said = f"{real} tokens" + (f", the recipe asks for {asked}" if asked else "")
    return Finding(CONTEXT, real >= (asked or 0), said)


def _short(settings: MemberSettings, model: Model) -> str:
    """How many demonstrations of the length of the shipped ones fit, if not all."""
    pool, text = demo_pool(), demo_texts()[0].text
    examples = [example for example in pool.examples if example.entities][: settings.demonstrations]
    member = Member(settings, model, style(settings.style))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is said below
        try:
            held = member.brief(pool.labels, [passage(text)], [examples])[0].demonstrations
        except ContextError as error:
            return str(error)
    asked = len(examples)
    return f"the context holds {held} demonstrations of {asked} of ordinary length" if held < asked else ""


def _plain(text: str, constraint: Constraint | None = None, max_tokens: int = 16) -> Request:
    return Request(text, max_tokens, (), constraint)


def _chat(text: str, constraint: Constraint | None = None, max_tokens: int = 16) -> Request:
    turns = (Message("system", "Answer with what is asked for and nothing else."), Message("user", text))
    return Request(turns, max_tokens, (), constraint)


def _quoted(reply: Reply) -> str:
    return repr(reply.text.strip()[:60])
