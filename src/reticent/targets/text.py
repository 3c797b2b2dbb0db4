"""PyTorch language models as targets: any causal decoder, with whatever makes tokens of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from reticent.access import Access, FloatArray, IntArray
from reticent.errors import ModelError, TargetError, said
from reticent.fingerprint import fingerprint
from reticent.targets.content import identity

TOGETHER = 1 << 24
"""Numbers that the answers to a batch may take."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TextModule:
    """A causal decoder: tokens (texts, length) in, logits (texts, length, vocabulary) out.

    Attributes:
        module: put in evaluation mode while it is asked.
        encode: makes tokens (length,) of a text, with whatever the module wants before it.
        decode: makes a text of tokens, without those that stand for no text.
        vocabulary: tokens that there are.
        longest: tokens that it reads at a time.
        end: the token after which a text is over; None where there is none.
        device: where it answers.
    """

    module: nn.Module
    encode: Callable[[str], IntArray]
    decode: Callable[[IntArray], str]
    vocabulary: int
    longest: int
    end: int | None = None
    device: str = "cpu"
    access = Access.WEIGHTS

    def log_probs(self, texts: Sequence[IntArray]) -> tuple[FloatArray, ...]:
        """(length - 1,) for each text: the log-probability of each token after the first, in nats.

        Raises:
            TargetError: a text that is empty or longer than the module reads, or the module threw.
            ModelError: it answered something else than logits.
        """
        found: list[FloatArray] = [np.zeros(0)] * len(texts)
        for places, scores, tokens in self._batches(texts):
            nexts = tokens[:, 1:, None].to(scores.device)
            picked = scores[:, :-1].gather(2, nexts).squeeze(2).cpu().numpy()
            for row, place in enumerate(places):
                found[place] = picked[row, : len(texts[place]) - 1].astype(np.float64)
        return tuple(found)

    def distributions(self, texts: Sequence[IntArray]) -> Iterator[FloatArray]:
        """(length, vocabulary) for each text: log-probabilities of what comes after each token, in nats.

        Raises:
            TargetError, ModelError: as in `log_probs`.
        """
        for text in texts:
            for _, scores, _ in self._batches([text]):
                yield np.asarray(scores[0].cpu().numpy())

    @torch.no_grad()
    def generate(
        self,
        prompts: Sequence[IntArray],
        *,
        length: int,
        temperature: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> tuple[IntArray, ...]:
        """Up to `length` tokens that follow each prompt, without it; what is read is the last `longest`.

        Args:
            temperature: 0 for the likeliest token every time.
            top_k: likeliest tokens drawn from; 0 for all.

        Raises:
            TargetError, ModelError: as in `log_probs`.
        """
        draw = torch.Generator().manual_seed(seed)
        made: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(prompts)
        for places in _alike(prompts, max(1, TOGETHER // (self.longest * self.vocabulary))):
            tokens = torch.as_tensor(np.stack([prompts[p] for p in places]))
            over = torch.zeros(len(places), dtype=torch.bool)
            for _ in range(length):
                last = self._logits(tokens[:, -self.longest :])[:, -1].double().cpu()
                chosen = _drawn(last, temperature, top_k, draw)
                tokens = torch.cat([tokens, chosen[:, None]], dim=1)
                over |= chosen == (-1 if self.end is None else self.end)
                if bool(over.all()):
                    break
            for row, place in enumerate(places):
                made[place] = self._until_end(tokens[row, len(prompts[place]) :].numpy())
        return tuple(made)

    def fingerprint(self) -> str:
        """A hash of the module's weights, and of what makes its tokens."""
        return fingerprint(
            "text", identity(self.module), identity(self.encode), self.vocabulary, self.longest
        )

    def _until_end(self, tokens: IntArray) -> IntArray:
        ends = np.flatnonzero(tokens == (-1 if self.end is None else self.end))
        return tokens[: int(ends[0])] if len(ends) else tokens

    @torch.no_grad()
    def _batches(self, texts: Sequence[IntArray]) -> Iterator[tuple[IntArray, Tensor, Tensor]]:
        """Positions of texts of about one length, their log-probabilities and their tokens, filled up."""
        if any(not 1 <= len(t) <= self.longest for t in texts):
            given = sorted(map(len, texts))
            raise TargetError(
                f"texts of {given[0]} to {given[-1]} tokens were given and the model reads 1 to "
                f"{self.longest}; cut them"
            )
        order = np.argsort([len(t) for t in texts], kind="stable")
        many = max(1, TOGETHER // (max(map(len, texts), default=1) * self.vocabulary))
        for places in np.split(order, range(many, len(order), many)):
            if not len(places):
                continue
            tokens = torch.zeros(len(places), max(len(texts[p]) for p in places), dtype=torch.int64)
            for row, place in enumerate(places):
                tokens[row, : len(texts[place])] = torch.as_tensor(np.asarray(texts[place], np.int64))
            yield places, self._logits(tokens).double().log_softmax(2), tokens

    def _logits(self, tokens: Tensor) -> Tensor:
        learning = self.module.training
        try:
            answers = self.module.eval()(tokens.to(self.device))
        except Exception as error:
            raise TargetError(
                f"the module threw on texts of {tokens.shape[1]} tokens ({said(error)}); give tokens "
                "of its own"
            ) from error
        finally:
            self.module.train(learning)
        if not isinstance(answers, Tensor) or answers.shape != (*tokens.shape, self.vocabulary):
            shape = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
            raise ModelError(
                f"the module answered {shape} to tokens of shape {tuple(tokens.shape)}; expected a logit for "
                f"each of {self.vocabulary} tokens at each place"
            )
        if not bool(torch.isfinite(answers).all()):
            raise ModelError("the module answered logits that are not finite; check it on these texts")
        return answers


def _alike(prompts: Sequence[IntArray], many: int) -> Iterator[IntArray]:
    """Positions of prompts of the same length, up to `many` at a time."""
    lengths = np.array([len(p) for p in prompts])
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        yield from np.split(same, range(many, len(same), many))


def _drawn(logits: Tensor, temperature: float, top_k: int, draw: torch.Generator) -> Tensor:
    if temperature == 0:
        return logits.argmax(1)
    if top_k:
        least = logits.topk(min(top_k, logits.shape[1]), dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    return torch.multinomial((logits / temperature).softmax(1), 1, generator=draw)[:, 0]
