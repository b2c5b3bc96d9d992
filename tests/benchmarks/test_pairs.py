"""Pairs of birds: which are asked about, and what the table says of their records."""

from pathlib import Path

import pytest
import torch
from models import Colours, spotted
from pairs import OTHER, SAME, measure, photos, table, told

from captum_scd.pairs import explain_pair


def test_pairs_are_of_one_species_but_for_each_fourth(tmp_path: Path) -> None:
    for species in "abcd":
        (tmp_path / "birds" / species).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "birds" / species / f"{number}.jpg").touch()
    pairs = photos(tmp_path, 4)
    assert [kind for kind, *_ in pairs] == [SAME, SAME, SAME, OTHER]
    assert [(one.parent.name, other.parent.name) for _, one, other in pairs] == [
        *zip("abcd", "abca", strict=True)
    ]
    assert all(one != other for _, one, other in pairs)


def test_what_is_measured_of_fido_is_what_the_pair_says() -> None:
    images = torch.stack([spotted(224, red=(20, 40)), spotted(224, red=(160, 30))])
    pair = explain_pair(Colours().eval(), *images, n_iterations=2, n_restarts=1, mask_size=8)
    for row, record in enumerate(measure(Colours().eval(), images, pair)):
        kept, left = record["methods"]["FIDO"]
        assert kept == pytest.approx(pair.similarity["ssr"][row].item(), abs=1e-4)
        assert left == pytest.approx(pair.similarity["sdr"][row].item(), abs=1e-4)
        assert list(record["methods"]) == ["FIDO", "input x gradient", "the same elsewhere"]


def test_shares_go_from_the_infill_to_the_whole_image() -> None:
    record = {
        "image": 0.6,
        "infill": 0.2,
        "both": 0.5,
        "ssr_area": 0.1,
        "sdr_area": 0.3,
        "verdict": "trustworthy",
    }
    records = [{**record, "methods": {"FIDO": (0.5, 0.45)}}, {**record, "methods": {"FIDO": (0.7, 0.05)}}]
    assert "| FIDO | 0.600 | 1.000 | 0.250 | 0.125 | 1 of 2 |" in table(records)
    assert "2 of 2 trustworthy" in told(records)
