"""From runs to the table that is printed.

Times are medians over the repeats, ratios medians of the ratios within a repeat. Answers are those of the first repeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from el4ner.data import Example, Span
from el4ner.evaluate.bootstrap import compare, interval
from el4ner.evaluate.score import Counts, Text, counts, total

NAMES = {
    "nano": "el4ner, recipe nano (three members), embedded",
    "cached": "the same, one request at a time",
    "plain": "the same, and without a prefix cache",
    "single": "el4ner, one member in one step, llama.cpp server",
    "spacy-llm-4": "spacy-llm, four requests under way, same server",
    "spacy-llm-1": "spacy-llm, one request at a time, same server",
    "langextract": "langextract, ten requests under way, same server",
}

Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def rows(gold: Sequence[Example], runs: Runs) -> dict[str, dict[str, Any]]:
    """What is said of each system, by its name."""
    answers = {name: _counts(gold, each[0]["found"]) for name, each in runs.items() if name != "engine"}
    table = {name: _row(name, len(gold), runs, answers) for name in answers}
    if "engine" in runs and "nano" in runs:
        table["engine"] = _engine(runs)
    return table


def _counts(gold: Sequence[Example], found: Sequence[Sequence[Sequence[Any]]]) -> Counts:
    return counts(
        Text(example.text, example.entities, [Span(*entity) for entity in entities])
        for example, entities in zip(gold, found, strict=True)
    )


def _row(name: str, texts: int, runs: Runs, answers: Mapping[str, Counts]) -> dict[str, Any]:
    mine = runs[name]
    first, sure = mine[0], interval(answers[name])
    row = {
        "texts_per_second": [texts / run["seconds"] for run in mine],
        "fresh": first["fresh"] / texts if "fresh" in first else first["prompt"] / texts,
        "cached": first["cached"] / texts if "cached" in first else None,
        "generated": first["generated"] / texts,
        "f1": total(answers[name]).f1,
        "interval": [sure.low, sure.high],
    }
    for other in ("nano", "single"):
        if other in runs and other != name:
            row[f"{other}_is_times"] = _ratio(runs[other], mine)
            row[f"p_against_{other}"] = compare(answers[other], answers[name]).p
    if "engine_seconds" in first:
        row["outside_engine"] = median(1 - run["engine_seconds"] / run["seconds"] for run in mine)
    stages = ("extract_prompt", "classify_prompt", "extract_generated", "classify_generated")
    row |= {key: first[key] / texts for key in (*stages, "asked", "cut", "candidates") if key in first}
    return row


def _engine(runs: Runs) -> dict[str, Any]:
    def rate(run: Mapping[str, Any], kind: str) -> float:
        return float(run[kind] + run["generated"]) / float(run["seconds"])

    pairs = list(zip(runs["engine"], runs["nano"], strict=False))
    kinds = {"handed": "prompt", "read": "fresh"}
    return {
        name: {"engine": median(rate(e, key) for e, _ in pairs), "nano": median(rate(n, key) for _, n in pairs)}
        for name, key in kinds.items()
    } | {"engine_takes_times": _ratio(runs["nano"], runs["engine"])}


def _ratio(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> float:
    """How many times as long the other takes."""
    return median(b["seconds"] / a["seconds"] for a, b in zip(one, other, strict=False))


def markdown(table: Mapping[str, Mapping[str, Any]], texts: int, repeats: int) -> str:
    """The table, and what else is to be said of nano."""
    lines = [
        f"{texts} texts, {repeats} repeats: medians, [lowest, highest]. Tokens are per text, those read of the prompts."
        " p: paired bootstrap.",
        "",
        "| | texts/s | nano is | single is | tokens read | from cache | generated | F1 [95 %] | p against nano |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(name, table[name]) for name in NAMES if name in table]
    if "nano" in table:
        lines += ["", *_nano(table["nano"], table.get("engine"), table.get("cached"))]
    return "\n".join(lines) + "\n"


def _line(name: str, row: Mapping[str, Any]) -> str:
    speeds = row["texts_per_second"]
    cells = [
        NAMES[name],
        f"{median(speeds):.2f} [{min(speeds):.2f}, {max(speeds):.2f}]",
        _times(row.get("nano_is_times")),
        _times(row.get("single_is_times")),
        f"{row['fresh']:.0f}{'*' if row['cached'] is None else ''}",
        "" if row["cached"] is None else f"{row['cached']:.0f}",
        f"{row['generated']:.1f}",
        f"{row['f1']:.3f} [{row['interval'][0]:.2f}, {row['interval'][1]:.2f}]",
        f"{row['p_against_nano']:.3f}" if "p_against_nano" in row else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f} x as fast"


def _nano(nano: Mapping[str, Any], engine: Mapping[str, Any] | None, cached: Mapping[str, Any] | None) -> list[str]:
    stages = nano["extract_prompt"] + nano["classify_prompt"]
    lines = [
        "\\* counted, not told by the engine: prompt tokens outside of known blocks of 32 (`prefix.py`);"
        " for the system without a cache, all of them.",
        "",
        f"- nano spends {nano['outside_engine']:.1%} of the wall time outside the engine.",
        f"- nano asks {nano['asked']:.1f} questions a text and has {nano['fresh']:.0f} prompt tokens read;"
        f" without shared prefixes {stages:.0f}, for the extractions alone {nano['extract_prompt']:.0f}.",
    ]
    if engine:
        read, handed = engine["read"], engine["handed"]
        lines += [
            f"- The engine alone, given all questions in one list: {read['engine']:.0f} tokens/s read anew or generated"
            f" (the pipeline: {read['nano']:.0f}), {handed['engine']:.0f} tokens/s counting what was handed over"
            f" (the pipeline: {handed['nano']:.0f}). The list takes {engine['engine_takes_times']:.2f} x the pipeline's"
            " time: within a list the engine does not reuse prefixes.",
        ]
    return lines
