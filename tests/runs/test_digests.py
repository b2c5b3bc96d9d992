"""Hashes of files."""

import hashlib
import os
from pathlib import Path

import fsspec
import pytest

from captum_scd.runs import digests
from captum_scd.runs.digests import digest_of


def test_it_is_the_hash_of_the_contents_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "BLOCK", 3)
    (tmp_path / "a").write_bytes(b"0123456789")
    fsspec.filesystem("memory").pipe("/digests/a", b"0123456789")
    expected = hashlib.sha256(b"0123456789").hexdigest()
    places = (tmp_path / "a", (tmp_path / "a").as_uri(), "memory://digests/a")
    assert {digest_of(place) for place in places} == {expected}


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nothing", ""):
        with pytest.raises(OSError, match="Expected a file"):
            digest_of(tmp_path / name)
