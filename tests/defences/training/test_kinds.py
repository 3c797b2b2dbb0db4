"""Which kinds of model carry what: a sentence for each that can't, whatever the defence."""

from __future__ import annotations

import pytest

from reticent import defences as d
from reticent.defences.training import __all__ as words
from reticent.errors import ModelError
from reticent.recipe import OneByOne
from reticent.targets.sklearn import SklearnRecipe

SHORT = {
    **{word: {"noise": 1.0} for word in ("dp_sgd", "dp_ftrl", "pate")},
    **{f"private_{kind}": {"epsilon": 1.0, "bounds": (-3, 3)} for kind in ("bayes", "forest", "logistic")},
}
TABLES = {"private_bayes", "private_forest", "private_logistic"}


class Other(OneByOne):
    def fit(self, data, seed):
        raise AssertionError("nothing is trained to find out")

    def fingerprint(self):
        return "other"


WORDS = {
    *("l2", "dropout", "early_stopping", "tree_limits", "label_smoothing", "confidence_penalty"),
    *("hamp_training", "relax_loss", "mixup", "mmd", "adversarial_training", "dp_sgd", "dp_ftrl"),
    *("adversarial_regularisation", "selena", "distillation", "pate"),
    *TABLES,
}


def test_the_family_is_known():
    assert {getattr(d.training, name).word for name in words} == WORDS


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_one_says_where_it_comes_from_and_what_it_cannot_do(word):
    defence = getattr(d, word)(**SHORT.get(word, {}))
    assert "arXiv:" in defence.source
    assert defence.caveat
    assert str(defence).startswith(f"{word}(")


@pytest.mark.parametrize("word", sorted(WORDS - {"pate"}))
def test_a_model_that_cannot_carry_it_is_told_in_a_sentence(word, reference):
    defence = getattr(d, word)(**SHORT.get(word, {}))
    with pytest.raises(ModelError, match=rf"^{word} .*(;|,) ?.+") as told:
        defence.harden(Other(), reference)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("word", sorted(WORDS - {"tree_limits"} - TABLES))
def test_networks_carry_all_but_limits_on_trees_and_private_tables(word, torch_recipe, reference):
    hardened = getattr(d, word)(**SHORT.get(word, {})).harden(torch_recipe, reference)
    assert hardened.fingerprint() != torch_recipe.fingerprint()


def test_a_wrapped_network_is_told_what_to_write_first(torch_recipe, reference):
    wrapped = d.selena(models=3, left_out=1).harden(torch_recipe)
    with pytest.raises(ModelError, match="what stands before it has wrapped that; write it first"):
        d.dropout().harden(wrapped)


def test_options_stay_as_many_as_were_set(logistic, data):
    twice = d.l2(1.0).harden(d.l2(1e-3).harden(logistic))
    strength = twice.fit(data, 0).model.C
    assert strength == pytest.approx(1 / len(data))
    assert isinstance(twice, SklearnRecipe)
