"""Train one expert: low-rank factors on the token files of `episodes.py`.

    python train/train.py BASE.gguf TOKENS general OUT --minutes 5

Always ends in time: the schedule follows the data or the clock, whichever is further on. With several `--lr` it tries
each for `--minutes`, from the start, and writes the best by dev loss to `--lr-file`; a later run without `--lr` takes
it from there.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import adapter
import numpy as np
import torch
import torch.nn.functional as F
import weights
from batches import Batch, Sequences
from llama import Llama

_DEFAULT_LR = 1e-3
_WARM_UP = 0.04  # of the whole
_KINDS = ("extract", "classify", "verify", "preextract")


def losses(model: Llama, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every target token: its loss, what it counts, whether it was foretold, and where it stands (row, column)."""
    counts = batch.weights[:, 1:]
    wanted = F.pad(counts > 0, (0, 1))
    logits = model(batch.tokens, batch.branches, wanted).float()
    targets = batch.tokens[:, 1:][counts > 0]
    loss = F.cross_entropy(logits, targets, reduction="none")
    return loss, counts[counts > 0].float(), logits.argmax(-1) == targets, (batch.weights > 0).nonzero()


@torch.no_grad()
def evaluate(model: Llama, dev: Sequences, size: int, device: str) -> dict[str, Any]:
    """Loss and share of right tokens over all targets; by kind, over the answers, also of whole answers."""
    parts = []
    for rows in dev.plan(size, None):
        batch = dev.batch(rows, device)
        loss, count, right, places = (t.cpu().numpy() for t in losses(model, batch))
        at = tuple(places.T)
        question = 256 * rows[places[:, 0]] + batch.branches.cpu().numpy()[at]
        parts.append((loss, count, right, batch.kinds[at], question))
    loss, count, right, kinds, question = map(np.concatenate, zip(*parts, strict=True))
    shares = (("loss", loss), ("right", right))
    result: dict[str, Any] = {share: _rounded(values @ count / count.sum()) for share, values in shares}
    for kind, name in enumerate(_KINDS, 1):
        if (mine := kinds == kind).any():
            whole = 1 - len(np.unique(question[mine & ~right])) / len(np.unique(question[mine]))
            result[name] = {s: _rounded(values[mine].mean()) for s, values in shares} | {"whole": _rounded(whole)}
    return result


def _rounded(value: float) -> float:
    return round(float(value), 4)


def train(args: argparse.Namespace, lr: float, out: Path | None) -> dict[str, Any]:
    """One run; writes `<expert>.safetensors` and `<expert>.json` into `out`, if given. Returns what the latter says."""
    torch.manual_seed(args.seed)
    form, state = weights.read(args.base)
    model = Llama(form, state, args.rank, args.alpha, args.device, torch.bfloat16 if args.bf16 else torch.float32)
    if args.start:
        model.put(adapter.load(args.start)[0])
    data, dev = Sequences(args.tokens, args.expert), Sequences(args.tokens, f"{args.expert}-dev", args.dev)
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
    record: dict[str, Any] = {"settings": settings | {"lr": lr}, "log": [], "dev": []}

    def look(step: int | str) -> None:
        record["dev"].append({"step": step, **evaluate(model, dev, args.batch, args.device)})

    def save(facts: dict[str, object]) -> None:
        if out:
            adapter.save(out / f"{args.expert}.safetensors", model.factors(), model.scale, facts)

    look(0)
    print(f"{args.expert}: {len(data.lengths)} episodes, lr {lr:g}; before: {record['dev'][-1]}", flush=True)
    _learn(model, data, args, lr, record, look if out else None, save)
    look(record["steps"])
    if args.device == "cuda":
        record["device"] = torch.cuda.get_device_name()
        record["gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 1)
    save({"lr": lr, "rank": args.rank, "tokens": record["tokens"], "dev": record["dev"][-1]["loss"]})
    if out:
        model.put(adapter.load(out / f"{args.expert}.safetensors")[0])
        look("as stored")
        (out / f"{args.expert}.json").write_text(json.dumps(record, indent=1))
    print(f"after {record['steps']} steps, {record['tokens']} tokens, {record['seconds']} s: {record['dev'][-1]}")
    return record


def _learn(
    model: Llama,
    data: Sequences,
    args: argparse.Namespace,
    lr: float,
    record: dict[str, Any],
    look: Callable[[int | str], None] | None,
    save: Callable[[dict[str, object]], None],
) -> None:
    """Go through the data, or as far as the time allows. Keeps `record`; now and then has a `look`, and saves."""
    plan = data.plan(args.batch, np.random.default_rng(args.seed))
    fused = args.device == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.0, fused=fused)
    began, seen, recent = time.monotonic(), 0, []
    for step, progress in _steps(len(plan), args.steps, args.minutes * 60, began):
        batch = data.batch(plan[step], args.device)
        for group in optimizer.param_groups:
            group["lr"] = lr * _share(progress, args.decay)
        recent.append(_step(model, optimizer, batch))
        seen += int(data.lengths[batch.rows].sum())
        elapsed = time.monotonic() - began
        if (step + 1) % args.every == 0:
            average = float(torch.stack(recent).mean())
            recent.clear()
            record["log"].append([step + 1, seen, round(elapsed, 1), round(average, 4)])
            told = f"{seen / 1e6:.2f}M {seen / elapsed:.0f}/s {elapsed:.0f} s"
            print(f"{step + 1} of {len(plan)} {progress:.3f} loss {average:.4f} {told}", flush=True)
            if not math.isfinite(average):
                raise SystemExit("the loss is no number any more; lower --lr")
        if look and args.looks and (step + 1) % max(1, len(plan) // args.looks) == 0:
            look(step + 1)
            print("dev", record["dev"][-1], flush=True)
            save({"unfinished": step + 1})
    record |= {"steps": step + 1, "tokens": seen, "seconds": round(time.monotonic() - began, 1)}


def _step(model: Llama, optimizer: torch.optim.Optimizer, batch: Batch) -> torch.Tensor:
    """One step of the optimizer; the loss before it."""
    loss, count, _, _ = losses(model, batch)
    value = (loss * count).sum() / count.sum()
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return value.detach()


def _share(progress: float, decay: float) -> float:
    """Of the learning rate: it rises at the start, and falls by a cosine over the last `decay` of the run."""
    fallen = max(0.0, (progress - (1 - decay)) / decay) if decay else 0.0
    return min(1.0, progress / _WARM_UP) * (0.51 + 0.49 * math.cos(math.pi * fallen))


def _steps(planned: int, most: int | None, limit: float, began: float) -> Iterator[tuple[int, float]]:
    """Numbers of steps with how far the run is, 0 to 1, by data or by time."""
    whole = min(planned, most or planned)
    for step in range(whole):
        progress = max(step / whole, (time.monotonic() - began) / limit)
        if progress >= 1:
            return
        yield step, progress


def main() -> None:
    """Train, or try learning rates."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("expert")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--lr", type=float, nargs="*", default=[])
    parser.add_argument("--lr-file", type=Path, default=Path("lr.json"))
    parser.add_argument("--start", type=Path, help="an adapter of the same rank and alpha to go on from")
    parser.add_argument("--decay", type=float, default=1.0, help="the share of the run in which the rate falls")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--alpha", type=float, default=64)
    parser.add_argument("--batch", type=int, default=32768 if cuda else 4096, help="tokens a step; a CPU takes fewer")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--every", type=int, default=25)
    parser.add_argument("--looks", type=int, default=4, help="how often to evaluate and save on the way")
    parser.add_argument("--dev", type=int, default=None if cuda else 60, help="how many dev sequences at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--float32", dest="bf16", action="store_false")
    args = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    args.out.mkdir(parents=True, exist_ok=True)
    if len(args.lr) > 1:
        tried = {lr: train(args, lr, None)["dev"][-1]["loss"] for lr in args.lr}
        best = min(tried, key=lambda lr: tried[lr])
        args.lr_file.write_text(json.dumps({"lr": best, "tried": tried}))
        (args.out / "lr.json").write_text(json.dumps({"lr": best, "tried": tried}))
        print(f"learning rates: {tried}; taken: {best:g}")
        return
    lr = args.lr[0] if args.lr else _DEFAULT_LR
    if not args.lr and args.lr_file.exists():
        lr = json.loads(args.lr_file.read_text())["lr"]
    train(args, lr, args.out)


if __name__ == "__main__":
    main()
