"""Hardened models: written without a pickle, opened to the same answers, hostile folders refused."""

from __future__ import annotations

import json
import stat

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from torch import nn

from reticent.access import Access
from reticent.data import Records
from reticent.defences import dp_sgd, gaussian_noise, l2, labels_only, memguard, none, round_scores
from reticent.errors import DataError, ModelError, PlanError
from reticent.hardened import harden_model, is_hardened, open_hardened
from reticent.shadows.batched import Training
from reticent.targets.sklearn import SklearnRecipe
from reticent.targets.torch import TorchRecipe


def people(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return Records(x, (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 1), np.array(["a", "b", "c"]))


def net():
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))


TORCH = TorchRecipe(module=net, training=Training(epochs=3, batch_size=16, learning_rate=0.1))
SKLEARN = SklearnRecipe(LogisticRegression())
DATA, TEST, REFERENCE = people(), people(100, 1), people(120, 2)


def hardened(defence, recipe=SKLEARN):
    return harden_model(recipe, DATA, defence, reference=REFERENCE, test=TEST)


@pytest.mark.parametrize("recipe", [SKLEARN, TORCH], ids=["sklearn", "torch"])
@pytest.mark.parametrize(
    "defence",
    [
        none(),
        l2(1e-3),
        labels_only(),
        round_scores(1),
        l2(1e-3) | memguard(0.5),
        gaussian_noise(0.1) | round_scores(2),
    ],
    ids=str,
)
def test_opened_again_it_answers_the_same(tmp_path, recipe, defence):
    made = hardened(defence, recipe)
    place = made.save(tmp_path / "model", name="visits")
    opened = open_hardened(place, recipe=recipe)
    assert is_hardened(place)
    assert opened.access == made.target.access
    assert opened.classes.tolist() == ["a", "b", "c"]
    if all(getattr(part, "same_again", True) for part in defence.parts):
        found, expected = opened.predict(TEST.features), made.target.predict(TEST.features)
        np.testing.assert_array_equal(found.labels, expected.labels)
        if opened.access >= Access.SCORES:
            np.testing.assert_allclose(found.log_scores, expected.log_scores, atol=1e-6)


def test_everything_written_is_the_owners_alone_and_holds_no_pickle(tmp_path):
    place = hardened(memguard(), TORCH).save(tmp_path / "model")
    names = {file.name for file in place.iterdir()}
    assert names == {"model.safetensors", "answers.npz", "release.json", "MODEL_CARD.md"}
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    with np.load(place / "answers.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind == "f" for name in arrays.files)


def test_accuracy_is_that_behind_the_defences():
    made = hardened(none())
    right = (made.target.predict(TEST.features).labels == TEST.labels).mean()
    assert made.accuracy.value == pytest.approx(right)
    assert made.accuracy.low < right < made.accuracy.high
    assert made.accuracy.n == 100


def test_the_card_says_what_was_done_what_holds_and_what_does_not(tmp_path):
    defence = dp_sgd(epsilon=8, delta=1e-3) | round_scores(1)
    made = hardened(defence, TORCH)
    card = made.card("visits", ["- measured so"])
    assert f"{made.guarantee.epsilon:.3g}"[:3] in card
    assert str(defence) in card and "measured so" in card
    for part in defence.parts:
        assert part.caveat in card and part.source in card
    bare = hardened(none()).card("m")
    assert "None: nothing is proved" in bare and "Nothing: audit it" in bare
    assert "200 records" in bare


def test_two_of_the_same_are_drawn_apart():
    one, other = hardened(gaussian_noise(0.2)), hardened(gaussian_noise(0.2))
    assert one.seed != other.seed
    assert repr(one.seed) not in repr(one)


def test_no_record_left_to_measure_on_is_told():
    with pytest.raises(DataError, match="no records are left to measure the accuracy on"):
        harden_model(SKLEARN, DATA, none(), reference=REFERENCE, test=TEST.take(np.arange(0)))


def test_a_model_that_no_safe_format_holds_is_told(tmp_path):
    class Odd:
        classes, access = DATA.classes, Access.LABELS

        def fit(self, data, seed):
            return self

        def predict(self, x):
            from reticent.access import Outputs

            return Outputs.from_labels(np.zeros(len(x), int))

        def fingerprint(self):
            return "odd"

    with pytest.raises(ModelError, match="a Odd can't be written without pickling"):
        harden_model(Odd(), DATA, none(), reference=REFERENCE, test=TEST).save(tmp_path / "m")


@pytest.fixture
def folder(tmp_path):
    return hardened(memguard(), SklearnRecipe(GaussianNB())).save(tmp_path / "model")


def rewrite(folder, **changes):
    path = folder / "release.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "release.json").unlink(), "holds no release.json that reads"),
        (lambda f: (f / "release.json").write_text("{"), "holds no release.json that reads"),
        (lambda f: (f / "release.json").write_text("[]"), "not by Hardened.save"),
        (lambda f: rewrite(f, version=99), "a later version"),
        (lambda f: rewrite(f, model="../../etc/passwd"), "a model file outside of it"),
        (lambda f: rewrite(f, seed="0"), "not by Hardened.save"),
        (lambda f: (f / "answers.npz").write_bytes(b"PK\x03\x04"), "does not read"),
        (lambda f: (f / "answers.npz").unlink(), "does not read"),
        (lambda f: np.savez(f / "answers.npz", other=np.zeros(1)), "lacks what memguard has learnt"),
        (lambda f: np.savez(f / "answers.npz", x=np.array([{}], dtype=object)), "does not read|lacks what"),
    ],
)
def test_a_spoilt_folder_is_told(folder, spoil, said):
    spoil(folder)
    with pytest.raises(ModelError, match=said):
        open_hardened(folder)


def test_a_defence_that_is_no_word_is_refused(folder):
    rewrite(folder, defence="__import__('os').system('true')")
    with pytest.raises(PlanError, match=r"which is no word|there is no defence"):
        open_hardened(folder)


def test_a_folder_of_something_else_is_none(tmp_path):
    assert not is_hardened(tmp_path)
    assert not is_hardened(tmp_path / "absent")
