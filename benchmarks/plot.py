# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.8"]
# ///
"""Speed and F1 of every system, from the results of `tools.py`.

uv run --script benchmarks/plot.py .bench/tools/results.json tools.svg
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt


def main(source: Path, target: Path) -> None:
    """Draw a point a system: texts a second (range over the repeats) against F1 (95 % interval)."""
    table = {name: row for name, row in json.loads(source.read_text("utf-8")).items() if "f1" in row}
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, row in table.items():
        speeds, f1, (low, high) = row["texts_per_second"], row["f1"], row["interval"]
        x = median(speeds)
        own = name in ("nano", "cached", "plain", "single")
        axes.errorbar(
            x,
            f1,
            xerr=[[x - min(speeds)], [max(speeds) - x]],
            yerr=[[max(0.0, f1 - low)], [max(0.0, high - f1)]],
            fmt="o" if own else "s",
            color="tab:blue" if own else "tab:gray",
            capsize=2,
        )
        axes.annotate(name, (x, f1), textcoords="offset points", xytext=(6, 6))
    axes.set(xscale="log", xlabel="texts a second", ylabel="micro-F1")
    axes.set_ylim(bottom=0)
    figure.savefig(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
