"""The page of a run: what its scripts decide is what `decide` decides; what it holds of others' words stays words."""

from __future__ import annotations

import json
from importlib.resources import files
from random import Random

import pytest
from py_mini_racer import MiniRacer
from test_page import LABELS, Reader
from test_render import HOSTILE, annotation

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Candidate, Label, Proposal, Span, Verdict, Vote
from el4ner.decide import Decision, decide
from el4ner.evaluate.score import Text, score
from el4ner.view.packed import packed
from el4ner.view.run_page import run_page

MEMBERS = ("b", "a", "c", "crf")
NAMES = ("person", "location", "Älter", "zebra")
TEXT = "Anna 🚀 Berg of New York City sings in Rome . " * 4


@pytest.fixture(scope="module")
def engine() -> MiniRacer:
    made = MiniRacer()
    for script in ("decide.js", "marks.js"):
        made.eval((files("el4ner.view") / "scripts" / script).read_text("utf-8"))
    return made


def _ballot(random: Random) -> Ballot:
    start = random.randrange(len(TEXT) - 12)
    span = Span(start, start + random.randint(1, 12))
    some = random.sample(MEMBERS, random.randint(1, 4))

    def sure() -> float | None:
        return random.choice([None, 0.0, 0.5, 1.0, random.random()])

    votes = [
        Vote(m, None, abstained="no answer")
        if random.random() < 0.1
        else Vote(m, random.choice([None, *NAMES[:3]]), sure())
        for m in MEMBERS
    ]
    asked = random.sample(MEMBERS, random.randint(0, 2))
    verdicts = [Verdict(m, random.choice(NAMES[:3]), random.choice([True, False, None]), sure()) for m in asked]
    return Ballot(Candidate(span, tuple(map(Proposal, some))), tuple(votes), tuple(verdicts))


def random_annotation(random: Random, name: str, least: int = 0) -> Annotation:
    """A text with random ballots, in order of place, under a random decision."""
    drawn = (_ballot(random) for _ in range(random.randint(least, 9)))
    ballots = tuple(sorted(drawn, key=lambda ballot: ballot.candidate.span.start))
    decision = Decision(weights={"a": 0.5, "crf": 3.0}, threshold=0.1, overlap="nested")
    return Annotation(name, TEXT, decide(TEXT, ballots, decision), ballots, (), decision)


def _decision(random: Random) -> Decision:
    return Decision(
        random.choice(["majority", "weighted", "probability"]),
        random.random() < 0.5,
        random.randint(1, 3),
        random.choice([0.0, 0.25, 0.5, random.random(), 1.0]),
        random.choice(["flat", "nested", "all"]),
        {"a": 0.5, "crf": 3.0},
        random.choice([None, (0.7, 0.3), (1.9, -1.1)]),
    )


def test_the_page_decides_as_el4ner_does(engine: MiniRacer) -> None:
    random = Random(16)
    found = 0
    for number in range(1500):
        new, off = _decision(random), random.sample(MEMBERS, random.choice([0, 0, 1, 2]))
        old = random_annotation(random, str(number)).decide(new)
        data = packed([old], [Label(name) for name in NAMES], MEMBERS)
        names = [name for name, _ in data["labels"]]
        asked = [
            data["texts"][0]["ballots"],
            data["decision"] | {"without": list(map(MEMBERS.index, off))},
            data["rank"],
        ]
        said = json.loads(str(engine.eval(f"JSON.stringify(outcomes(...{json.dumps(asked)}))")))
        right = old.without(*off).decide(new)
        places = [(b["start"], b["end"]) for b in asked[0]]
        theirs = [
            (*place, one["label"], one["score"], one["verified"])
            for place, one in zip(places, said, strict=True)
            if one and not one["out"]
        ]
        ours = [
            (e.start, e.end, names.index(e.label), pytest.approx(e.score, abs=1e-12), e.verified)
            for e in right.entities
        ]
        assert sorted(theirs) == sorted(ours, key=lambda e: e[:3]), number
        outs = [one["out"] for one in said if one]
        assert outs == [outcome.out.value if outcome.out else "" for outcome in right.outcomes], number
        found += len(ours)
    assert found > 1000


def test_the_page_scores_as_el4ner_does(engine: MiniRacer) -> None:
    random = Random(3)

    def spans() -> list[Span]:
        drawn = {(s := random.randrange(5), s + random.randint(1, 2), random.choice(NAMES)) for _ in range(4)}
        return [Span(*one) for one in sorted(drawn)]

    texts = [Text(TEXT, spans(), spans()) for _ in range(40)]
    sides = [[[f"{s.start} {s.end} {s.label}" for s in side] for side in (t.found, t.gold)] for t in texts]
    call = "((sides) => scored(...[0, 1].map((n) => sides.map((side) => new Set(side[n])))))"
    got = json.loads(str(engine.eval(f"JSON.stringify({call}({json.dumps(sides)}))")))
    report = score(texts).strict
    assert got["f1"] == pytest.approx(report.f1)
    assert got["precision"] == pytest.approx(report.precision)
    assert got["recall"] == pytest.approx(report.recall)


def test_steps_of_the_page_hold_all_of_the_text_and_nest(engine: MiniRacer) -> None:
    random = Random(5)
    for _ in range(300):
        spans = []
        for _ in range(random.randint(0, 6)):
            start = random.randrange(len(TEXT) - 30)
            spans.append({"start": start, "end": start + random.randint(1, 30), "label": random.randrange(4)})
        asked = f"steps(Array.from({json.dumps(TEXT)}), {json.dumps(spans)}, {json.dumps(NAMES)})"
        made = json.loads(str(engine.eval(f"JSON.stringify({asked})")))
        assert "".join(what for kind, what, *_ in made if kind == "text") == TEXT
        open_: list[object] = []
        pieces: dict[str, str] = {}
        for kind, what, *_ in made:
            if kind == "open":
                open_.append(what)
            elif kind == "close":
                assert open_.pop() == what
            else:
                for one in open_:
                    pieces[json.dumps(one)] = pieces.get(json.dumps(one), "") + what
        assert open_ == []
        assert pieces == {json.dumps(s): TEXT[s["start"] : s["end"]] * spans.count(s) for s in spans}


def test_nothing_in_a_text_gets_out_of_the_data() -> None:
    nasty = [
        annotation(text, (text[:3], "person"))
        for text in (HOSTILE, "</script><!-- <script>", "\u2028{{ 7*7 }}", "a\x1b[31mb")
    ]
    html = run_page("</title><script>alert(1)</script>", nasty, LABELS, ["one", "<b>two</b>"])
    page = Reader(html)
    assert [attributes.get("type") for attributes in page.having("script")] == ["application/json", None]
    assert not page.having("img")
    data = json.loads(page.within("script")[0])
    assert [text["text"] for text in data["texts"]][1] == "</script><!-- <script>"
    assert "\x1b" not in html


def test_gold_stands_beside_its_text() -> None:
    html = run_page("run", [annotation("Ada met Bob", ("Ada", "person"))], LABELS, ["one"], [[Span(0, 3, "person")]])
    page = Reader(html)
    assert json.loads(page.within("script")[0])["texts"][0]["gold"] == [[0, 3, 0]]
    assert "wrong" in [attributes.get("name") for attributes in page.having("input")]
