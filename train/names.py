"""Names and descriptions of entity types: paraphrases, spellings, nonsense words, finer and merged types.

A model that has seen a type under one name only remembers it; one that has seen it under many has to read the prompt.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from kinds import ELSEWHERE, KIND_OF, KINDS, OTHER_LANGUAGES

_COUNTRIES = frozenset(
    """Afghanistan Albania Algeria Angola Argentina Armenia Australia Austria Azerbaijan Bahrain Bangladesh Belarus
    Belgium Bolivia Bosnia Botswana Brazil Bulgaria Cambodia Cameroon Canada Chad Chile China Colombia Congo
    Croatia Cuba Cyprus Denmark Ecuador Egypt Eritrea Estonia Ethiopia Fiji Finland France Gabon Gambia Georgia
    Germany Ghana Greece Guatemala Guinea Haiti Honduras Hungary Iceland India Indonesia Iran Iraq Ireland
    Israel Italy Jamaica Japan Jordan Kazakhstan Kenya Kuwait Kyrgyzstan Laos Latvia Lebanon Liberia Libya
    Lithuania Luxembourg Macedonia Madagascar Malaysia Mali Malta Mexico Moldova Mongolia Montenegro Morocco
    Mozambique Myanmar Burma Namibia Nepal Netherlands Nicaragua Niger Nigeria Norway Oman Pakistan Palestine
    Panama Paraguay Peru Philippines Poland Portugal Qatar Romania Russia Rwanda Senegal Serbia Singapore
    Slovakia Slovenia Somalia Spain Sudan Sweden Switzerland Syria Taiwan Tajikistan Tanzania Thailand Tunisia
    Turkey Turkmenistan Uganda Ukraine UAE UK US USA U.S. U.K. U.S.A. Uruguay Uzbekistan Venezuela Vietnam Yemen
    Zambia Zimbabwe England Scotland Wales Britain America Deutschland Frankreich Italien Österreich Schweiz
    Russland Polen Spanien Großbritannien Niederlande Belgien Türkei Griechenland Ungarn Schweden Norwegen
    Dänemark Tschechien Japan Kroatien
    中国 美国 日本 英国 法国 德国 俄罗斯 韩国 印度 加拿大 澳大利亚 意大利 西班牙 巴西 墨西哥 泰国 越南 新加坡
    马来西亚 印度尼西亚
    菲律宾 埃及 土耳其 伊朗 伊拉克 以色列 荷兰 比利时 瑞士 瑞典 挪威 丹麦 芬兰 波兰 奥地利 葡萄牙 希腊 苏联
    """.split()  # noqa: SIM905
) | {"United States", "United Kingdom", "Saudi Arabia", "South Africa", "New Zealand", "North Korea", "South Korea",
     "Sri Lanka", "Great Britain", "Soviet Union", "Czech Republic", "Costa Rica", "El Salvador", "Burkina Faso",
     "United States of America", "Hong Kong", "Papua New Guinea", "Ivory Coast", "Sierra Leone"}  # fmt: skip


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda surface, find=re.compile(pattern).search: find(surface) is not None


# What a surface tells about a finer type; nothing is claimed of the others, which keep the coarse one.
_FINER: dict[str, tuple[tuple[str, Callable[[str], bool]], ...]] = {
    "location": (
        ("country", _COUNTRIES.__contains__),
        ("facility name", _matches(r"\b(Airport|Station|Street|Road|Bridge|Stadium|Hotel|Park|Tower|Palace|Museum)\b")),
        ("water", _matches(r"\b(River|Lake|Ocean|Sea|Bay|Gulf)\b|[河湖海]$")),
    ),
    "organisation": (
        ("university", _matches(r"\b(Universit|College|School|Hochschule|Institute of Tech)|大学$|学院$")),
        ("company", _matches(r"\b(Inc|Corp|Ltd|LLC|Co|Company|Corporation|GmbH|AG|Bank|Group)\b\.?|公司$|银行$")),
        ("party", _matches(r"\b(Party|Democrats|Republicans|SPD|CDU|CSU|FDP|NPD)\b|党$")),
        ("media", _matches(r"\b(Times|News|Post|Journal|Magazine|BBC|CNN|NBC|TV|Radio|Zeitung|Spiegel)\b|报$|电视台$")),
        ("team", _matches(r"\b(FC|United|Club|Team|League|SV|VfB|VfL|Football)\b|队$")),
    ),
    "misc": (
        ("award", _matches(r"\b(Award|Prize|Medal|Preis|Oscar)")),
        ("event", _matches(r"\b(War|Battle|Cup|Festival|Olympi|Championship|Conference|Krieg|Revolution)")),
        ("nationality", _matches(r"^[A-Z][a-z]+(ish|ese|ian|ans|ch|can)s?$")),
    ),
}  # fmt: skip

# Types that the text's form alone defines: any text can have them.
PATTERNS: dict[str, re.Pattern[str]] = {
    "year": re.compile(r"(?<![\w.,])(?:1[5-9]|20)\d\d(?![\w]|[.,]\d)"),
    "number": re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])"),
    "month": re.compile(r"\b(?:January|February|March|April|June|July|August|September|October|November|December)\b"),
    "link": re.compile(r"(?:https?://|www\.)\S+"),
    "hashtag": re.compile(r"#\w+"),
}


def kind(corpus: str, label: str) -> str | None:
    """The kind that a type stands for, if the tables know it: a data set's label, or a type that was made here.

    A written set says itself what its types mean.
    """
    if corpus.startswith("written/"):
        return None
    return ELSEWHERE.get(corpus, {}).get(label) or KIND_OF.get(label)


def finer(coarse: str | None, surface: str) -> str | None:
    """The finer kind that an entity's surface gives away, if any."""
    for name, test in _FINER.get(coarse or "", ()):
        if test(surface):
            return name
    return None


def splits(coarse: str | None) -> tuple[str, ...]:
    """The finer kinds of a kind."""
    return tuple(name for name, _ in _FINER.get(coarse or "", ()))


def spelt(name: str, dice: random.Random) -> str:
    """The same name in another case or with other separators."""
    parts = [p for p in re.split(r"[ _\-/]+", name) if p]
    style = dice.choice(("lower", "title", "upper", "snake", "camel", "hyphen"))
    if style == "upper":
        return "_".join(parts).upper()
    if style == "title":
        return " ".join(p[:1].upper() + p[1:] for p in parts)
    if style == "camel":
        return "".join(p[:1].upper() + p[1:].lower() for p in parts)
    return {"lower": " ", "snake": "_", "hyphen": "-"}[style].join(parts).lower()


_SYLLABLES = ("ba", "dro", "fel", "gim", "ka", "lun", "mor", "nix", "pra", "quo", "ril", "sto", "tav", "vex", "zor")


def nonsense(dice: random.Random) -> str:
    """A word or code that means nothing."""
    if dice.random() < 0.3:
        return dice.choice("ABCDEKQXYZ") + (str(dice.randrange(1, 30)) if dice.random() < 0.6 else "")
    word = "".join(dice.choice(_SYLLABLES) for _ in range(dice.randrange(2, 4)))
    return dice.choice((word, word.capitalize(), word.upper()))


def name(own: str, what: str | None, language: str, dice: random.Random, rename: float) -> str:
    """A name for a type that the data set calls `own`: that one, a paraphrase (with chance `rename`), or a spelling."""
    chosen = own
    if dice.random() < rename and what is not None:
        foreign = OTHER_LANGUAGES.get(language, {}).get(what, ())
        chosen = dice.choice(foreign if foreign and dice.random() < 0.5 else KINDS[what][0])
    elif own == what:
        chosen = KINDS[what][0][0]
    return spelt(chosen, dice) if dice.random() < 0.3 else chosen


def description(own: str, what: str | None, examples: Sequence[str], dice: random.Random) -> str:
    """What a type means: the data set's words or others, at times with examples, or examples alone."""
    texts = [own] * 2 if own else []
    texts += KINDS[what][1] if what else ()
    text = dice.choice(texts) if texts else ""
    if examples and (not text or dice.random() < 0.15):
        shown = ", ".join(examples[: dice.randrange(2, 4)])
        text = f"{text}, such as {shown}" if text and dice.random() < 0.8 else f"such as {shown}"
    return text
