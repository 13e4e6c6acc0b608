"""Known data sets are fetched whole and right, once, or not at all."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlparse

import pytest

from el4ner.data import Example, Label, Span
from el4ner.errors import DataError
from el4ner.evaluate.sets import download as downloads
from el4ner.evaluate.sets import fetch as fetching
from el4ner.evaluate.sets import raw
from el4ner.evaluate.sets.dataset import open_dataset
from el4ner.evaluate.sets.known import KnownSet, KnownSplit, known_set, known_sets

TRAIN = b"Ada\tB-person\nmet\tO\nBob\tB-person\n\nTea\tB-food\n\xef\xb8\x8f\tO\nfor\tO\ntwo\tO\n\n"
TEST = b"Oslo\tB-place\nsleeps\tO\n\n"
TRAIN_EXAMPLES = (
    Example("toy-train-1", "Ada met Bob", (Span(0, 3, "person"), Span(8, 11, "person"))),
    Example("toy-train-2", "Tea for two", (Span(0, 3, "food"),)),
)
Answer = Callable[[BaseHTTPRequestHandler], None]


def served(content: bytes, length: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def without_length(content: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def chunks_then_death(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"4\r\nOslo\r\n")


def redirected(target: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


@dataclass
class Served:
    """A server on this machine: what it answers by path, and what it was asked."""

    base: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EL4NER_DATA", str(tmp_path / "data"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            toy.asked.append(self.path)
            toy.answers.get(self.path, status(404))(self)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    toy = Served(f"http://127.0.0.1:{httpd.server_port}/v1/")
    toy.answers = {"/v1/train%20set.tsv": served(TRAIN), "/v1/test.tsv": served(TEST)}
    thread = Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield toy
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def toy(server: Served) -> KnownSet:
    labels = (Label("person", "names of people"), Label("place"), Label("food"))
    train = KnownSplit(("train set.tsv",), 2, 3, raw.digest(TRAIN_EXAMPLES))
    return KnownSet(
        "toy",
        server.base,
        "CC0",
        "no rights",
        "en",
        labels,
        {"train": train, "test": KnownSplit(("test.tsv",), 1, 1)},
    )


def fetch(known: KnownSet) -> Path:
    return fetching.fetch(known, lambda line: None, lambda name, done, total: None)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_set_is_fetched_converted_and_read(server: Served, toy: KnownSet) -> None:
    said: list[str] = []
    came: list[tuple[str, int, int | None]] = []
    folder = fetching.fetch(toy, said.append, lambda *now: came.append(now))
    assert names(folder) == ["meta.json", "test.jsonl", "test.sha256", "train.jsonl"]
    assert fetching.read_split(toy, "train") == TRAIN_EXAMPLES
    assert fetching.read_split(toy, "test")[0].entities == (Span(0, 4, "place"),)
    assert toy.base in said[0]
    assert "no rights" in said[1]
    assert came[-1] == ("test.tsv", len(TEST), len(TEST))
    as_folder = open_dataset(folder)
    assert (as_folder.labels, as_folder.split("train")) == (toy.labels, TRAIN_EXAMPLES)
    assert json.loads((folder / "meta.json").read_text("utf-8"))["license"] == "CC0"


def test_what_is_here_is_not_asked_for_again(server: Served, toy: KnownSet) -> None:
    fetch(toy)
    server.asked.clear()
    said: list[str] = []
    fetching.fetch(toy, said.append, lambda *now: None)
    assert (server.asked, said) == ([], [])


def test_a_run_that_was_broken_off_goes_on_with_what_is_missing(server: Served, toy: KnownSet) -> None:
    good = server.answers["/v1/test.tsv"]
    server.answers["/v1/test.tsv"] = status(503)
    with pytest.raises(DataError, match="answered 503"):
        fetch(toy)
    assert fetching.missing(toy) == ["test"]
    server.answers["/v1/test.tsv"] = good
    server.asked.clear()
    fetch(toy)
    assert server.asked == ["/v1/test.tsv"]
    assert fetching.missing(toy) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(404), "answered 404"),
        (served(TRAIN[:20], len(TRAIN)), "cannot be fetched"),
        (chunks_then_death, "cannot be fetched"),
        (without_length(TRAIN[: TRAIN.index(b"\n\n")]), "instead of 2 with 3"),
        (served(TRAIN.replace(b"Bob", b"Rob")), "differ from those expected"),
        (served(TRAIN.replace(b"B-food", b"B-drink")), "differ from those expected"),
        (served(b"\xff\xfe"), "not valid UTF-8"),
        (served(b"<html>busy</html>\n"), "no tag column"),
        (served(b"", 10**9), "1,000,000,000 bytes, more than 256"),
        (without_length(b"x" * 300), "more than 256 bytes"),
    ],
)
def test_what_is_not_the_data_is_an_error_and_not_kept(
    server: Served, toy: KnownSet, monkeypatch: pytest.MonkeyPatch, answer: Answer, message: str
) -> None:
    monkeypatch.setattr(downloads, "LIMIT", 256)
    server.answers["/v1/train%20set.tsv"] = answer
    with pytest.raises(DataError, match=message) as error:
        fetch(toy)
    assert "\n" not in str(error.value)
    assert names(fetching.folder_of(toy)) == ["meta.json"]


def test_a_server_that_trickles_is_given_up(server: Served, toy: KnownSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_SECONDS", -1.0)
    with pytest.raises(DataError, match="not complete after"):
        fetch(toy)


def test_no_server_is_an_error_that_says_what_to_do(toy: KnownSet) -> None:
    with pytest.raises(DataError, match="check the network"):
        fetch(replace(toy, base="http://127.0.0.1:9/"))


def test_redirects_stay_on_the_host(server: Served, toy: KnownSet) -> None:
    server.answers["/v1/moved.tsv"] = server.answers["/v1/test.tsv"]
    server.answers["/v1/test.tsv"] = redirected("/v1/moved.tsv")
    fetch(toy)
    assert server.asked[-2:] == ["/v1/test.tsv", "/v1/moved.tsv"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("http://example.org/x", "is not https"),
        ("https://example.org/x", "another domain"),
        ("file:///etc/passwd", "is not https"),
        ("/v1/test.tsv", "more than 3 redirects"),
    ],
)
def test_other_redirects_are_not_followed(server: Served, toy: KnownSet, target: str, message: str) -> None:
    server.answers["/v1/test.tsv"] = redirected(target)
    with pytest.raises(DataError, match=message):
        fetch(toy)


@pytest.mark.parametrize("base", ["http://example.org/", "ftp://127.0.0.1/", "file:///tmp/"])
def test_only_https_is_spoken_beyond_this_machine(server: Served, toy: KnownSet, base: str) -> None:
    with pytest.raises(DataError, match="is not https"):
        fetch(replace(toy, base=base))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_changed_file_is_found(server: Served, toy: KnownSet, split: str) -> None:
    file = fetch(toy) / f"{split}.jsonl"
    file.write_bytes(file.read_bytes().replace(b"Bob", b"Rob").replace(b"sleeps", b"sleept"))
    with pytest.raises(DataError, match="data was changed; delete"):
        fetching.read_split(toy, split)


def test_half_a_file_is_found(server: Served, toy: KnownSet) -> None:
    file = fetch(toy) / "train.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(DataError, match="1 texts with 2 entities instead of 2 with 3"):
        fetching.read_split(toy, "train")


def test_a_recorded_checksum_must_be_there(server: Served, toy: KnownSet) -> None:
    (fetch(toy) / "test.sha256").unlink()
    with pytest.raises(DataError, match="is missing"):
        fetching.read_split(toy, "test")


def test_a_write_that_fails_leaves_nothing(server: Served, toy: KnownSet, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching.os, "fsync", full)
    with pytest.raises(DataError, match=r"No space left on device.*EL4NER_DATA"):
        fetch(toy)
    assert names(fetching.folder_of(toy)) == []


def test_processes_side_by_side_do_no_harm(server: Served, toy: KnownSet) -> None:
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=fetch, args=(toy,)) for _ in range(2)]
    for process in others:
        process.start()
    fetch(toy)
    for process in others:
        process.join(60)
    assert [process.exitcode for process in others] == [0, 0]
    assert names(fetching.folder_of(toy)) == ["meta.json", "test.jsonl", "test.sha256", "train.jsonl"]
    assert fetching.read_split(toy, "train") == TRAIN_EXAMPLES


def test_layers_of_columns_and_files_are_one_set_of_entities() -> None:
    wide = b"# a = b\n1\tgreen\tB-x\tO\n2\ttea\tI-x\tB-y\n"
    split = KnownSplit(("a",), 1, 2, columns=(1, 2, 3))
    assert raw.convert([("a", wide)], split, "t-") == [Example("t-1", "green tea", (Span(0, 9, "x"), Span(6, 9, "y")))]
    narrow = [("a", b"green B-x\ntea I-x"), ("b", b"green O\ntea B-y\n"), ("c", b"green B-x\ntea I-x\n")]
    assert raw.convert(narrow, KnownSplit(("a", "b", "c"), 1, 2), "t-")[0].entities == (
        Span(0, 9, "x"),
        Span(6, 9, "y"),
    )
    with pytest.raises(DataError, match="do not hold the same texts"):
        raw.convert([("a", b"green\tO\n"), ("b", b"red\tO\n")], split=KnownSplit(("a", "b"), 1, 0), prefix="")


def test_documents_are_chosen_by_their_number() -> None:
    content = b"one O\n\n-DOCSTART- O\n\ntwo O\n\n-DOCSTART- O\n\nthree O\n\n-DOCSTART- O\n"
    for documents, texts in [((0,), ["one"]), ((1, 2), ["two", "three"]), ((), ["one", "two", "three"])]:
        split = KnownSplit(("a",), 0, 0, documents=documents)
        assert [example.text for example in raw.convert([("a", content)], split, "")] == texts


def test_tokens_that_cannot_be_seen_are_left_out() -> None:
    content = "a\tO\n\ufe0f\tO\n\tO\nb\tO\n\t\n\U0001fae9\tO\n".encode()
    assert [e.text for e in raw.convert([("a", content)], KnownSplit(("a",), 0, 0), "")] == ["a b", "\U0001fae9"]


def test_the_digest_sees_texts_labels_and_order_but_not_ids() -> None:
    one, two = TRAIN_EXAMPLES
    same = raw.digest([replace(one, id="else", entities=one.entities[::-1]), two])
    assert same == raw.digest([one, two])
    others = [[two, one], [one], [replace(one, text="Ada met Rob"), two], [replace(one, entities=()), two]]
    assert len({same, *map(raw.digest, others)}) == 5


def test_known_sets_are_pinned_and_whole() -> None:
    for name, known in known_sets().items():
        assert known.notice, name
        assert {"train", "test"} <= set(known.splits), name
        assert all(label.description for label in known.labels), name
        for split in known.splits.values():
            assert split.texts > 0 < split.entities
            assert len(split.digest) in (0, hashlib.sha256().digest_size * 2)
            for url in map(known.url, split.files):
                address = urlparse(url)
                assert (address.scheme, address.hostname) == ("https", "raw.githubusercontent.com")
                commit = address.path.split("/")[3]
                assert len(commit) == 40, url
                int(commit, 16)
                assert " " not in url


def test_documents_of_a_set_belong_to_one_split() -> None:
    for known in known_sets().values():
        documents = [number for split in known.splits.values() for number in split.documents]
        assert len(documents) == len(set(documents))


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'wnut17'"):
        known_set("wnut-17")
    with pytest.raises(DataError, match="known are wnut17, crossner_ai"):
        known_set("zzz")
