"""Stage 1: the demonstrations whose spans are most like the input's (span-level sentence similarity)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from el4ner.concurrency import windows
from el4ner.data import Example, Span
from el4ner.ensemble.member import Member
from el4ner.errors import ModelError
from el4ner.models.base import Outcome, Reply, Request
from el4ner.prompts.form import Form
from el4ner.retrieval.index import Index, gold
from el4ner.stages.demonstrations import Search
from el4ner.stages.state import RETRIEVE, PassageState, Task
from el4ner.text.ground import ground
from el4ner.text.noun_phrases import phrases
from el4ner.text.passage import passage
from el4ner.text.words import AFFIXING, inner_cuts


def retrieve(states: Sequence[PassageState], task: Task, index: Index) -> list[PassageState]:
    """The spans of each passage, the demonstrations that they find in the pool, and every member's brief.

    `index` is the pool made searchable. Raises `ContextError` where a passage and the types alone do not fit a member.
    """
    states = _with_spans(states, task)
    if not task.members:
        return states
    reach = max(member.reach for member in task.members)
    if task.recipe.extract.types == "apart":
        reach *= len(task.labels)  # every type is shown by demonstrations that hold it, where there are some
    entity_free = max(member.settings.entity_free for member in task.members)
    with index.lock:  # windows may overlap, and the first of them makes the index
        found = Search(index, task.recipe.retrieve, reach, entity_free).find(states)
    return _briefed([replace(s, retrieved=one) for s, one in zip(states, found, strict=True)], task)


def _briefed(states: Sequence[PassageState], task: Task) -> list[PassageState]:
    passages = [state.passage for state in states]
    briefs = {
        member.name: member.brief(
            task.labels, passages, [member.choose(s.retrieved.examples, s.retrieved.entity_free) for s in states]
        )
        for member in task.members
    }
    return [replace(s, briefs={name: own[i] for name, own in briefs.items()}) for i, s in enumerate(states)]


def _with_spans(states: Sequence[PassageState], task: Task) -> list[PassageState]:
    """The spans of each passage by who found them: members, or (`spans = "words"`) parts of speech; {} if unused."""
    if task.recipe.retrieve.by != "span":
        return list(states)
    if task.recipe.retrieve.spans == "words":
        return [replace(state, spans={"words": tuple(phrases(state.shown))}) for state in states]
    found, silent = preextract([state.shown for state in states], task)
    return [
        replace(state, spans={name: spans[i] for name, spans in found.items()}, silent=silent[i])
        for i, state in enumerate(states)
    ]


def preextract(shown: Sequence[str], task: Task) -> tuple[dict[str, list[tuple[Span, ...]]], list[dict[str, str]]]:
    """Every member lists the spans of each text that could be entities, without demonstrations (EL4NER, stage 1.1).

    By member, a tuple of spans for each text; and for each text, who gave no usable answer. Replies are held to the
    text's spans by a grammar where the engine can.
    """
    spans: dict[str, list[tuple[Span, ...]]] = {}
    abstained: list[dict[str, str]] = [{} for _ in shown]
    cut, names = AFFIXING | task.cut, {label.name for label in task.labels}
    asked = [(member, _questions(shown, member, task)) for member in task.members]

    def amiss(place: int, number: int, reply: Reply) -> str:
        return Form.NAMES.amiss(reply, shown[number], names, task.members[place].style.chat)

    for member, replies in zip(task.members, task.dispatch.ask(RETRIEVE, asked, amiss), strict=True):
        spans[member.name] = []
        for i, reply in enumerate(replies):
            if reply.outcome is Outcome.FAILED:
                abstained[i][member.name] = reply.error
                spans[member.name].append(())
                continue
            places = (
                place for item in Form.NAMES.read(reply, shown[i], names) for place in ground(shown[i], item.text, cut)
            )
            spans[member.name].append(tuple(Span(*place) for place in dict.fromkeys(places)))
    return spans, abstained


def _questions(shown: Sequence[str], member: Member, task: Task) -> list[Request]:
    limits = [16 + 2 * n for n in member.model.count(shown)]
    asked = member.labels(task.labels)
    return [
        member.style.preextract(asked, text, True, limit, inner_cuts(text, task.cut))
        for text, limit in zip(shown, limits, strict=True)
    ]


def pool_spans(examples: Sequence[Example], task: Task) -> list[tuple[Span, ...]]:
    """The spans by which examples are found, into their texts as they were given (EL4NER, stage 1.1)."""
    if task.recipe.retrieve.pool_spans == "gold":
        return gold(examples)
    shown = [passage(example.text) for example in examples]
    if task.recipe.retrieve.pool_spans == "words":
        found = [tuple(phrases(p.shown)) for p in shown]
    else:
        parts = windows([p.shown for p in shown], task.recipe.window)
        found = [spans for part in parts for spans in _members_spans(part, task)]
    return [tuple(p.span(s.start, s.end) for s in spans) for p, spans in zip(shown, found, strict=True)]


def _members_spans(shown: Sequence[str], task: Task) -> list[tuple[Span, ...]]:
    by, silent = preextract(shown, task)
    if all(len(failed) == len(task.members) for failed in silent):
        reasons = "; ".join(f"{member}: {reason}" for member, reason in silent[0].items())
        raise ModelError(f"no member answered about the pool's texts; {reasons}; `el4ner doctor` asks every endpoint")
    return [tuple(dict.fromkeys(s for spans in by.values() for s in spans[i])) for i in range(len(shown))]
