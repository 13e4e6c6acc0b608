"""What annotating is, wherever the ensemble is: in this process, or behind a client of its service."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import LABELS, POOL, FakeModel, any_text, ensemble, failing, scripted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Gate, capital_model, capitals, desk_of, pool_path, running, served

from el4ner.annotation import Annotation
from el4ner.data import Document, Example, Label, Span
from el4ner.errors import ConfigError, DataError, El4nerError, ModelError
from el4ner.pool.labels import Labels
from el4ner.serve import AsyncClient, Client, wire

Annotate = Callable[..., Iterator[Annotation]]


def here(model: FakeModel, folder: Path) -> Iterator[Annotate]:
    with closing(ensemble(model)) as ner:
        yield ner.annotate


def there(model: FakeModel, folder: Path) -> Iterator[Annotate]:
    with served(desk_of(folder, model)) as url, Client(url) as client:
        yield client.annotate


def there_at_last(model: FakeModel, folder: Path) -> Iterator[Annotate]:
    with served(desk_of(folder, model)) as url:

        def annotate(texts: Iterable[str | Document], labels: Labels | None = None) -> Iterator[Annotation]:
            async def all_of_it() -> list[Annotation]:
                async with AsyncClient(url) as client:
                    return [annotation async for annotation in client.annotate(texts, labels)]

            yield from asyncio.run(all_of_it())

        yield annotate


WAYS = {"EL4NER": here, "Client": there, "AsyncClient": there_at_last}
way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
Way = Callable[[FakeModel, Path], Iterator[Annotate]]
TEXTS = ["Ada met Bob in Lima .", "", "It rains .", "👩‍🚀 Ada \r\n Zoe", "שלום Ada"] * 20


def annotated(way: Way, model: FakeModel, folder: Path, *arguments: Any) -> list[Annotation]:
    ways = way(model, folder)
    annotate = next(ways)
    try:
        return list(annotate(*arguments))
    finally:
        next(ways, None)


def expected(*arguments: Any) -> list[Annotation]:
    return list(ensemble(capital_model()).annotate(*arguments))


@way
def test_annotations_come_in_order_with_all_their_evidence(way: Way, tmp_path: Path) -> None:
    found = annotated(way, capital_model(), tmp_path, iter(TEXTS))
    assert found == expected(TEXTS)
    assert [one.id for one in found[:3]] == ["1", "2", "3"]
    assert found[0].ballots[0].votes


@way
def test_documents_keep_their_ids_and_what_is_said_of_them(way: Way, tmp_path: Path) -> None:
    documents = [Document("a", "Ada", {"source": "x"}), Document("a", "Bob"), Document("", "Carl", {"n": [1]})]
    found = annotated(way, capital_model(), tmp_path, documents)
    assert found == expected(documents)
    assert [(one.id, one.meta) for one in found] == [("a", {"source": "x"}), ("a", {}), ("", {"n": [1]})]


@way
@pytest.mark.parametrize(
    "labels", [["person", "boat"], {"boat": "it swims"}, [Label("person", "someone")], [" person "], ["a (b)", "none"]]
)
def test_types_are_given_in_all_forms(way: Way, tmp_path: Path, labels: Labels) -> None:
    model = capital_model()
    assert annotated(way, model, tmp_path, ["Ada met Bob ."], labels) == expected(["Ada met Bob ."], labels)
    own = capital_model()
    list(ensemble(own).annotate(["Ada met Bob ."], labels))
    assert model.asked == own.asked


@way
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("a text",), DataError, "takes a list of texts"),
        ((["a", 3],), DataError, "text 2: expected a string, got int"),
        ((["a"], []), ConfigError, "none given"),
        ((["a"], "person"), ConfigError, r"as \['person'\]"),
        ((["a"], ["a", "a "]), ConfigError, "differ in white space"),
        ((["a"], ["a\nb"]), ConfigError, "control character"),
    ],
)
def test_what_is_refused(
    way: Way, tmp_path: Path, arguments: tuple[Any, ...], error: type[El4nerError], words: str
) -> None:
    with pytest.raises(error, match=words):
        annotated(way, capital_model(), tmp_path, *arguments)


@way
def test_no_model_answers(way: Way, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no (member|model) answered"):
        annotated(way, failing(), tmp_path, ["Ada"])


@way
def test_a_member_that_failed_at_one_text_is_named(way: Way, tmp_path: Path) -> None:
    from el4ner.models.base import Outcome, Reply

    def answer(asked: Any) -> Any:
        return Reply("", Outcome.FAILED, error="refused") if "Bob" in asked.text else capitals(asked)

    texts = ["Ada", "Bob", "Carl"]
    found = annotated(way, scripted(answer, "person"), tmp_path, texts)
    assert [dict(one.failed) for one in found] == [{}, {"a": "refused"}, {}]


@way
def test_nothing_is_asked_before_it_is_wanted(way: Way, tmp_path: Path) -> None:
    model = capital_model()
    ways = way(model, tmp_path)
    annotate = next(ways)
    annotate(["Ada"])
    assert model.calls == 0
    assert list(annotate([])) == []
    next(ways, None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(any_text, max_size=5))
def test_any_text_is_the_same_there(client: Client, texts: list[str]) -> None:
    try:
        wire.asked_for([Document(str(n), text) for n, text in enumerate(texts, 1)], None)
    except DataError:  # a split surrogate pair, which JSON cannot say
        return
    assert list(client.annotate(texts)) == expected(texts)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with served(desk_of(tmp_path_factory.mktemp("client"), capital_model())) as url, Client(url) as client:
        yield client


def test_one_text(client: Client) -> None:
    assert client("Ada met Bob .") == expected(["Ada met Bob ."])[0]


def test_the_pool_from_afar(tmp_path: Path) -> None:
    new = [Example("n1", "Zoe sang .", (Span(0, 3, "person"),)), Example("n2", "\ud800 nobody")]
    with served(desk_of(tmp_path, capital_model())) as url, Client(url) as client:
        assert client.labels() == LABELS
        assert client.pool() == POOL
        assert client.add(new) == replace(POOL, examples=(*POOL.examples, *new)).digest
        assert client.pool().examples[6:] == tuple(new)
        with pytest.raises(DataError, match="in the pool already"):
            client.add(new)
        with pytest.raises(DataError, match="ends at 9"):
            client.add([Example("x", "Zoe", (Span(0, 9, "person"),))])

    async def again() -> None:
        with served(desk_of(tmp_path, capital_model())) as url:
            async with AsyncClient(url) as client:
                assert await client.labels() == LABELS
                assert len((await client.pool()).examples) == 8
                assert len(await client.add([Example("n3", "Nobody .")])) == 64
                assert await client("Ada") == expected(["Ada"])[0]

    asyncio.run(again())
    assert len(pool_path(tmp_path).read_text("utf-8").splitlines()) == 9


def test_texts_too_large_for_one_request_go_in_several(tmp_path: Path) -> None:
    texts = [f"Ada {n} " + "word " * 3000 for n in range(9)]
    model = scripted("none")
    with served(desk_of(tmp_path, model), max_body=40_000) as url, Client(url) as client:
        assert [one.text for one in client.annotate(texts)] == texts
        with pytest.raises(DataError, match="larger than 40,000 bytes"):
            client("x" * 50_000)


def test_a_full_service_is_asked_again(tmp_path: Path) -> None:
    gate = Gate()
    with served(desk_of(tmp_path, gate.model(), limit=1)) as url, Client(url) as client:
        found: list[Annotation] = []
        threads = [threading.Thread(target=lambda: found.append(client("Ada"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        gate.reached.wait(20)
        gate.opened.set()
        for thread in threads:
            thread.join(30)
    assert [one.entities[0].text for one in found] == ["Ada"] * 4


def test_a_service_that_stays_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("el4ner.serve.wire.PATIENCE", 0.0)
    with (
        served(desk_of(tmp_path, capital_model(), limit=1)) as url,
        Client(url) as client,
        pytest.raises(ModelError, match="room for 1"),
    ):
        list(client.annotate(["Ada", "Bob"]))


def test_nobody_is_there() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ModelError, match="is `el4ner serve` running there"):
        client("Ada")


def test_a_service_that_takes_too_long(tmp_path: Path) -> None:
    gate = Gate()
    with served(desk_of(tmp_path, gate.model())) as url:
        with Client(url, timeout=0.2) as client, pytest.raises(ModelError, match="no answer"):
            client("Ada")
        gate.opened.set()


def test_tokens(tmp_path: Path) -> None:
    with served(desk_of(tmp_path, capital_model()), token="a-long-word") as url:
        with Client(url, "a-long-word") as client:
            assert client.labels() == LABELS
        for token in (None, "another"):
            with Client(url, token) as client, pytest.raises(ConfigError, match="a token is needed"):
                client.labels()
    with pytest.raises(ConfigError, match="plain HTTP") as told:
        Client("http://example.com", "a-long-word")
    assert "a-long-word" not in str(told.value)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://", "http://a b"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="give http://HOST:PORT"):
        Client(url)


def odd(status: int, body: bytes) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "no JSON"),
        (200, b"[]", "no JSON"),
        (200, b"{}", "other texts"),
        (200, b'{"annotations": []}', "other texts"),
        (200, b'{"annotations": [{}]}', "no annotation"),
        (200, b'{"annotations": 3}', "no annotation"),
        (502, b"bad gateway", "HTTP 502"),
        (500, b'{"detail": "a fault"}', "a fault"),
        (500, b"{}", "HTTP 500"),
    ],
)
def test_what_is_no_service_of_ours(status: int, body: bytes, words: str) -> None:
    with running(odd(status, body)) as url, Client(url) as client, pytest.raises(ModelError, match=words):
        client("Ada")


def test_an_annotation_of_another_text_is_refused() -> None:
    (other,) = expected(["Bob"])
    body = json.dumps({"annotations": [other.record(evidence=True)]}).encode()
    with running(odd(200, body)) as url, Client(url) as client, pytest.raises(ModelError, match="other texts"):
        client("Ada")
