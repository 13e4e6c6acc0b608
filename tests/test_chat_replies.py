"""What chat models really write, from the prompt to the entities, with the recipe `el4ner`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeModel, LetterEncoder, example

from el4ner.data import Label
from el4ner.ensemble.member import Member
from el4ner.models.base import Reply, Request
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool
from el4ner.prompts.choice import read_choice
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe

TEXT = "Anna Berg of Acme Corp moved from Porto to Lisbon."
LABELS = [Label("person"), Label("organization"), Label("location")]
POOL = Pool.of(
    [example("p", "Eve Holm left Zeta Ltd in Rome.", person="Eve Holm", organization="Zeta Ltd", location="Rome")],
    LABELS,
)
RIGHT = [(0, 9, "person"), (13, 22, "organization"), (34, 39, "location"), (43, 49, "location")]
PAIRS = [(TEXT[start:end], label) for start, end, label in RIGHT]
TYPES = dict(PAIRS)


def each(form: str, between: str = "\n") -> str:
    return between.join(form.format(text, label) for text, label in PAIRS)


LISTS = {
    "as asked": each("{} ({})", "; "),
    "reasoning": "<think>\nPorto could be a (person).\n</think>\n\n" + each("{} ({})", "; "),
    "reasoning, its end alone": "Porto could be a (person).\n</think>\n" + each("{} ({})", "; "),
    "other reasoning": "[THINK]Porto (person)[/THINK]" + each("{} ({})", "; "),
    "channels": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>"
    + each("{} ({})", "; ")
    + "<|return|>",
    "end token": each("{} ({})", "; ") + "<|im_end|>",
    "other end token": each("{} ({})", "; ") + "</s>",
    "bold bullets": each("- **{}** ({})"),
    "bold with a colon": each("* **{}**: {}"),
    "numbers": each("1. {} ({})"),
    "numbers, bold, dash": each("1) **{}** – {}"),
    "words before": "Sure! Here are the entities:\n\n" + each("- {} ({})"),
    "words before, on the line": "Entities in the text: " + each("{} ({})", "; "),
    "words behind": each("{} ({})", "; ") + "\n\nExplanation: Porto is a city (location) and Acme a company.",
    "colon": each("{}: {}"),
    "dash": each("{} - {}"),
    "arrow": each("{} → {}"),
    "square brackets": each("{} [{}]"),
    "commas": each("{} ({})", ", "),
    "colons and commas": each("{}: {}", ", "),
    "quotes": each('"{}" ({})'),
    "quotes and colons": each('- "{}": "{}"'),
    "capitals": each("{} ({})", "; ").replace("(person)", "(PERSON)").replace("(location)", "(Location)"),
    "full width": each("{}（{}）", "；") + "。",
    "table": "| Entity | Type |\n|:--|:--|\n" + each("| {} | {} |"),
    "headings": "**Person**\n- Anna Berg\n\n**Organization**\n- Acme Corp\n\n**Location**\n- Porto\n- Lisbon",
    "types before": "person: Anna Berg\norganization: Acme Corp\nlocation: Porto, Lisbon",
    "fields": each("Text: {}, Type: {}"),
    "YAML": each("- text: {}\n  type: {}"),
    "sentences": each("{} is a {}."),
    "tuples": each('("{}", "{}")'),
    "tags": re.sub("|".join(TYPES), lambda m: f"<{TYPES[m[0]]}>{m[0]}</{TYPES[m[0]]}>", TEXT),
    "JSON list": json.dumps([{"text": text, "type": label} for text, label in PAIRS]),
    "JSON in a fence": "```json\n" + json.dumps([{"text": t, "type": label} for t, label in PAIRS], indent=2) + "\n```",
    "JSON in words": "Here it is: " + json.dumps({"entities": [{"name": t, "label": x} for t, x in PAIRS]}) + " Done.",
    "JSON lines": each('{{"entity": "{}", "category": "{}"}}'),
    "JSON by type": json.dumps(
        {"person": ["Anna Berg"], "organization": ["Acme Corp"], "location": ["Porto", "Lisbon"]}
    ),
    "JSON by name": json.dumps(TYPES),
    "JSON as a tagger": json.dumps([{"entity_group": label.upper(), "word": text} for text, label in PAIRS]),
    "Python": str([{"text": text, "type": label} for text, label in PAIRS]),
    "answer tags": "<answer>" + each("{} ({})", "; ") + "</answer>",
    "answer tags behind words": "Let me list them.\n<answer>\n" + each("{} ({})") + "\n</answer>",
    "boxed": "\\boxed{" + each("{} ({})", "; ") + "}",
    "a tag of its own": "<seed:think>Porto (person)</seed:think>" + each("{} ({})", "; "),
    "a thought and a solution": "<|start_of_thought|>Porto (person)<|end_of_thought|>\n"
    "<|start_of_solution|>" + each("{} ({})", "; ") + "<|end_of_solution|>",
    "JSON string": json.dumps(each("{} ({})", "; ")),
    "JSON string of lines": json.dumps(each("{} ({})")),
    "outline": each("1. **{}**\n   - Type: {}\n   - Reason: the text says so."),
    "outline of fields": each("1. **Entity**: {}\n   - **Type**: {}"),
    "numbered fields": "\n\n".join(f"Entity {n}: {t}\nType: {k}" for n, (t, k) in enumerate(PAIRS, 1)),
    "name, then its type": each("{}\n  {}"),
    "joined by and": each("{} ({})", " and "),
    "bars": each("{} ({})", " | "),
    "double colons": each("{}::{}"),
    "fat arrows": each("{} ==> {}"),
    "told in order": "First, Anna Berg (person). Then, Acme Corp (organization). Next, Porto (location), "
    "and finally Lisbon (location).",
    "genitive": "- Anna Berg's (person)\n- Acme Corp (organization)\n- Porto (location)\n- Lisbon (location)",
    "line ends spelt": each("{} ({})", "\\n"),
    "TeX": each("\\textbf{{{}}} ({})"),
    "links": re.sub("|".join(TYPES), lambda m: f"[{m[0]}]({TYPES[m[0]]})", TEXT),
    "offsets": json.dumps([{"start": start, "end": end, "label": label} for start, end, label in RIGHT]),
    "types before, and": "person: Anna Berg\norganization: Acme Corp\nlocation: Porto and Lisbon",
    "table by type": "| Type | Entities |\n|--|--|\n| person | Anna Berg |\n| organization | Acme Corp |\n"
    "| location | Porto, Lisbon |",
    "sets": "{'person': {'Anna Berg'}, 'organization': {'Acme Corp'}, 'location': {'Porto', 'Lisbon'}}",
    "headings in the plural": "### People\n1. Anna Berg\n\n### Organizations\n1. Acme Corp\n\n### Locations\n"
    "1. Porto\n2. Lisbon",
    "slash": each("{} / {}"),
    "hash": each("{} #{}"),
    "HTML list": "<ul>" + each("<li>{} ({})</li>", "") + "</ul>",
    "tags with attributes": "<entities>" + each('<entity type="{1}">{0}</entity>', "") + "</entities>",
    "tags in the text": re.sub("|".join(TYPES), lambda m: f'<e type="{TYPES[m[0]]}">{m[0]}</e>', TEXT),
    "pairs the other way": json.dumps([[label, text] for text, label in PAIRS]),
    "tool call": "<tool_call>\n"
    + json.dumps({"name": "extract", "arguments": {"entities": [{"text": t, "type": k} for t, k in PAIRS]}})
    + "\n</tool_call>",
    "arguments in a string": json.dumps({"name": "f", "arguments": json.dumps({"entities": [list(p) for p in PAIRS]})}),
    "JavaScript": each("{{text: '{}', type: '{}'}}", ", "),
    "reasons behind": each("- {} ({}) - because the text names it"),
    "remarks": each("- **{}**: {} (a name)"),
    "percents": each("{} ({}): 95%"),
    "italics": each("*{}* - *{}*"),
    "echo before": f"Text: {TEXT}\nEntities: " + each("{} ({})", "; "),
    "echo above": f"{TEXT}\n" + each("{} ({})", "; "),
    "YAML by type": "person:\n  - Anna Berg\norganization:\n  - Acme Corp\nlocation:\n  - Porto\n  - Lisbon",
    "definition": each("{}: This is a {}."),
    "emoji": each("✅ {} → {}"),
    "semicolons on lines": each("{} ({});"),
    "letters": each("a) {} ({})"),
    "CSV": "entity,type\n" + each("{},{}"),
    "quoted CSV": "entity,type\n" + each('"{}","{}"'),
    "keyed rows": each("Entity: {} | Type: {}"),
    "equals": each('name="{}" type="{}"'),
}
CHOICES = {
    "as asked": "{}",
    "capital and stop": "{}.",
    "bold": "**{}**",
    "quoted": '"{}"',
    "explained": "{}\n\nExplanation: it is not an organization but something else, say a person or a location.",
    "led in": "Answer: {}",
    "sentence": 'The type of "X" is {}.',
    "as a noun": "It is a {}",
    "because": "{}, because the text says so.",
    "reasoning": "<think>person? location?</think>{}",
    "reasoning, its end alone": "person? location? </think>\n\n{}",
    "fence": "```\n{}\n```",
    "JSON": '{{"type": "{}"}}',
    "full stop, wide": "{}。",
    "end token": "{}<|im_end|>",
    "number": "1. {}",
    "probabilities": '{{"{}": 0.9, "none": 0.1}}',
    "booleans": '{{"{}": true, "none": false}}',
    "plural": "{}s",
    "not the other": "{}, not something",
    "the other denied": "It isn't a something, it's a {}.",
    "boxed": "\\boxed{{{}}}",
    "answer tags": "<answer>{}</answer>",
}
VERDICTS = [
    "true",
    "True.",
    "Yes.",
    "yes, it is",
    '{"answer": true}',
    "**True**",
    "The statement is true.",
    "<think>no?</think>true",
    "True, not false",
    "Ja",
    "I agree.",
    "That's right.",
    "Correct!",
    "对",
    "It is not false.",
    "vrai",
    "✓",
    "The claim holds.",
]
DENIALS = [
    "false",
    "No.",
    "It is not true.",
    "not true",
    "Not correct",
    "untrue",
    "It isn't true.",
    "不对",
    "不正确",
    "That's wrong",
    "The statement is false, not true.",
    "False, since true names differ",
    "Hardly true",
    "Nein",
    "I disagree.",
    "Definitely not.",
    "This does not hold.",
    "I don't think so.",
    "nicht wahr",
    '{"answer": false}',
]
NOTHINGS = [
    "none",
    "None.",
    "No entities found.",
    "[]",
    '{"entities": []}',
    "```json\n[]\n```",
    "无",
    "I found no entities.",
    "Entities: none",
    "()",
    "-",
    "Keine.",
    "person: none\norganization: none\nlocation: none",
    "There are no person, organization or location entities in the text.",
    "There are no named entities of these types in this sentence.",
    "N/A",
    "The text does not contain any entities.",
    "<answer>none</answer>",
    "没有实体。",
    "**None**",
]


def chat(listing: str, choice: str = "{}", verdict: str = "true") -> Callable[[Request], str]:
    def answer(request: Request) -> str:
        assert not isinstance(request.prompt, str)
        asked = request.prompt[-1].content
        options = getattr(request.constraint, "options", ())
        if "true" in options:
            return verdict
        if options:
            span = next(text for text in TYPES if text in asked.rsplit("\n", 4)[-1] or f'"{text}"' in asked[-400:])
            return choice.format(TYPES[span])
        return listing

    return answer


def ner(*answers: Callable[[Request], Reply | str], store: Store | None = None) -> EL4NER:
    recipe = load_recipe("el4ner")
    models = [FakeModel(one, identity=f"m{n}") for n, one in enumerate(answers)] * (3 // len(answers))
    members = [Member(m, model, style(m.style)) for m, model in zip(recipe.members, models, strict=True)]
    return EL4NER(recipe, members, POOL, store=store, encoder=LetterEncoder())


def found(made: EL4NER) -> list[tuple[int, int, str]]:
    return [(e.start, e.end, e.label) for e in made(TEXT).entities]


@pytest.mark.parametrize("form", LISTS)
def test_listings(form: str) -> None:
    assert found(ner(chat(LISTS[form]))) == RIGHT


@pytest.mark.parametrize("form", CHOICES)
def test_choices(form: str) -> None:
    assert found(ner(chat(LISTS["as asked"], CHOICES[form]))) == RIGHT


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdicts(verdict: str) -> None:
    assert found(ner(chat(LISTS["as asked"], verdict=verdict))) == RIGHT
    assert all(e.verified for e in ner(chat(LISTS["as asked"], verdict=verdict))(TEXT).entities)


@pytest.mark.parametrize("verdict", DENIALS)
def test_denials(verdict: str) -> None:
    made = ner(chat(LISTS["as asked"], verdict=verdict))(TEXT)
    assert {v.holds for b in made.ballots for v in b.verdicts} == {False}


@pytest.mark.parametrize(
    "said", ["<think>Anna Berg (person)", "I'm sorry, but I can't help with that.", "", "Let me see ..."]
)
def test_what_is_no_answer_is_a_failure_and_asked_again(said: str, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.sqlite")
    sick = ner(chat(said), chat(LISTS["as asked"]), chat(LISTS["as asked"]), store=store)
    assert found(sick) == RIGHT
    name = sick.members[0].name
    assert [
        one.split(":")[0] for trace in sick(TEXT).traces for one in trace.abstained if one.startswith("extract")
    ] == [f"extract {name}"]
    failed = {cost.member: cost.failed for cost in sick.costs if cost.stage == "extract"}
    assert failed == {name: 2, **{m.name: 0 for m in sick.members[1:]}}
    mended = ner(chat(LISTS["as asked"]), chat(LISTS["as asked"]), chat(LISTS["as asked"]), store=store)
    assert found(mended) == RIGHT
    assert mended(TEXT).traces[0].abstained == ()


def test_nothing_said_to_be_there_is_an_answer() -> None:
    for said in NOTHINGS:
        made = ner(chat(said))
        annotation = made(TEXT)
        assert annotation.entities == ()
        assert annotation.traces[0].abstained == ()


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ("None of the given types: person, organization, location.", "none"),
        ("It does not belong to any of these types.", "none"),
        ("Neither.", "none"),
        ("Neither a location nor an organization; it is a person.", "person"),
        ("I would classify it as a person, not a location.", "person"),
        ("It could be a person or an organization.", None),
    ],
)
def test_sentences_about_types(said: str, chosen: str | None) -> None:
    assert read_choice(Reply(said), ("person", "organization", "location", "none"))[0] == chosen


def test_a_type_that_is_denied_or_not_alone_is_no_vote() -> None:
    for said in ("not a {}", "{} or person or location", "organisation, maybe"):
        made = ner(chat(LISTS["as asked"], said))(TEXT)
        assert {vote.abstained != "" for ballot in made.ballots for vote in ballot.votes} == {True}


def test_a_string_listed_with_several_types_has_them_in_order() -> None:
    text = "July met Carlos in July; July was glad."
    said = "July (person); Carlos (person); July (date); July (person)"
    pool = Pool.of(POOL.examples, [*LABELS, Label("date")])
    recipe = load_recipe("el4ner")
    model = FakeModel(lambda request: "true" if "true" in getattr(request.constraint, "options", ()) else said)
    members = [Member(m, model, style(m.style)) for m in recipe.members]
    annotation = EL4NER(recipe, members, pool, encoder=LetterEncoder())(text)
    listed = {b.candidate.span.start: b.candidate.proposals[0].label for b in annotation.ballots}
    assert listed == {0: "person", 9: "person", 19: "date", 25: "person"}
