"""Where all questions pass: identical ones are asked once, known ones not at all, and the rest are counted."""

from __future__ import annotations

import time
from collections.abc import Sequence

from el4ner.ledger import Ledger
from el4ner.member import Member
from el4ner.models.base import Reply, Request
from el4ner.models.store import Store, key


class Desk:
    """Puts a stage's questions to a member's model, by way of the reply store."""

    def __init__(self, store: Store | None, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    def ask(self, stage: str, member: Member, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order."""
        identity = member.model.identity
        keys = [key(identity, request) for request in requests]
        unique = dict(zip(keys, requests, strict=True))
        known = self._store.get(list(unique)) if self._store else {}
        wanted = [k for k in unique if k not in known]
        began = time.perf_counter()
        replies = member.model.generate([unique[k] for k in wanted]) if wanted else []
        seconds = time.perf_counter() - began
        fresh = dict(zip(wanted, replies, strict=True))
        if self._store and fresh:
            self._store.put(identity, fresh.items())
        self._ledger.add(stage, member.name, len(keys), list(known.values()), replies, seconds)
        return [known[k] if k in known else fresh[k] for k in keys]
