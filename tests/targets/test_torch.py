import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn
from torch.nn.functional import cross_entropy

from reticent.access import Access, Inside, WhiteBox
from reticent.data import records
from reticent.errors import DataError, ModelError, TargetError
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe, TorchTarget, inputs


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def normed():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def embedded():
    return nn.Sequential(nn.Embedding(7, 5), nn.Flatten(), nn.Linear(10, 3))


class Throws(nn.Module):
    def forward(self, x):
        raise RuntimeError("half-way")


def codes(x):
    return np.asarray(x)[:, :2].astype(np.int64)


TRAINING = Training(epochs=20, batch_size=16, learning_rate=0.05, momentum=0.9)
CLASSES = np.array(["no", "maybe", "yes"])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = CLASSES[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)]
    return records(x, y, CLASSES)


def test_a_target_answers_what_its_module_answers(data):
    module = normed()
    target = TorchTarget(module, CLASSES)
    outputs = target.predict(data.features)
    expected = module.eval()(torch.tensor(data.features, dtype=torch.float32)).detach()
    np.testing.assert_allclose(outputs.logits, expected, rtol=1e-6)
    np.testing.assert_allclose(outputs.log_scores, expected.log_softmax(1), atol=1e-6)
    assert outputs.labels.tolist() == expected.argmax(1).tolist()
    assert target.access == Access.WEIGHTS
    assert isinstance(target, WhiteBox)


def test_tables_and_arrays_are_the_same_records(data):
    target, table = TorchTarget(net(), CLASSES), pd.DataFrame(data.features, columns=list("abcd"))
    np.testing.assert_array_equal(target.logits(table), target.logits(data.features))
    assert target.logits(data.features[:0]).shape == (0, 3)


@pytest.mark.parametrize(("build", "neurons"), [(net, 8), (normed, 8)])
def test_activations_are_what_goes_into_the_last_layer(build, neurons, data):
    module = build()
    target = TorchTarget(module, CLASSES)
    found = target.activations(data.features)
    expected = module.eval()[:-1](torch.tensor(data.features, dtype=torch.float32)).detach()
    assert isinstance(target, Inside)
    assert found.shape == (len(data), neurons)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not module[-1]._forward_pre_hooks  # nothing is left behind


def test_a_module_without_a_linear_layer_has_no_activations(data):
    with pytest.raises(ModelError, match="no linear layer"):
        TorchTarget(nn.Identity(), np.arange(4)).activations(data.features)


@pytest.mark.parametrize("build", [net, normed])
def test_gradient_norms_are_those_of_one_record_at_a_time(build, data):
    target = TorchTarget(build(), CLASSES)
    x, y = data.features[:12], data.labels[:12]
    norms = target.gradient_norms(x, y)
    for row, features, label in zip(norms, x, y, strict=True):
        target.module.zero_grad()
        logits = target.module(torch.tensor(features[None], dtype=torch.float32))
        cross_entropy(logits, torch.tensor([label])).backward()
        np.testing.assert_allclose(row, [p.grad.norm() for p in target.module.parameters()], rtol=1e-4)
    assert target.gradient_norms(x[:0], y[:0]).shape == (0, norms.shape[1])


def test_a_fingerprint_is_of_the_content():
    torch.manual_seed(0)
    module = net()
    first = TorchTarget(module, CLASSES).fingerprint()
    twin = net()
    twin.load_state_dict(module.state_dict())
    assert TorchTarget(twin, CLASSES).fingerprint() == first
    assert TorchTarget(twin, CLASSES[::-1]).fingerprint() != first
    assert TorchTarget(twin, CLASSES, prepare=codes).fingerprint() != first
    with torch.no_grad():
        twin[0].weight[0, 0] += 1e-3
    assert TorchTarget(twin, CLASSES).fingerprint() != first


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        (nn.Linear(4, 2), "one logit for each of the 3 classes"),
        (nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)), "probabilities"),
        (nn.Sequential(nn.Linear(4, 3), nn.Flatten(0)), "one logit for each"),
        (nn.LSTM(4, 3), "tuple"),
    ],
)
def test_answers_that_are_no_logits_are_refused(module, complaint, data):
    with pytest.raises(ModelError, match=complaint):
        TorchTarget(module, CLASSES).predict(data.features)


def test_a_module_that_throws_is_told(data):
    with pytest.raises(TargetError, match="half-way"):
        TorchTarget(Throws(), CLASSES).predict(data.features)
    with pytest.raises(TargetError, match=r"shape \(3,\)"):
        TorchTarget(net(), CLASSES).predict(data.features[:, :3])


def test_records_that_are_no_numbers_are_refused_without_showing_them():
    table = pd.DataFrame({"age": [1.0, 2.0], "name": ["Ada", "Bob"]})
    with pytest.raises(DataError, match="not numbers") as refusal:
        inputs(table)
    assert "Ada" not in str(refusal.value)
    with pytest.raises(DataError, match="missing"):
        inputs(np.array([[1.0, np.nan]]))


def test_what_is_prepared_reaches_the_module_as_it_is(data):
    assert inputs(data.features).dtype == torch.float32
    assert inputs(data.features, codes).dtype == torch.int64
    assert inputs(data.features, lambda x: x).dtype == torch.float32
    recipe = TorchRecipe(module=embedded, training=TRAINING, prepare=lambda x: np.abs(codes(x)) % 7)
    assert recipe.fit(data, 0).predict(data.features).logits.shape == (200, 3)


@pytest.mark.parametrize("build", [net, normed])
def test_many_models_are_those_trained_one_by_one(build, data):
    recipe = TorchRecipe(module=build, training=TRAINING)
    masks = np.random.default_rng(1).random((18, 200)) < 0.5
    seeds = list(range(18))
    targets = list(recipe.fit_many(data, masks, seeds))
    assert len(targets) == 18 > recipe.together
    for model in (0, 17):
        alone = recipe.fit(data.take(masks[model]), seeds[model])
        np.testing.assert_allclose(
            targets[model].logits(data.features), alone.logits(data.features), atol=1e-4, rtol=1e-4
        )
    assert targets[0].classes.tolist() == CLASSES.tolist()
    right = targets[0].predict(data.features).labels == data.labels
    assert right[masks[0]].mean() > 0.85


def test_a_module_for_other_classes_is_refused_before_it_is_trained(data):
    recipe = TorchRecipe(module=lambda: nn.Linear(4, 2), training=TRAINING)
    with pytest.raises(ModelError, match="3 classes"):
        recipe.fit(data, 0)


def test_weights_come_back_from_a_file(data, tmp_path):
    recipe = TorchRecipe(module=normed, training=TRAINING)
    target = recipe.fit(data, 0)
    save_model(target.module, str(tmp_path / "model.safetensors"))
    save_file(target.module.state_dict(), tmp_path / "state.safetensors")
    for name in ("model.safetensors", "state.safetensors"):
        loaded = recipe.load(tmp_path / name, classes=CLASSES)
        np.testing.assert_array_equal(loaded.logits(data.features), target.logits(data.features))
        assert loaded.fingerprint() == target.fingerprint()
    assert recipe.load(tmp_path / "state.safetensors").classes.tolist() == [0, 1, 2]


def test_files_that_are_not_the_recipes_weights_are_refused(tmp_path):
    recipe = TorchRecipe(module=net, training=TRAINING)
    with pytest.raises(ModelError, match="No such file"):
        recipe.load(tmp_path / "absent.safetensors")
    (tmp_path / "pickle.pt").write_bytes(b"\x80\x04}.")
    with pytest.raises(ModelError, match="does not read as safetensors"):
        recipe.load(tmp_path / "pickle.pt")
    save_file(normed().state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="not those of the recipe's module"):
        recipe.load(tmp_path / "other.safetensors")


def test_a_recipes_fingerprint_changes_with_whatever_changes_its_models():
    def wide():
        return nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 3))

    first = TorchRecipe(module=net, training=TRAINING).fingerprint()
    assert TorchRecipe(module=net, training=TRAINING).fingerprint() == first
    longer = Training(epochs=21, batch_size=16, learning_rate=0.05, momentum=0.9)
    for other in (
        TorchRecipe(module=wide, training=TRAINING),
        TorchRecipe(module=normed, training=TRAINING),
        TorchRecipe(module=net, training=longer),
        TorchRecipe(module=net, training=TRAINING, prepare=codes),
    ):
        assert other.fingerprint() != first


def test_score_gradients_lead_back_to_the_record(data):
    target = TorchTarget(net().double().float(), CLASSES)
    x, classes = np.asarray(data.features[:6], dtype=np.float32), np.array([0, 1, 2, 0, 1, 2])
    scores, gradient = target.score_gradient(x, classes)
    np.testing.assert_allclose(scores, np.exp(target.predict(x).log_scores)[np.arange(6), classes], rtol=1e-5)
    step = 1e-2
    for column in range(x.shape[1]):
        ahead, behind = x.copy(), x.copy()
        ahead[:, column] += step
        behind[:, column] -= step
        slope = (target.score_gradient(ahead, classes)[0] - target.score_gradient(behind, classes)[0]) / (
            2 * step
        )
        np.testing.assert_allclose(gradient[:, column], slope, atol=1e-3)


def test_prepared_records_have_no_gradient():
    target = TorchTarget(embedded(), CLASSES, prepare=codes)
    with pytest.raises(ModelError, match="prepared first"):
        target.score_gradient(np.zeros((2, 3)), np.array([0, 1]))


def some(rows=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    return records(x, CLASSES[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0)], CLASSES)


def test_taught_the_labels_as_probabilities_it_is_the_model_taught_the_labels():
    data, recipe = some(), TorchRecipe(module=net, training=TRAINING)
    masks = np.random.default_rng(1).random((3, 60)) < 0.5
    hard = list(recipe.fit_many(data, masks, [1, 2, 3]))
    soft = [np.eye(3, dtype=np.float32)[data.labels[mask]] for mask in masks]
    for one, other in zip(hard, recipe.fit_soft(data, masks, [1, 2, 3], soft), strict=True):
        np.testing.assert_allclose(other.logits(data.features), one.logits(data.features), atol=2e-4)


def test_taught_to_be_unsure_it_is():
    data, recipe = some(), TorchRecipe(module=net, training=TRAINING)
    masks = np.ones((1, 60), bool)
    even = np.full((60, 3), 1 / 3, np.float32)
    (target,) = recipe.fit_soft(data, masks, [0], [even])
    assert np.abs(np.exp(target.predict(data.features).log_scores) - 1 / 3).max() < 0.2
