"""A format of your own: texts whose entities are written as links, `[Anna Berg](PER) lives in [Oslo](LOC).`

It is small on purpose: el4ner reads such texts itself, with more care (`--format brackets`).

A format is one object. Give it where a format is asked for, as below. Or let your package register it; then el4ner and
its command line know it by its name, and by its suffix (`el4ner annotate -p pool.links --format links ...`):

    [project.entry-points."el4ner.formats"]
    links = "own_format:LINKS"

Run it: uv run python examples/own_format.py
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from el4ner import DataError, Document, Example, Format, Line, Pool, Span, read_examples, write_examples

LINK = re.compile(r"\[([^][]+)\]\(([^()]+)\)")


def examples(lines: Iterable[Line]) -> Iterator[Example]:
    """The labelled texts: a line each, under its number."""
    for line in lines:
        if line.text.strip():
            text, entities = "", []
            for before, mention, label in pieces(line.text):
                start = len(text) + len(before)
                text += before + mention
                if label:
                    entities.append(Span(start, len(text), label))
            if "](" in text:
                raise line.error("a link that does not end; write [Oslo](LOC)")
            yield Example(str(line.number), text, tuple(entities))


def pieces(text: str) -> Iterator[tuple[str, str, str]]:
    """What stands before each entity, the entity, its label; the rest of the text is the last."""
    end = 0
    for link in LINK.finditer(text):
        yield text[end : link.start()], link[1], link[2]
        end = link.end()
    yield text[end:], "", ""


def documents(lines: Iterable[Line]) -> Iterator[Document]:
    """The texts alone, to annotate."""
    return (Document(example.id, example.text) for example in examples(lines))


def write(examples: Iterable[Example]) -> Iterator[str]:
    """A line for each example; what it cannot say is an error before anything is written."""
    for example in examples:
        text, entities = example.text, sorted(example.entities, key=lambda e: e.start)
        if any(a.overlaps(b) for a, b in pairwise(entities)) or re.search(r"\]\(|\n", text):
            raise DataError(f"example {example.id!r}: entities that overlap, or ]( or a line end; write JSONL")
        for span in reversed(entities):  # from the last on, so that the offsets stay right
            text = f"{text[: span.start]}[{text[span.start : span.end]}]({span.label}){text[span.end :]}"
        yield text


def sniff(texts: Iterator[str]) -> bool:
    """Whether the first line that is not blank looks like this format."""
    return LINK.search(next(texts, "")) is not None


LINKS = Format("links", documents, examples, write, suffixes=(".links",), sniff=sniff)


def main() -> None:
    """Read a pool of this format, and write it as JSONL."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pool.links")
        file.write_text("[Anna Berg](PER) lives in [Oslo](LOC).\nIt rains in [Porto](LOC).\n")
        pool = Pool.read(file, format=LINKS)
        print([label.name for label in pool.labels])
        for example in pool.examples:
            print(example.text, [(example.text[e.start : e.end], e.label) for e in example.entities])
        write_examples(Path(folder, "pool.jsonl"), pool.examples)  # and into a format that others read
        assert tuple(read_examples(Path(folder, "pool.jsonl"))) == pool.examples


if __name__ == "__main__":
    main()
