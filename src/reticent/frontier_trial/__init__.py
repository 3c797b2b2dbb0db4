"""Trains a model under each of many defences, attacks every one of them honestly, and sets them side by side.

The checklist of Aerni, Zhang & Tramèr, "Evaluations of Machine Learning Privacy Defenses are Misleading",
CCS 2024, arXiv:2404.17399: canaries chosen for each defence; shadow models through the whole of it; the
strongest of attacks on logit and hinge, on disturbed copies, on labels alone, and on the same question
asked again; parts beside the whole; private training tuned to the same usefulness always among them.
Intervals are by bootstrap over models and canaries.

Models that differ in what becomes of their answers alone are the same models: they are trained once.
"""

from reticent.frontier_trial.layout import FrontierPlan, halves
from reticent.frontier_trial.trial import frontier

__all__ = ["FrontierPlan", "frontier", "halves"]
