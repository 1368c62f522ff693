"""Bar charts as inline SVG, with their numbers as text, for notebooks and pages."""

from html import escape

WIDTH, HEIGHT, MARGIN = 640, 160, 28


def bars_svg(title: str, values: list[int], *, unit: str, highest: int | None = None, per_bar: str = "second") -> str:
    """Draw one bar per value, in the colour of the text around, and say title, peak and sum in words.

    Args:
        title: What is shown.
        values: One number a bar, none below 0.
        unit: What the values count, in the plural, such as "attempts".
        highest: Value of the upper edge, so that two charts share a scale; the largest value if left out.
        per_bar: What a bar stands for.
    """
    highest = max(1, highest or max(values, default=1))
    step = (WIDTH - 2 * MARGIN) / max(1, len(values))
    height = HEIGHT - 2 * MARGIN
    rects = "".join(
        f'<rect x="{MARGIN + index * step:.1f}" y="{HEIGHT - MARGIN - value / highest * height:.1f}" '
        f'width="{max(0.5, step - 1):.1f}" height="{value / highest * height:.1f}"/>'
        for index, value in enumerate(values)
        if value
    )
    words = (
        f"{title}: {len(values)} {per_bar}s, {sum(values):,} {unit} in all, "
        f"at most {max(values, default=0):,} in one {per_bar}."
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img" aria-label="{escape(words)}" '
        f'fill="currentColor" font-family="sans-serif" font-size="12">'
        f'<text x="{MARGIN}" y="16">{escape(title)}</text>'
        f'<text x="{WIDTH - MARGIN}" y="16" text-anchor="end">upper edge {highest:,} {escape(unit)} a {per_bar}</text>'
        f'<path d="M{MARGIN} {HEIGHT - MARGIN}H{WIDTH - MARGIN}" stroke="currentColor"/>'
        f"{rects}"
        f'<text x="{MARGIN}" y="{HEIGHT - 8}">0</text>'
        f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 8}" text-anchor="end">{len(values)} {per_bar}s</text>'
        f"</svg>"
    )
