"""Label Studio's protocol: what it sends, as its version 1.23 does, and what it is answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import LABELS, POOL, ensemble
from hypothesis import given
from hypothesis import strategies as st
from serving import capital_model, desk_of, pool_path, served

from el4ner.data import Label, Span
from el4ner.errors import DataError
from el4ner.pool.pool import Pool
from el4ner.pool.pool_file import PoolFile
from el4ner.serve.studio.project import Project
from el4ner.serve.studio.regions import prediction, spans

CONFIG = """
<View>
  <!-- of the team -->
  <Labels name="kind" toName="body"><Label value="person" hint="names of people"/><Label value="location"/>
  <Label value="group"/></Labels>
  <Text name="body" value="$article" granularity="symbol"/>
</View>"""
SECRET = "a-token-of-the-owner"


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx2.Client]:
    with served(desk_of(tmp_path, capital_model())) as url, httpx2.Client(base_url=url) as http:
        yield http


def task(place: int, /, **data: Any) -> dict[str, Any]:
    return {"id": place, "data": data, "is_labeled": False, "overlap": 1, "project": 3}


def version() -> str:
    return f"scripted:pool-{POOL.digest[:12]}"


def test_it_is_up(http: httpx2.Client) -> None:
    for path in ("/", "/health"):
        assert http.get(path).json() == {"status": "UP", "model_class": "el4ner"}
    assert http.get("/versions", params={"project": "3.17"}).json() == {"versions": [version()]}


def test_it_is_set_up(http: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"project": "3.1700000000", "schema": CONFIG, "hostname": "http://ls", "access_token": SECRET,
            "extra_params": None}  # fmt: skip
    answer = http.post("/setup", json=body)
    assert answer.json() == {"model_version": version()}
    bad = http.post("/setup", json=body | {"schema": "<View>"})
    assert (bad.status_code, bad.json()["where"]) == (422, "label_config")
    assert SECRET not in caplog.text + answer.text + bad.text


def test_each_task_is_predicted_in_order(http: httpx2.Client) -> None:
    tasks = [task(7, article="Ada met Bob ."), task(8, other=3), task(9, article="it rains .")]
    body = {"tasks": tasks, "project": "3.17", "label_config": CONFIG, "params": {"login": None, "context": None}}
    (first, second, third) = http.post("/predict", json=body).json()["results"]
    assert first == {
        "result": [
            {"id": "0-0", "from_name": "kind", "to_name": "body", "type": "labels", "score": 1.0,
             "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["person"]}, "meta": {"text": ["a: person"]}},
            {"id": "0-1", "from_name": "kind", "to_name": "body", "type": "labels", "score": 1.0,
             "value": {"start": 8, "end": 11, "text": "Bob", "labels": ["person"]}, "meta": {"text": ["a: person"]}},
        ],
        "score": 1.0,
        "model_version": version(),
    }  # fmt: skip
    assert second == {"result": [], "score": 0.0, "model_version": version()}
    assert third == {"result": [], "score": 1.0, "model_version": version()}


def test_a_task_without_its_key_has_its_one_string(http: httpx2.Client) -> None:
    body = {"tasks": [task(1, body="Ada", number=3)], "label_config": CONFIG}
    assert len(http.post("/predict", json=body).json()["results"][0]["result"]) == 1


def test_a_prediction_is_as_sure_as_its_least_sure_entity() -> None:
    from dataclasses import replace

    (found,) = ensemble(capital_model()).annotate(["Ada met Bob ."])
    unsure = replace(found, entities=(found.entities[0], replace(found.entities[1], score=0.441234)))
    told = prediction(unsure, Project(), "v")
    assert told["score"] == 0.4412
    assert [region["score"] for region in told["result"]] == [1.0, 0.4412]


@pytest.mark.parametrize("body", [{}, {"tasks": 3}, {"tasks": [3]}, {"tasks": [{}]}, {"tasks": [{"data": "x"}]}])
def test_tasks_that_are_none(http: httpx2.Client, body: Any) -> None:
    assert http.post("/predict", json=body).status_code == 422


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ("", None),
        (None, None),
        (CONFIG, None),
        (CONFIG.replace('<Label value="group"/>', ""), LABELS[:2]),
        (CONFIG.replace("group", "boat"), (*LABELS[:2], Label("boat"))),
        (CONFIG.replace('value="group"', 'value="g" alias="group"'), None),
    ],
)
def test_the_projects_types_are_asked_for(config: Any, asked: Any) -> None:
    assert Project.parse(config).asked(POOL) == asked


@pytest.mark.parametrize(
    "config",
    [
        "<View>", "no XML", "<View/>", '<View><Choices name="a" toName="t"/><Text name="t" value="$t"/></View>',
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>', "<View>\0</View>", "<View>\ud800</View>",
        '<View><Labels name="a" toName="other"/><Text name="t" value="$t"/></View>',
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_used(config: str) -> None:
    with pytest.raises(DataError, match="labelling configuration"):
        Project.parse(config)


def region(start: Any, end: Any, text: Any, *labels: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": list(labels or ["person"])} | (
        {} if text is None else {"text": text}
    )
    return {"id": "x", "from_name": "kind", "to_name": "body", "type": "labels", "origin": "manual", "value": value}


@pytest.mark.parametrize(
    ("text", "start", "end", "quoted", "place"),
    [
        ("Ada met Bob", 8, 11, "Bob", (8, 11)),
        ("Ada met Bob", 8, 11, None, (8, 11)),
        ("🚀 Ada", 2, 5, "Ada", (2, 5)),
        ("🚀 Ada", 3, 6, "Ada", (2, 5)),  # UTF-16 units
        ("🚀🚀 Ada Berg", 5, 13, "Ada Berg", (3, 11)),
        ("é Ada", 3, 6, "Ada", (2, 5)),  # bytes
        ("a\r\nAda", 2, 5, "Ada", (3, 6)),  # \r\n as one
        ("a\nAda", 3, 6, "Ada", (2, 5)),  # \n as two
        ("a  \n Ada", 2, 5, "Ada", (5, 8)),  # white space as one
        ("a   Ada \n Berg", 2, 10, "Ada Berg", (4, 14)),
        ("🚀\r\nAda", 3, 6, "Ada", (3, 6)),  # as it is
        ("🚀 a\r\nAda", 5, 8, "Ada", (5, 8)),
        ("🚀a  Ada", 4, 7, "Ada", (4, 7)),
        ("🚀a   Ada", 4, 7, "Ada", (5, 8)),  # UTF-16 units and white space as one
        ("Ada  Berg met", 0, 9, "Ada Berg", (0, 9)),  # what it quotes is collapsed, its offsets are not
    ],
)
def test_offsets_are_right_or_put_right(text: str, start: int, end: int, quoted: Any, place: tuple[int, int]) -> None:
    assert spans(text, [region(start, end, quoted)]) == [Span(*place, "person")]


@pytest.mark.parametrize(
    "value",
    [
        region(0, 3, "Bob"), region(0, 30, "Ada"), region(0, 30, None), region(-1, 3, None), region(3, 3, None),
        region(3, 0, "Ada"), region("0", 3, "Ada"), region(0.0, 3, "Ada"), region(True, 3, None), region(3, 4, " "),
        region(0, 3, "Ada", 3), {"type": "labels"}, {"type": "labels", "value": 3}, region(10**30, 10**31, "Ada"),
        {"type": "labels", "value": {"start": 0, "end": 3}}, region(0, 3, {"a": 1}),
    ],
)  # fmt: skip
def test_regions_that_are_refused(value: Any) -> None:
    with pytest.raises(DataError):
        spans("Ada met Bob", [value])


def test_other_results_are_passed_over() -> None:
    result = [{"type": "relation", "from_id": "a", "to_id": "b"}, {"type": "choices", "value": {"choices": ["x"]}}, 3,
              region(0, 3, "Ada", "person", "group"), region(0, 3, "Ada")]  # fmt: skip
    assert spans("Ada met Bob", result) == [Span(0, 3, "person"), Span(0, 3, "group")]


@given(text=st.text(max_size=30), data=st.data())
def test_what_is_found_is_what_is_quoted(text: str, data: st.DataObject) -> None:
    start, end = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 60))
    quoted = data.draw(st.one_of(st.just(text[start:end]), st.text(max_size=5)))
    try:
        (span,) = spans(text, [region(start, end, quoted)])
    except DataError:
        assert not quoted.strip() or text[start:end] != quoted or end > len(text)
        return
    assert "".join(text[span.start : span.end].split()) == "".join(quoted.split())


def told(action: str, number: int, at: str, *regions: Mapping[str, Any], text: str = "Zoe sang in Rome .", **more: Any):
    annotation = {"id": number, "updated_at": at, "completed_by": {"id": 5, "email": "me@here"}, "lead_time": 3.5,
                  "was_cancelled": False, "result": list(regions)} | more  # fmt: skip
    return {"action": action, "annotation": annotation, "task": task(1, article=text),
            "project": {"id": 3, "label_config": CONFIG}}  # fmt: skip


def examples(folder: Path) -> list[tuple[str, tuple[Span, ...]]]:
    pool = Pool.read(pool_path(folder), LABELS)
    return [(example.text, example.entities) for example in pool.examples[len(POOL.examples) :]]


def test_a_correction_enters_the_pool_once(http: httpx2.Client, tmp_path: Path) -> None:
    hook = told("ANNOTATION_CREATED", 11, "t1", region(0, 3, "Zoe"), region(12, 16, "Rome", "location"))
    for _ in range(3):  # a hook that is there twice
        answer = http.post("/webhook", json=hook)
        assert (answer.status_code, answer.json()) == (201, {"status": "ok"})
    entered = [("Zoe sang in Rome .", (Span(0, 3, "person"), Span(12, 16, "location")))]
    assert examples(tmp_path) == entered
    note = PoolFile(pool_path(tmp_path)).notes["Zoe sang in Rome ."]
    assert note == {"source": "label-studio-11", "annotator": "me@here", "seconds": 3.5}
    (other,) = http.get("/versions").json()["versions"]
    assert other != version()  # so that tasks are asked about again


def test_a_correction_is_corrected_and_withdrawn(http: httpx2.Client, tmp_path: Path) -> None:
    http.post("/webhook", json=told("ANNOTATION_CREATED", 11, "t1", region(0, 3, "Zoe")))
    http.post("/webhook", json=told("ANNOTATION_UPDATED", 11, "t2", region(12, 16, "Rome", "location")))
    assert examples(tmp_path) == [("Zoe sang in Rome .", (Span(12, 16, "location"),))]
    http.post("/webhook", json=told("ANNOTATION_CREATED", 11, "t1", region(0, 3, "Zoe")))  # told late, once more
    assert examples(tmp_path) == [("Zoe sang in Rome .", (Span(12, 16, "location"),))]
    other = http.post("/webhook", json=told("ANNOTATION_CREATED", 12, "t1", region(0, 3, "Zoe")))
    assert other.status_code == 409  # of another annotator
    http.post("/webhook", json=told("ANNOTATION_DELETED", 12, "t1"))
    assert len(examples(tmp_path)) == 1
    http.post("/webhook", json=told("ANNOTATION_DELETED", 11, "t2"))
    assert examples(tmp_path) == []


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    hook = told("ANNOTATION_CREATED", 11, "t1", region(0, 3, "Zoe"))
    for _ in range(2):
        with served(desk_of(tmp_path, capital_model())) as url:
            assert httpx2.post(f"{url}/webhook", json=hook).status_code == 201
    assert len(examples(tmp_path)) == 1


def test_the_pool_itself_is_not_corrected_from_afar(http: httpx2.Client, tmp_path: Path) -> None:
    before = pool_path(tmp_path).read_bytes()
    hook = told("ANNOTATION_UPDATED", 11, "t1", region(0, 4, "Anna"), text=POOL.examples[0].text)
    assert http.post("/webhook", json=hook).status_code == 409
    http.post("/webhook", json=told("ANNOTATION_DELETED", 11, "t1", text=POOL.examples[0].text))
    assert pool_path(tmp_path).read_bytes() == before


@pytest.mark.parametrize("action", ["START_TRAINING", "TASKS_CREATED", "PROJECT_UPDATED", None, 3, {}])
def test_other_actions_are_ignored(http: httpx2.Client, tmp_path: Path, action: Any) -> None:
    answer = http.post("/webhook", json={"action": action, "project": {}})
    assert (answer.status_code, answer.json()) == (201, {"status": "ok"})
    assert examples(tmp_path) == []


def test_a_text_that_was_skipped_is_no_example(http: httpx2.Client, tmp_path: Path) -> None:
    http.post("/webhook", json=told("ANNOTATION_CREATED", 11, "t1", region(0, 3, "Zoe"), was_cancelled=True))
    assert examples(tmp_path) == []


@pytest.mark.parametrize(
    "hook",
    [
        {"action": "ANNOTATION_CREATED"},
        {"action": "ANNOTATION_CREATED", "annotation": {}, "task": {}},
        told("ANNOTATION_CREATED", 1, "t", region(0, 3, "Bob")),
        told("ANNOTATION_CREATED", 1, "t", region(0, 3, "Zoe", "boat")),
        told("ANNOTATION_CREATED", 1, "t", result=3),
        told("ANNOTATION_CREATED", 1, "t", text=3),
    ],
)
def test_what_cannot_enter_is_refused(http: httpx2.Client, tmp_path: Path, hook: Any) -> None:
    answer = http.post("/webhook", json=hook)
    assert answer.status_code == 422
    assert json.loads(answer.text)["detail"]
    assert examples(tmp_path) == []
