"""Which types are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from el4ner.evaluate.mistakes.match import match, place
from el4ner.evaluate.score import Counts, Text


@dataclass(frozen=True, eq=False)
class Confusion:
    """Gold types (rows) against found types (columns), over spans with the same offsets.

    `counts` has the shape (types + 1, types + 1): the last row holds what was found where no gold is (spurious), the
    last column gold at whose offsets nothing was found (missed). The last cell of both is 0.
    """

    types: tuple[str, ...]
    counts: Counts

    def frequent(self) -> list[tuple[str, str, int]]:
        """Pairs of a gold type and the other type that was found in its place, most frequent first."""
        pairs = [
            (gold, found, int(self.counts[row, column]))
            for row, gold in enumerate(self.types)
            for column, found in enumerate(self.types)
            if row != column and self.counts[row, column]
        ]
        return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))


def confusion(texts: Iterable[Text], types: Sequence[str] = ()) -> Confusion:
    """The matrix of all texts. `types` come first, in their order, whether they occur or not; others behind them."""
    cells: Counter[tuple[str | None, str | None]] = Counter()
    for text in texts:
        for pair in match(text.gold, text.found):
            gold, found = (None if mention is None else mention.label or "" for mention in (pair.gold, pair.found))
            if pair.gold and pair.found and place(pair.gold) != place(pair.found):
                cells[gold, None] += 1
                cells[None, found] += 1
            else:
                cells[gold, found] += 1
    others = sorted({name for cell in cells for name in cell if name is not None} - set(types))
    names = (*dict.fromkeys(types), *others)
    at: dict[str | None, int] = {name: number for number, name in enumerate((*names, None))}
    counts = np.zeros((len(at), len(at)), dtype=np.int64)
    for (gold, found), count in cells.items():
        counts[at[gold], at[found]] = count
    return Confusion(names, counts)
