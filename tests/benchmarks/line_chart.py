"""A small line chart as SVG, for the pages of docs/."""

from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 52, 70, 16, 40
COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")
TICKS = 5


@dataclass(frozen=True)
class Line:
    """One line: its name and its values at consecutive steps."""

    name: str
    values: list[float]


def line_chart(lines: list[Line], first: int, x: str, y: str) -> str:
    """Returns the chart as SVG text.

    Args:
        lines: Of equal length, at most four.
        first: Step of the first value.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
    """
    low, high = min(min(line.values) for line in lines), max(max(line.values) for line in lines)
    margin = (high - low or 1) * 0.05
    low, high, count = low - margin, high + margin, len(lines[0].values)

    def across(index: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * index / (count - 1)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for tick in range(TICKS + 1):
        value, step = low + (high - low) * tick / TICKS, (count - 1) * tick / TICKS
        parts.append(f'<path d="M{LEFT} {up(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        parts.append(f'<text x="{across(step):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{first + step:.0f}</text>')
    for number, (line, colour) in enumerate(zip(lines, COLOURS, strict=False)):
        points = " ".join(f"{across(i):.1f},{up(v):.1f}" for i, v in enumerate(line.values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{TOP + 12 + 18 * number}" fill="{colour}">{line.name}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{x}</text>')
    parts.append(f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{y}</text>')
    return "\n".join([*parts, "</svg>\n"])
