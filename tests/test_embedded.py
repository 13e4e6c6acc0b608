"""The shipped recipe on the real model, as a user runs it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from el4ner.annotation import Annotation
from el4ner.data import Document, Span
from el4ner.ensemble.member import Member
from el4ner.models.base import Done, Model, Reply, Request
from el4ner.models.store import Store
from el4ner.pipeline import EL4NER
from el4ner.pool.demo import demo_pool, demo_texts
from el4ner.pool.pool import Pool
from el4ner.prompts.style import style
from el4ner.recipes.load import load_recipe

TEXTS = [demo_texts()[i] for i in (0, 1, 3, 6, 11)]  # two of news, biomedicine, a tweet, and one in Chinese


def bare(
    model: Model, store: Store | None = None, members: int = 9, demonstrations: int = 8, **sections: Any
) -> EL4NER:
    """The recipe bare on an open model, with some of its sections changed."""
    recipe = load_recipe("bare")
    kept = tuple(m.model_copy(update={"demonstrations": demonstrations}) for m in recipe.members[:members])
    changed = {name: getattr(recipe, name).model_copy(update=values) for name, values in sections.items()}
    recipe = recipe.model_copy(update={"members": kept, **changed})
    opened = [Member(settings, model, style(settings.style)) for settings in kept]
    return EL4NER(recipe, opened, demo_pool(), store=store)


def written(annotations: list[Annotation]) -> str:
    return "\n".join(json.dumps(annotation.record(), ensure_ascii=False) for annotation in annotations)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "replies.db"


@pytest.fixture(scope="module")
def first_run(smollm2: Model, path: Path) -> Iterator[tuple[EL4NER, list[Annotation]]]:
    store = Store.open(path)
    ner = bare(smollm2, store, members=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the demonstrations fit
        annotations = list(ner.annotate(TEXTS))
    yield ner, annotations
    store.close()


def test_every_entity_is_where_it_says(first_run: tuple[EL4NER, list[Annotation]]) -> None:
    ner, annotations = first_run
    labels = {label.name for label in ner.pool.labels}
    assert [a.text for a in annotations] == [document.text for document in TEXTS]
    assert all(a.entities for a in annotations[:3])  # it is small, but not dumb
    for annotation in annotations:
        for entity in annotation.entities:
            assert annotation.text[entity.start : entity.end] == entity.text
            assert entity.label in labels
            assert 0 <= entity.score <= 1


def test_every_member_was_asked_and_is_accounted_for(first_run: tuple[EL4NER, list[Annotation]]) -> None:
    ner, annotations = first_run
    extracted = {cost.member: cost for cost in ner.costs if cost.stage == "extract"}
    assert set(extracted) == {member.name for member in ner.members}
    assert all(cost.calls == len(TEXTS) and cost.prompt > 1000 and cost.seconds > 0 for cost in extracted.values())
    assert not any(cost.failed for cost in ner.costs)
    for ballot in (ballot for annotation in annotations for ballot in annotation.ballots):
        assert {vote.member for vote in ballot.votes} == set(extracted)
        assert all(vote.probability is not None for vote in ballot.votes if not vote.abstained)


@pytest.fixture(scope="module")
def nano() -> Iterator[EL4NER]:
    with EL4NER.from_recipe("nano", demo_pool()) as ner:
        yield ner


def test_the_recipe_that_ships_runs_as_it_is(nano: EL4NER) -> None:
    ner = nano
    annotations = list(ner.annotate(TEXTS))
    assert {cost.member for cost in ner.costs if cost.calls} == {member.name for member in ner.members}
    assert not any(cost.failed for cost in ner.costs)
    found = [entity for annotation in annotations for entity in annotation.entities]
    assert len(found) >= len(TEXTS)  # the experts are not dumb
    threshold = ner.recipe.decide.threshold
    assert all(entity.text and threshold <= entity.score <= 1 for entity in found)
    assert all(a.text[e.start : e.end] == e.text for a in annotations for e in a.entities)


def test_types_with_odd_names_are_found_under_them(nano: EL4NER) -> None:
    names = {"location": "location (city)", "organisation": "organisation;firm", "date": "none"}
    pool = demo_pool()
    labels = [replace(label, name=names.get(label.name, label.name)) for label in pool.labels]
    examples = [replace(e, entities=tuple(renamed(span, names) for span in e.entities)) for e in pool.examples]
    ner = EL4NER(nano.recipe, nano.members, Pool.of(examples, labels))
    annotation = ner("On 3 May 2024 Ingrid Maas left Bolzano for Vigo; she returns in June.", list(names.values()))
    city = "location (city)"
    found = [(entity.text, entity.label) for entity in annotation.entities]
    assert found == [("3 May 2024", "none"), ("Bolzano", city), ("Vigo", city), ("June", "none")]


def renamed(span: Span, names: dict[str, str]) -> Span:
    return replace(span, label=names.get(str(span.label), span.label))


def test_a_second_run_repeats_no_call_and_ends_the_same(
    smollm2: Model, path: Path, first_run: tuple[EL4NER, list[Annotation]]
) -> None:
    store = Store.open(path)
    ner = bare(smollm2, store, members=4)
    again = list(ner.annotate(TEXTS))
    assert written(again) == written(first_run[1])
    assert sum(cost.calls for cost in ner.costs) == 0
    assert sum(cost.stored for cost in ner.costs) > 0
    store.close()


def test_extraction_that_is_held_to_the_text_names_nothing_else(smollm2: Model) -> None:
    odd = Document("odd", 'She wrote "C:\\new"; {x} (draft) 🎉 Zoë\n\tcalled\u2028 Oslo.')
    ner = bare(smollm2, members=1, demonstrations=2, extract={"constrain": True})
    annotations = list(ner.annotate([*TEXTS[:2], TEXTS[-1], odd]))
    assert sum(len(a.ballots) for a in annotations) > 0
    for trace in (trace for annotation in annotations for trace in annotation.traces):
        assert trace.ungrounded == ()
        assert trace.abstained == ()


def test_pre_extraction_and_verification_work_on_the_model(smollm2: Model) -> None:
    ner = bare(
        smollm2,
        members=1,
        demonstrations=2,
        retrieve={"by": "span", "spans": "members"},
        verify={"members": ("first",)},
        decide={"threshold": 0.0},  # what is below the threshold is not verified
    )
    annotation = ner(TEXTS[1].text)
    (trace,) = annotation.traces
    assert trace.preextracted["first"]
    verdicts = [verdict for ballot in annotation.ballots for verdict in ballot.verdicts]
    assert verdicts
    assert all(v.holds is not None and v.probability is not None and 0 <= v.probability <= 1 for v in verdicts)
    assert all(entity.verified for entity in annotation.entities)


class Recorder:
    """A model that remembers what it was asked."""

    overlaps = False
    cached = None

    def __init__(self, model: Model) -> None:
        self.model = model
        self.asked: list[Request] = []
        self.identity, self.context, self.count, self.close = model.identity, model.context, model.count, model.close

    def generate(self, requests: Sequence[Request], done: Done | None = None) -> list[Reply]:
        self.asked += requests
        return self.model.generate(requests, done)


@pytest.fixture(scope="module")
def together_and_alone(smollm2: Model) -> tuple[list[Annotation], list[Annotation], list[Request], list[Request]]:
    """Annotations of three texts read in one window and read one by one, and what was asked for each extraction."""
    runs = []
    for windows in ([TEXTS[:3]], [[text] for text in TEXTS[:3]]):
        model = Recorder(smollm2)
        annotations = [a for texts in windows for a in bare(model, members=1, demonstrations=3).annotate(texts)]
        runs.append((annotations, [request for request in model.asked if request.constraint is None]))
    (together, asked_together), (alone, asked_alone) = runs
    return together, alone, asked_together, asked_alone


def test_what_is_asked_about_a_text_does_not_depend_on_the_other_texts(
    together_and_alone: tuple[list[Annotation], list[Annotation], list[Request], list[Request]],
) -> None:
    together, alone, asked_together, asked_alone = together_and_alone
    assert asked_together == asked_alone
    assert [a.traces[0].demonstrations for a in together] == [a.traces[0].demonstrations for a in alone]


def test_results_do_not_depend_on_the_other_texts(
    together_and_alone: tuple[list[Annotation], list[Annotation], list[Request], list[Request]],
) -> None:
    for one, other in zip(*together_and_alone[:2], strict=True):
        assert [(e.start, e.end, e.label) for e in one.entities] == [(e.start, e.end, e.label) for e in other.entities]
        assert [e.score for e in one.entities] == pytest.approx([e.score for e in other.entities], abs=1e-3)
