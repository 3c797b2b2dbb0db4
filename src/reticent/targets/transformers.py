"""Hugging Face causal language models as targets, from a folder on this machine or as objects.

Weights come in as safetensors, which hold numbers and nothing that could be run; nothing is fetched from
anywhere, and no code of the folder's own is run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from reticent.access import IntArray
from reticent.errors import MissingExtra, ModelError, said
from reticent.targets.text import TextModule

if TYPE_CHECKING:
    from torch import Tensor

LONGEST = 2_048
"""Tokens read at a time by a model that does not say."""


class Logits(nn.Module):
    """The model's logits alone."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """(texts, length) tokens -> (texts, length, vocabulary)."""
        logits: Tensor = self.model(input_ids=tokens).logits
        return logits


def open_transformers(
    model: str | Path | Any, tokenizer: Any = None, *, longest: int | None = None, device: str = "cpu"
) -> TextModule:
    """A causal language model of transformers, ready to be asked.

    Args:
        model: a folder as `save_pretrained` writes it, or a `PreTrainedModel` with a language-model head.
        tokenizer: its tokenizer, or the folder of it; None for the model's folder.
        longest: tokens to read at a time; None for as many as the model's configuration says.
        device: where it answers.

    Raises:
        MissingExtra: transformers is not installed.
        ModelError: no such folder, weights that are no safetensors, no tokenizer, or no causal model.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("transformers", "text") from error
    if isinstance(model, str | Path):
        folder = Path(model)
        tokenizer = folder if tokenizer is None else tokenizer
        if not folder.is_dir() or not list(folder.glob("*.safetensors")):
            raise ModelError(
                f"{str(folder)!r} is no folder with weights as safetensors; write one with "
                "model.save_pretrained(folder)"
            )
        model = _read(
            lambda: transformers.AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
            ),
            folder,
        )
    if isinstance(tokenizer, str | Path):
        folder = Path(tokenizer)
        tokenizer = _read(
            lambda: transformers.AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            ),
            folder,
        )
    if tokenizer is None or not callable(getattr(tokenizer, "decode", None)):
        raise ModelError("no tokenizer was given with the model; give the one that it was trained with")
    vocabulary = getattr(model.get_output_embeddings(), "out_features", 0) if _is_causal(model) else 0
    if not vocabulary:
        raise ModelError(
            f"a {type(model).__name__} was given; give a causal language model with its language-model head"
        )
    most = int(getattr(model.config, "max_position_embeddings", 0) or LONGEST)
    return TextModule(
        module=Logits(model).to(device),
        encode=_encoder(tokenizer),
        decode=_decoder(tokenizer),
        vocabulary=int(vocabulary),
        longest=min(most, longest or most),
        end=tokenizer.eos_token_id,
        device=device,
    )


def _read(read: Callable[[], Any], folder: Path) -> Any:
    """What a folder holds.

    Raises:
        ModelError: it does not read.
    """
    try:
        return read()
    except Exception as error:  # transformers, tokenizers and safetensors have each their own
        raise ModelError(
            f"{str(folder)!r} does not read as a model of transformers ({said(error)}); give a folder as "
            "save_pretrained writes it"
        ) from error


def _is_causal(model: Any) -> bool:
    return callable(getattr(model, "get_output_embeddings", None)) and not getattr(
        model.config, "is_encoder_decoder", False
    )


def _encoder(tokenizer: Any) -> Callable[[str], IntArray]:
    def encode(text: str) -> IntArray:
        tokens = list(tokenizer.encode(text, add_special_tokens=False))
        start = tokenizer.bos_token_id
        return np.array([*([] if start is None else [start]), *tokens], dtype=np.int64)

    return encode


def _decoder(tokenizer: Any) -> Callable[[IntArray], str]:
    def decode(tokens: IntArray) -> str:
        text: str = tokenizer.decode(
            [int(t) for t in tokens], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    return decode
