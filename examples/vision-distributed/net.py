"""The network, and the pictures that it sees: what training, evaluation and the served model share."""

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions and a linear layer, from pictures with values between 0 and 1 to one score a kind of part."""

    def __init__(self, size, kinds, width, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * width * (size // 4) ** 2, kinds),
        )

    def forward(self, images):
        # Bright or dim: the shape is what counts.
        spread, mean = torch.std_mean(images, dim=(2, 3), keepdim=True)
        return self.layers((images - mean) / (spread + 0.01))


def part(path, name):
    """Pictures (count x 1 x size x size), their labels, and what the labels mean, of one part of the data."""
    with np.load(path) as data:
        images = torch.from_numpy(data[f"{name}_images"].astype(np.float32) / 255).unsqueeze(1)
        return images, torch.from_numpy(data[f"{name}_labels"].astype(np.int64)), [str(kind) for kind in data["kinds"]]
