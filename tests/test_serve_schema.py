"""Generated requests over the whole OpenAPI document: no fault of the server, and answers that are as it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from serving import capital_model, desk_of, served

pytestmark = pytest.mark.slow
CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
OPERATIONS = [
    ("GET", "/v1/labels"), ("GET", "/v1/pool"), ("POST", "/v1/annotate"), ("POST", "/v1/pool"), ("GET", "/healthz"),
    ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/"), ("GET", "/health"), ("GET", "/versions"), ("POST", "/setup"),
    ("POST", "/predict"), ("POST", "/webhook"),
]  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    with served(desk_of(tmp_path_factory.mktemp("schema"), capital_model())) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def test_all_operations_are_tried(schema: schemathesis.BaseSchema) -> None:
    there = [(one.ok().method.upper(), one.ok().path) for one in schema.get_all_operations()]
    assert sorted(there) == sorted(OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_are_as_the_document_says(
    schema: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    if method == "GET" and mode is GenerationMode.NEGATIVE:
        return  # there is nothing that could be wrong
    checks = CHECKS
    if path == "/v1/annotate" and mode is GenerationMode.NEGATIVE:
        checks = [*CHECKS, negative_data_rejection]

    @settings(max_examples=30 if method == "POST" else 3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def answers(case: schemathesis.Case) -> None:
        answer = case.call()
        too_large = answer.status_code == 413  # read no further: whatever else is wrong is not known
        case.validate_response(answer, checks=CHECKS if too_large else checks)

    answers()
