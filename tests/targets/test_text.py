"""Torch language models: log-probabilities, whole distributions, generation, and what is no such model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from reticent.errors import ModelError, TargetError
from reticent.targets.text import TextModule

WORDS = 7


class Successor(nn.Module):
    """After token t, token t + 1 is likeliest (logit 3), all others alike, and nothing else is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(3 * torch.eye(WORDS).roll(1, dims=1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.table[tokens]


def model(module: nn.Module | None = None, *, longest: int = 9, end: int | None = None) -> TextModule:
    return TextModule(
        module=module or Successor(),
        encode=lambda text: np.array([0, *(int(c) for c in text)]),
        decode=lambda tokens: "".join(map(str, tokens)),
        vocabulary=WORDS,
        longest=longest,
        end=end,
    )


def test_log_probs_are_those_of_the_softmax_whatever_else_is_asked():
    rest = np.log(np.exp(3) + WORDS - 1)
    texts = [np.array([0, 1, 2, 4]), np.array([3]), np.array([6, 0])]
    found = model().log_probs(texts)
    assert [len(f) for f in found] == [3, 0, 1]
    np.testing.assert_allclose(found[0], [3 - rest, 3 - rest, -rest], rtol=1e-12)
    np.testing.assert_allclose(found[2], [3 - rest], rtol=1e-12)
    np.testing.assert_array_equal(model().log_probs(texts[:1])[0], found[0])


def test_no_texts_have_no_log_probs():
    assert model().log_probs([]) == ()
    assert model().generate([], length=3) == ()


def test_log_probs_are_picked_from_the_distributions():
    rng = np.random.default_rng(0)
    texts = [rng.integers(WORDS, size=n) for n in (5, 2, 9, 1)]
    some = model()
    for text, scores, whole in zip(texts, some.log_probs(texts), some.distributions(texts), strict=True):
        assert whole.shape == (len(text), WORDS)
        np.testing.assert_allclose(np.exp(whole).sum(axis=1), 1)
        np.testing.assert_allclose(scores, [whole[i, t] for i, t in enumerate(text[1:])])


def test_batches_of_texts_are_scored_as_each_by_itself(decoder, monkeypatch):
    torch.manual_seed(0)
    some = model(decoder(0, WORDS, 8, 9))
    texts = [np.arange(n) % WORDS for n in (9, 3, 5, 5, 1)]
    whole = some.log_probs(texts)
    monkeypatch.setattr("reticent.targets.text.TOGETHER", 1)
    for one, other in zip(whole, some.log_probs(texts), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_likeliest_token_follows_at_temperature_nought():
    made = model().generate([np.array([2]), np.array([5, 0])], length=4, temperature=0)
    np.testing.assert_array_equal(made, [[3, 4, 5, 6], [1, 2, 3, 4]])


def test_generation_stops_at_the_end_and_reads_no_more_than_it_can():
    made = model(longest=2, end=5).generate([np.array([2]), np.array([5])], length=6, temperature=0)
    np.testing.assert_array_equal(made[0], [3, 4])
    np.testing.assert_array_equal(made[1], [6, 0, 1, 2, 3, 4])


def test_tokens_are_drawn_as_often_as_they_are_likely():
    prompts = [np.array([2])] * 4000
    drawn = np.concatenate(model().generate(prompts, length=1, seed=1))
    share = np.exp(3) / (np.exp(3) + WORDS - 1)
    assert abs((drawn == 3).mean() - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    hot = np.concatenate(model().generate(prompts, length=1, temperature=1e3, seed=1))
    assert abs((hot == 3).mean() - 1 / WORDS) < 0.03
    one = np.concatenate(model().generate(prompts, length=1, top_k=1, seed=1))
    assert (one == 3).all()


def test_the_same_seed_gives_the_same_text():
    prompts = [np.array([1]), np.array([1, 2])]
    one, same, other = (model().generate(prompts, length=8, temperature=2.0, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_module_that_was_learning_goes_on_learning():
    module = Successor().train()
    model(module).log_probs([np.array([1, 2])])
    assert module.training


def test_other_weights_have_another_fingerprint():
    module = Successor()
    before = model(module).fingerprint()
    assert before == model(module).fingerprint()
    with torch.no_grad():
        module.table[0, 0] += 1
    assert before != model(module).fingerprint()


@pytest.mark.parametrize("text", [np.zeros(0, np.int64), np.zeros(10, np.int64)])
def test_texts_of_a_length_that_it_does_not_read_are_refused(text):
    with pytest.raises(TargetError, match="reads 1 to 9"):
        model().log_probs([text])


def test_tokens_that_are_not_its_own_are_refused():
    with pytest.raises(TargetError, match="give tokens of its own"):
        model().log_probs([np.array([0, 99])])


def test_answers_that_are_no_logits_of_its_tokens_are_refused():
    with pytest.raises(ModelError, match="a logit for each of 7 tokens"):
        model(nn.Embedding(WORDS, 3)).log_probs([np.array([0, 1])])


def test_answers_that_are_not_finite_are_refused():
    module = Successor()
    with torch.no_grad():
        module.table[1, 1] = torch.nan
    with pytest.raises(ModelError, match="not finite"):
        model(module).log_probs([np.array([0, 1, 2])])
