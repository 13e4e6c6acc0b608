"""The service's own interface, over a real port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fakes import POOL, ensemble, failing, scripted
from serving import Gate, capital_model, desk_of, pool_path, served, until

from el4ner.annotation import Annotation
from el4ner.data import Document, Span
from el4ner.pipeline import EL4NER
from el4ner.pool.pool import Pool

LINES = {"accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    with served(desk_of(tmp_path_factory.mktemp("serve"), capital_model())) as url, httpx2.Client(base_url=url) as http:
        yield http


def annotate(http: httpx2.Client, **body: Any) -> httpx2.Response:
    return http.post("/v1/annotate", content=json.dumps(body), headers={"content-type": "application/json"})


def here(*texts: str | Document, **more: Any) -> list[dict[str, Any]]:
    """What an ensemble in this process says, as the service would answer it."""
    evidence = more.pop("evidence", False)
    return [a.decide(**more).record(evidence) for a in ensemble(capital_model()).annotate(texts)]


def problem(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    return told


def test_texts_are_annotated(http: httpx2.Client) -> None:
    answer = annotate(http, texts=["Ada met Bob .", {"id": "x", "text": "It rained in Lima ."}, ""])
    assert answer.status_code == 200
    assert answer.json() == {
        "annotations": here("Ada met Bob .", Document("x", "It rained in Lima ."), Document("3", ""))
    }


def test_no_texts_are_no_annotations(http: httpx2.Client) -> None:
    assert annotate(http, texts=[]).json() == {"annotations": []}
    assert http.post("/v1/annotate", json={"texts": []}, headers=LINES).text == ""


def test_any_text_comes_back_as_it_was(http: httpx2.Client) -> None:
    texts = [
        "\ud800 Ada",
        "Ada\0Bob",
        "👩‍🚀 Ada",
        "שלום Ada",
        "<script>Ada</script>",
        "Ada\r\n\u2028Bob",
        "e\u0301 Ada",
    ]
    assert annotate(http, texts=texts).json()["annotations"] == here(*texts)


def test_evidence_threshold_and_overlap(http: httpx2.Client) -> None:
    (told,) = annotate(http, texts=["Ada met Bob ."], evidence=True).json()["annotations"]
    assert Annotation.from_record(told).record(evidence=True) == here("Ada met Bob .", evidence=True)[0]
    (told,) = annotate(http, texts=["Ada met Bob ."], threshold=0.5, overlap="all", evidence=True).json()["annotations"]
    assert told == here("Ada met Bob .", evidence=True, threshold=0.5, overlap="all")[0]
    assert (told["decision"]["threshold"], told["decision"]["overlap"]) == (0.5, "all")


def test_lines_come_in_order_and_as_they_are_ready(tmp_path: Path) -> None:
    gate = Gate()
    gate.opened.set()
    model = gate.model()
    desk = desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, window=2))
    with served(desk) as url, httpx2.Client(base_url=url) as http:
        texts = [f"Text {n} is of Ada" for n in range(6)]
        with http.stream("POST", "/v1/annotate", json={"texts": texts}, headers=LINES) as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            lines = answer.iter_lines()
            first = json.loads(next(lines))
            told = [first, *map(json.loads, lines)]
        assert told == here(*texts)


def test_what_fails_within_a_stream_is_its_last_line(tmp_path: Path) -> None:
    answered = [0]

    def answer(asked: Any) -> str:
        answered[0] += 1
        if answered[0] > 2:
            raise ZeroDivisionError
        return "none"

    model = scripted(answer)
    with served(desk_of(tmp_path, lambda pool: ensemble(model, pool=pool, window=1))) as url:
        answer_ = httpx2.post(f"{url}/v1/annotate", json={"texts": ["a", "b", "c", "d"]}, headers=LINES)
    lines = [json.loads(line) for line in answer_.text.splitlines()]
    assert [line.get("id") for line in lines] == ["1", "2", None]
    assert lines[2]["problem"]["status"] == 500


def test_labels_are_asked_for(tmp_path: Path) -> None:
    model = capital_model()
    with served(desk_of(tmp_path, model)) as url, httpx2.Client(base_url=url) as http:
        answer = annotate(http, texts=["Ada"], labels=["person", {"name": "boat", "description": "it swims"}])
        assert answer.json()["annotations"] == [
            a.record() for a in ensemble(capital_model()).annotate(["Ada"], {"person": "", "boat": "it swims"})
        ]
    assert model.questions("extract")[0].types == ensemble_types({"person": "", "boat": "it swims"})


def ensemble_types(labels: dict[str, str]) -> str:
    model = capital_model()
    list(ensemble(model).annotate(["Ada"], labels))
    return model.questions("extract")[0].types


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        ({}, "texts", "missing"),
        ({"texts": "Ada"}, "texts", "list"),
        ({"texts": [3]}, "texts.0", "give a string, or an object"),
        ({"texts": [None]}, "texts.0", "give a string, or an object"),
        ({"texts": ["a", {"text": "a"}]}, "texts.1.id", "missing"),
        ({"texts": [{"id": "a", "text": 3}]}, "texts.0.text", "give a string"),
        ({"texts": [{"id": "a", "text": "b", "c": 1}]}, "texts.0.c", "leave it out"),
        ({"texts": ["x" * 200_001]}, "texts.0", "longer than 200,000"),
        ({"texts": ["x"] * 1001}, "texts", "1000"),
        ({"texts": ["a"], "text": 1}, "text", "leave it out"),
        ({"texts": ["a"], "threshold": 2}, "threshold", "less than or equal to 1"),
        ({"texts": ["a"], "threshold": "0.5"}, "threshold", "number"),
        ({"texts": ["a"], "threshold": True}, "threshold", "number"),
        ({"texts": ["a"], "threshold": 10**400}, "threshold", ""),
        ({"texts": ["a"], "overlap": "some"}, "overlap", "'flat', 'nested' or 'all'"),
        ({"texts": ["a"], "evidence": 1}, "evidence", "boolean"),
        ({"texts": ["a"], "labels": []}, "labels", "at least 1"),
        ({"texts": ["a"], "labels": ["a\nb"]}, "labels", "control character"),
        ({"texts": ["a"], "labels": ["a", "a "]}, "labels", "differ in white space"),
        ({"texts": ["a"], "labels": [" "]}, "labels", "blank"),
        ({"texts": ["a"], "labels": ["\ud800"]}, "labels", "half a character"),
        ({"texts": ["a"], "labels": [{"name": "a", "description": 1}]}, "labels.0.description", "give a string"),
        ([], "", "no body"),
        (None, "", "no body"),
    ],
)
def test_a_body_that_is_not_right(http: httpx2.Client, body: Any, where: str, words: str) -> None:
    answer = http.post("/v1/annotate", content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    told = problem(answer)
    assert told.get("where", "") == where
    assert words in told["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not valid JSON"),
        (b"\xff", 400, "byte 0 of the body is not valid UTF-8"),
        (b'{"texts": ["a"], "threshold": NaN}', 400, "NaN"),
        (b'{"texts": ["a"], "texts": []}', 400, "stands twice"),
        (b"[" * 100_000, 400, "too deeply nested"),
        (b'{"texts": ' + b"[" * 150 + b"]" * 150 + b"}", 400, "too deeply nested"),
        (b"9" * 10_000, 400, "too many digits"),
        (b'{"texts": []}}', 400, "behind the value"),
        (b'{"texts": ["' + b"x" * (1 << 20) + b'"]}', 413, "larger than 1,048,576 bytes"),
    ],
)
def test_a_body_that_is_no_json(http: httpx2.Client, body: bytes, status: int, words: str) -> None:
    answer = http.post("/v1/annotate", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert words in problem(answer)["detail"]


def test_a_body_that_says_it_is_something_else(http: httpx2.Client) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = http.post("/v1/annotate", content=b'{"texts": []}', headers={"content-type": kind} if kind else {})
        assert answer.status_code == 415
        assert "Content-Type: application/json" in problem(answer)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2", 404), ("GET", "/v1/annotate", 405), ("DELETE", "/v1/pool", 405), ("GET", "/docs", 404),
     ("GET", "/redoc", 404), ("GET", "/../etc/passwd", 404), ("POST", "/v1/annotate/", 404)],
)  # fmt: skip
def test_paths_that_are_none(http: httpx2.Client, method: str, path: str, status: int) -> None:
    answer = http.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    problem(answer)


def test_the_pool_is_told_and_grows(tmp_path: Path) -> None:
    with served(desk_of(tmp_path, capital_model())) as url, httpx2.Client(base_url=url) as http:
        assert http.get("/v1/labels").json()["labels"][0] == {"name": "person", "description": "a human being"}
        before = http.get("/v1/pool").json()
        assert before["digest"] == POOL.digest
        assert before["examples"][2] == {
            "id": "p3", "text": "Rain is expected in Kyoto tomorrow .",
            "entities": [{"start": 20, "end": 25, "label": "location"}],
        }  # fmt: skip
        row = {"text": "Zoe sang .", "entities": [{"start": 0, "end": 3, "label": "person", "text": "Zoe"}]}
        answer = http.post("/v1/pool", json={"examples": [row]})
        after = Pool.read(pool_path(tmp_path), POOL.labels)
        assert answer.status_code == 201
        assert answer.json() == {"added": 1, "examples": 7, "digest": after.digest}
        assert after.examples[-1].entities == (Span(0, 3, "person"),)
        assert [json.loads(line)["text"] for line in http.get("/v1/pool", headers=LINES).text.splitlines()] == [
            example.text for example in after.examples
        ]


@pytest.mark.parametrize(
    ("rows", "status", "where", "words"),
    [
        ([{"text": "Zoe"}], 422, "examples.0", '"entities" is missing'),
        ([{"text": "Zoe", "entities": [{"start": 0, "end": 4, "label": "person"}]}], 422, "examples.0", "ends at 4"),
        ([{"text": "Zoe", "entities": [{"start": 0, "end": 3, "label": "boat"}]}], 422, "examples", "known are"),
        ([{"text": "Zoe", "entities": [{"start": 0, "end": 3, "label": "person", "text": "Bob"}]}], 422, "examples.0",
         "another text"),
        ([{"text": "Zoe", "entities": []}, {"text": "Zoe", "entities": []}], 409, "examples", "in the pool already"),
        ([{"text": POOL.examples[0].text, "entities": []}], 409, "examples", "in the pool already"),
        ([{"text": 3, "entities": []}], 422, "examples.0", "is a number"),
        ([{}], 422, "examples.0", "is missing"),
        ([3], 422, "examples.0", ""),
        ([], 422, "examples", "at least 1"),
    ],
)  # fmt: skip
def test_what_the_pool_does_not_take(http: httpx2.Client, rows: list[Any], status: int, where: str, words: str) -> None:
    before = http.get("/v1/pool").json()["digest"]
    answer = http.post("/v1/pool", json={"examples": rows})
    assert answer.status_code == status
    assert problem(answer)["where"] == where
    assert words in problem(answer)["detail"]
    assert http.get("/v1/pool").json()["digest"] == before


def test_a_pool_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(tmp_path, capital_model())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with served(desk) as url:
        monkeypatch.setattr("el4ner.pool.pool_file.add", full)
        answer = httpx2.post(f"{url}/v1/pool", json={"examples": [{"text": "Zoe", "entities": []}]})
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert "log" in problem(answer)["detail"]


def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    gate = Gate()
    with served(desk_of(tmp_path, gate.model(), limit=2)) as url, httpx2.Client(base_url=url) as http:
        one = threading.Thread(target=annotate, args=(http,), kwargs={"texts": ["Ada"]})
        one.start()
        gate.reached.wait(20)
        answer = annotate(http, texts=["a", "b", "c"])
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert "room for 2" in problem(answer)["detail"]
        gate.opened.set()
        one.join(20)
        assert annotate(http, texts=["a", "b"]).status_code == 200


def test_a_request_has_a_time(tmp_path: Path) -> None:
    gate = Gate()
    model = gate.model()
    with served(desk_of(tmp_path, model), seconds=0.2) as url, httpx2.Client(base_url=url) as http:
        assert annotate(http, texts=["Ada"]).status_code == 504
        answer = annotate(http, texts=["Bob"])  # behind it
        assert answer.status_code == 504
        assert "fewer at a time" in problem(answer)["detail"]
        gate.opened.set()
        until(lambda: annotate(http, texts=["Carl"]).status_code == 200)
    assert "Bob" not in [asked.text for asked in model.questions("extract")]


def test_who_hangs_up_costs_nothing(tmp_path: Path) -> None:
    gate = Gate()
    model = gate.model()
    desk = desk_of(tmp_path, model)
    with served(desk) as url, httpx2.Client(base_url=url) as http:
        one = threading.Thread(target=annotate, args=(http,), kwargs={"texts": ["Ada"]})
        one.start()
        gate.reached.wait(20)
        for accept in ("application/json", "application/x-ndjson"):
            body = json.dumps({"texts": ["Bob", "Carl"]}).encode()
            head = f"POST /v1/annotate HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            with socket.create_connection(("127.0.0.1", httpx2.URL(url).port or 0)) as plain:
                plain.sendall(head.encode() + body)
                until(lambda: desk.waiting == 2)
            until(lambda: desk.waiting == 0)
        gate.opened.set()
        one.join(20)
        assert annotate(http, texts=["Dora"]).status_code == 200
        assert 'el4ner_requests_total{path="/v1/annotate",status="499"} 2.0' in http.get("/metrics").text
    assert [asked.text for asked in model.questions("extract")] == ["Ada", "Dora"]


def test_a_model_that_fails(tmp_path: Path) -> None:
    with served(desk_of(tmp_path, failing("connection to /secret/place refused"))) as url:
        answer = httpx2.post(f"{url}/v1/annotate", json={"texts": ["Ada"]})
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert "el4ner doctor" in problem(answer)["detail"]


def test_a_fault_of_ours(tmp_path: Path) -> None:
    def broken(asked: Any) -> str:
        raise RuntimeError("/secret/place")

    with served(desk_of(tmp_path, scripted(broken))) as url:
        answer = httpx2.post(f"{url}/v1/annotate", json={"texts": ["Ada"]})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    problem(answer)


def test_probes_tell_up_from_ready(tmp_path: Path) -> None:
    gate = Gate()

    def opened(pool: Pool) -> EL4NER:
        gate.opened.wait(20)
        return ensemble(capital_model(), pool=pool)

    from serving import running

    from el4ner.serve.app import OPEN_PATHS, service
    from el4ner.web.guard import Guard

    desk = desk_of(tmp_path, opened)
    guard = Guard.at("127.0.0.1", None, open_paths=OPEN_PATHS)
    with running(service(desk, guard, "scripted", 20)) as url, httpx2.Client(base_url=url) as http:
        assert http.get("/healthz").json() == {"status": "up"}
        assert problem(http.get("/readyz"))["status"] == 503
        assert http.post("/setup", json={"schema": ""}).status_code == 200  # Label Studio waits for three seconds
        gate.opened.set()
        assert annotate(http, texts=["Ada"]).status_code == 200  # waits
        assert http.get("/readyz").json() == {"status": "ready"}


def test_metrics(tmp_path: Path) -> None:
    with served(desk_of(tmp_path, capital_model())) as url, httpx2.Client(base_url=url) as http:
        annotate(http, texts=["Ada", "Bob"])
        annotate(http, texts=[3])
        http.get("/nowhere/at/all")
        page = http.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    for line in (
        'el4ner_requests_total{path="/v1/annotate",status="200"} 1.0',
        'el4ner_requests_total{path="/v1/annotate",status="422"} 1.0',
        'el4ner_requests_total{path="other",status="404"} 1.0',
        "el4ner_texts_total 2.0",
        'el4ner_questions_total{answered="model",stage="extract"} 2.0',
        'el4ner_tokens_total{kind="prompt",stage="extract"} 6.0',
        "el4ner_queue_texts 0.0",
        "el4ner_queue_limit 1000.0",
        "el4ner_ready 1.0",
    ):
        assert line in page.text
    assert 'el4ner_stage_seconds_total{stage="extract"}' in page.text


def test_a_token_is_needed(tmp_path: Path) -> None:
    with served(desk_of(tmp_path, capital_model()), token="a-long-word") as url, httpx2.Client(base_url=url) as http:
        for path in ("/v1/labels", "/v1/pool", "/metrics", "/openapi.json", "/", "/health"):
            assert http.get(path).status_code == 401
        assert annotate(http, texts=["Ada"]).status_code == 401
        assert [http.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        http.headers["authorization"] = "Bearer a-long-word"
        assert annotate(http, texts=["Ada"]).status_code == 200
        assert http.get("/health", auth=("anybody", "a-long-word")).status_code == 200  # as Label Studio does


def test_pages_of_others_are_kept_out(http: httpx2.Client) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert http.post("/v1/pool", json={"examples": []}, headers=headers).status_code == 403
    assert http.get("/v1/pool", headers={"host": "evil.example"}).status_code == 421
    answer = http.get("/v1/labels")
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_the_document_of_the_interface(http: httpx2.Client) -> None:
    document = http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/annotate", "/v1/labels", "/v1/pool", "/healthz", "/readyz", "/metrics", "/predict"} <= set(
        document["paths"]
    )
    body = document["components"]["schemas"]["AnnotateBody"]
    assert set(body["properties"]) == {"texts", "labels", "threshold", "overlap", "evidence"}
