"""Pictures of shapes, and a small detector of them: what detectors are tried on where none is at hand.

Noisy pictures of one to four squares, discs and triangles. Part of the shapes have no box, as happens where
people draw the boxes, so that there is something to learn by heart. The detector has one stage and no
anchors: each cell of a grid says whether a shape's middle lies in it, and where the shape's edges are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

SIDE, CELL = 48, 8
FORGOTTEN = 0.2
"""Share of the shapes that nobody drew a box around."""


def shapes(count: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Images (48, 48) from 0 to 1, and the boxes drawn in each (boxes, 4)."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:SIDE, :SIDE] + 0.5
    images, boxes = [], []
    for _ in range(count):
        image, drawn = rng.normal(0.4, 0.12, (SIDE, SIDE)), []
        for _ in range(rng.integers(1, 5)):
            wide, high = rng.integers(8, 19, 2)
            left, top = rng.integers(0, SIDE - wide), rng.integers(0, SIDE - high)
            x, y = (column - left) / wide, (row - top) / high
            within = (x > 0) & (x < 1) & (y > 0) & (y < 1)
            kind = rng.integers(3)
            if kind == 1:
                within = (2 * x - 1) ** 2 + (2 * y - 1) ** 2 < 1
            elif kind == 2:
                within &= np.abs(2 * x - 1) < y
            image = np.where(within, rng.uniform(0.45, 0.95) + rng.normal(0, 0.1, image.shape), image)
            if rng.random() > FORGOTTEN:
                drawn.append([left, top, left + wide, top + high])
        images.append(np.clip(image, 0, 1))
        boxes.append(np.array(drawn, dtype=float).reshape(-1, 4))
    return images, boxes


class Small(nn.Module):
    """Answers as torchvision's detectors do: a list of images in, a mapping an image out."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for given, made, stride in (
            (1, 16, 2),
            (16, width, 2),
            (width, 2 * width, 2),
            (2 * width, 2 * width, 1),
        ):
            layers += [nn.Conv2d(given, made, 3, stride=stride, padding=1), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Conv2d(2 * width, 5, 1))

    def forward(self, images: Sequence[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        grid = self.net(torch.stack(list(images)))
        scores, boxes = grid[:, 0].sigmoid().flatten(1), edges(grid[:, 1:])
        order = scores.argsort(dim=1, descending=True)
        return [
            {"boxes": b[o], "scores": s[o], "labels": torch.ones(len(o), dtype=torch.int64)}
            for b, s, o in zip(boxes, scores, order, strict=True)
        ]


def edges(grid: torch.Tensor) -> torch.Tensor:
    """(images, cells, 4) boxes from distances of the edges to each cell's middle, on a logarithmic scale."""
    cells = grid.shape[-1]
    middle = (torch.arange(cells) + 0.5) * CELL
    far = CELL * grid.clamp(-4, 2.5).exp()
    x, y = (
        middle[None, None, :].expand(len(grid), cells, cells),
        middle[None, :, None].expand(len(grid), cells, cells),
    )
    boxes = torch.stack([x - far[:, 0], y - far[:, 1], x + far[:, 2], y + far[:, 3]], dim=-1)
    return boxes.flatten(1, 2).clamp(0, SIDE)


class Trained:
    """How a small detector is trained: images, boxes and a seed in, a detector out."""

    def __init__(self, epochs: int, width: int = 32) -> None:
        self.epochs, self.width = epochs, width

    def __call__(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], seed: int) -> Small:
        torch.manual_seed(seed)
        small = Small(self.width)
        given = torch.as_tensor(np.stack(images), dtype=torch.float32)[:, None]
        cells = SIDE // CELL
        there, wanted = torch.zeros(len(images), cells, cells), torch.zeros(len(images), cells, cells, 4)
        for i, drawn in enumerate(boxes):
            for box in np.asarray(drawn):
                at = ((box[:2] + box[2:]) / 2 / CELL).astype(int).clip(0, cells - 1)
                there[i, at[1], at[0]] = 1
                wanted[i, at[1], at[0]] = torch.as_tensor(box)
        adam = torch.optim.Adam(small.parameters(), lr=2e-3)
        for _ in range(self.epochs):
            for part in torch.randperm(len(given)).split(32):
                grid = small.net(given[part])
                found = edges(grid[:, 1:]).reshape(-1, cells, cells, 4)
                is_there = there[part] > 0
                loss = nn.functional.binary_cross_entropy_with_logits(grid[:, 0], there[part])
                if is_there.any():
                    loss = loss + 0.02 * (found[is_there] - wanted[part][is_there]).abs().mean()
                adam.zero_grad()
                loss.backward()
                adam.step()
        return small.eval()
