"""What the service has done so far, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from el4ner.serve.desk import Desk

TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts requests and texts as they are answered; what models did is read off the desk."""

    def __init__(self, desk: Desk) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_OfDesk(desk))
        self.requests = Counter("el4ner_requests", "Requests answered.", ["path", "status"], registry=self._registry)
        self.seconds = Histogram("el4ner_request_seconds", "Seconds to the end of an answer.", ["path"],
                                 buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300), registry=self._registry)  # fmt: skip
        self.texts = Counter("el4ner_texts", "Texts annotated for somebody.", registry=self._registry)

    def page(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)


class _OfDesk(Collector):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def describe(self) -> list[Metric]:
        """Nothing: what there is, shows when it is collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What models did, by stage, and how full the queue is."""
        desk = self._desk
        tokens = CounterMetricFamily("el4ner_tokens", "Tokens read and written by models.", labels=["stage", "kind"])
        seconds = CounterMetricFamily("el4ner_stage_seconds", "Seconds that models took.", labels=["stage"])
        questions = CounterMetricFamily("el4ner_questions", "Questions to models, and who answered.",
                                        labels=["stage", "answered"])  # fmt: skip
        for (stage, what), amount in sorted(desk.costs.items()):
            if what == "seconds":
                seconds.add_metric([stage], amount)
            elif what in ("calls", "stored"):
                questions.add_metric([stage, "model" if what == "calls" else "store"], amount)
            else:
                tokens.add_metric([stage, what], amount)
        yield from (tokens, seconds, questions)
        yield GaugeMetricFamily("el4ner_queue_texts", "Texts that wait.", value=desk.waiting)
        yield GaugeMetricFamily("el4ner_queue_limit", "Texts that may wait.", value=desk.limit)
        yield GaugeMetricFamily("el4ner_ready", "Whether the models are open.", value=desk.ready)
