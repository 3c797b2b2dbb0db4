"""PyTorch modules as targets, and how to train others like them.

A `TorchTarget` answers logits and, to white-box attacks, gradients. A `TorchRecipe` says how its module was
made and trained; it trains many others of the architecture at once (`reticent.shadows.batched`). Weights
come in as safetensors, which hold numbers and nothing that could be run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy

from reticent.access import Access, BoolArray, FloatArray, IntArray, Outputs
from reticent.data import Records, is_table
from reticent.errors import DataError, MissingExtra, ModelError, TargetError
from reticent.fingerprint import fingerprint
from reticent.recipe import Guarantee
from reticent.shadows.batched import Training, best_together, seeded, train_together
from reticent.targets.content import identity

if TYPE_CHECKING:
    from reticent.access import Features

CHUNK = 4096
"""Records that go through a module at a time."""

FEW = 16
"""Answers that must look like probabilities before they are taken for such: single ones may by chance."""

MEMORY = 1 << 24
"""Numbers that per-record gradients may take at a time."""


class TorchTarget:
    """A trained module that answers logits.

    Args:
        module: takes a batch (records, ...), answers logits (records, classes); is put in evaluation mode.
        classes: (classes,) the labels behind the module's outputs.
        prepare: makes what the module takes out of the records' features; None for their numbers as float32,
            or as float64 where its weights are.
        device: where it answers.
    """

    access = Access.WEIGHTS

    def __init__(
        self,
        module: nn.Module,
        classes: npt.ArrayLike,
        *,
        prepare: Callable[[Features], npt.ArrayLike] | None = None,
        device: str = "cpu",
    ) -> None:
        self.classes = np.asarray(classes)
        self.module = module.to(device).eval()
        self._prepare, self._device = prepare, device
        double = any(p.dtype == torch.float64 for p in module.parameters())
        self._kind = torch.float64 if double else torch.float32

    @torch.no_grad()
    def logits(self, x: Features) -> FloatArray:
        """(records, classes) what the module answers to the records.

        Raises:
            DataError: records that are not numbers.
            ModelError: answers of another shape, or probabilities.
            TargetError: the module threw.
        """
        parts = [self._asked(part) for part in torch.split(inputs(x, self._prepare, self._kind), CHUNK)]
        return torch.cat(parts).numpy()

    def _asked(self, x: Tensor) -> Tensor:
        try:
            answers = self.module(x.to(self._device))
        except Exception as error:
            raise TargetError(
                f"the module threw {type(error).__name__} on {len(x)} records of shape {tuple(x.shape[1:])} "
                f"({_said(error)}); give records of the kind it was trained on"
            ) from error
        if not isinstance(answers, Tensor) or answers.shape != (len(x), len(self.classes)):
            shape = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
            raise ModelError(
                f"the module answered {shape} to {len(x)} records; expected one logit for each of the "
                f"{len(self.classes)} classes: give a module that ends so"
            )
        if len(x) >= FEW and bool((answers >= 0).all()) and bool(((answers.sum(1) - 1).abs() < 1e-4).all()):
            raise ModelError(
                "the module answers probabilities where logits were expected; leave out its last softmax"
            )
        return answers.to(self._kind).cpu()

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        return Outputs.from_logits(self.logits(x))

    def gradient_norms(self, x: Features, y: IntArray) -> FloatArray:
        """(records, tensors) L2 norms of each record's cross-entropy gradient, by each trained tensor.

        Raises:
            DataError: records that are not numbers.
            TargetError: the module's gradient can't be taken record by record.
        """
        named = {n: p.detach() for n, p in self.module.named_parameters() if p.requires_grad}

        def loss(named: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
            return cross_entropy(functional_call(self.module, named, (x[None],)), y[None])

        each = vmap(grad(loss), in_dims=(None, 0, 0))
        chunk = max(1, MEMORY // sum(p.numel() for p in named.values()))
        features, labels = (
            inputs(x, self._prepare, self._kind),
            torch.as_tensor(np.asarray(y, dtype=np.int64)),
        )
        norms = [torch.zeros(0, len(named))]
        try:
            for i in range(0, len(labels), chunk):
                some = slice(i, i + chunk)
                gradients = each(named, features[some].to(self._device), labels[some].to(self._device))
                each_norm = [g.reshape(len(g), -1).norm(dim=1) for g in gradients.values()]
                norms.append(torch.stack(each_norm, 1).cpu())
        except RuntimeError as error:
            raise TargetError(
                f"the module's gradient can't be taken record by record ({_said(error)}); "
                "leave out the attacks that need gradients"
            ) from error
        return torch.cat(norms).numpy()

    def score_gradient(self, x: FloatArray, classes: IntArray) -> tuple[FloatArray, FloatArray]:
        """(records,) p_c of each record's class c, and (records, ...) its gradient by the record.

        Raises:
            ModelError: a module whose records are prepared, so that no gradient leads back to them.
            TargetError: the module threw.
        """
        if self._prepare is not None:
            raise ModelError(
                "the module's records are prepared first, so no gradient leads back to them; give a module "
                "that takes the records as they are"
            )
        asked = inputs(x, kind=self._kind).requires_grad_()
        scores = self._asked(asked).softmax(1)
        picked = scores[torch.arange(len(asked)), torch.as_tensor(np.asarray(classes, np.int64))]
        (gradient,) = torch.autograd.grad(picked.sum(), asked)
        return picked.detach().numpy(), gradient.cpu().numpy()

    def as_sent_out(self) -> nn.Module:
        """The module, as somebody is sent it who trains it further.

        Raises:
            ModelError: its records are prepared first, so that a gradient says nothing of them as they are.
        """
        if self._prepare is not None:
            raise ModelError(
                "the module's records are prepared first, so a gradient says nothing of them as they are; "
                "give a module that takes the records as they are"
            )
        return self.module

    @torch.no_grad()
    def activations(self, x: Features) -> FloatArray:
        """(records, neurons) what goes into the module's last linear layer.

        Raises:
            ModelError: a module without a linear layer.
            DataError, TargetError: as in `logits`.
        """
        linear = [part for part in self.module.modules() if isinstance(part, nn.Linear)]
        if not linear:
            raise ModelError("the module has no linear layer to read; leave out the attacks that read one")
        seen: list[Tensor] = []
        hook = linear[-1].register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(1).cpu()))
        try:
            self.logits(x)
        finally:
            hook.remove()
        return torch.cat(seen).float().numpy()

    def fingerprint(self) -> str:
        """A hash of the module's classes and weights, and of what prepares its records."""
        return fingerprint("torch", identity(self.module), self.classes, identity(self._prepare))


@dataclass(frozen=True, kw_only=True)
class TorchRecipe:
    """How a module is made and trained.

    Attributes:
        module: makes the module, freshly initialised: a class or a function without arguments.
        training: how it is trained.
        device: where; "cpu", "cuda", ...
        prepare: makes what the module takes out of the records' features; None for their numbers as float32.
        reference: records that no model is trained on, for trainings that look at some.
    """

    module: Callable[[], nn.Module]
    training: Training
    device: str = "cpu"
    prepare: Callable[[Features], npt.ArrayLike] | None = None
    reference: Records | None = None

    @property
    def together(self) -> int:
        """How many models are best trained at once."""
        return best_together(seeded(self.module, 0), self.device)

    def fit(self, data: Records, seed: int) -> TorchTarget:
        """Train one model on all of `data`."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[TorchTarget]:
        """Train one model for each row of `masks` (models, records), on the records it marks.

        Raises:
            DataError: records that are not numbers, or a model without records.
            ModelError: a module that does not answer a logit for each class.
        """
        _, y = self._read(data)
        yield from self._trained(data, masks, seeds, lambda some: y)

    def fit_soft(
        self, data: Records, masks: BoolArray, seeds: Sequence[int], targets: Sequence[FloatArray]
    ) -> Iterator[TorchTarget]:
        """Train one model for each row of `masks` on what each is to answer.

        Args:
            targets: one array a model, (its records, classes): rows sum to one, in the records' order.

        Raises:
            DataError, ModelError: as in `fit_many`.
        """

        def spread(some: slice) -> Tensor:
            whole = np.zeros((len(masks[some]), len(data), len(data.classes)), np.float32)
            for line, mask, own in zip(whole, masks[some], targets[some], strict=True):
                line[mask] = own
            return torch.from_numpy(whole)

        yield from self._trained(data, masks, seeds, spread)

    def _trained(
        self, data: Records, masks: BoolArray, seeds: Sequence[int], targets: Callable[[slice], Tensor]
    ) -> Iterator[TorchTarget]:
        self._target(seeded(self.module, 0), data.classes).logits(data.features[:2])
        x, _ = self._read(data)
        reference = self._read(self.reference) if self.reference is not None else None
        size = self.together
        for i in range(0, len(seeds), size):
            some = slice(i, i + size)
            models = train_together(
                self.module,
                x,
                targets(some),
                masks[some],
                seeds[some],
                self.training,
                device=self.device,
                reference=reference,
            )
            yield from (self._target(models.module(m), data.classes) for m in range(len(models)))

    def _read(self, data: Records) -> tuple[Tensor, Tensor]:
        return inputs(data.features, self.prepare), torch.from_numpy(np.asarray(data.labels, np.int64))

    def guarantee(self, records: int) -> Guarantee | None:
        """What training on so many records guarantees; None where gradients are not private."""
        privacy = self.training.privacy
        if privacy is None:
            return None
        return privacy.guarantee(records, self.training.batch_size, self.training.epochs)

    def load(self, path: Path | str, *, classes: npt.ArrayLike | None = None) -> TorchTarget:
        """The target whose weights were saved as safetensors.

        Args:
            path: the file, as `safetensors.torch.save_model` or `save_file` writes it.
            classes: (classes,) the labels behind the module's outputs; None for 0, 1, 2, ...

        Raises:
            MissingExtra: safetensors is not installed.
            ModelError: no such file, another kind of file, or weights of another module.
        """
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_model
        except ImportError as error:
            raise MissingExtra("safetensors", "torch") from error
        module = seeded(self.module, 0)
        try:
            load_model(module, path)
        except (OSError, SafetensorError) as error:
            raise ModelError(
                f"{str(path)!r} does not read as safetensors ({_said(error)}); write it with "
                "safetensors.torch.save_model(module, path)"
            ) from error
        except RuntimeError as error:
            raise ModelError(
                f"the weights in {str(path)!r} are not those of the recipe's module "
                f"({_said(error)}); give the recipe that made them"
            ) from error
        linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
        if classes is None and not linear:
            raise ModelError("how many classes the module knows can't be told; say load(path, classes=...)")
        return self._target(module, np.arange(linear[-1].out_features) if classes is None else classes)

    def fingerprint(self) -> str:
        """A hash of the architecture, its initial weights, the training and what prepares the records."""
        example = seeded(self.module, 0)
        parts = [self.module, example, self.prepare, self.training, train_together]
        seen = self.reference.fingerprint() if self.reference is not None else ""
        return fingerprint("torch recipe", self.device, seen, [identity(part) for part in parts])

    def _target(self, module: nn.Module, classes: npt.ArrayLike) -> TorchTarget:
        return TorchTarget(module, classes, prepare=self.prepare, device=self.device)


def inputs(
    x: Features,
    prepare: Callable[[Features], npt.ArrayLike] | None = None,
    kind: torch.dtype = torch.float32,
) -> Tensor:
    """What a module takes, (records, ...): prepared, or else the features' numbers, floats as `kind`.

    Record after record in memory, however they lay: products round differently by how a matrix lies.

    Raises:
        DataError: features that are not numbers, or that are missing.
    """
    if prepare is not None:
        made = torch.from_numpy(np.array(prepare(x), order="C"))
        return made.to(kind) if made.dtype == torch.float64 else made
    try:
        numbers = np.float64 if kind == torch.float64 else np.float32
        array = (x.to_numpy() if is_table(x) else np.asarray(x)).astype(numbers, order="C")
    except (TypeError, ValueError):  # whose message would show a value
        raise DataError(
            "the records hold columns that are not numbers; say how the module's input is made of them with "
            "TorchRecipe(prepare=...)"
        ) from None
    if not np.isfinite(array).all():
        raise DataError(
            "the records hold missing or infinite values, which a module can't take; fill them, or say how "
            "with TorchRecipe(prepare=...)"
        )
    return torch.from_numpy(array)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
