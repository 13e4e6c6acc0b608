"""Whether a sentence says that something holds: yes and no in a few languages, and words that turn them round."""

from __future__ import annotations

import re

_YES = (
    r"true|correct|right|accurate|valid|holds?|affirmative|indeed|vrai|wahr|verdadero|vero|richtig|so(?=\W*$)"
    r"|i agree|agreed|(?:yes|yep|ja|oui|sí|da)(?!\s{0,4}\w)"
)
_NO = (
    r"false|falso|faux|falsch|negative|(?:not|isn['’]t)(?=\W*$)|not really|incorrect|wrong|untrue|inaccurate|invalid"
    r"|i disagree|(?:no|nope|nein|non|nee)(?=\s{0,4}(?:[,.;:!–—\n]|$))"
)
_SAID = re.compile(
    rf"(?<!\w)(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?!\w)"
    r"|(?P<wide_no>不对|不是|不正确|错误|错|否|不|非)|(?P<wide_yes>正确|对|是)",
    re.IGNORECASE,
)
_TURNED = re.compile(
    r"\b(?:not|hardly|barely|scarcely|never|cannot|nicht|pas|n['’]t|\w+n['’]t)\s+(?:\w+\s+){0,2}$", re.IGNORECASE
)
_SIGNS = {"1": True, "t": True, "✓": True, "✔": True, "✅": True, "0": False, "f": False, "✗": False, "❌": False}
_FIRST = re.compile(r"[\s*_\"'`“]*$")
_ENDS = re.compile(r"[*_\"'`”]*\s{0,4}(?:[.,:;!。，：；！–—-]|$)")
_NEAR = 40  # characters before a word in which it can be turned round


def verdict(sentence: str) -> tuple[bool | None, tuple[int, int]]:
    """What a sentence says, and where; None where it says neither, or both and not one of them first."""
    bare = sentence.strip(" .\t\n*\"'`")
    if bare.casefold() in _SIGNS:
        return _SIGNS[bare.casefold()], (sentence.index(bare), sentence.index(bare) + len(bare))
    said = []
    for match in _SAID.finditer(sentence):
        turned = _TURNED.search(sentence[max(0, match.start() - _NEAR) : match.start()]) is not None
        said.append(((match.lastgroup or "").endswith("yes") != turned, match.span()))
    if not said:
        return None, (0, 0)
    first, (start, end) = said[0]
    answers = _FIRST.fullmatch(sentence[:start][-_NEAR:]) is not None and _ENDS.match(sentence, end) is not None
    return (first, (start, end)) if answers or {holds for holds, _ in said} == {first} else (None, (0, 0))
