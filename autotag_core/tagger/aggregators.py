"""From the features of a GIF's frames to one vector: by their mean, or by a small network that sees their order.

Every sequence network takes (n, t, d) with a mask (n, t) and gives (n, e). A masked frame never changes its output.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from autotag_core.tagger.experiment import Aggregator

WIDTH = 128
"""Numbers of a projected frame and of the aggregated vector: as many as the temporal expert projects frames to."""
SEGMENTS = 8
"""Stretches of a GIF that `mlp` sees beside each other, as many as the temporal expert relates."""
HEADS, LAYERS = 4, 2


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean (n, d) over the frames of values (n, t, d) that are there; 0 where none is."""
    weights = mask.to(values.dtype)[..., None]
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def frames_first(values: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same with the frames that are there in front, in their order; the others are zeros."""
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
    moved = values.gather(1, order[..., None].expand_as(values))
    there = mask.gather(1, order)
    return moved * there[..., None], there


def time_positions(mask: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines (n, t, width) of each frame's place, 0 for the first and 1 for the last that is there."""
    place = (mask.cumsum(dim=1) - 1).clamp(min=0).float()
    place = place / (mask.sum(dim=1, keepdim=True) - 1).clamp(min=1)
    rates = math.pi * 2.0 ** torch.arange(width // 2, device=mask.device).remainder(8)
    angles = place[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class SegmentsMlp(nn.Module):
    """A perceptron over the frames of SEGMENTS equal stretches beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(SEGMENTS * WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, t, WIDTH) -> (n, WIDTH): the middle frame of each stretch; frames repeat where there are few."""
        values, mask = frames_first(values, mask)
        num = mask.sum(dim=1, keepdim=True)
        chosen = (2 * torch.arange(SEGMENTS, device=mask.device) + 1) * num // (2 * SEGMENTS)
        picked = values.gather(1, chosen[..., None].expand(-1, -1, values.shape[-1]))
        return self.layers(picked.flatten(1)).relu()


class Convolution(nn.Module):
    """Two convolutions over time, then the greatest and the mean answer of each filter."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.second = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.out = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, t, WIDTH) -> (n, WIDTH)."""
        values, mask = frames_first(values, mask)
        there = mask[:, None].to(values.dtype)
        hidden = self.first(values.transpose(1, 2)).relu() * there
        hidden = self.second(hidden).relu() * there  # (n, WIDTH, t), 0 or more: the maximum ignores what is masked
        pooled = torch.cat([hidden.amax(dim=2), masked_mean(hidden.transpose(1, 2), mask)], dim=1)
        return self.out(pooled).relu()


class Recurrent(nn.Module):
    """A gated recurrent network that reads the frames in both directions; the mean of what it holds at each."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = nn.GRU(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, t, WIDTH) -> (n, WIDTH)."""
        values, mask = frames_first(values, mask)
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        read, _ = nn.utils.rnn.pad_packed_sequence(
            self.reader(packed)[0], batch_first=True, total_length=values.shape[1]
        )
        return masked_mean(read, mask)


class Attention(nn.Module):
    """A transformer over the frames with their places in time, then the mean."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, 0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(n, t, WIDTH) -> (n, WIDTH)."""
        values, mask = frames_first(values, mask)
        values = values + time_positions(mask, WIDTH)
        seen = mask | ~mask.any(dim=1, keepdim=True)  # a GIF without frames attends to zeros instead of to nothing
        return masked_mean(self.layers(values, src_key_padding_mask=~seen), mask)


SEQUENCES: dict[Aggregator, type[nn.Module]] = {
    "mlp": SegmentsMlp,
    "conv1d": Convolution,
    "gru": Recurrent,
    "transformer": Attention,
}


class FrameProjection(nn.Module):
    """How a frame differs from its GIF's mean, projected to WIDTH numbers. It starts at the main axes of train GIFs."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dimension, WIDTH)

    def forward(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Frames (n, t, d), each of length 1 -> (n, t, WIDTH)."""
        return self.linear((frames - masked_mean(frames, mask)[:, None]) * mask[..., None])

    @torch.no_grad()
    def start_from(self, features: torch.Tensor, mask: torch.Tensor) -> None:
        """Set the projection to the first principal axes of these frames' deviations, to numbers of mean square 1."""
        frames = functional.normalize(features.float(), dim=-1)
        deviations = (frames - masked_mean(frames, mask)[:, None])[mask].double()
        values, axes = torch.linalg.eigh(deviations.T @ deviations / max(1, len(deviations)))
        axes, values = axes.flip(1)[:, :WIDTH], values.flip(0)[:WIDTH]
        axes = axes * axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
        scale = values.clamp(min=0).mean().sqrt().clamp(min=1e-6)
        self.linear.weight.zero_()
        self.linear.weight[: axes.shape[1]] = (axes / scale).T.float()
        self.linear.bias.zero_()
