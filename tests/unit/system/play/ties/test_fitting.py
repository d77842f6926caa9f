"""The fit itself, with scikit-learn: it gives the committed weights again, and beside them how good they are.

`test_strength.py` holds without scikit-learn that the committed weights are the optimum of their data.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from system.play.ties import fitting
from system.play.ties.strength import FOLDER, VERSION

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None,
    reason="scikit-learn is not installed, which nothing else needs; `.venv/bin/pip install -e '.[fit]'` brings it",
)


def test_the_command_writes_the_committed_weights_and_their_quality_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last of the six digits that are kept; the version of scikit-learn is told, and may be another."""
    monkeypatch.setattr(fitting, "FOLDER", tmp_path)
    fitting.main()
    for name in (f"{VERSION}.json", f"{VERSION}.fit.json"):
        made, committed = (json.loads((folder / name).read_text()) for folder in (tmp_path, FOLDER))
        libraries = [each.pop("with", "scikit-learn ").startswith("scikit-learn ") for each in (made, committed)]
        assert libraries == [True, True]
        assert made == committed
    assert made["auc"] > 0.8
    assert made["calibration_error"] < 0.05
