"""What fine-tunings betray, measured: beside their mean, or by the attacker's own means alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import reticent as rt
from reticent.attacks.attack import DescendantsAttack
from reticent.attacks.weights import SpectralDetuning
from reticent.descendants import Ancestor, Descendants, Layer
from reticent.descendants_trial import Betrayed
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Estimate, Withheld
from reticent.progress import Quiet


def world(models: int = 4, tensors: int = 4) -> tuple[Any, Any]:
    rng = np.random.default_rng(models)
    base = {f"layer {i}": rng.normal(size=(30, 20)) for i in range(tensors)}
    tuned = [
        {n: w + 0.1 * rng.normal(size=(30, 1)) @ rng.normal(size=(1, 20)) for n, w in base.items()}
        for _ in range(models)
    ]
    return base, tuned


@dataclass(frozen=True, kw_only=True)
class Mean(DescendantsAttack):
    """The mean of the fine-tunings, which is no attack."""

    source: ClassVar[str] = "none"
    throws: bool = False

    def recover(self, descendants: Descendants, seed: int) -> Ancestor:
        if self.throws:
            raise ZeroDivisionError("of all")
        means = {stack.name: stack.values.mean(axis=0) for stack in descendants}
        return Ancestor(means, tuple(Layer(name=name, how="recovered") for name in means))


def test_a_base_that_is_betrayed_is_found_and_its_mean_beside() -> None:
    base, tuned = world()
    made = rt.detune(tuned, base)
    shown = made.finding.exhibit
    assert isinstance(shown, Exhibit)
    error, control = shown.figure("error"), shown.figure("error control")
    assert isinstance(error, Estimate) and isinstance(control, Estimate)
    assert error.high < -28 < -4 < control.low
    mean = [np.square(np.mean([one[n] for one in tuned], axis=0) - base[n]).mean() for n in base]
    assert control.value == pytest.approx(np.log10(mean).mean())
    assert [line.worse for line in shown.beside()] == ["lower"] * 3
    assert "4 tensors were recovered, 0 copied" in shown.note()
    assert "certifies nothing" not in shown.note()
    assert shown.strips() == ()


def test_an_attack_that_is_its_control_reaches_no_more() -> None:
    base, tuned = world()
    shown = rt.detune(tuned, base, attack=Mean()).finding.exhibit
    assert shown.figure("error") == shown.figure("error control")


def test_without_the_base_the_attackers_own_check_stands() -> None:
    _, tuned = world()
    shown = rt.detune(tuned).finding.exhibit
    assert isinstance(shown.figure("error"), Withheld)
    held, mean = shown.figure("held out"), shown.figure("held out control")
    assert isinstance(held, Estimate) and isinstance(mean, Estimate)
    assert held.high < -12 < -2 < mean.low
    assert len(shown.beside()) == 2
    assert "certifies nothing" in shown.note()


def test_three_leave_none_to_hold_out() -> None:
    _, tuned = world(3)
    shown = rt.detune(tuned).finding.exhibit
    assert isinstance(shown.figure("held out"), Withheld)
    assert len(shown.beside()) == 1


def test_the_interval_is_students() -> None:
    errors = np.array([1e-4, 1e-6, 1e-8])
    shown = Betrayed(layers=(), errors=errors, control=errors)
    figure = shown.figure("error")
    assert isinstance(figure, Estimate)
    assert (figure.value, figure.high) == (pytest.approx(-6), pytest.approx(-6 + 4.302653 * 2 / np.sqrt(3)))
    with pytest.raises(ValueError, match="no figure is called 'auc'"):
        shown.figure("auc")
    nought = Betrayed(layers=(), errors=np.zeros(3), control=errors).figure("error")
    assert isinstance(nought, Estimate) and nought.value == -40


def test_few_tensors_withhold_the_figure() -> None:
    base, tuned = world(tensors=2)
    assert "at least 3" in str(rt.detune(tuned, base).finding.exhibit.figure("error"))


def test_refused_and_failed_say_why(tmp_path: Path) -> None:
    same = [{"w": np.ones((9, 9))}] * 3
    made = rt.detune(same)
    assert (made.finding.outcome, made.ancestor) == ("refused", None)
    with pytest.raises(DataError, match="they all agree"):
        made.save(tmp_path / "base.safetensors")
    made = rt.detune(world()[1], attack=Mean(throws=True))
    assert (made.finding.outcome, "ZeroDivisionError" in made.finding.reason) == ("failed", True)


def test_an_audit_of_a_model_says_where_to_run_it(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier

    x, y = np.random.default_rng(0).normal(size=(400, 3)), np.arange(400) % 2
    audit = rt.audit(
        DecisionTreeClassifier(random_state=0).fit(x[:200], y[:200]),
        members=(x[:200], y[:200]),
        nonmembers=(x[200:], y[200:]),
        attacks=[SpectralDetuning()],
        cache=tmp_path,
        progress=Quiet(),
    )
    assert audit["spectral-detuning"].outcome == "refused"
    assert "rt.detune" in audit["spectral-detuning"].reason


def test_a_base_of_another_shape_is_refused() -> None:
    base, tuned = world()
    with pytest.raises(DataError, match="'the base' lacks 1 of the tensors"):
        rt.detune(tuned, {n: w for n, w in base.items() if n != "layer 0"})


def test_the_tensors_are_saved(tmp_path: Path) -> None:
    load_file = pytest.importorskip("safetensors.numpy").load_file
    base, tuned = world()
    back = load_file(rt.detune(tuned).save(tmp_path / "base.safetensors"))
    for name, right in base.items():
        np.testing.assert_allclose(back[name], right, atol=1e-12)


def test_a_page_shows_it(tmp_path: Path) -> None:
    base, tuned = world()
    page = rt.write_findings([rt.detune(tuned, base).finding], tmp_path / "page.html", name="fine-tunings")
    assert "the mean of the fine-tunings" in page.read_text()
