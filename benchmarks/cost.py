"""What a million texts cost with the paper's three models on one GPU: the arithmetic of docs/scaling.md.

    uv run benchmarks/cost.py

Token counts are those that `constants.py` printed. Throughputs are published ones of Qwen3-14B (GPUStack's performance
lab), tokens a second in all, at 128 + 4 and at 2,000 + 100 tokens a request. Through both goes the line "so many
seconds a request, and so many a token".
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM, DEMONSTRATION, TEXT = 159, 57.3, 32.2  # tokens
STAGE1, STAGE2, STAGE3, STAGE4 = 55, 17, 36, 23  # tokens of the questions themselves
CANDIDATES = 1.12  # a text, of bare's members
LISTED, NAMED = 6.4, 2.3  # tokens generated for a list, and for a type or a verdict
K = 8
BLOCK = 16  # of vLLM's prefix cache
SHORT, MEDIUM = 132, 2100  # tokens of a published request
PUBLISHED = {"A100, vLLM": (4917, 5967), "H100, vLLM": (5797, 10597), "H100, SGLang, FP8": (16885, 14764)}
PARAMETERS = {"GLM-4-9B-Chat": 9.4, "Phi-4": 14.7, "Qwen2.5-14B-Instruct": 14.7}  # billions; the first by 14.8


@dataclass(frozen=True)
class Speed:
    """Seconds a request, and seconds a token, of the published model of 14.8 billion parameters."""

    request: float
    token: float


def speed(short: float, medium: float) -> Speed:
    """The line through two published throughputs; without a part for the request where that would be negative."""
    token = (MEDIUM / medium - SHORT / short) / (MEDIUM - SHORT)
    request = SHORT / short - SHORT * token
    return Speed(request, token) if request > 0 else Speed(0.0, 1 / medium)


def seconds(at: Speed, billions: float, verifies: bool) -> float:
    """What one model takes for a text: four stages, prefixes shared, the system prompt known."""
    rest = SYSTEM % BLOCK
    read = 2 * rest + 2 * TEXT + STAGE1 + STAGE2 + K * DEMONSTRATION + CANDIDATES * (BLOCK / 2 + STAGE3)
    requests, generated = 2 + CANDIDATES, 2 * LISTED + CANDIDATES * NAMED
    if verifies:
        read, requests = read + CANDIDATES * (BLOCK / 2 + STAGE4), requests + CANDIDATES
        generated += CANDIDATES * NAMED
    return requests * at.request + (read + generated) * at.token * billions / 14.8


def main() -> None:
    """Print GPU-hours for a million texts."""
    for name, (short, medium) in PUBLISHED.items():
        at = speed(short, medium)
        each = {model: seconds(at, size, model.startswith("Qwen")) for model, size in PARAMETERS.items()}
        print(f"{name}: {1000 * at.request:.1f} ms a request, {1 / at.token:.0f} tokens/s")
        print("   seconds a text: " + ", ".join(f"{model} {value:.3f}" for model, value in each.items()))
        print(f"   a million texts: {sum(each.values()) * 1e6 / 3600:.0f} GPU-hours")


if __name__ == "__main__":
    main()
