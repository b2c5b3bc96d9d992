"""What a benchmark keeps is found again under the same settings, and under no others."""

from pathlib import Path

import pytest
from common import kept


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "values.json"
    assert kept.earlier(file, {"size": 2}) == {}
    kept.keep(file, {"size": 2}, values=[1.5])
    assert kept.earlier(file, {"size": 2})["values"] == [1.5]


def test_other_settings_and_versions_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "values.json"
    kept.keep(file, {"size": 2}, values=[1.5])
    assert kept.earlier(file, {"size": 3}) == {}
    monkeypatch.setattr(kept, "versions", lambda: {"captum_scd": "another"})
    assert kept.earlier(file, {"size": 2}) == {}
