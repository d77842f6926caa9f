"""Fits the weights of strength on made-up histories: ``python -m system.play.ties.fitting`` writes both files anew.

Needs scikit-learn (the extra `fit`); nothing else does. Owns what is said of a fit: which data, discrimination (AUC),
calibration. `slope` says how far weights are from the optimum of that data without fitting again.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from system.play.ties.histories import NOW_US, SORTS, Histories, histories
from system.play.ties.strength import (
    FOLDER,
    MUTUAL_MAX,
    TERMS,
    VERSION,
    Floats,
    Weights,
    chance,
    exponents,
    features,
)

SEED, PAIRS = 2016, 40_000
HELD_OUT = 2017
"""Seed of the histories on which the quality is measured."""
PENALTY = 1.0
"""Inverse strength of the L2 penalty, C of scikit-learn; none on the bias."""
DIGITS = 6
CAP = 2.0
"""Most that a festival's terms may add, unless the other terms leave less room."""


def fit(seed: int = SEED, pairs: int = PAIRS) -> Weights:
    """The weights of greatest likelihood, rounded. Raises ImportError without scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    made = histories(seed, pairs)
    _, found = features(made.ties, NOW_US)
    model = LogisticRegression(C=PENALTY, tol=1e-10, max_iter=10_000).fit(found, made.met)
    bias, terms = float(model.intercept_[0]), [float(weight) for weight in model.coef_[0]]
    room = -bias - terms[TERMS.index("mutual")] * float(np.log1p(MUTUAL_MAX))
    cap = round(min(CAP, room - 0.1), 2)
    return Weights(VERSION, round(bias, DIGITS), tuple(round(weight, DIGITS) for weight in terms), cap)


def slope(given: Weights, made: Histories) -> float:
    """How steep the penalised likelihood still is at these weights, per pair and in its steepest direction: 0 at the
    optimum, which a logistic regression has once. The cap is left out, as in the fit.
    """
    _, found = features(made.ties, NOW_US)
    error = made.met - chance(given.bias + found @ np.array(given.terms))
    along = np.append(error @ found - np.array(given.terms) / PENALTY, error.sum())
    return float(np.abs(along).max() / len(error))


def auc(score: Floats, met: Any) -> float:
    """The chance that a pair that met has a higher score than one that did not; ties count half."""
    order = np.argsort(score, kind="stable")
    _, start, counts = np.unique(score[order], return_index=True, return_counts=True)
    ranks = np.empty(len(score))
    ranks[order] = np.repeat(start + (counts + 1) / 2, counts)
    positive = int(met.sum())
    return float((ranks[met].sum() - positive * (positive + 1) / 2) / (positive * (len(score) - positive)))


def quality(given: Weights, made: Histories) -> dict[str, Any]:
    """AUC and calibration of the scores as they are used, cap and all: tenths of the scale, predicted and seen."""
    _, found = features(made.ties, NOW_US)
    predicted = chance(given.bias + exponents(given, found).sum(axis=1))
    tenth = np.minimum((predicted * 10).astype(int), 9)
    table = [
        {
            "pairs": int((tenth == k).sum()),
            "predicted": round(float(predicted[tenth == k].mean()), 4),
            "seen": round(float(made.met[tenth == k].mean()), 4),
        }
        for k in range(10) if (tenth == k).any()
    ]  # fmt: skip
    off = sum(row["pairs"] * abs(row["predicted"] - row["seen"]) for row in table) / len(predicted)
    return {
        "auc": round(auc(predicted, made.met), 4),
        "brier": round(float(((predicted - made.met) ** 2).mean()), 4),
        "calibration_error": round(off, 4),
        "calibration": table,
    }


def main() -> None:
    """Writes `weights/VERSION.json` and, beside it, how good the fit is."""
    import sklearn

    given = fit()
    terms = dict(zip(TERMS, given.terms, strict=True))
    document = {"version": VERSION, "bias": given.bias, "festival_cap": given.festival_cap, "terms": terms}
    about = {
        "version": VERSION,
        "data": f"made-up histories (histories.py): {PAIRS} pairs of {len(SORTS)} sorts, seed {SEED}",
        "asked": "will the two have to do with each other in the next week, a festival's plays left out?",
        "with": f"scikit-learn {sklearn.__version__}, LogisticRegression(C={PENALTY})",
        "measured_on": f"as many pairs of seed {HELD_OUT}",
        **quality(given, histories(HELD_OUT, PAIRS)),
    }
    (FOLDER / f"{VERSION}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (FOLDER / f"{VERSION}.fit.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
