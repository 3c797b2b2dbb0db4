"""How long 256 shadow models take on one GPU, trained together.

Question: 256 FCNs (1024-512, tanh, 100 epochs, 100,000 × 600 binary records like Purchase-100's, each model
on half) and 256 small residual nets on CIFAR-10 (100 epochs, each on half of 50,000), against the published
16 h and 29 h one after another on an RTX 4080 (PoPETs 2026; the residual net there is a larger ResNet-18).

As many models as the time allows are trained, group after group; from their pace follows how long all take.
How many go at once is tried out first. The same GPU's pace with one model at a time stands beside it, since
it tells the gain of training together from that of another GPU.

    python bench/gpu.py              at most 9 minutes; writes bench/results/gpu.json
    python bench/gpu.py --smoke      the same code at toy size, on the processor; writes nothing
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from machine import describe
from reticent.shadows.batched import Training, train_together
from reticent.shadows.plan import Plan
from shadow_data import FOLDER

ALL = 256
RESULT = Path(__file__).parent / "results" / "gpu.json"


@dataclass(frozen=True)
class Question:
    """One architecture on one data set."""

    name: str
    module: Callable[[], nn.Module]
    x: Tensor
    y: Tensor
    training: Training
    sizes: Sequence[int]  # how many models at once are tried
    published_hours: float


class EnoughError(Exception):
    """The time is over."""


class Block(nn.Module):
    """A residual block of two 3 × 3 convolutions (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.short: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.short(x))


def residual_net(width: int = 16) -> nn.Module:
    """Eight layers: 3 × 3 convolutions of width, 2 width and 4 width channels."""
    return nn.Sequential(
        nn.Conv2d(3, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        Block(width, width, 1),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )


def purchases(records: int, columns: int, classes: int) -> tuple[Tensor, Tensor]:
    """Binary baskets: every class has its own rate for each article."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, records)
    rates = rng.beta(0.3, 1.2, (classes, columns)).astype(np.float32)
    x = np.concatenate([rng.random((len(part), columns)) < rates[part] for part in np.array_split(y, 100)])
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)


def pictures() -> tuple[Tensor, Tensor]:
    """CIFAR-10's 50,000 training images, each channel standardised."""
    from PIL import Image

    data = np.load(FOLDER / "cifar10" / "cifar10_jpeg.npz")
    file, edge = data["train_jpeg"].tobytes(), data["train_offset"]
    y = data["train_y"].astype(np.int64)
    images = [np.asarray(Image.open(io.BytesIO(file[edge[i] : edge[i + 1]]))) for i in range(len(y))]
    x = np.stack(images).astype(np.float32).transpose(0, 3, 1, 2)
    x = (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)
    return torch.from_numpy(x), torch.from_numpy(y)


def questions(*, smoke: bool) -> list[Question]:
    wide, narrow, columns, classes = (64, 32, 60, 10) if smoke else (1024, 512, 600, 100)

    def fcn() -> nn.Module:
        return nn.Sequential(
            nn.Linear(columns, wide),
            nn.Tanh(),
            nn.Linear(wide, narrow),
            nn.Tanh(),
            nn.Linear(narrow, classes),
        )

    def net() -> nn.Module:
        return residual_net(2 if smoke else 16)

    long = Training(epochs=100, batch_size=256, learning_rate=0.05, momentum=0.9, schedule="cosine")
    training = replace(long, epochs=3, batch_size=32) if smoke else long
    baskets = purchases(1000 if smoke else 100_000, columns, classes)
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.normal(size=(200, 3, 32, 32)).astype(np.float32))
    images = (noise, torch.from_numpy(rng.integers(0, 10, 200))) if smoke else pictures()
    sizes = (2, 4) if smoke else (16, 64, 256)
    return [
        Question("FCN 1024-512, 100,000 × 600", fcn, *baskets, training, sizes, 16.0),
        Question("residual net of 8 layers, CIFAR-10", net, *images, training, sizes, 29.0),
    ]


def pace(
    question: Question, masks: np.ndarray, seconds: float, device: str, share: float
) -> tuple[float, int]:
    """Model-epochs a second after the first epoch, and how many were done.

    Args:
        masks: (models, records) who trains on what.
        seconds: after which training stops, at the end of an epoch from the second on.
        share: of its records that each model is given; the pace is reckoned for all of them.
    """
    masks = masks & (np.random.default_rng(1).random(masks.shape[1]) < share)
    at: list[float] = []
    done = 0
    start = time.perf_counter()

    def watch(so_far: int, total: int) -> None:
        nonlocal done
        if device != "cpu":
            torch.cuda.synchronize()
        at.append(time.perf_counter())
        done = so_far
        if at[-1] - start > seconds and len(at) > 1:
            raise EnoughError

    seeds, x, y = range(len(masks)), question.x, question.y
    with suppress(EnoughError):
        train_together(question.module, x, y, masks, seeds, question.training, device=device, progress=watch)
    first_epoch = done / len(at)
    return share * (done - first_epoch) / (at[-1] - at[0]), done


def answer(question: Question, seconds: float, device: str) -> dict[str, Any]:
    """Try how many at once, then train for what is left of the time."""
    end = time.perf_counter() + seconds
    masks = Plan(models=ALL).masks(len(question.x))
    tried: dict[int, float] = {}
    for models in (1, *question.sizes):
        try:
            tried[models] = pace(question, masks[:models], seconds / 20, device, 0.1)[0]
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            break
    best = max(tried, key=lambda models: tried[models])
    epochs, epoch_seconds = question.training.epochs, best / tried[best]
    share = min(1.0, (end - time.perf_counter()) / (4 * epoch_seconds))  # an epoch must not outlast the time
    paces, groups, done = [], 0, 0
    while (groups + 1) * best <= ALL and (left := end - time.perf_counter()) > 0:
        found, trained = pace(question, masks[groups * best :][:best], left, device, share)
        paces.append(found)
        done += trained
        groups += 1
    rate = float(np.median(paces))
    return {
        "models_at_once": best,
        "share_of_records": round(share, 2),
        "models_finished": done // epochs,
        "model_epochs_a_second": round(rate, 2),
        "hours_for_256": round(ALL * epochs / rate / 3600, 3),
        "published_hours_one_after_another": question.published_hours,
        "times_faster_than_one_at_a_time_here": round(tried[best] / tried[1], 1),
        "model_epochs_a_second_when_tried": {str(m): round(p, 2) for m, p in tried.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="toy size, on the processor")
    parser.add_argument("--seconds", type=float, default=480.0, help="the time to spend on training")
    options = parser.parse_args()
    if not options.smoke and not torch.cuda.is_available():
        print("no GPU at hand: nothing was measured (--smoke runs the code at toy size on the processor)")
        return
    device, seconds = ("cpu", 8.0) if options.smoke else ("cuda", options.seconds)
    asked = questions(smoke=options.smoke)
    found = {q.name: answer(q, seconds / len(asked), device) for q in asked}
    if options.smoke:
        print("toy size, on the processor: that it runs is all it says")
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    result = {"machine": describe(), "gpu": torch.cuda.get_device_name(), "answers": found}
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    main()
