"""Names that models could misread are shown otherwise, and come back as they are."""

from __future__ import annotations

import math

import pytest
from fakes import LABELS, POOL, Asked, FakeModel, ensemble, example, scripted
from hypothesis import given
from hypothesis import strategies as st

from el4ner.data import Label
from el4ner.evaluate.sets.known import known_sets
from el4ner.models.base import Reply, Token
from el4ner.pool.aliases import Aliases
from el4ner.pool.pool import Pool
from el4ner.prompts.choice import read_choice
from el4ner.prompts.listing import read_listing

ODD = {
    "location (city)": "location_city",
    "a;b": "a_b",
    "none": "type_none",
    "None": "type_None_2",
    "O": "type_O",
    "true": "type_true",
    "Person": "Person",
    "person": "person_2",
    "人物（虚构）": "人物_虚构",
    "name, first": "name_first",
    '"quoted"': "quoted",
    "a|b": "a|b".replace("|", "_") + "_2",
    "org: firm": "org_firm",
    "[INST]": "INST",
    "()": "type",
    "(;)": "type_2",
    "plant\u200bpart": "plant_part",
    "location_city": "location_city",
}


def test_ordinary_names_are_shown_as_they_are() -> None:
    names = ["PER", "work-of-art", "cell_line", "B-cell", "product/service", "org:company", "C++", "R&D", "St.", "人物",
             "driver's license", "U.S. state", "müller", "دار", "🏢", "person 2", "O2", "-", "_", "Nonetheless",
             "نام\u200cشخص"]  # fmt: skip
    assert not Aliases.of(names).changed
    for known in known_sets().values():
        assert not Aliases.of(label.name for label in known.labels).changed


def test_what_could_be_misread_is_shown_otherwise() -> None:
    names = [name for name in ODD if name != "location_city"]
    assert Aliases.of(names).shown == {name: ODD[name] for name in names}


def test_an_alias_gives_way_to_a_name() -> None:
    shown = Aliases.of(["location (city)", "location_city"]).shown
    assert shown == {"location_city": "location_city", "location (city)": "location_city_2"}


def test_names_that_are_asked_for_later_leave_the_first_as_they_are() -> None:
    aliases = Aliases.of(["location (city)"]).also([Label("location_city"), Label("location (city)")])
    assert aliases.shown == {"location (city)": "location_city", "location_city": "location_city_2"}


names = st.one_of(st.sampled_from(list(ODD)), st.text("aA bO;,()|\"'.*:_-none12（）、", min_size=1, max_size=8))


@given(st.lists(names.map(str.strip).filter(bool), min_size=1, max_size=8, unique=True))
def test_every_answer_names_one_type_and_every_entry_of_a_list_is_read(given: list[str]) -> None:
    aliases = Aliases.of(given)
    shown = list(aliases.shown.values())
    for alias in shown:
        assert read_choice(Reply(alias), [*shown, "none"])[0] == alias
        assert read_choice(Reply(f'"{alias.upper()}".'), [*shown, "none"])[0] == alias
    listing = "; ".join(f"Oslo {n} ({alias})" for n, alias in enumerate(shown))
    read = [(item.text, item.label) for item in read_listing(Reply(listing), shown)]
    assert read == [(f"Oslo {n}", alias) for n, alias in enumerate(shown)]


RENAMED = {"person": "location (person)", "location": "a;b", "group": "none"}
SHOWN = {"person": "location_person", "location": "a_b", "group": "type_none"}
ODD_POOL = Pool.of(
    [
        example(e.id, e.text, **{RENAMED[str(s.label)]: e.text[s.start : s.end] for s in e.entities})
        for e in POOL.examples
    ],
    [Label(RENAMED[label.name], label.description) for label in LABELS],
)
TEXT = "Anna Berg met Tom Lind of the Blue Owls in Lima ."


def knowing(types: dict[str, str]) -> FakeModel:
    """Knows the entities of `TEXT`, under the names that it is shown, and one too many."""
    true = {"Anna Berg": "person", "Tom Lind": "person", "Blue Owls": "group", "Lima": "location"}

    def extract(asked: Asked) -> str:
        listed = "; ".join(f"{span} ({types[label]})" for span, label in true.items() if span in asked.text)
        return f"{listed}; Atlantis ({types['location']})"

    def classify(asked: Asked) -> Reply:
        said = types[true.get(asked.span, "location")]
        (said,) = (choice for choice in asked.last.split(", ") if said in choice.split("/"))
        return Reply(said, tokens=(Token(said, math.log(0.75)),))

    return scripted(extract, classify, lambda asked: str(asked.last == types[true[asked.span]]).lower())


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"classify": {"ask": "everyone"}},
        {"classify": {"ask": "both", "branches": 2}},
        {"classify": {"ask": "everyone"}, "extract": {"types": "apart"}},
    ],
    ids=str,
)
def test_the_same_is_found_under_the_users_names(sections: dict[str, object]) -> None:
    sections = {"verify": {"members": ["a"]}, **sections}
    odd_model, plain_model = knowing(SHOWN), knowing({name: name for name in SHOWN})
    odd = ensemble(odd_model, pool=ODD_POOL, **sections)(TEXT)
    plain = ensemble(plain_model, pool=POOL, **sections)(TEXT)
    assert [(e.text, e.label) for e in odd.entities] == [(e.text, RENAMED[e.label]) for e in plain.entities]
    assert len(odd.entities) == 4
    assert [e.score for e in odd.entities] == [e.score for e in plain.entities]
    assert [e.votes for e in odd.entities] == [{"a": RENAMED[str(e.votes["a"])]} for e in plain.entities]
    for one, other in zip(odd.ballots, plain.ballots, strict=True):
        assert [p.label for p in one.candidate.proposals] == [
            p.label and RENAMED[p.label] for p in other.candidate.proposals
        ]
        assert [v.label for v in one.verdicts] == [RENAMED[v.label] for v in other.verdicts]
    lost = [(u.text, u.label) for u in odd.traces[0].ungrounded]
    assert lost == [(u.text, RENAMED[str(u.label)]) for u in plain.traces[0].ungrounded]
    assert ("Atlantis", "a;b") in lost
    assert odd.decide(threshold=0.5).entities == odd.entities
    assert not any(name in str(asked.prompt) for asked in odd_model.asked for name in ("a;b", "location (person)"))


def test_ordinary_pools_are_asked_as_ever() -> None:
    model = knowing({name: name for name in SHOWN})
    ner = ensemble(model)
    ner(TEXT)
    assert ner._shown is ner.pool


def test_types_that_only_a_call_asks_for_have_aliases() -> None:
    model = scripted("Lima (b_c)", "b_c")
    ner = ensemble(model)
    assert [(e.text, e.label) for e in ner(TEXT, ["b;c", "person"]).entities] == [("Lima", "b;c")]
    assert [(e.text, e.label) for e in ner(TEXT, {"b;c": "", "b_c": ""}).entities] == [("Lima", "b_c")]


def test_leaving_out_and_the_random_field_know_them() -> None:
    pytest.importorskip("pycrfsuite")
    model = knowing(SHOWN)
    ner = ensemble(model, pool=ODD_POOL, crf={"hints": True, "votes": True, "measured": True})
    texts = [e.text for e in ODD_POOL.examples if "Blue" not in e.text][:1]
    (annotation,) = ner.annotate(texts, leave_one_out=True)
    assert {vote.member for ballot in annotation.ballots for vote in ballot.votes} == {"a", "crf"}
    labels = {vote.label for ballot in annotation.ballots for vote in ballot.votes}
    assert labels <= {*RENAMED.values(), None}
    assert all(texts[0] not in (text for text, _ in asked.demonstrations) for asked in model.questions("extract"))
