"""`el4ner show`, `decide` and `diff`: on lines that `el4ner annotate` wrote, without any model."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from el4ner.cli.console import out, say
from el4ner.cli.output import expect_place, lines_to, write_text
from el4ner.decide import Overlap, Rule
from el4ner.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from el4ner.annotation import Annotation
    from el4ner.data import Span


class Sort(StrEnum):
    """The order in which texts are shown."""

    GIVEN = "given"
    UNCERTAINTY = "uncertainty"
    SCORE = "score"
    ID = "id"


Lines = Annotated[Path, typer.Argument(metavar="FILE", help="What `el4ner annotate --evidence` wrote.")]
Threshold = Annotated[float | None, typer.Option(min=0, max=1, help="The least score of an entity.")]
Proposers = Annotated[int | None, typer.Option(min=1, metavar="N", help="How many members must propose a span.")]
Verdicts = Annotated[bool | None, typer.Option("--verify/--no-verify", help="Whether verdicts count.")]
Absent = Annotated[
    list[str] | None, typer.Option("--without", metavar="MEMBER", help="As if it had taken no part; may be repeated.")
]


def decide(
    file: Lines,
    threshold: Threshold = None,
    rule: Annotated[Rule | None, typer.Option(help="How votes are counted.")] = None,
    overlap: Annotated[Overlap | None, typer.Option(help="What becomes of entities that overlap.")] = None,
    proposers: Proposers = None,
    verify: Verdicts = None,
    without: Absent = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here.")] = None,
) -> None:
    """Decide again, over the evidence: other entities out of the same answers. Nobody is asked."""
    from el4ner.formats.annotations import read_annotations
    from el4ner.formats.jsonl import dumps

    counts: Counter[str] = Counter()
    with lines_to(output, [file]) as write:
        for old in read_annotations(file, evidence=True):
            _known(without or (), old)
            new = old.without(*(without or ())).decide(
                rule=rule, verify=verify, proposers=proposers, threshold=threshold, overlap=overlap
            )
            counts.update(texts=1, before=len(old.entities), now=len(new.entities))
            write(dumps(new.record(evidence=True)))
    say(f"texts {counts['texts']:,} · entities {counts['now']:,}, before {counts['before']:,}", "dim")


def show(
    file: Lines,
    html: Annotated[Path | None, typer.Option("--html", metavar="PAGE", help="Write a page to work with, too.")] = None,
    sort: Annotated[Sort, typer.Option(help="uncertainty: the least sure ballot first.")] = Sort.GIVEN,
    type: Annotated[
        list[str] | None, typer.Option("--type", "-t", metavar="T", help="Only texts with such an entity.")
    ] = None,
    gold: Annotated[Path | None, typer.Option("--gold", metavar="FILE", help="Labelled texts of the same ids.")] = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="Show so many texts here.")] = 20,
) -> None:
    """Show annotations: here, and as one offline page whose sliders decide again."""
    from el4ner.formats.annotations import read_annotations
    from el4ner.text.marks import palette
    from el4ner.view.render import highlight

    expect_place(html, [file, gold])
    annotations = _sorted(list(read_annotations(file)), sort)
    labels = _labels(annotations)
    for name in type or ():
        if name not in labels:
            known = f"{', '.join(labels)}{did_you_mean(name, labels)}"
            raise DataError(f"--type {name}: nothing of that type; there are {known}")
    bare = next((annotation.id for annotation in annotations if annotation.entities and not annotation.ballots), None)
    if html is not None and bare is not None:
        raise DataError(f"{file}: text {bare!r} has no evidence for a page; write it with `el4ner annotate --evidence`")
    if type:
        annotations = [a for a in annotations if any(entity.label in type for entity in a.entities)]
    colours = palette(labels)
    for annotation in annotations[:limit]:
        out.print(Text(annotation.id, style="dim"), highlight(annotation.text, annotation.entities, colours), sep="\n")
    found = sum(len(annotation.entities) for annotation in annotations)
    shown = min(limit, len(annotations))
    say(f"texts {len(annotations):,} · entities {found:,} · shown {shown:,} (--limit)", "dim")
    if html is not None:
        _write_page(html, file, annotations, labels, gold)


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Annotated lines.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same texts, annotated otherwise.")],
) -> None:
    """Say what came, went, moved or changed its type, text by text."""
    from el4ner.evaluate.changes import changed, changes
    from el4ner.formats.annotations import read_annotations

    counts: Counter[str] = Counter()
    for id_, text, pairs in changes(read_annotations(old), read_annotations(new)):
        counts["texts"] += 1
        for what, line in changed(pairs, text):
            counts[what] += 1
            out.print(Text.assemble((f"{id_}  ", "dim"), line), soft_wrap=True)
    told = [f"{what} {count:,}" for what, count in sorted(counts.items()) if what != "texts"]
    say(" · ".join([f"texts {counts['texts']:,}", *(told or ["no change"])]), "dim")


def _write_page(
    page: Path, file: Path, annotations: Sequence[Annotation], labels: Sequence[str], gold: Path | None
) -> None:
    from el4ner.data import Label
    from el4ner.view.run_page import run_page

    voters = dict.fromkeys(vote.member for a in annotations for ballot in a.ballots for vote in ballot.votes)
    truth = _gold(gold, annotations) if gold else None
    write_text(page, run_page(file.name, annotations, [Label(name) for name in labels], list(voters), truth))
    say(f"the page is in {page}")


def _gold(file: Path, annotations: Sequence[Annotation]) -> list[Sequence[Span]]:
    from el4ner.formats import read_examples

    known = {example.id: example for example in read_examples(file)}
    for annotation in annotations:
        if annotation.id not in known or known[annotation.id].text != annotation.text:
            raise DataError(f"{file}: no example {annotation.id!r} with the same text; give the gold of these texts")
    return [known[annotation.id].entities for annotation in annotations]


def _sorted(annotations: list[Annotation], sort: Sort) -> list[Annotation]:
    keys = {
        Sort.UNCERTAINTY: lambda a: -a.doubt,
        Sort.SCORE: lambda a: min((entity.score for entity in a.entities), default=2.0),
        Sort.ID: lambda a: a.id,
    }
    return sorted(annotations, key=keys[sort]) if sort in keys else annotations


def _labels(annotations: Iterable[Annotation]) -> list[str]:
    """Types in the order of the alphabet: the same colours whatever comes first."""
    found = {entity.label for a in annotations for entity in a.entities}
    return sorted(found | {vote.label for a in annotations for b in a.ballots for vote in b.votes if vote.label})


def _known(members: Sequence[str], annotation: Annotation) -> None:
    """A member that no ballot names is a slip: leaving it out would change nothing, in silence."""
    voters = {vote.member for ballot in annotation.ballots for vote in ballot.votes}
    for member in members if voters else ():
        if member not in voters:
            known = f"{', '.join(sorted(voters))}{did_you_mean(member, voters)}"
            raise DataError(f"--without {member}: no such member; there are {known}")
