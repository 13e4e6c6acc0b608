"""Where all questions pass: identical ones are asked once, known ones not at all, and the rest are counted."""

from __future__ import annotations

import time
from collections.abc import Sequence

from el4ner.concurrency import together
from el4ner.ensemble.costs import Ledger
from el4ner.ensemble.member import Member
from el4ner.models.base import Reply, Request
from el4ner.models.store import Store, key

Questions = tuple[Member, Sequence[Request]]


class Dispatcher:
    """Puts a stage's questions to the members' models, by way of the reply store."""

    def __init__(self, store: Store | None, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def ask(self, stage: str, questions: Sequence[Questions]) -> list[list[Reply]]:
        """The replies to each member's requests, in order.

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
                given = self._answer(stage, [questions[i] for i in group])
                replies.update(zip(group, given, strict=True))

        together(answer, queues.values())
        return [replies[i] for i in range(len(questions))]

    def _answer(self, stage: str, questions: Sequence[Questions]) -> list[list[Reply]]:
        """The replies of one model, for all the members that share it."""
        model = questions[0][0].model
        identity = model.identity
        keys = [[key(identity, request) for request in requests] for _, requests in questions]
        unique = {k: r for ks, (_, rs) in zip(keys, questions, strict=True) for k, r in zip(ks, rs, strict=True)}
        known = self._store.get(list(unique)) if self._store else {}
        wanted = [k for k in unique if k not in known]

        def keep(done: Sequence[tuple[int, Reply]]) -> None:
            if self._store:
                self._store.put(identity, [(wanted[number], reply) for number, reply in done])

        began = time.perf_counter()
        with self._ledger.working():
            replies = model.generate([unique[k] for k in wanted], keep) if wanted else []
        seconds = time.perf_counter() - began
        fresh = dict(zip(wanted, replies, strict=True))
        self._count(stage, questions, keys, known, fresh, seconds)
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


def _tokens(reply: Reply) -> int:
    return reply.usage.prompt + reply.usage.generated
