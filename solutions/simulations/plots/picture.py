"""A picture with its words, and a figure that a reader can change, as the site reads them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from solutions.simulations.plots.style import look, path_data, svg

MAX_FRAMES = 60

Points = tuple[Sequence[float], Sequence[float]]
"""The x and the y values of one series, in the units of its axes."""


@dataclass(frozen=True)
class Picture:
    """A drawing that doesn't move.

    Attributes:
        name: how a page asks for it, such as "lease".
        title: what it shows, in a few words.
        words: the same in sentences, for readers who don't see it.
        draw: makes the figure; called inside `look`.
    """

    name: str
    title: str
    words: str
    draw: Callable[[], Figure]

    def as_json(self) -> dict[str, Any]:
        """Return what the site needs to put it on a page."""
        with look():
            drawn = svg(self.draw(), self.name)
        return {"name": self.name, "title": self.title, "words": self.words, "svg": drawn}


@dataclass(frozen=True)
class Control:
    """One thing that a reader can change: its label, the texts of its values, and where it stands at first."""

    label: str
    values: tuple[str, ...]
    default: int = 0


@dataclass(frozen=True)
class Guess:
    """The question that comes before the answer: what is asked, in which unit, between which bounds, and the answer.

    The answer is that of the default frame.
    """

    question: str
    unit: str
    low: float
    high: float
    answer: float


@dataclass(frozen=True)
class Frame:
    """One state of a figure: the points of each series, and a sentence that says what can be seen."""

    series: Mapping[str, Points]
    words: str


@dataclass(frozen=True)
class Changeable:
    """A figure whose frames are worked out when the site is built.

    Attributes:
        name: how a page asks for it.
        title: what it shows, in a few words.
        chosen: which numbers were chosen for it, and why.
        guess: what a reader is asked first.
        controls: at most three, of which a reader moves two and chooses the third.
        frame: returns the frame for one index into each control's values.
        draw: makes the axes, and draws the series of the default frame with `gid="series-…"`.
    """

    name: str
    title: str
    chosen: str
    guess: Guess
    controls: tuple[Control, ...]
    frame: Callable[..., Frame]
    draw: Callable[[Frame], tuple[Figure, Axes]]

    @property
    def default(self) -> tuple[int, ...]:
        """Where the controls stand at first."""
        return tuple(control.default for control in self.controls)

    def frames(self) -> list[Frame]:
        """Return every frame, the last control's values changing fastest.

        Raises:
            ValueError: there are more than a page should carry.
        """
        places = list(itertools.product(*(range(len(control.values)) for control in self.controls)))
        if len(places) > MAX_FRAMES:
            raise ValueError(f"{self.name} has {len(places)} frames, at most {MAX_FRAMES} fit; leave out some values")
        return [self.frame(*place) for place in places]

    def as_json(self) -> dict[str, Any]:
        """Return what the site needs to put it on a page; a frame holds the path of each series and its sentence."""
        frames = self.frames()
        first = self.frame(*self.default)
        with look():
            figure, axes = self.draw(first)
            figure.draw_without_rendering()  # lays it out: from now on the axes stand where `svg` shows them
            return {
                "name": self.name,
                "title": self.title,
                "words": first.words,
                "chosen": self.chosen,
                "svg": svg(figure, self.name),
                "guess": vars(self.guess),
                "controls": [vars(control) for control in self.controls],
                "frames": [
                    {"d": {key: path_data(axes, *points) for key, points in one.series.items()}, "words": one.words}
                    for one in frames
                ],
            }
