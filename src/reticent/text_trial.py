"""Tries attacks on gradients of texts: sequences read back, beside those guessed without."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from statistics import mode
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.attack import TextGradientAttack
from reticent.errors import DataError, ReticentError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson_bounds
from reticent.text_observation import SpanLayers, TextObservation, observe_text

if TYPE_CHECKING:
    from torch import nn

FEWEST_BATCHES = 8
"""Batches below which figures are withheld."""


@dataclass(frozen=True, eq=False)
class TextsRead:
    """What was read back of each batch, beside the better of two guesses of who never sees the gradient.

    Attributes:
        sequences: (batches,) share of the sequences that were recovered exactly.
        tokens: (batches,) share of their tokens that were recovered, each at its position.
        sequences_control, tokens_control: (batches,) the same of the guess.
        given_up: (batches,) whether the attack read nothing, or said why it can't: none is recovered then.
    """

    sequences: FloatArray
    tokens: FloatArray
    sequences_control: FloatArray
    tokens_control: FloatArray
    given_up: BoolArray

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name: a mean over batches, and its interval if a batch counts as one observation.

        Args:
            name: "sequences" or "tokens", the share recovered; "... control", that of the guess; "given up",
                the share of batches.

        Raises:
            ValueError: no figure has that name.
        """
        shares = {name.replace("_", " "): values for name, values in self.arrays().items()}
        if name not in shares:
            raise ValueError(f"no figure is called {name!r}")
        values, batches = shares[name], len(self.given_up)
        if batches < FEWEST_BATCHES:
            return Withheld(f"fewer than {FEWEST_BATCHES} batches were shared")
        # Of all that lies from 0 to 1, a share of successes varies most: its interval holds for any other
        low, high = clopper_pearson_bounds(values.sum(), batches, (1 - level) / 2)
        return Estimate(
            float(values.mean()), float(low), float(high), level, "Clopper-Pearson over batches", batches
        )

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Sequences, then tokens, each beside the guess."""
        return tuple(
            Beside(
                what=what,
                figure=self.figure(name, level=level),
                control="guessed from public texts, without the gradient",
                without=self.figure(f"{name} control", level=level),
            )
            for what, name in (("sequences recovered exactly", "sequences"), ("tokens recovered", "tokens"))
        )

    def note(self) -> str:
        """How many batches there were, and of how many nothing was read."""
        return f"{len(self.given_up)} batches; of {int(self.given_up.sum())} the attack could read nothing."

    def strips(self) -> tuple[Strip, ...]:
        """None: a text is nothing to look at, and must not be kept."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Everything, batch by batch."""
        return {
            "sequences": self.sequences,
            "tokens": self.tokens,
            "sequences_control": self.sequences_control,
            "tokens_control": self.tokens_control,
            "given_up": self.given_up,
        }


def leak_text(
    module: Callable[[int], nn.Module],
    layers: SpanLayers,
    sequences: Sequence[IntArray],
    attacks: Sequence[TextGradientAttack],
    *,
    public: Sequence[IntArray],
    vocabulary: int,
    end: int,
    batch: int = 1,
    noise_multiplier: float = 0.0,
    seed: int = 0,
    advance: Callable[[int], None] = lambda batches: None,
) -> tuple[Finding, ...]:
    """Share gradients of texts, a batch at a time, and have attacks read them back.

    Args:
        module: makes the decoder of a batch, by its number: tokens (sequences, length) in, scores (sequences,
            length, vocabulary) out; initialised anew, or always the same trained one.
        layers: where its first two blocks read.
        sequences: what the clients hold, token by token, each from 0 to `vocabulary` - 1.
        public: texts of the same kind, which the attacker has: the control guesses from them.
        end: the token that says that a text is over.
        batch: sequences behind each gradient; what is left over is not used.
        noise_multiplier: standard deviation of Gaussian noise on every value, in norms of the whole gradient.
        seed: of the noise.
        advance: told how many more batches are done, of each attack.

    Returns:
        A finding an attack, with `TextsRead`; one that can read no batch says why.

    Raises:
        DataError: no whole batch, or sequences that are empty or hold other tokens.
    """
    for name, given, fewest in (("sequences", sequences, batch), ("public texts", public, 1)):
        if batch < 1 or len(given) < fewest:
            raise DataError(
                f"{len(given)} {name} were given for batches of {batch}; give at least {max(fewest, 1)}"
            )
        if any(len(s) == 0 or np.min(s) < 0 or np.max(s) >= vocabulary for s in given):
            raise DataError(
                f"the {name} hold an empty one, or tokens that are not from 0 to {vocabulary - 1}; give the "
                "tokens of the module's own vocabulary"
            )
    if not 0 <= end < vocabulary:
        raise DataError(f"end = {end} was given; give a token from 0 to {vocabulary - 1}")
    batches = [
        [np.asarray(s, dtype=np.int64) for s in sequences[start : start + batch]]
        for start in range(0, len(sequences) - batch + 1, batch)
    ]

    def shared(number: int) -> TextObservation:
        return observe_text(
            module(number),
            layers,
            batches[number],
            vocabulary=vocabulary,
            end=end,
            noise_multiplier=noise_multiplier,
            seed=seed + number,
        )

    guessed = np.array([_guessed(public, texts, end) for texts in batches])
    return tuple(_tried(attack, batches, shared, guessed, advance) for attack in attacks)


def _tried(
    attack: TextGradientAttack,
    batches: Sequence[Sequence[IntArray]],
    shared: Callable[[int], TextObservation],
    guessed: FloatArray,
    advance: Callable[[int], None],
) -> Finding:
    graded, reasons, start = [], list[str](), time.perf_counter()
    for number, texts in enumerate(batches):
        seen, read = shared(number), tuple[IntArray, ...]()
        try:
            read = attack.read(seen)[: len(texts)]
        except ReticentError as problem:
            reasons.append(str(problem))
        except Exception as error:
            return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
        graded.append((*recovered(read, texts), not read))
        advance(1)
    if len(reasons) == len(batches):
        return unmeasured(attack, "refused", reasons[0])
    exact, tokens, given_up = np.array(graded, dtype=np.float64).T
    evidence = TextsRead(exact, tokens, guessed[:, 0], guessed[:, 1], given_up > 0)
    return measured(attack, evidence, Cost(seconds=time.perf_counter() - start))


def recovered(read: Sequence[IntArray], truth: Sequence[IntArray]) -> tuple[float, float]:
    """Shares of the true sequences recovered exactly, and of their tokens, position by position.

    A batch has no order: each sequence read stands for at most one true one, such that most tokens are right.
    """
    from scipy.optimize import linear_sum_assignment

    if not read:
        return 0.0, 0.0
    same = np.array([[np.sum(_both(ours, theirs)) for ours in read] for theirs in truth])
    whole = np.array(
        [
            [len(ours) == len(theirs) == n for ours, n in zip(read, row, strict=True)]
            for theirs, row in zip(truth, same, strict=True)
        ]
    )
    # Among matchings with as many tokens right, one with the most whole sequences
    pairs = linear_sum_assignment((len(truth) + 1.0) * same + whole, maximize=True)
    return float(whole[pairs].sum() / len(truth)), float(same[pairs].sum() / sum(map(len, truth)))


def _both(ours: IntArray, theirs: IntArray) -> BoolArray:
    """Where two sequences agree, as far as both go."""
    shorter = min(len(ours), len(theirs))
    return np.asarray(ours[:shorter] == theirs[:shorter])


def _guessed(public: Sequence[IntArray], truth: Sequence[IntArray], end: int) -> tuple[float, float]:
    """What the better of two guesses recovers, figure by figure; both know the longest length."""
    batch, longest = len(truth), max(map(len, truth))
    guesses = commonest(public, batch, longest), likeliest(public, batch, longest, end)
    exact, tokens = np.max([recovered(guess, truth) for guess in guesses], axis=0)
    return float(exact), float(tokens)


def commonest(public: Sequence[IntArray], batch: int, longest: int) -> list[IntArray]:
    """The same for every sequence: at each position the token that public texts have there most often."""
    there = [[int(s[position]) for s in public if len(s) > position] for position in range(longest)]
    return [np.array([mode(tokens) for tokens in there if tokens])] * batch


def likeliest(public: Sequence[IntArray], batch: int, longest: int, end: int) -> list[IntArray]:
    """From each of the commonest first tokens on, always the token that public texts most often have next."""
    follows = defaultdict[int, Counter[int]](Counter)
    for text in public:
        for one, other in pairwise([*map(int, text), end]):
            follows[one][other] += 1
    starts = [token for token, _ in Counter(int(text[0]) for text in public).most_common()]
    guesses = []
    for first in islice(cycle(starts), batch):
        guess = [first]
        while len(guess) < longest and (following := follows[guess[-1]].most_common(1)[0][0]) != end:
            guess.append(following)
        guesses.append(np.array(guess))
    return guesses
