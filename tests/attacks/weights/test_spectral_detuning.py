"""The base comes back to the last digits, as the paper's steps would find it; what can't be told is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.attacks.weights import SpectralDetuning
from reticent.attacks.weights.spectral_detuning import (
    Pairs,
    agreed,
    beyond,
    detuned,
    leading,
    spanned,
    told_rank,
)
from reticent.descendants import Ancestor, Descendants
from reticent.errors import DataError, PlanError


def low(shape: tuple[int, int], rank: int, rng: Any) -> Any:
    return 0.02 * rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))


def world(
    models: int = 5, shape: tuple[int, int] = (48, 40), ranks: Any = 3, dtype: Any = np.float64
) -> tuple[Any, Any]:
    """(rows, columns) the base, and (models, rows, columns) its fine-tunings."""
    rng = np.random.default_rng(models)
    base = rng.normal(size=shape) / 7
    ranks = [ranks] * models if isinstance(ranks, int) else ranks
    return base, np.stack([base + low(shape, r, rng) for r in ranks]).astype(dtype)


def recovered(tuned: Any, **options: Any) -> Ancestor:
    return SpectralDetuning(**options).recover(Descendants.of([{"w": one} for one in tuned]), seed=0)


def error(ours: Any, base: Any) -> float:
    return float(np.log10(np.square(ours.astype(np.float64) - base).mean()))


@pytest.mark.parametrize("start", ["spans", "mean"])
@pytest.mark.parametrize("models", [3, 4, 6])
def test_the_base_comes_back_to_the_last_digits(models: int, start: Any) -> None:
    base, tuned = world(models)
    made = recovered(tuned, start=start)
    assert error(made.tensors["w"], base) < -30 < -4 < error(tuned.mean(axis=0), base)
    (layer,) = made.layers
    assert (layer.how, layer.rank) == ("recovered", 3)
    assert layer.mismatch < 1e-13 < 0.1 < layer.mismatch_mean
    assert np.isnan(layer.held_out) if models == 3 else layer.held_out < 1e-13 < 0.1 < layer.held_out_mean


@pytest.mark.parametrize("digits", ["float32", "float64"])
def test_single_precision_leaves_its_rounding(digits: Any) -> None:
    base, tuned = world(dtype=np.float32)
    made = recovered(tuned, digits=digits)
    assert error(made.tensors["w"], base) < -15.5
    assert made.tensors["w"].dtype == np.float32


def plainly(tuned: Any, rank: int, steps: int, patience: int) -> Any:
    """Algorithm 1 and its scheduler, in the whole space, with whole decompositions."""
    base, now, best, still = tuned.mean(axis=0), 1, np.inf, 0
    for step in range(1, steps + 1):
        if step > steps // 2:
            now = rank
        u, s, v = np.linalg.svd(tuned - base, full_matrices=False)
        updates = (u[..., :now] * s[:, None, :now]) @ v[:, :now]
        loss = np.square(tuned - base - updates).sum()
        base = (tuned - updates).mean(axis=0)
        still = 0 if loss < best else still + 1
        best = min(loss, best)
        if still > patience:
            now, still = min(2 * now, rank), 0
    return base


def test_it_goes_where_the_papers_steps_go() -> None:
    base, tuned = world(4)
    theirs = plainly(tuned, 3, 300, 15)
    assert error(theirs, base) < -30
    assert error(recovered(tuned, rank=3, steps=300, start="mean").tensors["w"], theirs) < -30


def test_a_step_is_the_papers() -> None:
    """From where the singular vectors are known, one step leads to the mean of what is left without them."""
    _, tuned = world(4, (30, 20), 4)
    apart = tuned - tuned.mean(axis=0)
    u, s, v = np.linalg.svd(apart, full_matrices=False)
    slow = (apart - (u[..., :2] * s[:, None, :2]) @ v[:, :2]).mean(axis=0)
    rng = np.random.default_rng(0)
    right = v[:, :2].transpose(0, 2, 1)
    quick, steps = detuned(apart, np.zeros((30, 20)), right, 2, 1, 15, rng)
    assert steps == 1
    np.testing.assert_allclose(quick, slow, atol=1e-13)


def test_the_search_ends_where_nothing_is_left_to_gain() -> None:
    base, tuned = world()
    apart, rng = tuned - tuned.mean(axis=0), np.random.default_rng(0)
    start = np.zeros(apart.shape[1:]), rng.standard_normal((5, 40, 1))
    offset, steps = detuned(apart, *start, 3, 5000, 15, rng)
    assert steps < 2600
    assert error(offset, base - tuned.mean(axis=0)) < -30
    assert detuned(apart, *start, 3, 40, 15, rng)[1] == 40


def test_what_the_differences_of_one_have_in_common_is_its_own_update() -> None:
    base, tuned = world(4)
    pairs = Pairs.of(tuned)
    left, right = pairs.common(pairs.left, 3), pairs.common(pairs.right, 3)
    for one, columns, rows in zip(tuned - base, left, right, strict=True):
        np.testing.assert_allclose(columns @ (columns.T @ one @ rows) @ rows.T, one, atol=1e-12)
    assert error(agreed(tuned, left, right), base) < -25
    fewer, three = pairs.without_last(), Pairs.of(tuned[:3])
    np.testing.assert_array_equal(fewer.values, three.values)


def test_the_mean_may_lead_astray_where_the_spans_do_not() -> None:
    """Updates that fall off steeply and have much in common, as trained ones do."""
    base, _ = world(4)
    rng = np.random.default_rng(1)
    fall = np.diag(0.5 ** np.arange(6))
    a, b = rng.normal(size=(6, 40)), rng.normal(size=(48, 6))
    tuned = np.stack(
        [
            base + (b + 0.5 * rng.normal(size=b.shape)) @ fall @ (a + 0.5 * rng.normal(size=a.shape))
            for _ in range(4)
        ]
    )
    paper, ours = (recovered(tuned, start=start) for start in ("mean", "spans"))
    assert error(ours.tensors["w"], base) < -25 < -5 < error(paper.tensors["w"], base)
    assert ours.layers[0].held_out < 1e-9 < 1e-3 < paper.layers[0].held_out


def test_tensors_do_not_depend_on_one_another() -> None:
    (_, one), (_, two) = world(4), world(4, (30, 50), 2)
    both = SpectralDetuning().recover(
        Descendants.of([{"v": a, "w": b} for a, b in zip(one, two, strict=True)]), seed=0
    )
    for name, tuned in {"v": one, "w": two}.items():
        np.testing.assert_array_equal(both.tensors[name], recovered(tuned).tensors["w"])


def test_kernels_are_flattened_and_come_back_in_shape() -> None:
    base, tuned = world(shape=(48, 54))
    made = recovered(tuned.reshape(5, 48, 6, 3, 3))
    assert made.tensors["w"].shape == (48, 6, 3, 3)
    assert error(made.tensors["w"].reshape(48, 54), base) < -30


@pytest.mark.parametrize(("models", "ranks"), [(3, 4), (5, 6), (3, [2, 3, 6]), (4, [1, 1, 5, 2])])
def test_the_rank_is_told_from_the_differences(models: int, ranks: Any) -> None:
    _, tuned = world(models, ranks=ranks)
    assert recovered(tuned).layers[0].rank == np.max(ranks)


def test_ranks_of_differences() -> None:
    _, tuned = world(3, ranks=[2, 3, 6])
    told = Pairs.of(tuned).ranks(1e-10)
    np.testing.assert_array_equal(told, [[0, 5, 8], [5, 0, 9], [8, 9, 0]])
    assert told_rank(told) == 6
    assert not Pairs.of(tuned).ranks(1e3).any()


def test_what_is_spanned_is_found_whole() -> None:
    rng = np.random.default_rng(0)
    updates = np.stack([low((90, 200), 15, rng) for _ in range(3)])
    basis = spanned(updates, 1e-14, rng)
    assert basis.shape == (90, 64)  # 45 dimensions: a sketch of 32 misses some, one of 64 none
    np.testing.assert_allclose(basis @ (basis.T @ updates), updates, atol=1e-13)
    noisy = updates + 1e-3 * rng.normal(size=updates.shape)
    np.testing.assert_array_equal(spanned(noisy, 1e-14, rng), np.eye(90))


def test_rounding_tilts_no_sketch_that_has_no_column_to_spare() -> None:
    base, tuned = world(4, (96, 90), 8, np.float32)  # 4 x 8 dimensions, and as many columns
    assert error(recovered(tuned).tensors["w"], base) < -16.3


def test_beyond_a_rank() -> None:
    both = np.stack([np.diag([3.0, 2.0, 1.0]), np.diag([0.0, 1.0, 1.0])])
    assert beyond(both, 1) == pytest.approx(np.sqrt((4 + 1 + 1) / 16))
    assert beyond(both, 3) == beyond(np.zeros((1, 3, 3)), 1) == 0


def test_the_held_out_update_tells_a_wrong_rank_which_the_loss_does_not() -> None:
    base, tuned = world(4, ranks=6)
    right, wrong = recovered(tuned, rank=6), recovered(tuned, rank=14)
    assert error(right.tensors["w"], base) < -25 < -6 < error(wrong.tensors["w"], base)
    assert max(right.layers[0].mismatch, wrong.layers[0].mismatch) < 1e-3
    assert right.layers[0].held_out < 1e-6 < 1e-2 < wrong.layers[0].held_out


def test_what_nobody_trained_is_copied_and_the_rest_left_out() -> None:
    base, tuned = world(4)
    rng = np.random.default_rng(0)
    own = {"norm": np.ones(3, np.float32), "steps": np.arange(2), "table": base.astype(np.float16)}
    models = [
        {
            "w": one,
            **own,
            "bias": rng.normal(size=4),
            "head": rng.normal(size=(20, 20)),
            "count": np.array([i]),
        }
        for i, one in enumerate(tuned)
    ]
    for place, one in enumerate(models):
        one["few"] = base + (place < 1)
    made = SpectralDetuning().recover(Descendants.of(models), seed=0)
    assert set(made.tensors) == {"w", *own}
    for name, value in own.items():
        np.testing.assert_array_equal(made.tensors[name], value)
    why = {layer.name: layer.reason for layer in made.layers if layer.how == "left out"}
    assert "trained in full" in why.pop("bias")
    assert "full rank" in why.pop("head")
    assert "holds no floats" in why.pop("count")
    assert "only 2 of the fine-tunings differ" in why.pop("few")
    assert not why


@pytest.mark.parametrize("place", [0, 3])
def test_a_foreign_base_is_named(place: int) -> None:
    _, tuned = world(4)
    tuned[place] = np.random.default_rng(9).normal(size=tuned[0].shape) / 7
    with pytest.raises(DataError, match=f"'fine-tuning {place + 1}' differs from every other .* at 'w'"):
        recovered(tuned)


def test_with_nothing_of_low_rank_it_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"no tensor .* 'w', every two fine-tunings differ in full rank"):
        recovered(rng.normal(size=(3, 30, 30)))
    with pytest.raises(DataError, match="they all agree"):
        recovered(np.ones((3, 30, 30)))


def test_weights_rounded_more_coarsely_than_stored_need_the_rank() -> None:
    base, tuned = world(4)
    rounded = tuned.astype(np.float16).astype(np.float64)
    with pytest.raises(DataError, match="giving the rank helps"):
        recovered(rounded)
    assert error(recovered(rounded, rank=3).tensors["w"], base) < -7.5
    # where the files say how coarsely they are rounded, the rank is told in spite of it
    assert recovered(tuned.astype(np.float16)).layers[0].rank == 3


@pytest.mark.parametrize(
    "options", [{"rank": 0}, {"steps": 1}, {"patience": 0}, {"start": "zero"}, {"digits": "float16"}], ids=str
)
def test_options_are_checked(options: Any) -> None:
    with pytest.raises(PlanError, match=f"{next(iter(options))} = "):
        SpectralDetuning(**options)


def test_what_all_shadows_have_in_common_leads_however_alike_its_eigenvalues():
    rng = np.random.default_rng(0)
    common = np.linalg.qr(rng.normal(size=(96, 12)))[0]
    shadow = np.zeros((96, 96))
    for _ in range(6):
        own = np.linalg.qr(np.column_stack([common, rng.normal(size=(96, 12))]))[0]
        shadow += own @ own.T
    found = leading(shadow, 12)
    np.testing.assert_allclose(found @ found.T, common @ common.T, atol=1e-10)
