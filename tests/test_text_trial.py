"""Texts shared and read back, batch by batch, beside those guessed from public ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.attack import TextGradientAttack
from reticent.attacks.gradients import Dager
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.text_trial import commonest, likeliest, recovered

END = 0
RNG = np.random.default_rng(0)
TEXTS = [RNG.integers(1, 200, 8 - i % 3) for i in range(16)]
PUBLIC = [RNG.integers(1, 200, 8) for _ in range(40)]


@dataclass(frozen=True, kw_only=True)
class Told(TextGradientAttack):
    """Reads what it is told to."""

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "made up"

    says: tuple[tuple[int, ...], ...] = ()

    def read(self, observation):
        if self.says == ((-1,),):
            raise RuntimeError("broken")
        return tuple(np.array(s) for s in self.says)


def leak(decoder, layers, attacks, sequences=TEXTS, **options):
    given = {"public": PUBLIC, "vocabulary": 200, "end": END, "batch": 2, **options}
    return rt.leak_text(decoder, layers, sequences, attacks, **given)


def test_texts_are_read_back_and_the_control_is_not(decoder, span_layers):
    done = []
    (found,) = leak(decoder, span_layers, [Dager()], advance=done.append)
    assert found.outcome == "measured"
    assert isinstance(found.evidence, Exhibit)
    assert found.figure("sequences").value == found.figure("tokens").value == 1
    assert found.figure("sequences").low == pytest.approx(0.025 ** (1 / 8))
    assert found.figure("sequences control").value == 0
    assert found.figure("tokens control").high < 0.5
    assert found.figure("given up").value == 0
    assert sum(done) == 8
    whole, tokens = found.exhibit.beside()
    assert (whole.figure, whole.without) == (found.figure("sequences"), found.figure("sequences control"))
    assert (tokens.figure, tokens.without) == (found.figure("tokens"), found.figure("tokens control"))
    assert found.exhibit.strips() == ()
    assert {a.shape for a in found.exhibit.arrays().values()} == {(8,)}


def test_where_nothing_is_to_find_the_interval_covers_the_control(decoder, span_layers):
    """The attack says of every batch what the control does."""
    public = [np.array([3, 4, 5])] * 5
    texts = [RNG.integers(1, 10, 3) for _ in range(40)]
    (found,) = leak(decoder, span_layers, [Told(says=((3, 4, 5),) * 2)], texts, public=public)
    for name in ("sequences", "tokens"):
        assert found.figure(name) == found.figure(f"{name} control")


def test_the_control_is_the_better_of_the_two_guesses(decoder, span_layers):
    """The commonest token at each position makes 4 9 5, the commonest successors 4 9."""
    public = [np.array([3, 4, 5])] * 3 + [np.array([4, 9])] * 4
    for text, right in (([3, 4, 5], 1 / 3), ([4, 9], 1.0)):
        (found,) = leak(decoder, span_layers, [Told()], [np.array(text)] * 8, public=public, batch=1)
        assert found.figure("tokens control").value == pytest.approx(right)
    assert found.figure("sequences control").value == 1


def test_noise_is_put_on_and_takes_the_texts_away(decoder, span_layers):
    (found,) = leak(decoder, span_layers, [Dager()], noise_multiplier=1.0)
    if found.outcome == "measured":
        assert found.figure("sequences").value == 0
    else:
        assert found.outcome == "refused"


def test_batches_that_can_not_be_read_count_as_nothing_recovered(decoder, span_layers):
    long = [RNG.integers(1, 200, 15) for _ in range(20)]  # four batches of 75 tokens, in a width of 64
    short = [RNG.integers(1, 200, 3) for _ in range(30)]
    (found,) = leak(decoder, span_layers, [Dager()], [*long, *short], batch=5)
    assert found.figure("given up").value == pytest.approx(0.4)
    assert found.figure("sequences").value == pytest.approx(0.6)
    (refused,) = leak(decoder, span_layers, [Dager()], long, batch=10)
    assert refused.outcome == "refused"
    assert "fewer tokens than the module is wide" in refused.reason


def test_an_attack_that_throws_is_a_finding_and_the_others_go_on(decoder, span_layers):
    broken, other = leak(decoder, span_layers, [Told(says=((-1,),)), Dager()])
    assert broken.outcome == "failed"
    assert "RuntimeError: broken" in broken.reason
    assert other.outcome == "measured"


def test_few_batches_are_withheld(decoder, span_layers):
    (found,) = leak(decoder, span_layers, [Dager()], TEXTS[:6])
    assert isinstance(found.figure("sequences"), Withheld)


def test_sequences_are_matched_by_their_tokens_and_by_their_length():
    a, b, c = np.array([1, 2, 3]), np.array([1, 2, 4, 5]), np.array([9])
    assert recovered([b, a], [a, b]) == (1.0, 1.0)
    assert recovered([a], [a, b]) == (0.5, 3 / 7)
    assert recovered([b[:3], c], [a, b]) == (0.0, 3 / 7)
    assert recovered([np.array([1, 2, 3, 4])], [a]) == (0.0, 1.0)
    assert recovered([np.array([1, 2, 3, 4]), a], [a]) == (1.0, 1.0)
    assert recovered([a, a], [a, a, b]) == (2 / 3, 6 / 10)
    assert recovered([], [a]) == (0.0, 0.0)


def test_no_more_sequences_count_than_the_batch_holds(decoder, span_layers):
    many = Told(says=((9,), (8,), (3, 4, 5)))
    (found,) = leak(decoder, span_layers, [many], [np.array([3, 4, 5])] * 16)
    assert found.figure("tokens").value == 0


def test_matching_is_no_worse_than_any_order():
    from itertools import permutations

    rng = np.random.default_rng(1)
    for _ in range(30):
        read, truth = ([rng.integers(0, 3, rng.integers(1, 5)) for _ in range(3)] for _ in range(2))
        best = max(
            sum(sum(x == y for x, y in zip(read[i], truth[j], strict=False)) for j, i in enumerate(order))
            for order in permutations(range(3))
        )
        assert recovered(read, truth)[1] == pytest.approx(best / sum(map(len, truth)))


def test_the_guesses_are_what_public_texts_have_most_often():
    public = [np.array([1, 2, 3]), np.array([1, 2]), np.array([4, 2, 5]), np.array([1, 6, 3])]
    assert [g.tolist() for g in commonest(public, 2, 4)] == [[1, 2, 3]] * 2
    assert [g.tolist() for g in likeliest(public, 3, 4, END)] == [[1, 2, 3], [4, 2, 3], [1, 2, 3]]
    assert [g.tolist() for g in likeliest(public, 1, 2, END)] == [[1, 2]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch": 17}, "16 sequences were given for batches of 17"),
        ({"batch": 0}, "give at least"),
        ({"public": []}, "0 public texts"),
        ({"public": [np.array([], dtype=int)]}, "an empty one"),
        ({"vocabulary": 20}, "not from 0 to 19"),
        ({"end": 200}, "end = 200 was given"),
    ],
)
def test_what_does_not_fit_is_a_sentence(decoder, span_layers, wrong, said):
    with pytest.raises(DataError, match=said):
        leak(decoder, span_layers, [Dager()], **wrong)


def test_no_such_figure(decoder, span_layers):
    (found,) = leak(decoder, span_layers, [Told()], TEXTS[:2])
    with pytest.raises(ValueError, match="no figure"):
        found.figure("auc")


def test_layers_of_another_module_are_refused_at_once(decoder, span_layers):
    with pytest.raises(DataError, match=r"lack blocks\.9\.query\.weight"):
        leak(decoder, replace(span_layers, first_weights=("blocks.9.query.weight",)), [Dager()])
