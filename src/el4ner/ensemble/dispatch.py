"""Where all questions pass: identical ones are asked once, known ones not at all, and the rest are counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from el4ner.concurrency import together
from el4ner.ensemble.costs import Ledger
from el4ner.ensemble.member import Member
from el4ner.models.base import Outcome, Reply, Request
from el4ner.models.store import Store, key

log = logging.getLogger(__name__)
Questions = tuple[Member, Sequence[Request]]
# Why a reply is no answer, "" if it is one: by the place of the member's questions, and the request's among these.
Amiss = Callable[[int, int, Reply], str]


def _never(place: int, number: int, reply: Reply) -> str:
    return ""


class Dispatcher:
    """Puts a stage's questions to the members' models, by way of the reply store.

    `whole`: replies of models in this process are kept once `settle` is called, and not before. What they answer
    depends a little on what is read with it, so that a window that was broken off must be asked again as a whole if
    the same shall come of it. Servers' replies are kept as they come.
    """

    def __init__(self, store: Store | None, ledger: Ledger, whole: bool = False) -> None:
        self._store = store
        self._ledger = ledger
        self._whole = whole
        self._held: dict[str, dict[bytes, Reply]] = {}  # by the model's identity

    def settle(self) -> None:
        """Keep what was held back."""
        for identity, replies in self._held.items():
            if self._store:
                self._store.put(identity, replies.items())
        self._held = {}

    def ask(self, stage: str, questions: Sequence[Questions], amiss: Amiss = _never) -> list[list[Reply]]:
        """The replies to each member's requests, in order. One that is `amiss` comes back as failed, and is not kept.

        Members that share a model are asked in one batch of it. Different models answer side by side, but those whose
        batch takes the whole machine one after the other.
        """
        groups: dict[int, list[int]] = {}
        for place, (member, _) in enumerate(questions):
            groups.setdefault(id(member.model), []).append(place)
        queues: dict[int, list[list[int]]] = {}
        for model, group in groups.items():
            overlaps = questions[group[0]][0].model.overlaps
            queues.setdefault(model if overlaps else 0, []).append(group)
        replies: dict[int, list[Reply]] = {}

        def answer(queue: Sequence[list[int]]) -> None:
            for group in queue:
                given = self._answer(stage, [questions[i] for i in group], _checked(amiss, group))
                replies.update(zip(group, given, strict=True))

        together(answer, queues.values())
        return [replies[i] for i in range(len(questions))]

    def _answer(self, stage: str, questions: Sequence[Questions], amiss: Amiss) -> list[list[Reply]]:
        """The replies of one model, for all the members that share it."""
        model = questions[0][0].model
        identity = model.identity
        keys = [[key(identity, request) for request in requests] for _, requests in questions]
        asked = [(k, (p, n)) for p, ks in enumerate(keys) for n, k in enumerate(ks)]
        first = dict(reversed(asked))  # where each is asked first
        unique = {k: questions[p][1][n] for k, (p, n) in asked for p, n in [first[k]]}

        def judged(k: bytes, reply: Reply) -> Reply:
            reason = amiss(*first[k], reply)
            if reply.outcome is Outcome.FAILED and not reason:
                reason = reply.error or "no reason was given"  # an empty one would pass for an answer
            return replace(reply, outcome=Outcome.FAILED, error=reason) if reason else reply

        held = self._held.setdefault(identity, {})
        stored = (self._store.get(list(unique)) if self._store else {}) | {k: held[k] for k in unique if k in held}
        known = {k: reply for k, reply in stored.items() if judged(k, reply).outcome is not Outcome.FAILED}
        wanted = [k for k in unique if k not in known]

        def keep(done: Sequence[tuple[int, Reply]]) -> None:
            told = [(wanted[n], judged(wanted[n], reply)) for n, reply in done]
            if self._store and self._whole and not model.overlaps:
                held.update((k, reply) for k, reply in told if reply.outcome is not Outcome.FAILED)
            elif self._store:
                self._store.put(identity, told)

        began = time.perf_counter()
        with self._ledger.working():
            replies = model.generate([unique[k] for k in wanted], keep) if wanted else []
        seconds = time.perf_counter() - began
        fresh = {k: judged(k, reply) for k, reply in zip(wanted, replies, strict=True)}
        self._count(stage, questions, keys, known, fresh, seconds)
        names = ", ".join(member.name for member, _ in questions)
        log.debug("%s %s: %d questions, %d calls, %.2f s", stage, names, len(asked), len(wanted), seconds)
        return [[known[k] if k in known else fresh[k] for k in ks] for ks in keys]

    def _count(
        self,
        stage: str,
        questions: Sequence[Questions],
        keys: Sequence[Sequence[bytes]],
        known: dict[bytes, Reply],
        fresh: dict[bytes, Reply],
        seconds: float,
    ) -> None:
        """A question that several members ask counts for the first; the time is shared out by tokens."""
        tokens = sum(map(_tokens, fresh.values())) or 1
        counted: set[bytes] = set()
        for (member, _), asked in zip(questions, keys, strict=True):
            own = dict.fromkeys(k for k in asked if k not in counted)
            counted.update(own)
            stored = [known[k] for k in own if k in known]
            called = [fresh[k] for k in own if k in fresh]
            spent = seconds * sum(map(_tokens, called)) / tokens
            self._ledger.add(stage, member.name, len(asked), stored, called, spent)


def _checked(amiss: Amiss, group: Sequence[int]) -> Amiss:
    """The same for a group of the questions, by their places in it."""
    return lambda place, number, reply: amiss(group[place], number, reply)


def _tokens(reply: Reply) -> int:
    return reply.usage.prompt + reply.usage.generated
