"""Predictions and questions in words."""

from collections.abc import Sequence

from captum_scd.runs.classes import Classes


def predicted_words(predicted: int, target: int, classes: Classes) -> str:
    """Name the class that was predicted, and the explained one where it is another."""
    name = classes.label(predicted)
    return name if predicted == target else f"{name} (explained: {classes.label(target)})"


def question_words(
    target: int, others: Sequence[int], predicted: int, chance: float, classes: Classes
) -> str:
    """Say what was asked about an image, and what was predicted where that is another class.

    Args:
        target: class that is explained.
        others: classes it is contrasted with.
        predicted: class with the largest probability.
        chance: that probability.
        classes: their names.
    """
    title = f"Why {classes.label(target)}"
    title += f" and not {classes.labels(others)}?" if others else "?"
    if predicted == target:
        return title
    return f"{title}   (predicted: {classes.label(predicted)}, {chance:.2f})"


def title_words(target: int | None, contrast: int | str | None, classes: Classes) -> str:
    """Say what was asked about all images; a target of None stands for what is predicted."""
    why = "Which pixels decide" if target is None else f"Why {classes.label(target)}"
    return f"{why}?" if contrast is None else f"{why}, and not for {rival_words(contrast, classes)}?"


def rival_words(contrast: int | str, classes: Classes) -> str:
    """Name what all images are contrasted with; which classes are nearest is another matter for each."""
    return "its nearest classes" if isinstance(contrast, str) else classes.label(contrast)
