"""Where labels could have been seen: rectangles and polygons, with what an edge hides of a pair.

The translation correction of a pair is the area of the window over that of the window cut by itself
moved by the pair (Ohser 1983); the isotropic one is the circumference of the circle around the
first label through the second over the part of it inside the window (Ripley 1976, DOI
10.2307/3212829).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from sidestep.features.errors import InputError

#: A pair counts no more than this often, as in spatstat.
_MOST = 100.0
#: Circles that are worked on at once.
_CHUNK = 500_000
#: Points along the longer side of the raster of a polygon.
_RASTER = 256
_FINER = 4


@dataclass(frozen=True, eq=False)
class Window:
    """A polygon without holes, in the unit of its labels.

    Attributes
    ----------
    corners : numpy.ndarray
        (n, 2), counter-clockwise, the first one not repeated.
    """

    corners: np.ndarray = field(repr=False)

    @classmethod
    def rectangle(cls, xmin: float, xmax: float, ymin: float, ymax: float) -> Self:
        """A rectangle along the axes.

        Raises
        ------
        InputError
            If it has no area.
        """
        if not (xmax > xmin and ymax > ymin):
            raise InputError(
                f"the window from x {xmin:g} to {xmax:g} and y {ymin:g} to {ymax:g} has no area; "
                "give the lower end first"
            )
        return cls(np.array([(xmin, ymin), (xmax, ymin), (xmax, ymax), (xmin, ymax)], float))

    @classmethod
    def polygon(cls, corners: Sequence[Sequence[float]] | np.ndarray) -> Self:
        """A polygon by its corners, in either direction.

        Raises
        ------
        InputError
            If it has fewer than three corners or no area, or its sides cross.
        """
        points = np.asarray(corners, float).reshape(-1, 2)
        if len(points) > 1 and np.array_equal(points[0], points[-1]):
            points = points[:-1]
        if len(points) < 3:
            raise InputError(f"a window of {len(points)} corners has no area; give at least three")
        area = _signed_area(points)
        if area == 0 or not np.isfinite(area):
            raise InputError("the window has no area; its corners lie on a line")
        if _crosses_itself(points):
            raise InputError("sides of the window cross each other; list its corners in order")
        return cls(points if area > 0 else points[::-1].copy())

    @classmethod
    def around(cls, points: np.ndarray, *, hull: bool = False) -> Self:
        """The extent of labels, or their convex hull, enlarged as Ripley and Rasson (1977) do.

        The area that labels span is smaller than the one they come from; for the hull of n labels
        of which h lie on it by 1 - h / n (DOI 10.2307/3213451), for an extent by (n - 1) / (n + 1)
        on each side.

        Raises
        ------
        InputError
            If the labels lie on a line.
        """
        count = len(points)
        if not hull:
            low, high = points.min(axis=0), points.max(axis=0)
            more = (high - low) / max(count - 1, 1)
            low, high = low - more, high + more
            return cls.rectangle(low[0], high[0], low[1], high[1])
        try:
            corners = points[ConvexHull(points).vertices]
        except (QhullError, ValueError) as error:
            raise InputError("the labels lie on a line, and span no window") from error
        scale = np.sqrt(1 / (1 - min(len(corners) / count, 0.5)))
        centre = _centroid(corners)
        return cls.polygon(centre + scale * (corners - centre))

    @cached_property
    def is_rectangle(self) -> bool:
        """Whether it is a rectangle along the axes."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        ends = ((self.corners == low) | (self.corners == high)).all()
        return len(self.corners) == 4 and bool(ends)

    @cached_property
    def area(self) -> float:
        """In the square of the unit."""
        return _signed_area(self.corners)

    @cached_property
    def sides(self) -> np.ndarray:
        """Width and height of its extent."""
        extent: np.ndarray = np.ptp(self.corners, axis=0)
        return extent

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which points lie inside or on the border, bool."""
        if self.is_rectangle:
            low, high = self.corners.min(axis=0), self.corners.max(axis=0)
            return np.asarray(((points >= low) & (points <= high)).all(axis=1))
        start, end = self.corners, np.roll(self.corners, -1, axis=0)
        inside = np.zeros(len(points), bool)
        near = self.distance(points) <= 1e-9 * self.sides.max()
        for (x0, y0), (x1, y1) in zip(start, end, strict=True):
            if y0 == y1:
                continue
            spans = (y0 > points[:, 1]) != (y1 > points[:, 1])
            inside ^= spans & (points[:, 0] < x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0))
        return np.asarray(inside | near)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance of points to the nearest side."""
        least = np.full(len(points), np.inf)
        for start, end in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            along = end - start
            share = np.clip((points - start) @ along / (along @ along), 0, 1)
            gap = points - start - share[:, None] * along
            least = np.minimum(least, np.hypot(gap[:, 0], gap[:, 1]))
        return least

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Labels thrown at random, (count, 2)."""
        low = self.corners.min(axis=0)
        if self.is_rectangle:
            return np.asarray(low + rng.random((count, 2)) * self.sides)
        kept = np.empty((0, 2))
        share = self.area / float(np.prod(self.sides))
        while len(kept) < count:
            tried = low + rng.random((int((count - len(kept)) / share * 1.2) + 8, 2)) * self.sides
            kept = np.concatenate([kept, tried[self.holds(tried)]])
        return kept[:count]

    def translation_weights(self, moved: np.ndarray) -> np.ndarray:
        """Of pairs that lie `moved` (n, 2) apart; the same in both directions."""
        if self.is_rectangle:
            overlap = np.prod(np.clip(self.sides - np.abs(moved), 0, None), axis=1)
        else:
            overlap = self._covariance(moved)
        with np.errstate(divide="ignore"):
            return np.asarray(np.minimum(self.area / overlap, _MOST))

    def isotropic_weights(
        self, centres: np.ndarray, radii: np.ndarray, border: np.ndarray | None = None
    ) -> np.ndarray:
        """Of circles around `centres` (n, 2): what of their circumference lies inside, inverted.

        `border` are the distances of the centres, where they are known already.
        """
        weights = np.ones(len(radii))
        cut = np.flatnonzero((self.distance(centres) if border is None else border) < radii)
        for first in range(0, len(cut), _CHUNK):
            part = cut[first : first + _CHUNK]
            angle = self._angle_inside(centres[part], radii[part])
            weights[part] = np.minimum(2 * np.pi / np.maximum(angle, 1e-12), _MOST)
        return weights

    def _angle_inside(self, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """Angle of each circle inside: where it leaves less where it enters, modulo a turn.

        The interior lies left of each side. Walking a circle counter-clockwise, it comes in where
        the side points outward from its centre, and leaves where it points inward.
        """
        total, crossed = np.zeros(len(radii)), np.zeros(len(radii), bool)
        for start, end in zip(self.corners, np.roll(self.corners, -1, axis=0), strict=True):
            length = float(np.hypot(*(end - start)))
            ux, uy = (end - start) / length
            x, y = start[0] - centres[:, 0], start[1] - centres[:, 1]
            gap = x * uy - y * ux
            hit = np.flatnonzero(np.abs(gap) < radii)
            gap, foot = gap[hit], -(x[hit] * ux + y[hit] * uy)
            half = np.sqrt(radii[hit] ** 2 - gap**2)
            # The foot of the centre on the side lies at this angle; the side runs a quarter on.
            towards = np.where(gap >= 0, 1.0, -1.0)
            facing = np.arctan2(-towards * ux, towards * uy)
            turn = np.arctan2(half, np.abs(gap))
            for sign in (-1.0, 1.0):
                at = foot + sign * half
                meets = (at >= 0) & (at < length)
                # Beyond the foot the side points outward: there the circle comes in.
                theta = facing + sign * towards * turn
                total[hit] += np.where(meets, -sign * theta, 0.0)
                crossed[hit[meets]] = True
        angle = np.mod(total, 2 * np.pi)
        return np.where(crossed, angle, 2 * np.pi)

    @cached_property
    def _raster(self) -> tuple[np.ndarray, float]:
        """Set covariance on a grid of moves, zero move first, and the grid's step."""
        step = float(self.sides.max()) / _RASTER
        counts = np.ceil(self.sides / step).astype(int)
        cover = _cover(self.corners, self.corners.min(axis=0), counts, step)
        size = tuple(2 * int(n) for n in counts)
        power = np.abs(np.fft.rfft2(cover, size)) ** 2
        covariance = np.fft.irfft2(power, size) * step**2
        covariance[0, 0] = self.area  # where cells that are covered in part tell too little
        return covariance, step

    def _covariance(self, moved: np.ndarray) -> np.ndarray:
        table, step = self._raster
        at = moved / step
        low = np.floor(at).astype(int)
        share = at - low
        total = np.zeros(len(moved))
        for right in (0, 1):
            for up in (0, 1):
                weight = np.abs(1 - right - share[:, 0]) * np.abs(1 - up - share[:, 1])
                rows = (low[:, 0] + right) % table.shape[0]
                total += weight * table[rows, (low[:, 1] + up) % table.shape[1]]
        return total


def _signed_area(points: np.ndarray) -> float:
    x, y = (points - points[0]).T
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))


def _centroid(points: np.ndarray) -> np.ndarray:
    x, y = (points - points[0]).T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    both = [(c + np.roll(c, -1)) @ cross / (3 * cross.sum()) for c in (x, y)]
    return np.asarray(points[0] + np.array(both))


def _crosses_itself(points: np.ndarray) -> bool:
    """Whether two sides that are no neighbours meet."""
    start, end = points, np.roll(points, -1, axis=0)

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return np.asarray(
            np.sign((b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1])
                    - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0]))
        )  # fmt: skip

    a, b = start[:, None], end[:, None]
    c, d = start[None], end[None]
    meets = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return bool(meets.any())


def _cover(corners: np.ndarray, low: np.ndarray, counts: np.ndarray, step: float) -> np.ndarray:
    """Part of each cell of a grid that a polygon covers, (columns, rows).

    Along x it is exact; along y it is the mean of a few lines. Sides that go up have the interior
    to their left, and those that go down end it.
    """
    lines = low[1] + (np.arange(counts[1] * _FINER) + 0.5) * step / _FINER
    left = low[0] + np.arange(counts[0]) * step
    covered = np.zeros((counts[0], len(lines)))
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = np.searchsorted(lines, [min(y0, y1), max(y0, y1)])
        if first == last:
            continue
        border = x0 + (lines[first:last] - y0) * (x1 - x0) / (y1 - y0)
        part = np.clip((border[None] - left[:, None]) / step, 0, 1)
        covered[:, first:last] += part if y1 > y0 else -part
    return np.asarray(covered.reshape(counts[0], counts[1], _FINER).mean(axis=2))
