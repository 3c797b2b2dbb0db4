"""What share of the machine's matrix-product peak batched training reaches, and what eats the rest.

Everything is measured as it runs in an audit: as many single-threaded processes as there are cores, at the
same time, sixteen models in each; rates are by seconds of processor time. Both data sets are mostly zeros,
so that in an audit rows of the first layer's weights are gathered; beside it stands the share that
multiplying everything reaches. Both are reckoned in the operations of the latter.

    python bench/shadow_share.py      prints the figures of both data sets; about a minute
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from reticent.shadows.batched import mlp, train_together
from reticent.shadows.batched.sparse import SparseBatch, compressed
from reticent.shadows.batched.training import rounds
from reticent.shadows.plan import Plan
from shadow_data import CORES, Task, adult, location30

MODELS = 16
KINDS = {
    "matrix products": ("mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_"),
    "gathered rows of weights and gradients": ("_embedding_bag", "_embedding_bag_forward_only"),
    "moving the weights": ("add", "add_", "mul_", "addcmul_", "lerp_", "sum"),
    "taking records": ("index_select",),
    "activations": ("tanh_", "tanh_backward", "relu_", "threshold_backward", "sigmoid_", "sigmoid_backward"),
    "softmax": ("_softmax", "scatter_add_"),
}
_barrier: Any = None


def on_every_core(function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Run the function in one single-threaded process a core, all starting together."""
    context = get_context("spawn")
    barrier = context.Barrier(CORES)
    with ProcessPoolExecutor(CORES, context, _settle, (barrier,)) as pool:
        return [f.result() for f in [pool.submit(_together, function, *arguments) for _ in range(CORES)]]


def _settle(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier
    torch.set_num_threads(1)


def _together(function: Callable[..., Any], *arguments: Any) -> Any:
    _barrier.wait()
    return function(*arguments)


def product_rate(seconds: float) -> float:
    """Floating-point operations a second of square float32 products, on one thread."""
    size, done = 1024, 0
    a, out = torch.randn(size, size), torch.empty(size, size)
    start = time.thread_time()
    while time.thread_time() < start + seconds:
        torch.mm(a, a, out=out)
        done += 1
    return done * 2 * size**3 / (time.thread_time() - start)


def train(
    task: Task, epochs: int, gathers: bool, told: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Train sixteen models for a few epochs; returns how many records they see in one.

    Args:
        gathers: rows of the first layer's weights are gathered, else inputs are multiplied, zeros and all.
        told: called after every epoch.
    """
    mlp.worth_gathering = lambda x, batch_size, units: gathers  # type: ignore[assignment]
    plan = Plan(models=2 * MODELS)
    masks, seeds = plan.masks(len(task.x))[:MODELS], plan.seeds()[:MODELS]
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)
    training = replace(task.recipe.training, epochs=epochs)
    train_together(task.recipe.module, x, y, masks, seeds, training, progress=told)
    return int(masks.sum())


def training_rate(task: Task, epochs: int, gathers: bool) -> float:
    """Operations a second that multiplying everything would take, on one thread; the middle epoch."""
    at = [time.thread_time()]
    records = train(task, epochs, gathers, lambda done, total: at.append(time.thread_time()))
    return records * task.flops_a_record / float(np.median(np.diff(at)[1:]))


def parts(task: Task, epochs: int, gathers: bool) -> dict[str, float]:
    """Shares of the time of training after its first epoch, by kind of work; on one thread."""
    seen = profile(activities=[ProfilerActivity.CPU])
    at: list[float] = []

    def watch(done: int, total: int) -> None:
        if not at:
            seen.start()
        at.append(time.perf_counter())
        if done == total:
            seen.stop()

    train(task, epochs, gathers, watch)
    whole = (at[-1] - at[0]) * 1e6
    kind_of = {f"aten::{op}": kind for kind, ops in KINDS.items() for op in ops}
    spent: dict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        if event.key in kind_of:
            spent[kind_of[event.key]] += event.self_cpu_time_total / whole
    found = {**spent, "listing, the interpreter and the rest": 1 - sum(spent.values())}
    return {kind: round(share, 3) for kind, share in found.items()}


def first_layer(task: Task, seconds: float) -> dict[str, float]:
    """Microseconds a model and step of the first layer's work, multiplied and gathered."""
    rng = np.random.default_rng(0)
    batch, columns, units = task.recipe.training.batch_size, task.x.shape[1], task.hidden
    x = torch.from_numpy(task.x)
    records = compressed(x)
    weight, gradient = torch.randn(MODELS, columns, units), torch.randn(MODELS, batch, units)
    y, into = torch.empty_like(gradient), torch.empty_like(weight)
    rows = [torch.from_numpy(rng.integers(0, len(x), (MODELS, batch))) for _ in range(50)]
    taken, listed = [x[r] for r in rows], [SparseBatch(records, r) for r in rows]
    ways: dict[str, Callable[[int], object]] = {
        "multiplied forward": lambda i: torch.bmm(taken[i], weight, out=y),
        "multiplied backward": lambda i: torch.bmm(taken[i].mT, gradient, out=into),
        "gathered forward": lambda i: listed[i].times(weight),
        "gathered backward": lambda i: listed[i].outer(gradient),
        "listing what to gather": lambda i: SparseBatch(records, rows[i]),
    }
    found = {}
    for name, way in ways.items():
        times: list[float] = []
        while sum(times) < seconds:
            start = time.perf_counter()
            way(len(times) % len(rows))
            times.append(time.perf_counter() - start)
        found[name] = round(float(np.median(times)) / MODELS * 1e6, 1)
    return found


def padded(task: Task) -> float:
    """The share of rows that hold no record, as last batches of models of different sizes are shared."""
    sizes = sorted(Plan(models=2 * MODELS).masks(len(task.x))[:MODELS].sum(1).tolist(), reverse=True)
    rows = sum(
        (models.stop - models.start) * (span.stop - span.start)
        for models, span, _ in rounds(sizes, task.recipe.training.batch_size, pad=True)
    )
    return 1 - sum(sizes) / rows


def share(task: Task, seconds: float = 3.0, epochs: int = 7) -> dict[str, Any]:
    """Everything about one task, with the peak measured before, between and after."""
    peaks = [sum(on_every_core(product_rate, seconds))]
    ways = {}
    for name, gathers in (("multiplied", False), ("gathered", True)):
        rate = sum(on_every_core(training_rate, task, epochs, gathers))
        peaks.append(sum(on_every_core(product_rate, seconds)))
        ways[name] = {
            "gflops": round(rate / 1e9),
            "share_of_peak": round(rate / (sum(peaks[-2:]) / 2), 3),
            "where_time_goes": on_every_core(parts, task, 3, gathers)[0],
        }
    return {
        "peak_gflops": [round(p / 1e9) for p in peaks],
        "ways": ways,
        "first_layer_microseconds": on_every_core(first_layer, task, 1.0)[0],
        "share_of_inputs_not_zero": round(float(np.count_nonzero(task.x) / task.x.size), 3),
        "share_of_rows_without_a_record": round(padded(task), 4),
    }


if __name__ == "__main__":
    for one in (location30(), adult()):
        print(one.name, json.dumps(share(one), indent=2))
