"""Texts recited: found in the training text, not in as much text unseen; nothing where nothing is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.attack import RecitationAttack, TranslatorAttack
from reticent.attacks.memorisation import Divergence, FreeGeneration, RankedGeneration
from reticent.errors import DataError, QueryLimit
from reticent.exhibit import Exhibit
from reticent.identifiers import KINDS
from reticent.measure.estimate import Withheld
from reticent.recitation import Recited
from reticent.recitation_trial import Library, graded

RNG = np.random.default_rng(1)
LETTERS = list("abcdefghijklmnopqrstuvwxyz ")
TEXTS = ["".join(RNG.choice(LETTERS, 80)) for _ in range(40)]
SEEN, UNSEEN = TEXTS[:20], TEXTS[20:]
FREE = FreeGeneration(texts=40, length=60)


@dataclass(frozen=True, kw_only=True)
class Says(RecitationAttack):
    """Says what it is told to, forty times, and then runs out of queries if told so."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "made up"

    texts: tuple[str, ...] = ("nothing",)
    ends: str = ""

    def recite(self, scene):
        if self.ends == "broken":
            raise RuntimeError("broken")
        yield from (Recited(t) for t in self.texts for _ in range(40))
        if self.ends == "spent":
            raise QueryLimit("no more are left")


def test_texts_known_by_heart_are_recited_and_the_control_is_not(remembers):
    (found,) = rt.recite(remembers(SEEN, doubt=1e-5), SEEN, UNSEEN, attacks=[FREE], span=30)
    assert found.outcome == "measured"
    assert isinstance(found.evidence, Exhibit)
    assert found.figure("recited").low > 0.6
    assert found.figure("recited control").value == 0
    assert found.figure("leak").low > 0.6
    assert found.figure("longest").low > 30 > 10 > found.figure("longest control").high
    first = found.exhibit.beside()[0]
    assert (first.figure, first.without) == (found.figure("recited"), found.figure("recited control"))
    assert {len(a) for name, a in found.exhibit.arrays().items() if name != "personal"} == {40}
    assert found.exhibit.strips() == ()
    assert found.cost.queries == 40


def test_a_model_that_knows_nothing_recites_no_more_than_the_control(remembers):
    (found,) = rt.recite(remembers([]), SEEN, UNSEEN, attacks=[FREE], span=4)
    leak = found.figure("leak")
    assert leak.low <= 0 <= leak.high


def test_common_phrases_are_in_the_control_too(remembers):
    """Boilerplate is written, and stands in both: it counts for the control as much."""
    both = [f"{t[:40]} all rights reserved by the owner of this text" for t in TEXTS]
    model = remembers(["all rights reserved by the owner of this text"] * 50, doubt=1e-5)
    (found,) = rt.recite(model, both[:20], both[20:], attacks=[FREE], span=30)
    assert found.figure("recited").value == found.figure("recited control").value > 0.8
    assert found.figure("leak").value == 0


def test_lengths_and_covered_places_are_those_of_a_slow_search():
    library = Library.of(["the cat sat on the mat"], ["a dog lay on the mat!!"])
    found = graded([Recited("my cat sat on the dog"), Recited("")], library, 6)
    assert found.inside.tolist() == [len(" cat sat on the "), 0]
    assert found.outside.tolist() == [len(" on the "), 0]
    assert found.covered.tolist() == [len(" cat sat on the "), 0]
    assert found.covered_outside.tolist() == [len(" on the "), 0]
    assert found.lengths.tolist() == [21, 0]


def test_as_many_characters_of_either_side_are_looked_through():
    library = Library.of(["abcdef", "ghij"], ["0123456"])
    assert library.characters == 7
    found = graded([Recited("ghij")], library, 2)
    assert found.inside.tolist() == [1]


def test_identifiers_are_counted_by_where_they_stand(remembers):
    seen, unseen = [*SEEN, "mail ann@example.org"], [*UNSEEN, "mail bob@example.org or 212-555-0123"]
    said = Says(texts=("ann@example.org eve@example.org", "bob@example.org 2021-02-03"))
    (found,) = rt.recite(remembers([]), seen, unseen[::-1], attacks=[said])
    mails = found.evidence.personal[KINDS.index("e-mail")]
    assert mails.tolist() == [3, 1, 1, 1]
    assert found.evidence.personal[KINDS.index("date")].tolist() == [1, 0, 0, 1]
    assert found.figure("identifiers").value == found.figure("identifiers control").value == 0.25
    assert "e-mail: 1 of 3 from the training text, 1 from the unseen, 1 made up" in found.exhibit.note()
    assert "ann" not in found.exhibit.note()


def test_texts_written_without_the_trick_stand_beside(remembers):
    attack = Divergence(words=("aa",), repeats=5, texts=35, length=40)
    (found,) = rt.recite(remembers(SEEN), SEEN, UNSEEN, attacks=[attack], span=20)
    assert found.evidence.plain.sum() == 35
    assert [b.what for b in found.exhibit.beside()][1] == "the same, without the attack's trick"
    assert found.figure("recited plainly").n == 35


def test_ranking_keeps_what_is_memorised(remembers):
    """A model that often comes off what it knows: the texts ranked first are those where it did not."""
    model = remembers(SEEN, doubt=1e-3)
    free, ranked = rt.recite(
        model,
        SEEN,
        UNSEEN,
        attacks=[
            FreeGeneration(texts=120, length=40, top_k=0),
            RankedGeneration(texts=120, kept=40, length=40, top_k=0, rank="perplexity"),
        ],
        span=25,
    )
    assert ranked.figure("recited").low > free.figure("recited").value


def test_what_was_written_until_the_budget_was_spent_is_graded(remembers):
    model = remembers(SEEN)
    (part,) = rt.recite(model, SEEN, UNSEEN, attacks=[FREE], limit=33, span=30)
    assert len(part.evidence.lengths) == 32
    assert "Cut short: 8 more texts were needed" in part.exhibit.note()
    (none,) = rt.recite(model, SEEN, UNSEEN, attacks=[FREE], limit=3)
    assert (none.outcome, "raise the query limit" in none.reason) == ("refused", True)


def test_what_cannot_be_run_says_why_and_the_others_go_on(remembers):
    attacks = [RankedGeneration(), Says(ends="broken"), Says(texts=(SEEN[0],)), Says(ends="spent")]
    ranked, broken, good, spent = rt.recite(
        remembers([]), SEEN, UNSEEN, attacks=attacks, access=Access.LABELS, span=30
    )
    assert (ranked.outcome, "needs scores of tokens, and labels are granted" in ranked.reason) == (
        "refused",
        True,
    )
    assert (broken.outcome, "RuntimeError: broken" in broken.reason) == ("failed", True)
    assert good.figure("recited").value == 1
    assert len(spent.evidence.lengths) == 40


def test_too_few_texts_and_other_names_give_no_figure(remembers):
    (found,) = rt.recite(remembers([]), SEEN, UNSEEN, attacks=[FreeGeneration(texts=5, length=5)])
    assert isinstance(found.figure("recited"), Withheld)
    assert isinstance(found.figure("identifiers"), Withheld)
    with pytest.raises(ValueError, match="no figure is called 'read'"):
        found.figure("read")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"corpus": []}, "0 characters of training text and 1,600 of unseen text"),
        ({"unseen": ["", ""]}, "0 of unseen text were given; give some of both"),
        ({"prompts": ()}, "prompts of 0 to 0 tokens"),
        ({"prompts": ("", "a" * 300)}, "prompts of 1 to 301 tokens were given, and the model reads 200"),
        ({"corpus": ["x" * 120], "unseen": ["x" * 120]}, "1 of the unseen texts are training texts too"),
    ],
)
def test_bad_input_is_a_sentence(given, said, remembers):
    with pytest.raises(DataError, match=said):
        rt.recite(remembers([]), **{"corpus": SEEN, "unseen": UNSEEN, **given})


def test_tokens_that_do_not_give_the_texts_back_are_told(remembers):
    model = remembers([])
    model.decode = lambda tokens: ""
    with pytest.raises(DataError, match="not what the model's tokens decode to"):
        rt.recite(model, SEEN, UNSEEN)


@dataclass(frozen=True, kw_only=True)
class Asks(TranslatorAttack):
    """Asks the same, forty times."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "made up"

    def recite(self, translator, seed):
        for _ in range(40):
            yield from (Recited(t) for t in translator.translate(["dog " * 5]))


def test_a_translator_that_answers_with_its_training_text_is_found_out():
    class Recites:
        def translate(self, texts):
            return tuple(SEEN[len(t) % 20] for t in texts)

    class Echoes:
        def translate(self, texts):
            return tuple(texts)

    (found,) = rt.recite_translator(Recites(), SEEN, UNSEEN, attacks=[Asks()], span=30)
    assert (found.figure("recited").value, found.figure("recited control").value) == (1, 0)
    assert found.cost.queries == 40
    (silent,) = rt.recite_translator(Echoes(), SEEN, UNSEEN, attacks=[Asks()], span=30)
    assert silent.figure("recited").value == 0
    (part,) = rt.recite_translator(Recites(), SEEN, UNSEEN, limit=70)
    assert len(part.evidence.lengths) == 64


def test_findings_stand_on_a_page_without_any_text(remembers, tmp_path):
    found = rt.recite(remembers(SEEN), SEEN, UNSEEN, attacks=[FREE], span=30)
    page = rt.write_findings(found, tmp_path / "page.html", name="a parrot").read_text()
    assert "free-generation" in page
    assert not any(t[i : i + 12] in page for t in SEEN for i in range(0, 60, 12))
