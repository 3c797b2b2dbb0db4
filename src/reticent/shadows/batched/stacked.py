"""Models of one architecture, held as one: every weight stacked (models, ...)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.parameter import is_lazy

from reticent.errors import ModelError


@dataclass(frozen=True, eq=False)
class Stacked:
    """Models of one architecture.

    Attributes:
        build: makes a module of the architecture.
        state: each parameter and buffer by name, stacked (models, ...).
    """

    build: Callable[[], nn.Module]
    state: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.state.values())))

    def module(self, model: int) -> nn.Module:
        """One of the models, on the processor, ready to answer."""
        module = seeded(self.build, 0)
        with torch.no_grad():
            for name, tensor in tensors(module):
                tensor.copy_(self.state[name][model])
        return module.eval()

    @torch.no_grad()
    def logits(self, x: Tensor, *, chunk: int = 1024) -> Tensor:
        """(models, records, classes) what every model answers to records (records, ...), on the processor.

        Args:
            x: the records.
            chunk: how many are asked at a time.
        """
        module = seeded(self.build, 0).eval()
        device = next(iter(self.state.values())).device
        ask = vmap(lambda state, x: functional_call(module, state, (x,)), in_dims=(0, None))
        parts = [ask(dict(self.state), part.to(device)).cpu() for part in torch.split(x, chunk)]
        return torch.cat(parts, 1)


class Stream:
    """One model's random numbers: torch's own generators under a seed, left as they were after each use.

    Args:
        seed: of the first use; each use goes on where the one before stopped.
        device: the device whose generator is meant besides the processor's.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._devices = [device] if device.type == "cuda" else []
        self._states: list[Tensor] = []

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Within this context torch draws from this stream."""
        with torch.random.fork_rng(devices=self._devices):
            if self._states:
                torch.set_rng_state(self._states[0])
                for device, state in zip(self._devices, self._states[1:], strict=True):
                    torch.cuda.set_rng_state(state, device)
            else:
                torch.default_generator.manual_seed(self._seed)
                for device in self._devices:
                    torch.cuda.default_generators[device.index or 0].manual_seed(self._seed)
            yield
            self._states = [torch.get_rng_state(), *(torch.cuda.get_rng_state(d) for d in self._devices)]


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A module made under a seed.

    Raises:
        ModelError: it has lazy layers, whose sizes are not known before a record has gone through.
    """
    with Stream(seed, torch.device("cpu")).drawn():
        module = build()
    if any(is_lazy(tensor) for _, tensor in tensors(module)):
        raise ModelError(
            "the recipe's module has lazy layers, whose sizes are not known yet; give their sizes, or put a "
            "record through it in the function that makes it"
        )
    return module


def initial(build: Callable[[], nn.Module], seeds: Sequence[int], device: torch.device) -> dict[str, Tensor]:
    """Each parameter and buffer by name, stacked (models, ...), as `build` makes them under each seed."""
    models = [dict(tensors(seeded(build, seed))) for seed in seeds]
    return {name: torch.stack([m[name].detach() for m in models]).to(device) for name in models[0]}


def tensors(module: nn.Module) -> chain[tuple[str, Tensor]]:
    """A module's parameters and buffers by name; a weight that is used twice comes once."""
    return chain(module.named_parameters(), module.named_buffers())
