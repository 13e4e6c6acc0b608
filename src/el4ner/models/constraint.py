"""What a reply may be, said once and compiled to each engine's dialect.

Two constraints are enough for the method: "one of these" (types, verdicts) and "spans of this text". The second is
linear in the text's length: for the words w1..wn, `span ::= w1 | ... | wn` and `wi ::= "word i" (gap w(i+1))?`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from el4ner.data import EMPTY, SEPARATOR, Span
from el4ner.text.words import words

_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_JOINT = "_"  # no span begins or ends with it: as emphasis it stands around names, else within them
_NGRAM = 8  # longest span, in words, of the JSON-schema dialect, which has to enumerate them


@dataclass(frozen=True, slots=True)
class OneOf:
    """The reply is exactly one of `options`."""

    options: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """The reply is `lead` and then a list of spans of `text`, each followed by one of `labels` in brackets if there
    are any.

    `a (person); b (location)` or `a; b`, or `none`. Spans are of whole words, and of parts of words that end at `cuts`.
    """

    text: str
    labels: tuple[str, ...] = ()
    lead: str = ""
    cuts: tuple[int, ...] = ()

    @cached_property
    def units(self) -> list[tuple[str, str]]:
        """The text's words and the gap that follows each, so that spans are contiguous stretches of the text."""
        found = self._pieces()
        starts = [span.start for span in found] + [len(self.text)]
        return [
            (self.text[s.start : s.end], self.text[s.end : after]) for s, after in zip(found, starts[1:], strict=True)
        ]

    def ngrams(self) -> list[str]:
        """All spans of up to eight words, without repeats, in order."""
        found = self._pieces()
        pairs = ((i, j) for i in range(len(found)) for j in range(i, min(i + _NGRAM, len(found))))
        spans = (self.text[found[i].start : found[j].end] for i, j in pairs)
        return list(dict.fromkeys(span for span in spans if _JOINT not in (span[0], span[-1])))

    def _pieces(self) -> list[Span]:
        """What spans are made of: words, taken apart at the cuts."""
        whole = words(self.text)
        if not self.cuts:
            return whole
        edges = sorted({*self.cuts, *(at for word in whole for at in (word.start, word.end))})
        return [Span(start, end) for start, end in pairwise(edges) if self.text[start:end].strip()]


Constraint = OneOf | Listing


def to_ebnf(constraint: Constraint) -> str:
    """The grammar in the common subset of EBNF (XGrammar: OpenVINO GenAI, vLLM) and GBNF (llama.cpp)."""
    if isinstance(constraint, OneOf):
        return f"root ::= ({' | '.join(map(_quote, constraint.options))})\n"
    lead = _quote(constraint.lead) + " " if constraint.lead else ""
    units = constraint.units
    spanned = [i for i, (word, _) in enumerate(units) if word != _JOINT]
    if not spanned:
        return f"root ::= {lead}{_quote(EMPTY)}\n"
    rules = [f"root ::= {lead}(item ({_quote(SEPARATOR)} item)* | {_quote(EMPTY)})"]
    rules.append(f"item ::= span {_quote(' (')} label {_quote(')')}" if constraint.labels else "item ::= span")
    rules.append("span ::= " + " | ".join(f"w{i}" for i in spanned))
    for i, (word, gap) in enumerate(units[: spanned[-1] + 1]):
        follow = f" ({_quote(gap) + ' ' if gap else ''}w{i + 1})" if i < spanned[-1] else ""
        rules.append(f"w{i} ::= {_quote(word)}{follow}{'?' if follow and word != _JOINT else ''}")
    if constraint.labels:
        rules.append("label ::= " + " | ".join(map(_quote, constraint.labels)))
    return "\n".join(rules) + "\n"


def to_json_schema(constraint: Constraint) -> dict[str, Any]:
    """The same as a JSON schema, for servers that take nothing else; the reply is then JSON (`prompts.json_reply`)."""
    if isinstance(constraint, OneOf):
        return _object({"answer": {"type": "string", "enum": list(constraint.options)}})
    span = {"type": "string", "enum": constraint.ngrams() or [""]}
    item: dict[str, Any] = span
    if constraint.labels:
        item = _object({"text": span, "type": {"type": "string", "enum": list(constraint.labels)}})
    return _object({"entities": {"type": "array", "items": item}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _quote(text: str) -> str:
    """A grammar literal, with the escapes that both dialects know; GBNF refuses JSON's for backspace and form feed."""
    return '"' + _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + '"'


def fingerprint(constraint: Constraint | None) -> Sequence[object]:
    """What the reply store keys on: the constraint's meaning, not its dialect."""
    if constraint is None:
        return ()
    if isinstance(constraint, OneOf):
        return ("one-of", "", *constraint.options)  # "": keys of stored replies have a place for what stood before
    cuts = [("cuts", *constraint.cuts)] if constraint.cuts else []
    return ("listing", constraint.lead, constraint.text, *constraint.labels, *cuts)
