"""Predictions and questions in words, from the summary of an image."""

from captum_scd.cli.classes import Classes
from captum_scd.cli.records import Summary


def predicted_words(summary: Summary, classes: Classes) -> str:
    """Name the class that was predicted, and the explained one where it is another."""
    predicted, target = (classes.label(summary[key]["index"]) for key in ("predicted", "target"))
    return predicted if predicted == target else f"{predicted} (explained: {target})"


def question_words(summary: Summary, classes: Classes) -> str:
    """Say what was asked about an image, and what was predicted where that is another class."""
    target, predicted = summary["target"]["index"], summary["predicted"]
    others = contrast_words(summary, classes)
    title = f"Why {classes.label(target)}"
    title += f" and not {others}?" if others else "?"
    if predicted["index"] == target:
        return title
    return f"{title}   (predicted: {classes.label(predicted['index'])}, {predicted['probability']:.2f})"


def contrast_words(summary: Summary, classes: Classes) -> str:
    """Name the classes that the explained one was contrasted with; empty where there was no contrast."""
    others = summary.get("contrast")
    return classes.labels([other["index"] for other in others]) if others else ""


def title_words(target: int | None, contrast: int | str | None, classes: Classes) -> str:
    """Say what was asked about all images; a target of None stands for what is predicted."""
    why = "Which pixels decide" if target is None else f"Why {classes.label(target)}"
    return f"{why}?" if contrast is None else f"{why}, and not for {rival_words(contrast, classes)}?"


def rival_words(contrast: int | str, classes: Classes) -> str:
    """Name what all images are contrasted with; which classes are nearest is another matter for each."""
    return "its nearest classes" if isinstance(contrast, str) else classes.label(contrast)
