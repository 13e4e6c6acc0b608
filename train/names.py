"""Names and descriptions of entity types: paraphrases, spellings, nonsense words, finer and merged types.

A model that has seen a type under one name only remembers it; one that has seen it under many has to read the prompt.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

# What a label is, whatever a data set calls it: names, then descriptions.
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "person": (
        ("person", "people", "PER", "human name", "person name", "individual", "name of a person", "PERSON", "human"),
        (
            "names of people",
            "names of real and of invented people",
            "who is named",
            "first names, surnames, full names",
        ),
    ),
    "organisation": (
        ("organisation", "organization", "ORG", "institution", "company or institution", "ORGANIZATION", "org"),
        (
            "names of organisations",
            "names of companies, institutions, agencies, teams and other groups",
            "companies, parties, clubs, authorities, media, bands",
        ),
    ),
    "location": (
        ("location", "place", "LOC", "place name", "LOCATION", "geographical name", "loc"),
        (
            "names of locations",
            "names of towns, regions, countries and landmarks",
            "countries, cities, regions, rivers, mountains, buildings",
        ),
    ),
    "misc": (
        ("misc", "other", "MISC", "miscellaneous", "other name", "OTH"),
        (
            "names of anything else",
            "other names: nationalities, religions, events, works, products",
        ),
    ),
    "gene": (
        ("gene", "gene or gene product", "protein", "gene or protein", "GENE", "Gene/Protein"),
        ("genes and gene products", "genes, proteins and RNA", "names of genes, proteins, enzymes, receptors"),
    ),
    "chemical": (
        ("chemical", "drug", "chemical compound", "drug or chemical", "Simple_chemical", "substance"),
        ("chemicals and drugs", "chemical compounds, medicines, small molecules"),
    ),
    "disease": (
        ("disease", "illness", "medical condition", "disorder", "DISEASE", "diagnosis"),
        ("diseases, disorders and symptoms", "names of illnesses, syndromes and adverse effects"),
    ),
    "cancer": (("cancer", "tumour", "tumor", "neoplasm"), ("cancers and tumours", "kinds of cancer")),
    "cell": (("cell", "cell type", "kind of cell"), ("cells, cell types and cell lines", "kinds of cells")),
    "tissue": (("tissue", "body tissue"), ("tissues",)),
    "organ": (("organ", "body organ"), ("organs of the body", "organs")),
    "organism": (("organism", "species", "living being"), ("organisms, species and patients",)),
    "fluid": (("organism substance", "body fluid"), ("body fluids and substances",)),
    "food": (
        ("food", "ingredient", "food item", "foodstuff", "dish or food", "product"),
        ("foods and ingredients", "what is eaten or cooked with"),
    ),
    "quantity": (("quantity", "amount", "number"), ("quantities", "how much or how many")),
    "unit": (("unit", "measure", "unit of measure"), ("units of measure", "units such as cup, gram or spoon")),
    "process": (("process", "preparation", "way of preparing"), ("processes and ways of preparing",)),
    "quality": (("physical quality", "property", "texture or size"), ("physical qualities such as size or shape",)),
    "colour": (("color", "colour"), ("colours",)),
    "taste": (("taste", "flavour"), ("tastes",)),
    "date": (("date", "time", "DATE", "when"), ("dates and times", "dates")),
    "facility": (("facility", "building", "FAC", "facility or building"), ("facilities: buildings, rooms, roads",)),
    "gpe": (("geo-political entity", "GPE", "city or country"), ("cities, countries, villages and other GPEs",)),
    "nature": (("location", "LOC", "natural place"), ("locations: forests, rivers, mountains",)),
    "vehicle": (("vehicle", "VEH", "means of transport"), ("vehicles: ships, cars, carriages",)),
    "mention": (("person", "PER", "people", "character"), ("people, by name or common noun phrase",)),
    "malware": (("malware", "virus", "malicious program"), ("malware", "malicious software by name")),
    "tool": (("tool", "software", "program"), ("tools used in attacks", "software and tools")),
    "group": (("group", "hacker group", "threat actor"), ("hacker groups",)),
    "sector": (("sector", "industry"), ("industry sectors",)),
    "technique": (("technique", "attack technique", "method"), ("techniques of attackers", "methods")),
    "tactic": (("tactic", "attack tactic"), ("tactics of attackers",)),
    "code": (("code", "command", "file or command"), ("code snippets and commands",)),
    "concept": (("concept", "technical term", "term"), ("other cyber security concepts",)),
    # Finer types, found by the surface (see `finer`).
    "country": (("country", "nation", "COUNTRY"), ("countries", "names of countries")),
    "university": (("university", "school", "academic institution"), ("universities and schools",)),
    "company": (("company", "corporation", "business"), ("businesses by name", "companies")),
    "party": (("political party", "party"), ("political parties",)),
    "team": (("sports team", "club", "side"), ("sports teams and clubs",)),
    "media": (("media", "newspaper", "news source"), ("newspapers, magazines, broadcasters",)),
    "nationality": (("nationality", "NORP", "demonym"), ("nationalities, languages, words derived from a place",)),
    "award": (("award", "prize"), ("prizes, medals and other honours",)),
    "event": (("event", "EVENT", "happening"), ("events", "wars, festivals, tournaments")),
    "work": (("creative work", "work of art", "title"), ("titles of films, books, songs, series",)),
    "facility name": (("facility", "building", "landmark"), ("names of buildings, streets, airports, stations",)),
    "water": (("river", "body of water", "water"), ("rivers, lakes, seas",)),
    "user": (("user", "user name", "account", "handle"), ("user names of social media",)),
    "year": (("year", "YEAR"), ("years",)),
    "number": (("number", "NUM", "cardinal"), ("numbers",)),
    "month": (("month", "month name"), ("names of months",)),
    "link": (("url", "link", "web address"), ("web addresses",)),
    "hashtag": (("hashtag", "tag"), ("hashtags",)),
}

_KIND_OF = {
    "PER": "person", "ORG": "organisation", "LOC": "location", "MISC": "misc", "OTH": "misc", "GENE": "gene",
    "Gene_or_gene_product": "gene", "Chemical": "chemical", "Simple_chemical": "chemical", "Disease": "disease",
    "Cancer": "cancer", "Cell": "cell", "Tissue": "tissue", "Organ": "organ", "Organism": "organism",
    "Organism_substance": "fluid", "FOOD": "food", "QUANTITY": "quantity", "UNIT": "unit", "PROCESS": "process",
    "PHYSICAL_QUALITY": "quality", "COLOR": "colour", "TASTE": "taste", "DATE": "date", "MALWARE": "malware",
    "TOOL": "tool", "GROUP": "group", "SECTOR": "sector", "TECHNIQUE": "technique", "TACTIC": "tactic", "CODE": "code",
    "CON": "concept", "USER": "user", "LOCderiv": "nationality",
}  # fmt: skip
_ELSEWHERE = {  # labels that mean something else in one data set
    "litbank": {"PER": "mention", "FAC": "facility", "GPE": "gpe", "LOC": "nature", "VEH": "vehicle"},
}
_OTHER_LANGUAGES = {
    "de": {
        "person": ("Person", "Personenname", "Mensch"),
        "organisation": ("Organisation", "Firma oder Verein", "Institution"),
        "location": ("Ort", "Ortsname", "Geographie"),
        "misc": ("Sonstiges", "andere Namen"),
    },
    "zh": {
        "person": ("人名", "人物", "姓名", "nr"),
        "organisation": ("机构", "组织", "机构名", "nt"),
        "location": ("地名", "地点", "位置", "ns"),
        "country": ("国家",),
    },
}

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
    "month": re.compile(r"\b(?:January|February|April|June|July|August|September|October|November|December)\b"),
    "link": re.compile(r"(?:https?://|www\.)\S+"),
    "hashtag": re.compile(r"#\w+"),
}


def kind(corpus: str, label: str) -> str | None:
    """The kind that a type stands for, if the tables know it: a data set's label, or a type that was made here.

    A written set says itself what its types mean.
    """
    if corpus.startswith("written/"):
        return None
    return _ELSEWHERE.get(corpus, {}).get(label) or _KIND_OF.get(label)


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
        foreign = _OTHER_LANGUAGES.get(language, {}).get(what, ())
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
