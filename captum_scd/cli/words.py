"""Predictions and questions in words, from the summary of an image."""

from captum_scd.cli.classes import Classes
from captum_scd.cli.records import Summary


def predicted_words(summary: Summary, classes: Classes) -> str:
    """Name the class that was predicted, and the explained one where it is another."""
    predicted, target = (classes.label(summary[key]["index"]) for key in ("predicted", "target"))
    return predicted if predicted == target else f"{predicted} (explained: {target})"


def question_words(summary: Summary, classes: Classes) -> str:
    """Say what was asked about an image, and what was predicted where that is another class."""
    target, predicted, other = summary["target"]["index"], summary["predicted"], summary.get("contrast")
    title = f"Why {classes.label(target)}"
    title += f" and not {classes.label(other['index'])}?" if other else "?"
    if predicted["index"] == target:
        return title
    return f"{title}   (predicted: {classes.label(predicted['index'])}, {predicted['probability']:.2f})"


def title_words(target: int | None, contrast: int | None, classes: Classes) -> str:
    """Say what was asked about all images; a target of None stands for what is predicted."""
    why = "Which pixels decide" if target is None else f"Why {classes.label(target)}"
    return f"{why}?" if contrast is None else f"{why}, and not for {classes.label(contrast)}?"
