"""Causal models of transformers, from a folder and as objects, made here with weights by chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import reticent as rt
from reticent.access import Access
from reticent.attacks.texts import TextLoss
from reticent.errors import ModelError
from reticent.targets.transformers import open_transformers

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

LINES = ["the cat sat on the mat", "a dog saw the cat", "on the mat sat a dog", "the dog ran"] * 5


def tokenizer(*, special: bool = True):
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    names = ["<s>", "</s>"] if special else []
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=names, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator(LINES, trainer)
    words = {"bos_token": "<s>", "eos_token": "</s>"} if special else {}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **words)


def model(vocabulary: int):
    torch.manual_seed(0)
    shape = {"n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 2}
    config = transformers.GPT2Config(vocab_size=vocabulary, bos_token_id=0, eos_token_id=1, **shape)
    return transformers.GPT2LMHeadModel(config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model")
    words = tokenizer()
    model(len(words)).save_pretrained(path)
    words.save_pretrained(path)
    return path


def test_a_folder_is_opened_and_answers_as_the_model_does(folder):
    opened = open_transformers(folder)
    tokens = opened.encode("the cat saw a dog")
    assert tokens[0] == 0
    assert opened.decode(tokens) == "the cat saw a dog"
    assert opened.access == Access.WEIGHTS
    assert opened.longest == 32
    net = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = net(input_ids=torch.as_tensor(tokens)[None]).logits[0].double()
    expected = logits.log_softmax(1)[torch.arange(len(tokens) - 1), torch.as_tensor(tokens[1:])]
    np.testing.assert_allclose(opened.log_probs([tokens])[0], expected, atol=1e-5)
    (made,) = opened.generate([tokens], length=5, temperature=0)
    told = net.generate(torch.as_tensor(tokens)[None], max_new_tokens=5, do_sample=False, pad_token_id=1)[
        0, len(tokens) :
    ]
    np.testing.assert_array_equal(made, [t for t in told.tolist() if t != 1])


def test_objects_are_taken_as_well_as_a_folder(folder):
    words = tokenizer()
    opened = open_transformers(model(len(words)), words, longest=20)
    assert opened.longest == 20
    assert opened.fingerprint() == open_transformers(model(len(words)), words, longest=20).fingerprint()
    text = "the cat saw a dog"
    np.testing.assert_allclose(
        opened.log_probs([opened.encode(text)])[0],
        open_transformers(folder).log_probs([opened.encode(text)])[0],
        atol=1e-5,
    )


def test_a_tokenizer_without_a_start_puts_nothing_before_a_text():
    words = tokenizer(special=False)
    opened = open_transformers(model(len(words)), words)
    assert opened.decode(opened.encode("the cat")) == "the cat"
    assert opened.end is None


def test_members_are_tried_on_it(folder):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["cat", "dog", "mat", "sat", "ran", "saw"], size=9)) for _ in range(60)]
    found = rt.audit_text(
        open_transformers(folder), members=texts[:30], nonmembers=texts[30:], attacks=[TextLoss()]
    )
    auc = found[0].figure("auc")
    assert auc.low < 0.5 < auc.high


def test_a_folder_that_is_none_or_holds_a_pickle_is_refused(tmp_path, folder):
    with pytest.raises(ModelError, match="no folder with weights as safetensors"):
        open_transformers(tmp_path / "absent")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(ModelError, match="no folder with weights as safetensors"):
        open_transformers(tmp_path)


def test_a_file_cut_short_is_refused(tmp_path, folder):
    for file in folder.iterdir():
        content = file.read_bytes()
        cut = len(content) // 2 if file.suffix == ".safetensors" else len(content)
        (tmp_path / file.name).write_bytes(content[:cut])
    with pytest.raises(ModelError, match="does not read as a model of transformers"):
        open_transformers(tmp_path)


def test_a_model_without_a_tokenizer_is_refused():
    with pytest.raises(ModelError, match="no tokenizer was given"):
        open_transformers(model(50))


def test_a_model_without_its_head_is_refused():
    words = tokenizer()
    with pytest.raises(ModelError, match="give a causal language model"):
        open_transformers(model(len(words)).transformer, words)
