"""Annotations and costs as one HTML page that needs nothing else: no scripts, no fonts, no network.

The templates escape whatever they are given. `render` draws the same for the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Entity, Label, Span, Ungrounded, Vote
from el4ner.ensemble.costs import Cost
from el4ner.text.marks import INK, marks, palette
from el4ner.text.printable import one_line, printable
from el4ner.view.render import COUNTS, probability


def page(
    title: str,
    annotations: Sequence[Annotation],
    labels: Sequence[Label],
    members: Sequence[str],
    costs: Sequence[Cost] = (),
    note: str = "",
) -> str:
    """The page's text, to be written as UTF-8. `note` is a line about the run that stands above the table of costs."""
    return template("annotations.html").render(
        title=title,
        classes=classes_of(label.name for label in labels),
        annotations=annotations,
        found=Counter(entity.label for annotation in annotations for entity in annotation.entities),
        labels=labels,
        members=list(members),
        costs=[_cells(cost.stage, cost.member, [cost]) for cost in costs],
        total=_cells("all", "", costs),
        note=note,
    )


def template(name: str) -> Template:
    """One of the package's templates. What it does not know is an error, and what it is given is escaped.

    Untrusted text goes through one of its filters as well: `one_line`, or `printable` where lines may break.
    """
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader([PackageLoader("el4ner", f"view/{folder}") for folder in ("templates", "scripts")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update({"one_line": one_line, "printable": printable})
    made.globals.update({"COUNTS": COUNTS, "INK": INK})
    for function in (marks, palette, title_of, proposers, votes, verdicts, listed):
        made.globals[function.__name__] = function
    return made


def classes_of(labels: Iterable[str]) -> dict[str, str]:
    """The class that elements of a label have, in the order that `palette` colours them."""
    return {name: f"l{number}" for number, name in enumerate(dict.fromkeys(labels))}


def title_of(annotation: Annotation, mention: Span | Entity) -> str:
    """What is said where one points at an entity: of gold, its type alone."""
    if not isinstance(mention, Entity):
        return mention.label or ""
    ballot = annotation.ballot_of(mention)
    lines = [f"{mention.label}, score {mention.score:.2f}"]
    if ballot:
        lines += [f"{member}: {said}" for member, said in votes(ballot).items()]
        lines += [verdicts(ballot)] if ballot.verdicts else []
    return "\n".join(map(one_line, lines))


def proposers(ballot: Ballot) -> str:
    """Who proposed a candidate, and how probable it was to them."""
    return ", ".join(p.member + probability(p.probability) for p in ballot.candidate.proposals)


def votes(ballot: Ballot) -> dict[str, str]:
    """What each member voted."""
    return {vote.member: _vote(vote) for vote in ballot.votes}


def _vote(vote: Vote) -> str:
    if vote.abstained:
        return f"abstained: {vote.abstained}"
    return ("none" if vote.label is None else vote.label) + probability(vote.probability)


def verdicts(ballot: Ballot) -> str:
    """What the verifiers said."""
    words = {True: "true", False: "false", None: "no answer"}
    said = ((v, f"no answer, {v.abstained}" if v.abstained else words[v.holds]) for v in ballot.verdicts)
    return "; ".join(f"{v.member}: {v.label}? {word}{probability(v.probability)}" for v, word in said)


def listed(lost: Ungrounded) -> str:
    """What a member listed that has no place in the text."""
    return f"{lost.member} listed “{lost.text}”{f' ({lost.label})' if lost.label else ''}"


def _cells(stage: str, member: str, costs: Sequence[Cost]) -> list[str]:
    """A row of the table of costs: their sums."""
    counts = [f"{sum(getattr(cost, name) for cost in costs):,}" for name in COUNTS]
    return [stage, member, f"{sum(cost.seconds for cost in costs):.1f}", *counts]
