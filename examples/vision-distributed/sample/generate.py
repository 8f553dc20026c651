"""Makes parts.npz anew: 900 pictures of washers, nuts, plates and brackets as a camera above a belt might see them."""

from pathlib import Path

import numpy as np

SIZE, EACH = 16, 225


def washer(x, y):
    return (np.hypot(x, y) > 0.45) & (np.hypot(x, y) < 0.8)


def nut(x, y):
    far = np.max([np.abs(x * np.cos(turn) + y * np.sin(turn)) for turn in np.pi / 3 * np.arange(3)], axis=0)
    return (far < 0.7) & (np.hypot(x, y) > 0.3)


def plate(x, y):
    return np.maximum(np.abs(x), np.abs(y)) < 0.62


def bracket(x, y):
    return plate(x, y) & ((x < -0.1) | (y < -0.1))


rng = np.random.default_rng(7)
row, column = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
images, labels = [], []
for label, shape in enumerate((washer, nut, plate, bracket)):
    for _ in range(EACH):
        turn, scale, lamp = rng.uniform(-0.4, 0.4), rng.uniform(0.75, 1.15), rng.uniform(0, 2 * np.pi)
        x, y = (column - rng.uniform(-0.2, 0.2)) / scale, (row - rng.uniform(-0.2, 0.2)) / scale
        part = shape(x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn))
        light = 0.35 + 0.15 * (column * np.cos(lamp) + row * np.sin(lamp))
        seen = light + part * rng.uniform(0.25, 0.5) + rng.normal(0, 0.07, part.shape)
        images.append(np.clip(np.round(seen * 16), 0, 15).astype(np.uint8) * 17)
        labels.append(label)
order = rng.permutation(len(images))
np.savez_compressed(
    Path(__file__).with_name("parts.npz"),
    images=np.array(images)[order],
    labels=np.array(labels, dtype=np.uint8)[order],
    names=np.array(["washer", "nut", "plate", "bracket"]),
)
