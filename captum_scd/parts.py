"""Parts of a batch whose examples have as many cells each, and their masks put together again.

Areas, levels, cuts and noise are all taken over the cells of an example; a part knows no others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from captum_scd.composites import DEFAULT_ROWS, Composites
from captum_scd.grid import FeatureMasks, group_counts, make_grid
from captum_scd.masks import FIDOMasks
from captum_scd.scoring import Scoring
from captum_scd.settings import Settings


def alike(inputs: tuple[Tensor, ...], groups: FeatureMasks | None) -> list[Tensor]:
    """Tell which examples have as many cells, (n,) positions each; all where groups are not their own."""
    counts = [0] * len(inputs[0]) if groups is None else group_counts(groups, inputs)
    told = torch.tensor(counts, device=inputs[0].device)
    return [(told == count).nonzero()[:, 0] for count in dict.fromkeys(counts)]


def composites_of(
    inputs: tuple[Tensor, ...],
    filled: list[tuple[Tensor, ...]],
    scoring: Scoring,
    groups: FeatureMasks | None,
    settings: Settings,
    chosen: Tensor,
) -> list[Composites]:
    """Altered copies of the chosen examples under each infill."""
    own = scoring.of(chosen)
    rows = settings.internal_batch_size or DEFAULT_ROWS
    some = tuple(tensor[chosen] for tensor in inputs)
    numbers = None if groups is None else _of(groups, inputs, chosen)
    grid = make_grid(some, settings.mask_size, numbers)
    return [
        Composites(some, tuple(tensor[chosen] for tensor in one), own.query, own, grid, rows)
        for one in filled
    ]


def _of(groups: FeatureMasks, inputs: tuple[Tensor, ...], chosen: Tensor) -> FeatureMasks:
    """Feature masks of the chosen examples, where examples have their own."""
    pairs = zip(groups, inputs, strict=True)
    own = [mask is not None and mask.ndim == x.ndim and len(mask) > 1 for mask, x in pairs]
    return tuple(
        torch.as_tensor(mask, device=chosen.device)[chosen] if apart else mask
        for mask, apart in zip(groups, own, strict=True)
    )


def joined(parts: Sequence[FIDOMasks], rows: Sequence[Tensor]) -> FIDOMasks:
    """Put the masks of parts of a batch together.

    Args:
        parts: masks of some examples each, with settings of the whole batch but for `winner`.
        rows: the positions (n,) of these examples in the batch.
    """
    if len(parts) == 1:
        return parts[0]
    order = torch.cat(list(rows)).argsort()
    places = order.tolist()
    winners = [one for part in parts for one in part.settings["winner"]]
    verdicts = [one for part in parts for one in part.verdict]
    infills = [part.infill for part in parts if part.infill is not None]
    agreements = [part.agreement_cells for part in parts if part.agreement_cells is not None]
    return replace(
        parts[0],
        ssr_cells=_examples([part.ssr_cells for part in parts], order),
        sdr_cells=_examples([part.sdr_cells for part in parts], order),
        infill=_examples(infills, order) if infills else None,
        agreement_cells=_examples(agreements, order) if agreements else None,
        history=_steps([part.history for part in parts], order),
        trajectory=_steps([part.trajectory for part in parts], order),
        settings={**parts[0].settings, "winner": [winners[place] for place in places]},
        verdict=tuple(verdicts[place] for place in places),
        alternatives=tuple(
            joined(one, rows) for one in zip(*(part.alternatives for part in parts), strict=True)
        ),
    )


def _examples(tensors: Sequence[Tensor], order: Tensor) -> Tensor:
    return torch.cat(list(tensors))[order]


def _steps(groups: Sequence[Mapping[str, Tensor]], order: Tensor) -> dict[str, Tensor]:
    return {name: torch.cat([group[name] for group in groups], dim=1)[:, order] for name in groups[0]}
