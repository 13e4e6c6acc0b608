"""Records of other tools: those that say exactly what el4ner's do are read, the others are known by their keys.

doccano              {"text", "label": [[0, 3, "PER"]]}          also "labels", and the triples under "entities"
Prodigy, spaCy       {"text", "spans": [{"start", "end", "label"}]}                                also "ents"
spaCy 2              ["text", {"entities": [[0, 3, "PER"]]}]
GLiNER               {"tokenized_text": ["Ada"], "ner": [[0, 0, "PER"]]}       tokens, the last one included
Hugging Face         {"tokens": ["Ada"], "ner_tags": ["B-PER"]}                also "tags"; as names, not numbers
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from el4ner.formats.bio import decode, parse
from el4ner.text.printable import one_line

Record = dict[str, Any]

# What the first line of a file begins with, whose file that is, and the way to one that is read.
_FILES = (
    (re.compile(r"T\d+\t\S+ \d+ \d+(?:;\d+ \d+)*\t"), "brat's .ann", "write JSONL from it and its .txt"),
    (re.compile(r"#FORMAT=WebAnno"), "WebAnno's TSV", "export CoNLL 2002 there"),
    (re.compile(r"#begin document"), "CoNLL 2012's form, whose tags are brackets", "write BIO tags"),
    (re.compile(r"<\?xml|<!DOCTYPE", re.IGNORECASE), "XML or HTML", "write its text, or JSONL"),
    (re.compile(r"%PDF-|\{\\rtf"), "a PDF or RTF file", "write its text"),
)

_SHOWN = 8  # keys that a message shows
_OURS = 'write {"text", "entities": [{"start", "end", "label"}]}, '
_INCLUSIVE = _OURS + "each end one higher: theirs are the last character"
# Keys that stand side by side, in a record or in the first of its entities; whose they are; the way to our lines.
_KNOWN: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("data", "annotations"), "Label Studio's JSON", _OURS + 'from "data" and each "value" of annotations[0].result'),
    (("data", "predictions"), "Label Studio's tasks", _OURS + 'from "data" and each "value" of predictions[0].result'),
    (("start", "end", "labels"), "Label Studio's JSON_MIN", _OURS + "with each of labels in its turn"),
    (("extractions",), "langextract's", _OURS + "from char_interval's start_pos and end_pos, and extraction_class"),
    (("BeginOffset", "EndOffset"), "Amazon Comprehend's", _OURS + "from BeginOffset, EndOffset and Type"),
    (("source-ref",), "SageMaker Ground Truth's", "put the texts that it refers to in place"),
    (("startOffset", "endOffset"), "SageMaker Ground Truth's", _OURS + "from startOffset, endOffset and label"),
    (("offset", "length"), "Azure's", _OURS + "end is offset + length; check that they count characters"),
    (("textSnippet",), "Google AutoML's", _OURS + "from textSegment's startOffset and endOffset, and displayName"),
    (("textSegmentAnnotations",), "Google Vertex AI's", _OURS + "from startOffset, endOffset and displayName"),
    (("mentions", "salience"), "Google Natural Language's", _OURS + "from each mention's beginOffset and content"),
    (("rasa_nlu_data",), "Rasa's", _OURS + 'from common_examples; its "entity" is the label'),
    (("start", "end", "entity"), "Rasa's", _OURS + 'its "entity" is the label'),
    (("start", "end", "entity_group"), "a transformers pipeline's", _OURS + 'its "entity_group" is the label'),
    (("start_offset", "end_offset"), "doccano's", _OURS + "from start_offset, end_offset and label"),
    (("start", "end", "type"), "SpERT's", _OURS + 'its "type" is the label'),
    (("sentences", "ner"), "DyGIE's", 'write {"tokens", "entities": [{"start", "end", "label"}]}, ends one higher'),
    (("content", "annotation"), "Dataturks'", _INCLUSIVE),
    (("paragraphs",), "spaCy's training JSON", "convert it with `spacy convert`, and write doc.to_json() a line"),
    (("fields", "suggestions"), "Argilla's", _OURS + "from the span question's values"),
    (("fields", "responses"), "Argilla's", _OURS + "from the span question's values"),
    (("input", "output"), "GLiNER2's", _OURS + "it has no offsets: find each mention in the text"),
    (("conversations",), "a chat model's training data", _OURS + "it has no offsets: find each mention in the text"),
    (("messages",), "a chat model's training data", _OURS + "it has no offsets: find each mention in the text"),
    (("examples", "classes"), "LightTag's or NER Annotator's", _OURS + "from its examples"),
    (("classes", "annotations"), "NER Annotator's", 'give its "annotations" alone, as a JSON array'),
    (("@context", "target"), "W3C annotations", _OURS + "from each TextPositionSelector"),
    (("%TYPES", "%FEATURE_STRUCTURES"), "UIMA CAS", _OURS + "with dkpro-cassis; its offsets may count UTF-16 units"),
)


def whose_file(first: str) -> str:
    """Whose file begins with such a line, and how to go on; "" for none of those that are known and not read."""
    found = next(((whose, advice) for form, whose, advice in _FILES if form.match(first)), None)
    return f"this is {found[0]}, which is not read; {found[1]}" if found else ""


def as_record(value: Any) -> Record | None:
    """The object on a line (GLiNER's tokens under our name), or what spaCy 2's pair says; None for anything else."""
    match value:
        case {"text": _} | {"tokens": _}:
            return {**value}
        case {"tokenized_text": tokens, **rest}:
            return {"tokens": tokens, **{str(key): inner for key, inner in rest.items()}}
        case dict():
            return value
        case [str() as text, {"entities": list() as rows}]:
            return {"text": text, "entities": rows}
    return None


def as_ours(record: Record) -> Record:
    """The record with "entities" as objects, where it says them in another way that is exact; else as it is.

    Raises `ValueError` for what must not be taken as it stands.
    """
    match record:
        case {"entities": [[*_], *_] as rows, "text": _}:
            return record | {"entities": _objects(rows)}
        case {"entities": _}:
            return record
        case {"text": str(), "label": [] | [[*_], *_] as rows} | {"text": str(), "labels": [] | [[*_], *_] as rows}:
            return record | {"entities": _objects(rows)}
        case {"text": str(), "spans": list() as rows} | {"text": str(), "ents": list() as rows}:
            if record.get("answer", "accept") != "accept":
                answer = f'"answer" is {str(record["answer"])[:40]!r}'
                raise ValueError(f"{answer}: these spans were not accepted; leave the line out")
            return {key: value for key, value in record.items() if key != "tokens"} | {"entities": rows}
        case {"tokens": list(), "ner": list() as rows}:
            return record | {"entities": [_exclusive(row) for row in _objects(rows)]}
        case {"tokens": list() as tokens, "ner_tags": list() as tags} | {
            "tokens": list() as tokens,
            "tags": list() as tags,
        }:
            return record | {"entities": _tagged(tokens, tags)}
    return record


def looks_like(record: Record) -> str:
    """Whose record this looks like, and how it becomes one of ours; "" where the keys say nothing."""
    inner = [rows[0] for rows in record.values() if isinstance(rows, list) and rows and isinstance(rows[0], dict)]
    for keys, whose, advice in _KNOWN:
        if any(keys_of.keys() >= set(keys) for keys_of in (record, *inner)):
            return f"this is {whose} form (it has {_quoted(keys)}); {advice}"
    if isinstance(record.get("label"), dict):
        return f'this is CLUENER\'s form (its "label" is an object); {_INCLUSIVE}'
    return ""


def keys_seen(record: Record) -> str:
    """The first keys of a record, for a message."""
    more = ", ..." if len(record) > _SHOWN else ""
    return f"{_quoted([key[:40] for key in list(record)[:_SHOWN]])}{more}" if record else "none"


def _quoted(keys: Sequence[str]) -> str:
    return ", ".join(f'"{one_line(key)}"' for key in keys)


def _objects(rows: Sequence[Any]) -> list[Any]:
    """Triples as objects; what is none stays, and is refused where entities are read."""
    return [
        {"start": row[0], "end": row[1], "label": row[2]} if isinstance(row, list) and len(row) == 3 else row
        for row in rows
    ]


def _exclusive(row: Any) -> Any:
    return row | {"end": row["end"] + 1} if isinstance(row, dict) and type(row.get("end")) is int else row


def _tagged(tokens: Sequence[Any], tags: Sequence[Any]) -> list[Record]:
    if len(tokens) != len(tags):
        raise ValueError(f"{len(tokens)} tokens and {len(tags)} tags; give each token its tag")
    if any(isinstance(tag, int) for tag in tags):
        raise ValueError("the tags are numbers; give their names, as features[...].feature.int2str does")
    parsed = [parse(tag) if isinstance(tag, str) else None for tag in tags]
    if None in parsed:
        wrong = tags[parsed.index(None)]
        raise ValueError(f"{str(wrong)[:40]!r} is no tag; write O or a tag such as B-PER")
    return [{"start": s.start, "end": s.end, "label": s.label} for s in decode(tag for tag in parsed if tag)]
