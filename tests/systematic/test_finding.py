"""What is planted is named, and nothing is where there is nothing."""

import pytest
import torch
from cases import CLASSES, cases, spot

from captum_scd.systematic import Case, find
from captum_scd.systematic.evidence import OFF, UNUSUAL, WRONG


def told(found):
    return [
        (group.explained, group.number, [one.kind for one in group.evidence]) for group in found.suspicious
    ]


def _in_class_2(k):
    return k % CLASSES == 2


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_named_where_there_is_nothing(seed):
    wrong = torch.rand(80, generator=torch.Generator().manual_seed(seed)) < 0.3
    shares = torch.rand(80, generator=torch.Generator().manual_seed(seed + 100))
    made = cases(
        80, seed, on=lambda k: 0.3 + 0.7 * shares[k].item(),
        label=lambda k: (k + int(wrong[k])) % CLASSES,
    )  # fmt: skip
    assert find(made).suspicious == []


def test_a_class_that_looks_into_a_corner_is_named():
    made = cases(label=lambda k: None)
    made = [Case(one.key, spot(0.05, 0.05), 2, 2) if _in_class_2(k) else one for k, one in enumerate(made)]
    found = find(made)
    assert told(found) == [(2, 0, [UNUSUAL])]
    (group,) = found.suspicious
    assert group.evidence[0].count == len(group) == 15
    assert group.evidence[0].p == pytest.approx(0.5**15)
    assert group.evidence[0].corrected == pytest.approx(0.5**15 * found.questions)
    assert group.elsewhere == 1
    assert group.centre == pytest.approx((3 / 28, 3 / 28), abs=0.01)


def test_a_class_that_looks_off_the_object_is_named():
    found = find(cases(on=lambda k: 0.1 if _in_class_2(k) else 0.9))
    assert told(found) == [(2, 0, [OFF])]
    assert found.suspicious[0].on == pytest.approx(0.1)


def _apart(count, alike):
    """Features of cases that look like anything, but for some that look like each other."""
    plain = cases(count)
    return lambda k: 9.0 + 0.1 * plain[k].features if alike(k) else plain[k].features


def test_some_of_a_class_that_look_off_the_object_are_named_as_a_group():
    """Fifteen of 45 show a card: they look alike, and the network looks at nothing else in them."""

    def carded(k):
        return _in_class_2(k) and k % 3 == 0

    found = find(cases(180, on=lambda k: 0.1 if carded(k) else 0.9, features=_apart(180, carded)))
    assert told(found) == [(2, 2, [OFF])]
    (group,) = found.suspicious
    assert {case.key for case in group.cases} == {f"image {k}" for k in range(180) if carded(k)}
    assert group.likeness < 0.1


def test_a_group_that_holds_a_classs_errors_is_named():
    """Of 30 images that are called 2, 10 look alike under their masks, and these are of other classes."""

    def drawn(k):
        return _in_class_2(k) and k % 3 == 0

    made = cases(120, label=lambda k: (k // 12) % 2 if drawn(k) else k % CLASSES, features=_apart(120, drawn))
    found = find(made)
    assert told(found) == [(2, 2, [WRONG])]
    (group,) = found.suspicious
    assert group.labels == {0: 5, 1: 5}
    assert group.error_rate == 1
    (evidence,) = group.evidence
    assert (evidence.count, evidence.of, evidence.expected) == (10, 10, pytest.approx(100 / 30))


def test_a_card_that_every_class_has_is_not_found_without_the_object():
    """A limit that the docstring names."""
    made = [Case(one.key, spot(0.05, 0.05), one.explained, one.predicted) for one in cases()]
    assert find(made).suspicious == []
    with_object = [Case(one.key, one.look, one.explained, one.predicted, on=0.0) for one in made]
    assert [group.explained for group in find(with_object).suspicious] == [0, 1, 2, 3]


def test_images_most_like_the_others_come_first():
    made = cases()
    (group, *_) = find(made).groups
    middle = torch.stack([case.features for case in group.cases]).mean(0)
    assert len(group) == 15
    assert group.rows[0] % CLASSES == 0
    assert all(made[row] is case for row, case in zip(group.rows, group.cases, strict=True))
    assert (group.cases[0].features - middle).norm() < (group.cases[-1].features - middle).norm()


def test_little_is_known_of_little():
    assert find([]).groups == ()
    (group,) = find([Case("a", torch.zeros(28, 28), 0, 0)]).groups
    known = (group.error_rate, group.on, group.elsewhere, group.likeness, group.centre, group.probability)
    assert known == (None,) * 6
    assert group.labels == {}


def test_few_images_are_asked_nothing():
    assert find(cases(16, on=lambda k: 0.0)).questions == 0


def test_what_is_asked_for_is_checked():
    with pytest.raises(ValueError, match="different keys"):
        find([*cases(4), *cases(4)])
    for alpha in (0, 1, float("nan")):
        with pytest.raises(ValueError, match="`alpha`"):
            find([], alpha=alpha)
    with pytest.raises(ValueError, match="`seed`"):
        find([], seed=-1)
    with pytest.raises(ValueError, match="`on`"):
        Case("a", torch.zeros(2, 2), 0, 0, on=1.5)
    with pytest.raises(ValueError, match="`look`"):
        Case("a", torch.full((2, 2), -1.0), 0, 0)
