"""What share of the machine's matrix-product peak batched training reaches, and what eats the rest.

Everything is measured as it runs in an audit: as many single-threaded processes as there are cores, at the
same time, eight models in each.

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
from torch.nn.functional import embedding_bag
from torch.profiler import ProfilerActivity, profile

from reticent.shadows.batched import train_together
from reticent.shadows.plan import Plan
from shadow_data import CORES, Task, adult, location30

MODELS = 8
KINDS = {
    "matrix products": ("mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_"),
    "moving the weights": ("add_", "mul_", "addcmul_", "lerp_", "sum"),
    "gathering records": ("index_select",),
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
    start = time.perf_counter()
    while time.perf_counter() < start + seconds:
        torch.mm(a, a, out=out)
        done += 1
    return done * 2 * size**3 / (time.perf_counter() - start)


def train(task: Task, epochs: int, told: Callable[[int, int], None] | None = None) -> int:
    """Train eight models for a few epochs; returns how many records a model-epoch sees in all."""
    plan = Plan(models=2 * MODELS)
    masks, seeds = plan.masks(len(task.x))[:MODELS], plan.seeds()[:MODELS]
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)
    training = replace(task.recipe.training, epochs=epochs)
    train_together(task.recipe.module, x, y, masks, seeds, training, progress=told)
    return int(masks.sum())


def training_rate(task: Task, epochs: int) -> float:
    """Floating-point operations a second of batched training, on one thread; the middle epoch."""
    at = [time.perf_counter()]
    records = train(task, epochs, lambda done, total: at.append(time.perf_counter()))
    return records * task.flops_a_record / float(np.median(np.diff(at)[1:]))


def parts(task: Task, epochs: int) -> dict[str, float]:
    """Shares of the time of training after its first epoch, by kind of work; on one thread."""
    seen = profile(activities=[ProfilerActivity.CPU])
    at: list[float] = []

    def watch(done: int, total: int) -> None:
        if not at:
            seen.start()
        at.append(time.perf_counter())
        if done == total:
            seen.stop()

    train(task, epochs, watch)
    whole = (at[-1] - at[0]) * 1e6
    kind_of = {f"aten::{op}": kind for kind, ops in KINDS.items() for op in ops}
    spent: dict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        if event.key in kind_of:
            spent[kind_of[event.key]] += event.self_cpu_time_total / whole
    return {**spent, "the interpreter and the rest": 1 - sum(spent.values())}


def less_work(task: Task, seconds: float) -> dict[str, float]:
    """Microseconds a model and step for the first layer: dense products, and gathered rows of its weights.

    Where most inputs are 0, x W is a sum of the rows of W at the others; so is the gradient, of rows of the
    gradient by x W. The third figure is what it takes to list those rows for a batch.
    """
    import scipy.sparse

    rng = np.random.default_rng(0)
    batch, columns, units = task.recipe.training.batch_size, task.x.shape[1], task.hidden
    whole = scipy.sparse.csr_array(task.x)
    x = torch.from_numpy(task.x)
    weight, delta = torch.randn(MODELS, columns, units), torch.randn(MODELS, batch, units)
    y, gradient = torch.empty_like(delta), torch.empty_like(weight)
    places = [rng.integers(0, len(x), MODELS * batch) for _ in range(50)]

    def listed(rows: np.ndarray) -> tuple[Any, Any]:
        forward = whole[rows]
        model = np.repeat(np.arange(MODELS, dtype=np.int32), batch)
        forward.indices += model.repeat(np.diff(forward.indptr)) * np.int32(columns)
        parts = (forward.data, forward.indices, forward.indptr)
        backward = scipy.sparse.csr_array(parts, shape=(MODELS * batch, MODELS * columns)).tocsc()
        return forward, backward

    def gathered(table: torch.Tensor, rows: Any) -> torch.Tensor:
        index, offsets, values = (torch.from_numpy(a) for a in (rows.indices, rows.indptr, rows.data))
        flat = table.flatten(0, 1)
        return embedding_bag(
            index, flat, offsets, mode="sum", per_sample_weights=values, include_last_offset=True
        )

    taken = [x[torch.from_numpy(p)].view(MODELS, batch, columns) for p in places]
    lists = [listed(p) for p in places]
    ways: dict[str, Callable[[int], object]] = {
        "dense forward": lambda i: torch.bmm(taken[i], weight, out=y),
        "dense backward": lambda i: torch.bmm(taken[i].mT, delta, out=gradient),
        "gathered forward": lambda i: gathered(weight, lists[i][0]),
        "gathered backward": lambda i: gathered(delta, lists[i][1]),
        "listing rows": lambda i: listed(places[i]),
    }
    found = {}
    for name, way in ways.items():
        times: list[float] = []
        while sum(times) < seconds:
            start = time.perf_counter()
            way(len(times) % len(places))
            times.append(time.perf_counter() - start)
        found[name] = round(float(np.median(times)) / MODELS * 1e6, 1)
    return found


def padded(task: Task) -> float:
    """The share of rows that hold no record, as last batches of models of different sizes are shared."""
    from reticent.shadows.batched.training import rounds

    sizes = sorted(Plan(models=2 * MODELS).masks(len(task.x))[:MODELS].sum(1).tolist(), reverse=True)
    rows = sum(
        (models.stop - models.start) * (span.stop - span.start)
        for models, span, _ in rounds(sizes, task.recipe.training.batch_size, pad=True)
    )
    return 1 - sum(sizes) / rows


def share(task: Task, seconds: float = 3.0, epochs: int = 9) -> dict[str, Any]:
    """Everything about one task, with the peak measured before and after."""
    peaks = [sum(on_every_core(product_rate, seconds))]
    rate = sum(on_every_core(training_rate, task, epochs))
    peaks.append(sum(on_every_core(product_rate, seconds)))
    peak = sum(peaks) / 2
    return {
        "peak_gflops": [round(p / 1e9) for p in peaks],
        "training_gflops": round(rate / 1e9),
        "share_of_peak": round(rate / peak, 3),
        "where_time_goes": {k: round(v, 3) for k, v in on_every_core(parts, task, 3)[0].items()},
        "rows_without_a_record": round(padded(task), 4),
        "first_layer_microseconds": on_every_core(less_work, task, 1.0)[0],
        "share_of_inputs_not_zero": round(float(np.count_nonzero(task.x) / task.x.size), 3),
    }


if __name__ == "__main__":
    for one in (location30(), adult()):
        print(one.name, json.dumps(share(one), indent=2))
