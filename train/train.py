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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import adapter
import numpy as np
import torch
import torch.nn.functional as F
import weights
from llama import Llama

_DEFAULT_LR = 1e-3
_WARM_UP = 0.04  # of the whole
_SORTED = 16384  # sequences that are sorted by length together
_KINDS = ("extract", "classify", "verify", "preextract")


_PADDING = 255  # a branch that no question has


class Batch(NamedTuple):
    """Rows of one length: tokens, what each counts as a target, its branch and kind; see `episodes.Tokens`."""

    tokens: torch.Tensor
    weights: torch.Tensor
    branches: torch.Tensor
    kinds: np.ndarray
    rows: np.ndarray


class Sequences:
    """The token files of one name."""

    def __init__(self, folder: Path, name: str, most: int | None = None) -> None:
        def part(suffix: str) -> np.ndarray:
            return np.load(folder / f"{name}.{suffix}.npy", mmap_mode="r")

        self.ids, self.weights, self.branches, self.kinds = map(part, ("ids", "weights", "branches", "kinds"))
        self.lengths = np.array(part("lengths"))[:most]
        self.starts = np.concatenate([[0], np.cumsum(self.lengths.astype(np.int64))])

    def plan(self, size: int, dice: np.random.Generator | None) -> list[np.ndarray]:
        """Batches of about `size` tokens, padding included, of rows of like length; shuffled with dice."""
        order = dice.permutation(len(self.lengths)) if dice else np.arange(len(self.lengths))
        batches: list[np.ndarray] = []
        for at in range(0, len(order), _SORTED):
            part = order[at : at + _SORTED]
            noise = dice.uniform(0.9, 1.1, len(part)) if dice else 1.0
            part = part[np.argsort(self.lengths[part] * noise, kind="stable")]
            first, longest = 0, 0
            for i, length in enumerate(self.lengths[part]):
                longest = max(longest, _padded(length))
                if longest * (i + 1 - first) > size and i > first:
                    batches.append(part[first:i])
                    first, longest = i, _padded(length)
            batches.append(part[first:])
        return [batches[i] for i in dice.permutation(len(batches))] if dice else batches

    def batch(self, rows: np.ndarray, device: str) -> Batch:
        """These rows, padded on the right."""
        width = max(_padded(n) for n in self.lengths[rows])

        def padded(values: np.ndarray, filler: int) -> np.ndarray:
            block = np.full((len(rows), width), filler, np.int32)
            for i, row in enumerate(rows):
                block[i, : self.lengths[row]] = values[self.starts[row] : self.starts[row + 1]]
            return block

        tokens, counts, branches = (
            torch.from_numpy(padded(values, filler)).to(device)
            for values, filler in ((self.ids, 0), (self.weights, 0), (self.branches, _PADDING))
        )
        return Batch(tokens.long(), counts, branches, padded(self.kinds, 0), rows)


def _padded(length: int) -> int:
    return -(-int(length) // 32) * 32


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
    plan = data.plan(args.batch, np.random.default_rng(args.seed))
    fused = args.device == "cuda"
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.0, fused=fused)
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
    record: dict[str, Any] = {"settings": settings | {"lr": lr}, "log": [], "dev": []}
    record["dev"].append({"step": 0, **evaluate(model, dev, args.batch, args.device)})
    print(f"{args.expert}: {len(plan)} batches, lr {lr:g}; before: {record['dev'][-1]}", flush=True)
    limit = args.minutes * 60
    began, seen, mean = time.monotonic(), 0, []
    for step, progress in _steps(len(plan), args.steps, limit, began):
        batch = data.batch(plan[step], args.device)
        for group in optimizer.param_groups:
            group["lr"] = lr * _share(progress, args.decay)
        loss, count, _, _ = losses(model, batch)
        value = (loss * count).sum() / count.sum()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean.append(value.detach())
        seen += int(data.lengths[batch.rows].sum())
        if (step + 1) % args.every == 0:
            average = float(torch.stack(mean).mean())
            elapsed, mean = time.monotonic() - began, []
            speed = round(seen / elapsed)
            record["log"].append([step + 1, seen, round(elapsed, 1), round(average, 4)])
            print(f"{step + 1} {progress:.3f} loss {average:.4f} {seen / 1e6:.2f}M {speed}/s {elapsed:.0f} s")
            if not math.isfinite(average):
                raise SystemExit("the loss is no number any more; lower --lr")
        if out and args.looks and (step + 1) % max(1, len(plan) // args.looks) == 0:
            record["dev"].append({"step": step + 1, **evaluate(model, dev, args.batch, args.device)})
            print("dev", record["dev"][-1], flush=True)
            adapter.save(out / f"{args.expert}.safetensors", model.factors(), model.scale, {"unfinished": step + 1})
    record |= {"steps": step + 1, "tokens": seen, "seconds": round(time.monotonic() - began, 1)}
    record["dev"].append({"step": step + 1, **evaluate(model, dev, args.batch, args.device)})
    if args.device == "cuda":
        record["device"] = torch.cuda.get_device_name()
        record["gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 1)
    if out:
        file = out / f"{args.expert}.safetensors"
        facts = {"lr": lr, "rank": args.rank, "tokens": seen, "dev": record["dev"][-1]["loss"]}
        adapter.save(file, model.factors(), model.scale, facts)
        model.put(adapter.load(file)[0])
        record["dev"].append({"step": "as stored", **evaluate(model, dev, args.batch, args.device)})
        (out / f"{args.expert}.json").write_text(json.dumps(record, indent=1))
    print(f"after {step + 1} steps, {seen} tokens, {record['seconds']} s: {record['dev'][-1]}", flush=True)
    return record


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
