"""The tokenizer of a GGUF file, for `episodes.py`.

    python train/vocabulary.py BASE.gguf TOKENIZER.json

Needs el4ner's source on the path, transformers, torch and gguf.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from el4ner.models.transformers.load import open_tokenizer


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    open_tokenizer(str(args.base)).backend_tokenizer.save(str(args.out))


if __name__ == "__main__":
    main()
