"""Write every picture and figure of the course into a folder, one JSON file each, for the site.

python -m solutions.simulations.plots build/figures
"""

import json
import sys
from pathlib import Path

from solutions.simulations.plots import buckets, budget, herd, lease, outage, spacing, timelines, trace, waiting
from solutions.simulations.plots.picture import Changeable, Picture

DRAWN: tuple[Picture | Changeable, ...] = (
    *timelines.PICTURES,
    herd.PICTURE,
    budget.PICTURE,
    trace.PICTURE,
    spacing.PICTURE,
    herd.FIGURE,
    outage.FIGURE,
    lease.FIGURE,
    waiting.FIGURE,
    buckets.FIGURE,
)


def main(folder: Path) -> None:
    """Write them all; `folder` is made if it isn't there."""
    folder.mkdir(parents=True, exist_ok=True)
    for drawn in DRAWN:
        text = json.dumps(drawn.as_json(), ensure_ascii=False, separators=(",", ":"))
        (folder / f"{drawn.name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
