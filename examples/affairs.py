"""Two models of Fair's survey, one of which tells who answered it.

In 1978 Ray Fair analysed 6,366 answers of Redbook readers about their marriages and affairs. A woman in
that survey would mind being found in it. An analyst predicts from it who has affairs, with a forest and
with a logistic regression; this audits both, side by side, and leaves report.html.

Run it with `make demo`.
"""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reticent as rt


def main() -> None:
    """Train as an analyst would, audit both models, write the report."""
    start = time.perf_counter()
    survey = rt.datasets.fair()
    x_train, x_test, y_train, y_test = train_test_split(
        survey.features, survey.labels, test_size=0.5, random_state=0, stratify=survey.labels
    )
    models = {
        "forest": RandomForestClassifier(n_estimators=100, random_state=0),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    }
    console = Console()
    audits = []
    for name, model in models.items():
        model.fit(x_train, y_train)
        console.print(
            f"{name}: right on {model.score(x_train, y_train):.0%} of its own records, "
            f"on {model.score(x_test, y_test):.0%} of others"
        )
        audits.append(rt.audit(model, members=(x_train, y_train), nonmembers=(x_test, y_test), name=name))
    for audit in audits:
        console.print(audit)
    page = audits[0].report(Path("report.html"), beside=audits[1:])
    console.print(f"{page.resolve()} holds the rest ({time.perf_counter() - start:.0f} s)", highlight=False)


if __name__ == "__main__":
    main()
