"""Spectral DeTuning: the weights of a model that was never released, from several LoRAs merged into it.

Horwitz, Kahana & Hoshen, "Recovering the Pre-Fine-Tuning Weights of Generative Models", 2024,
arXiv:2402.10208, algorithm 1 and its rank scheduler. Every fine-tuning is W'_i = W + M_i with M_i of low
rank, and so from the mean of the W'_i on, by turns: M_i is what of W'_i − W is nearest to it within the rank,
and W the mean of the W'_i − M_i. The rank starts at 1 and doubles whenever the loss stalls.

Four things are ours. All that the steps ever touch lies in the rows and columns that the differences between
the W'_i span, at most models × rank of them: the search goes on within these alone, and takes the same steps
as in the whole. Singular vectors are not sought anew at each step: one product with those of the step before
(subspace iteration) keeps up, since W moves little. The search need not begin at the mean, from where it may
take thousands of steps or end elsewhere: what all differences W'_i − W'_j of one i have in common are the
rows and columns of M_i, unless the ranks fill a third of the dimensions, and with these known W is the
solution of linear equations; the paper's steps then only refine it. And a fine-tuning held out of the search
tells whether the base found is right, which the loss does not: its own update must come out of low rank too.

Not to be taken for `detuning-point` and `response-sweep`, which ask a classifier about one record and only
share a word with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.attack import DescendantsAttack
from reticent.attacks.options import among, number
from reticent.descendants import FEWEST, Ancestor, Descendants, Layer, Stack
from reticent.errors import DataError

FULL = 0.8
"""Share of all dimensions from which a difference of two fine-tunings counts as of full rank."""

SKETCH = 32
"""Columns of the first sketch of what the differences span; twice as many until nothing is left out."""

CONJUGATE = 200
"""Steps of the linear equations, at most: some dozens do."""


@dataclass(frozen=True, kw_only=True)
class SpectralDetuning(DescendantsAttack):
    """The unreleased base of several LoRA fine-tunings, from their merged weights (Horwitz et al. 2024).

    Attributes:
        rank: of the LoRAs, where known; None to tell it from the differences, tensor by tensor.
        start: "spans", from what the differences of each fine-tuning have in common, at the full rank, where
            that is at most a third of the dimensions; "mean", the paper's, from the mean and rank 1.
        steps: at most; from half of them on the rank is the full one. The paper takes 300 with whole singular
            value decompositions.
        patience: steps without a lower loss before the rank doubles, and, at the full rank, before the end.
        digits: of the products of whole tensors; the search itself is in float64.
    """

    source: ClassVar[str] = "Horwitz, Kahana & Hoshen 2024, arXiv:2402.10208, algorithm 1"
    caveat: ClassVar[str] = (
        "needs three fine-tunings or more, whose updates span different rows and columns: LoRAs with one "
        "frozen factor hide the base, tensors trained in full do too, and a low loss certifies nothing"
    )

    rank: int | None = None
    start: Literal["spans", "mean"] = "spans"
    steps: int = 1000
    patience: int = 15
    digits: Literal["float32", "float64"] = "float64"

    def __post_init__(self) -> None:
        if self.rank is not None:
            number("rank", self.rank, low=1)
        among("start", self.start, ("spans", "mean"))
        number("steps", self.steps, low=2)
        number("patience", self.patience, low=1)
        among("digits", self.digits, ("float32", "float64"))

    def recover(self, descendants: Descendants, seed: int) -> Ancestor:
        """Return the base's tensors: copied where all agree, recovered where they differ by a low rank.

        Raises:
            DataError: a fine-tuning that differs from all others in full rank, or nothing to recover.
        """
        tensors, layers = dict[str, NDArray[Any]](), list[Layer]()
        models = [model.name for model in descendants.models]
        for stack in descendants:
            if stack.same:
                tensors[stack.name] = stack.values[0]
                layers.append(Layer(name=stack.name, how="copied"))
                continue
            why = unfit(stack)
            if not why:
                base, layer = self._recovered(stack, models, seed)
                why = layer.reason
            if why:
                layers.append(Layer(name=stack.name, how="left out", reason=why))
                continue
            tensors[stack.name] = base
            layers.append(layer)
        if not any(layer.how == "recovered" for layer in layers):
            left = next((f": {la.name!r}, {la.reason}" for la in layers if la.reason), "")
            raise DataError(
                f"no tensor of the fine-tunings differs by a low rank{left or ': they all agree'}; give LoRA "
                "fine-tunings of one model"
            )
        return Ancestor(tensors, tuple(layers))

    def _recovered(self, stack: Stack, models: list[str], seed: int) -> tuple[NDArray[Any], Layer]:
        """The base's tensor, or of it nothing but why it is left out."""
        flat = stack.values.reshape(len(stack.values), stack.values.shape[1], -1)
        mean = flat.mean(axis=0, dtype=self.digits)
        apart, rng = flat.astype(self.digits) - mean, np.random.default_rng(seed)
        epsilon = max(stack.epsilon, float(np.finfo(self.digits).eps))
        noise = epsilon * float(np.sqrt(np.square(flat, dtype=np.float64).mean()))
        columns = spanned(apart, noise, rng)
        rows = spanned(apart.transpose(0, 2, 1), noise, rng)
        cores = (columns.T @ apart @ rows).astype(np.float64)
        pairs = Pairs.of(cores)
        ranks = pairs.ranks(noise * sum(np.sqrt(flat.shape[1:])))
        full = FULL * min(flat.shape[1:])
        foreign(ranks > full, models, stack.name)
        rank = self.rank or told_rank(ranks)
        layer = Layer(name=stack.name, how="left out", rank=rank)
        if 2 * rank > full:
            why = (
                "every two fine-tunings differ in full rank: it was trained in full, is too small to tell, "
                "or was once rounded more coarsely than it is stored, where giving the rank helps"
            )
            return mean, replace(layer, reason=why)
        offset, steps = self._search(cores, pairs, rank, rng)
        layer = replace(
            layer,
            how="recovered",
            steps=steps,
            mismatch=beyond(cores - offset, rank),
            mismatch_mean=beyond(cores, rank),
        )
        if len(cores) > FEWEST:
            held, others = cores[-1:], cores[:-1]
            middle = others.mean(axis=0)
            found = middle + self._search(others - middle, pairs.without_last(), rank, rng)[0]
            layer = replace(
                layer, held_out=beyond(held - found, rank), held_out_mean=beyond(held - middle, rank)
            )
        base = mean + columns @ offset.astype(self.digits) @ rows.T
        kept = np.float64 if stack.values.dtype == np.float64 else np.float32
        return base.reshape(stack.values.shape[1:]).astype(kept), layer

    def _search(
        self, cores: FloatArray, pairs: Pairs, rank: int, rng: np.random.Generator
    ) -> tuple[FloatArray, int]:
        """Where the base lies from the middle of (models, rows, columns), and the steps that it took."""
        base: FloatArray = np.zeros(cores.shape[1:])
        right: FloatArray = rng.standard_normal((len(cores), cores.shape[2], 1))
        if self.start == "spans" and 3 * rank <= min(cores.shape[1:]):
            left, right = pairs.common(pairs.left, rank), pairs.common(pairs.right, rank)
            base = agreed(cores, left, right)
        return detuned(cores, base, right, rank, self.steps, self.patience, rng)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The difference of every two fine-tunings, decomposed.

    Attributes:
        first, second: (pairs,) positions of the two.
        left, right: (pairs, rows, values) and (pairs, columns, values) singular vectors.
        values: (pairs, values) singular values, the largest first.
    """

    first: IntArray
    second: IntArray
    left: FloatArray
    values: FloatArray
    right: FloatArray

    @classmethod
    def of(cls, cores: FloatArray) -> Pairs:
        """Of (models, rows, columns)."""
        first, second = np.triu_indices(len(cores), 1)
        left, values, right = np.linalg.svd(cores[first] - cores[second], full_matrices=False)
        return cls(first, second, left, values, right.transpose(0, 2, 1))

    def without_last(self) -> Pairs:
        """The pairs that the last fine-tuning is none of."""
        kept = self.second < self.second.max()
        parts = self.first, self.second, self.left, self.values, self.right
        return Pairs(*(part[kept] for part in parts))

    def ranks(self, noise: float) -> IntArray:
        """(models, models) ranks of the differences: singular values above twice what rounding makes."""
        ranks = np.zeros((self.second.max() + 1,) * 2, dtype=np.int64)
        ranks[self.first, self.second] = (self.values > 2 * noise).sum(axis=1)
        return ranks + ranks.T

    def common(self, vectors: FloatArray, rank: int) -> FloatArray:
        """(models, dimensions, rank) what the leading vectors of all of a model's pairs span in common.

        A difference spans two updates, and what others of the same model span as well is that model's.
        """
        shadows = np.zeros((self.second.max() + 1, vectors.shape[1], vectors.shape[1]))
        for first, second, one in zip(self.first, self.second, vectors[..., : 2 * rank], strict=True):
            shadow = one @ one.T
            shadows[first] += shadow
            shadows[second] += shadow
        return np.stack([leading(shadow, rank) for shadow in shadows])


def leading(shadow: FloatArray, rank: int) -> FloatArray:
    """(dimensions, rank) the leading eigenvectors of a symmetric matrix.

    By implicit QL: where many eigenvalues are alike, as here, the faster ways of LAPACK may not converge.
    """
    from scipy.linalg import eigh

    vectors: FloatArray = eigh(shadow, driver="ev")[1][:, ::-1]
    return vectors[:, :rank]


def agreed(cores: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """(rows, columns) the base that agrees best with every core outside of its update's rows and columns.

    Linear least squares by conjugate gradients.

    Args:
        cores: (models, rows, columns).
        left: (models, rows, rank) orthonormal columns of each update.
        right: (models, columns, rank) orthonormal rows of each.
    """

    def outside(values: FloatArray) -> FloatArray:
        inner = left.transpose(0, 2, 1) @ values @ right
        return np.asarray((values - left @ inner @ right.transpose(0, 2, 1)).sum(axis=0))

    base: FloatArray = np.zeros(cores.shape[1:])
    rest = outside(cores)
    way, size = rest, float(np.square(rest).sum())
    first = size
    for _ in range(CONJUGATE):
        if size <= first * np.finfo(np.float64).eps ** 2:
            break
        turned = outside(way)
        reach = size / float((way * turned).sum())
        base, rest = base + reach * way, rest - reach * turned
        size, before = float(np.square(rest).sum()), size
        way = rest + size / before * way
    return base


def unfit(stack: Stack) -> str:
    """Why a tensor that was trained can't be recovered, as far as its form tells; empty where it may."""
    if not stack.epsilon:
        return "it holds no floats, and differs"
    if stack.values.ndim < 3:
        return "it has one dimension or none, and was trained in full"
    distinct = len({model.tobytes() for model in stack.values})
    if distinct < FEWEST:
        return f"only {distinct} of the fine-tunings differ in it"
    return ""


def spanned(apart: FloatArray, noise: float, rng: np.random.Generator) -> FloatArray:
    """(rows, dimensions) an orthonormal basis of the columns of (models, rows, columns), up to rounding.

    A randomised range finder with a step of subspace iteration (Halko, Martinsson & Tropp 2011,
    arXiv:0909.4061, algorithm 4.4).
    """
    models, rows, columns = apart.shape
    size, least = SKETCH, 2 * noise * np.sqrt(apart.size)
    while size < min(rows, models * columns):
        drawn = rng.standard_normal((models, columns, size)).astype(apart.dtype)
        basis = np.linalg.qr((apart @ drawn).sum(axis=0))[0]
        # once more, or rounding tilts the basis where the sketch has no column to spare
        basis = np.linalg.qr((apart @ (apart.transpose(0, 2, 1) @ basis)).sum(axis=0))[0]
        left = sum(np.square(one - basis @ (basis.T @ one)).sum() for one in apart)
        if np.sqrt(left) <= least:
            return basis
        size *= 2
    return np.eye(rows, dtype=apart.dtype)


def told_rank(ranks: IntArray) -> int:
    """The largest rank of an update, from (models, models) those of differences, which are two ranks' sums.

    Three sums tell three ranks, which need not be alike.
    """
    models = len(ranks)
    places = [(i, (i + 1) % models, (i + 2) % models) for i in range(models)]
    own = [ranks[i, j] + ranks[i, k] - ranks[j, k] for i, j, k in places]
    return max(1, -(-max(int(ranks.max()), *map(int, own)) // 2))


def foreign(full: BoolArray, models: list[str], tensor: str) -> None:
    """Raise DataError where some fine-tunings differ from all others in full rank, and others don't.

    Args:
        full: (models, models) which pairs do; none does with itself.
        models: their names.
        tensor: its name.
    """
    strange = full.sum(axis=1) == len(full) - 1
    if strange.any() and not strange.all():
        (name, *_) = np.asarray(models)[strange]
        raise DataError(
            f"{str(name)!r} differs from every other fine-tuning in full rank at {tensor!r}: it comes of "
            "another base, or was trained in full; leave it out"
        )


def detuned(
    cores: FloatArray,
    base: FloatArray,
    right: FloatArray,
    rank: int,
    steps: int,
    patience: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, int]:
    """The paper's steps: where they lead, and how many there were.

    Args:
        cores: (models, rows, columns).
        base: (rows, columns) where the search begins.
        right: (models, columns, rank to begin with) right singular vectors, as far as known.
        rank: to end with.
    """
    best, still, now = np.inf, 0, right.shape[2]
    for step in range(1, steps + 1):
        if step > steps // 2:
            now = rank
        rest = cores - base
        if right.shape[2] < now:
            right = widened(rest, right, now, rng)
        left = np.linalg.qr(rest @ right)[0]
        loadings = rest.transpose(0, 2, 1) @ left
        right = np.linalg.qr(loadings)[0]
        low = left @ loadings.transpose(0, 2, 1)
        base = (cores - low).mean(axis=0)
        loss = float(np.square(rest - low).sum())
        best, still = (loss, 0) if loss < best else (best, still + 1)
        if still > patience:
            if now == rank:
                break
            now, still = min(2 * now, rank), 0
    return base, step


def widened(rest: FloatArray, right: FloatArray, rank: int, rng: np.random.Generator) -> FloatArray:
    """(models, columns, rank) leading right singular vectors: those there were, and new ones."""
    new = rng.standard_normal((*right.shape[:2], rank - right.shape[2]))
    right = np.concatenate([right, new], axis=2)
    for _ in range(2):
        left = np.linalg.qr(rest @ right)[0]
        right = np.linalg.qr(rest.transpose(0, 2, 1) @ left)[0]
    return right


def beyond(updates: FloatArray, rank: int) -> float:
    """Share of the norm of (models, rows, columns) that lies beyond a rank."""
    squares = np.square(np.linalg.svd(updates, compute_uv=False))
    return float(np.sqrt(squares[:, rank:].sum() / max(squares.sum(), np.finfo(np.float64).tiny)))
