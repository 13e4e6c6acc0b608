"""What the clients of a service send and read, synchronous and asynchronous ones alike."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import httpx2

from el4ner.annotation import Annotation
from el4ner.data import Document, Example, Label, Span
from el4ner.errors import ConfigError, DataError, El4nerError, ModelError
from el4ner.formats.jsonl import dumps, lines
from el4ner.models.network import certificates, proxied
from el4ner.models.openai.address import Address
from el4ner.models.openai.key import refuse_plain
from el4ner.pool.labels import Labels, given_labels
from el4ner.pool.pool import Pool
from el4ner.text.printable import one_line

URL = "http://127.0.0.1:8000"
TOGETHER = 32  # texts of a request
UNDER_WAY = 2  # requests at once: while one is read, the service has work
PATIENCE = 60.0  # seconds for which a full service is asked again
SECONDS = 150.0  # that an answer may take: longer than the service gives itself
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Way:
    """How a service is reached: its address, what is sent along, and what the network needs."""

    url: str
    headers: Mapping[str, str]
    verify: ssl.SSLContext
    trust_env: bool

    @classmethod
    def to(cls, url: str, token: str | None) -> Way:
        """The way to a service. Raises `ConfigError`, also for a token that could be read on the way."""
        try:
            address = Address.parse(url.rstrip("/"))
        except ValueError:
            raise ConfigError("the service's address is none; give http://HOST:PORT") from None
        headers = {"User-Agent": f"el4ner/{version('el4ner')}"}
        if token is not None:
            refuse_plain(address, "the token")
            headers["Authorization"] = f"Bearer {token}"
        secure = certificates(needed=address.scheme == "https")
        return cls(address.url, headers, secure, proxied(address.host, address.loopback))


def documents_of(texts: Iterable[str | Document]) -> Iterator[Document]:
    """The texts with ids, "1", "2", ... for those without. Raises `DataError`."""
    if isinstance(texts, str):
        raise DataError("annotate takes a list of texts; for a single text, call the client itself: client(text)")
    for number, text in enumerate(texts, 1):
        document = text if isinstance(text, Document) else Document(str(number), text)
        if not isinstance(document.text, str):
            raise DataError(f"text {document.id}: expected a string, got {type(document.text).__name__}")
        yield document


def asked_for(documents: Sequence[Document], labels: Labels | None) -> str:
    """The body that asks for annotations with all their evidence. Raises `ConfigError`, `DataError`."""
    texts = ",".join(dumps({"id": document.id, "text": document.text}) for document in documents)
    types = "" if labels is None else f', "labels": {json.dumps([asdict(label) for label in given_labels(labels)])}'
    return f'{{"texts": [{texts}], "evidence": true{types}}}'


def to_add(examples: Iterable[Example]) -> str:
    """The body that appends examples."""
    return f'{{"examples": [{",".join(lines(examples))}]}}'


def wait_for(answer: httpx2.Response, left: float) -> float | None:
    """In how many seconds a full service is to be asked again; None where that would be too late, or is not so."""
    told = answer.headers.get("Retry-After", "1")
    seconds = float(told) if told.isdecimal() else 1.0
    return seconds if answer.status_code == 429 and seconds <= left else None


def too_large(answer: httpx2.Response, documents: Sequence[Document]) -> bool:
    """Whether the half of it may be taken."""
    return answer.status_code == 413 and len(documents) > 1


def annotations_of(answer: httpx2.Response, documents: Sequence[Document]) -> list[Annotation]:
    """The annotations of documents, each with its `meta`. Raises what the service says is amiss."""
    records = _read(answer).get("annotations")
    try:
        found = [Annotation.from_record(record) for record in records or ()]
    except (DataError, TypeError) as error:
        raise ModelError(f"the service answers what is no annotation ({error}); is it of this version?") from None
    if [(one.id, one.text) for one in found] != [(document.id, document.text) for document in documents]:
        raise ModelError("the service answers other texts than it was asked; is it one of el4ner?")
    return [replace(one, meta=document.meta) for one, document in zip(found, documents, strict=True)]


def labels_of(answer: httpx2.Response) -> tuple[Label, ...]:
    """The types of the pool."""
    return tuple(Label(one["name"], one["description"]) for one in _read(answer)["labels"])


def pool_of(answer: httpx2.Response) -> Pool:
    """The pool."""
    examples = [
        Example(one["id"], one["text"], tuple(Span(s["start"], s["end"], s["label"]) for s in one["entities"]))
        for one in _read(answer)["examples"]
    ]
    return Pool(tuple(examples), labels_of(answer))


def digest_of(answer: httpx2.Response) -> str:
    """The digest of the pool that examples were appended to."""
    return str(_read(answer)["digest"])


def unreached(error: Exception, way: Way) -> ModelError:
    """What to raise where no answer came."""
    return ModelError(f"{way.url}: no answer ({type(error).__name__}); is `el4ner serve` running there?")


def _read(answer: httpx2.Response) -> dict[str, Any]:
    try:
        record = answer.json()
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ModelError(f"HTTP {answer.status_code}, and no JSON; is this a service of el4ner?")
    if answer.is_success:
        return record
    raise _refusal(answer.status_code, str(record.get("where", "")), one_line(str(record.get("detail", "")), 500))


def _refusal(status: int, where: str, detail: str) -> El4nerError:
    told = f"{where}: {detail}" if where and not detail.startswith(where) else detail or f"HTTP {status}"
    if status in (401, 403, 421) or where.startswith("labels"):
        return ConfigError(told)
    return DataError(told) if status < 500 and status != 429 else ModelError(told)
