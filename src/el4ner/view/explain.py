"""The trace of an annotation, stage by stage, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from el4ner.annotation import Annotation
from el4ner.data import Ballot, Span, Trace, Verdict
from el4ner.decide import BallotOutcome
from el4ner.pool.pool import Pool
from el4ner.text.printable import one_line
from el4ner.view.render import entity_table, grid, highlight, label_text, probability, yes_or_no

_WEIGHED = {
    "pos": "weighed by part of speech",
    "uniform": "all weighed alike: the tagger, which knows English, cannot read this text",
    "sentence": "not used: demonstrations are compared as whole texts",
    "random": "not used: demonstrations are drawn at random",
    "none": "not used: nobody reads demonstrations",
}


def explain(
    annotation: Annotation, pool: Pool, members: Sequence[str], colours: Mapping[str, str]
) -> Iterator[RenderableType]:
    """All that is known of how a text was read: one part after the other, to be printed in order."""
    yield highlight(annotation.text, annotation.entities, colours)
    for number, trace in enumerate(annotation.traces, 1):
        where = f", passage {number} of {len(annotation.traces)}" if len(annotation.traces) > 1 else ""
        yield from _retrieved(annotation.text, trace, pool, colours, where)
    yield from _extracted(annotation, members)
    yield from _voted(annotation, members, colours)
    yield _heading("entities")
    yield entity_table(annotation, members, colours) if annotation.entities else Text("none")
    for member, reason in annotation.failed.items():
        yield Text(one_line(f"{member} failed: {reason}", 400), style="bold red")


def _retrieved(text: str, trace: Trace, pool: Pool, colours: Mapping[str, str], where: str) -> Iterator[RenderableType]:
    yield _heading(f"1 retrieve{where}")
    yield Text(f"Spans found in the text, {_WEIGHED.get(trace.weights, trace.weights)}:")
    spans = grid("by", "spans")
    for name, found in trace.preextracted.items():
        spans.add_row(Text(one_line(name)), Text(_listed(text, found) or "none"))
    yield spans if trace.preextracted else Text("none were looked for")
    yield Text(f"\nDemonstrations, most similar first ({_shown(trace)}):")
    yield _demonstrations(trace, pool, colours)


def _demonstrations(trace: Trace, pool: Pool, colours: Mapping[str, str]) -> Table:
    examples = {example.id: example for example in reversed(pool.examples)}
    table = grid("similarity", "id", "demonstration")
    for shown in trace.demonstrations:
        example = examples.get(shown.id)
        line = highlight(example.text, example.entities, colours) if example else Text("not in this pool")
        table.add_row(f"{shown.similarity:.4f}", Text(one_line(shown.id)), line)
    return table


def _extracted(annotation: Annotation, members: Sequence[str]) -> Iterator[RenderableType]:
    yield _heading("2 extract")
    table = grid("candidate", "at", *members)
    for ballot in annotation.ballots:
        span = ballot.candidate.span
        cells = [_proposed(ballot, member) for member in members]
        table.add_row(_mention(annotation, ballot), f"{span.start}–{span.end}", *cells)
    yield table if annotation.ballots else Text("nobody proposed anything")
    for trace in annotation.traces:
        for lost in trace.ungrounded:
            typed = f" ({lost.label})" if lost.label is not None else ""
            what = f"{lost.member} listed {lost.text!r}{typed}: not in the text, or of a type that nobody asked for"
            yield Text(one_line(what), style="yellow")
        for reason in trace.abstained:
            yield Text(f"no usable answer: {one_line(reason)}", style="yellow")


def _proposed(ballot: Ballot, member: str) -> Text:
    proposal = next((p for p in ballot.candidate.proposals if p.member == member), None)
    if proposal is None:
        return Text("–", style="dim")
    text = Text("yes").append(probability(proposal.probability), style="dim")
    if proposal.label is not None:
        text.append(f", {one_line(proposal.label)}").append(probability(proposal.label_probability), style="dim")
    return text


def _voted(annotation: Annotation, members: Sequence[str], colours: Mapping[str, str]) -> Iterator[RenderableType]:
    yield _heading("3 classify and 4 verify")
    judged = any(ballot.verdicts for ballot in annotation.ballots)
    table = grid("candidate", *members, *(["verdicts"] if judged else []), "outcome")
    for ballot, outcome in zip(annotation.ballots, annotation.outcomes, strict=True):
        cells = [_vote(ballot, member) for member in members]
        verdicts = [_verdicts(ballot)] if judged else []
        table.add_row(_mention(annotation, ballot), *cells, *verdicts, _outcome(outcome, colours))
    yield table if annotation.ballots else Text("nothing to vote on")


def _vote(ballot: Ballot, member: str) -> Text:
    vote = next((vote for vote in ballot.votes if vote.member == member), None)
    if vote is None:
        return Text("–", style="dim")
    if vote.abstained:
        return Text(f"abstained: {one_line(vote.abstained)}", style="yellow")
    return Text("none" if vote.label is None else one_line(vote.label)).append(
        probability(vote.probability), style="dim"
    )


def _verdicts(ballot: Ballot) -> Text:
    said = [f"{v.member}: {v.label}? {_verdict(v)}{probability(v.probability)}" for v in ballot.verdicts]
    return Text(one_line("; ".join(said)) or "–")


def _verdict(verdict: Verdict) -> str:
    return f"abstained: {verdict.abstained}" if verdict.abstained else yes_or_no(verdict.holds)


def _outcome(outcome: BallotOutcome, colours: Mapping[str, str]) -> Text:
    if outcome.out or outcome.label is None:
        return Text(f"out: {one_line(outcome.why_not)}", style="dim")
    return label_text(outcome.label, colours).append(f" {outcome.score:.2f}", style="default on default")


def _mention(annotation: Annotation, ballot: Ballot) -> Text:
    span = ballot.candidate.span
    return Text(one_line(annotation.text[span.start : span.end], 60))


def _listed(text: str, spans: Sequence[Span]) -> str:
    return " · ".join(one_line(text[s.start : s.end], 60) for s in spans)


def _shown(trace: Trace) -> str:
    return ", ".join(f"{one_line(member)} was shown {count}" for member, count in trace.shown.items())


def _heading(title: str) -> Padding:
    return Padding(Rule(Text(title, style="bold"), align="left", style="dim"), (1, 0, 0, 0))
