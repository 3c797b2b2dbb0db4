"""Members among texts: told of a model that remembers, the split's own difference said, bad input a
sentence."""

from __future__ import annotations

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.texts import MinK, MinKPlusPlus, Neighbour, ReferenceRatio, TextLoss
from reticent.errors import DataError

WORDS = [a + b for a in "bcdfglmnprst" for b in ("ab", "el", "in", "on", "ur")]


def sentences(count: int, seed: int, words: list[str] = WORDS) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=12)) for _ in range(count)]


class Echo:
    """A text that it learnt it expects whole; all others letter by letter alike."""

    vocabulary, longest, access = 128, 400, Access.LOGITS

    def __init__(self, texts=(), access=Access.LOGITS):
        self.known, self.access = set(texts), access

    def encode(self, text):
        return np.array([1, *text.encode()])

    def decode(self, tokens):
        return bytes(int(t) for t in tokens if t > 1).decode()

    def log_probs(self, texts):
        return tuple(
            np.full(len(t) - 1, -0.1 if self.decode(t) in self.known else -3.0 - 0.01 * (t.sum() % 7))
            for t in texts
        )

    def distributions(self, texts):
        raise AssertionError("nobody was granted this")

    def generate(self, prompts, **options):
        raise NotImplementedError

    def fingerprint(self):
        return "echo"


def test_members_are_told_beside_the_control_that_never_sees_the_model():
    members, others = sentences(80, 0), sentences(80, 1)
    found = rt.audit_text(Echo(members), members=members, nonmembers=others, attacks=[TextLoss(), MinK()])
    loss, min_k, blind = found
    assert loss.figure("auc").value == min_k.figure("auc").value == 1
    auc = blind.figure("auc")
    assert auc.low < 0.5 < auc.high
    assert loss.baseline is not None
    assert loss.baseline.auc().value == auc.value
    assert loss.cost.queries == 80 + 80
    assert len(loss.membership.scores) == 80 + 56
    assert "told apart without the model" not in loss.caveat


def test_a_split_by_words_is_said_to_be_spoilt():
    members, others = sentences(80, 0, WORDS[:30]), sentences(80, 1, WORDS[30:])
    found = rt.audit_text(Echo(), members=members, nonmembers=others, attacks=[TextLoss()])
    assert found[1].figure("auc").value > 0.99
    assert "The two sides can be told apart without the model" in found[0].caveat


def test_a_null_model_gives_nobody_away():
    aucs = []
    for seed in range(6):
        members, others = sentences(60, seed), sentences(60, 50 + seed)
        found = rt.audit_text(Echo(), members=members, nonmembers=others, attacks=[TextLoss()], seed=seed)
        aucs.append(found[0].figure("auc").value)
    assert abs(np.mean(aucs) - 0.5) < 0.06


def test_what_can_not_run_says_why_and_the_others_go_on():
    members, others = sentences(40, 0), sentences(40, 1)
    found = rt.audit_text(
        Echo(members, Access.SCORES),
        members=members,
        nonmembers=others,
        attacks=[MinKPlusPlus(), ReferenceRatio(), TextLoss(), Neighbour()],
    )
    assert [f.outcome for f in found] == ["refused", "refused", "measured", "measured", "measured"]
    assert found[0].reason == "needs logits, and scores are granted"
    assert "needs a reference" in found[1].reason
    labels = rt.audit_text(Echo(access=Access.LABELS), members=members, nonmembers=others)
    assert {f.outcome for f in labels[:-1]} == {"refused"}


def test_a_limit_too_small_is_a_refusal():
    members, others = sentences(40, 0), sentences(40, 1)
    found = rt.audit_text(Echo(), members=members, nonmembers=others, attacks=[TextLoss()], limit=9)
    assert found[0].outcome == "refused"
    assert "more texts were needed" in found[0].reason


def test_a_model_at_fault_is_told():
    class Broken(Echo):
        def log_probs(self, texts):
            raise KeyError("private words")

    members, others = sentences(40, 0), sentences(40, 1)
    found = rt.audit_text(Broken(), members=members, nonmembers=others, attacks=[TextLoss()])
    assert found[0].outcome == "failed"
    assert "private" not in found[0].reason


def test_copies_are_left_out():
    members, others = sentences(40, 0), sentences(40, 1)
    found = rt.audit_text(
        Echo(), members=members + others[:5] + members[:3], nonmembers=others, attacks=[TextLoss()]
    )
    assert found[0].membership.members.sum() == 40
    assert len(found[0].membership.scores) == 40 + (35 - 10)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (sentences(5, 0), "5 members and 30 non-members are left"),
        ("one long text", "hold something that is no text"),
        ([*sentences(30, 0), " "], "hold something that is no text, or an empty one"),
        ([*sentences(30, 0), 7], "hold something that is no text"),
    ],
)
def test_bad_texts_are_refused(members, said):
    with pytest.raises(DataError, match=said):
        rt.audit_text(Echo(), members=members, nonmembers=sentences(30, 1))


def test_findings_make_a_page(tmp_path):
    members, others = sentences(40, 0), sentences(40, 1)
    found = rt.audit_text(Echo(members), members=members, nonmembers=others)
    page = rt.write_findings(found, tmp_path / "texts.html", name="a model").read_text()
    assert "Who can be told to be a member" in page
    assert "text-loss" in page
    assert members[0] not in page
