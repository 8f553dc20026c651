"""The data: twenty points on a parabola."""

POINTS = [(x / 10, 1 + 2 * (x / 10) - 3 * (x / 10) ** 2) for x in range(20)]
