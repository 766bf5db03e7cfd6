"""Which cells of a style make up a picture: each shows what is wanted and fits those beside it.

Cells chosen one by one are blotches. A picture holds together where two cells that lie side by side
did so in a picture of the style as well, or could have (image analogies, Hertzmann et al. 2001;
Ashikhmin 2001). Seams are lessened by iterated conditional modes, on the fields of one colour of a
chessboard at a time, as those have no common seam.
"""

from __future__ import annotations

import torch
from torch import Tensor

SEAM_WEIGHT = 0.015  # of latents, beside descriptions
N_CANDIDATES = 64  # cells that show nearly what is wanted
N_SWEEPS = 6
_STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))
_BACK = (1, 0, 3, 2)  # the opposite of each step


def arrange(costs: Tensor, cells: Tensor, side: int) -> Tensor:
    """costs (side², n) of each of the palette's cells (n, C) in each place → a cell each, (side²,).

    The palette's cells come picture by picture, each of side² cells, row by row.
    """
    best = costs.topk(min(N_CANDIDATES, costs.shape[1]), largest=False).indices
    in_palette, in_picture = _beside(len(cells), side), _beside(side**2, side)
    chosen = best[:, 0].clone()
    colours = [
        torch.tensor([i for i in range(side**2) if (i // side + i % side) % 2 == colour])
        for colour in (0, 1)
    ]
    for _ in range(N_SWEEPS):
        for places in colours:
            beside = in_picture[:, places]  # (4, P), −1 outside
            neighbours = chosen[beside.clamp(min=0)]
            # What lies beside the neighbours in their own pictures makes no seam with them.
            follows = torch.stack([in_palette[back][y] for back, y in zip(_BACK, neighbours)])
            follows = torch.where((beside >= 0) & (follows >= 0), follows, chosen[places])
            tried = torch.cat([best[places], chosen[places][:, None], follows.t()], dim=1)
            total = costs[places[:, None], tried]
            for k, back in enumerate(_BACK):
                y, wanted = neighbours[k], cells[neighbours[k]]
                there = _or(in_palette[k][tried], tried)
                seam = (cells[there] - wanted[:, None]).square().sum(-1)
                expected = cells[_or(in_palette[back][y], y)]
                seam = seam + (expected[:, None] - cells[tried]).square().sum(-1)
                total = total + SEAM_WEIGHT * seam * (beside[k] >= 0)[:, None]
            chosen[places] = tried.gather(1, total.argmin(1, keepdim=True))[:, 0]
    return chosen


def _or(indices: Tensor, otherwise: Tensor) -> Tensor:
    return torch.where(indices >= 0, indices, otherwise)


def _beside(n_cells: int, side: int) -> Tensor:
    """Of pictures of side² cells the cell one step further, −1 outside: (4, n_cells)."""
    cell = torch.arange(n_cells)
    row, column = cell // side % side, cell % side
    steps = []
    for down, right in _STEPS:
        is_inside = (0 <= row + down) & (row + down < side)
        is_inside &= (0 <= column + right) & (column + right < side)
        steps.append(torch.where(is_inside, cell + down * side + right, -1))
    return torch.stack(steps)
