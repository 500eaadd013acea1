"""Draws the covers for make_catalog.py: a palette, a motif and a layout per book, everything else from its slug."""

import random
from collections.abc import Callable
from html import escape
from itertools import combinations, pairwise
from math import cos, pi, sin
from typing import NamedTuple

FONT = "'Iowan Old Style','Palatino Linotype',Palatino,P052,Georgia,serif"
WIDTH, HEIGHT = 300, 450


class Palette(NamedTuple):
    ground: str
    ink: str
    accent: str
    shade: str


PALETTES = {
    "brick": Palette("#a63c2e", "#fbeedd", "#f0b55f", "#7d2a21"),
    "coal": Palette("#26242a", "#f1e9da", "#d9503f", "#45414b"),
    "ink": Palette("#1c2c4c", "#f4ecdb", "#eab84c", "#35507e"),
    "moss": Palette("#37553f", "#f4ecd6", "#dcb757", "#527559"),
    "plum": Palette("#4b2547", "#f8e8dd", "#e2907a", "#71416a"),
    "rose": Palette("#efc5b7", "#3d1f2a", "#b23a48", "#e2a494"),
    "saffron": Palette("#e9b13b", "#2b1d12", "#a7321f", "#f4cf7c"),
    "sand": Palette("#ecdfc3", "#262b3a", "#c2502f", "#cdbb94"),
    "sea": Palette("#15565e", "#f3ecda", "#f0b871", "#2d7a80"),
    "sky": Palette("#b9d6df", "#14304a", "#d95f35", "#8db8c7"),
}

Motif = Callable[[int, int, Palette, random.Random], str]


# --- Motifs: each fills a field of w by h, drawn with as few shapes as will do ---


def at(*numbers: float) -> str:
    return " ".join(f"{number:.0f}" for number in numbers)


def path(fill: str, d: str) -> str:
    return f'<path fill="{fill}" d="{d}"/>'


def stroke(colour: str, width: float, d: str) -> str:
    return f'<path fill="none" stroke="{colour}" stroke-width="{width:g}" d="{d}"/>'


def dot(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}"/>'


def ring(x: float, y: float, r: float, colour: str, width: float) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:g}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'


def swell(y: float, w: int, h: int, start: float, depth: int = 15) -> str:
    """Water from y down to the bottom."""
    return f"M{at(start, y)}q15-{depth} 30 0" + "t30 0" * (w // 30 + 3) + f"V{h}H-60z"


def waves(w: int, h: int, p: Palette, chance: random.Random) -> str:
    moon = dot(w * chance.choice([0.3, 0.5, 0.7]), h * 0.34, h * 0.17, p.accent)
    rows = [swell(h * (0.48 + 0.115 * i), w, h, -30 * (i % 2) - 12) for i in range(5)]
    return moon + "".join(path(p.ground if i % 2 else p.shade, row) for i, row in enumerate(rows))


def sun(w: int, h: int, p: Palette, chance: random.Random) -> str:
    horizon = h * 0.62
    water = path(p.shade, f"M{at(0, horizon)}h{w}V{h}H0z")
    disc = f"M{at(w / 2 - 76, horizon)}a76 76 0 0 1 152 0z"
    glints = "".join(f"M{at(30 + 14 * i, horizon + 16 + 17 * i)}h{w - 60 - 28 * i}v5H{30 + 14 * i}z" for i in range(5))
    return water + path(p.accent, disc + glints)


def moon(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y = w * chance.choice([0.34, 0.5, 0.66]), h * 0.36
    glow = "".join(dot(x, y, r, f'{p.shade}" opacity=".35') for r in (118, 90, 66))
    far = f"M{at(0, h * 0.74)}Q{at(w * 0.3, h * 0.6, w * 0.56, h * 0.75)}T{at(w, h * 0.7)}V{h}H0z"
    near = f"M{at(0, h * 0.86)}Q{at(w * 0.4, h * 0.78, w, h * 0.9)}V{h}H0z"
    disc = p.ink if p.ink > p.ground else p.accent  # the lighter one on a dark cover
    return glow + dot(x, y, 44, disc) + path(p.shade, far) + path(p.accent, near)


def beam(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x = w * 0.7
    light = f"M{at(x, h * 0.3)}L{at(0, h * 0.08)}V{at(h * 0.56)}z"
    tower = f"M{at(x - 13, h * 0.36)}h26l{at(9, h * 0.42)}h-44z"
    stripe = f"M{at(x - 18, h * 0.5)}h36l2 26h-40z"
    lamp = f"M{at(x - 11, h * 0.25)}h22v{at(h * 0.11)}h-22zM{at(x - 16, h * 0.25)}l16-18 16 18z"
    parts = [path(p.shade, light), path(p.accent, tower), path(p.ground, stripe), path(p.ink, lamp)]
    for i, colour in enumerate((p.ink, p.shade, p.ground)):
        parts.append(path(colour, swell(h * (0.78 + 0.08 * i), w, h, -18 * i, 13)))
    return "".join(parts)


def hills(w: int, h: int, p: Palette, chance: random.Random) -> str:
    parts = [dot(w * chance.choice([0.28, 0.72]), h * 0.3, 34, p.accent)]
    for i, colour in enumerate((p.shade, p.accent, p.ink)):
        y, dip = h * (0.52 + 0.15 * i), chance.choice([-1, 1]) * h * 0.13
        parts.append(path(colour, f"M{at(0, y)}Q{at(w / 4, y + dip, w / 2, y)}T{at(w, y)}V{h}H0z"))
    return "".join(parts)


def leaves(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, lean = w / 2, chance.choice([-26, 26])
    parts = [stroke(p.ink, 3, f"M{at(x, h)}Q{at(x + lean, h * 0.5, x, h * 0.1)}")]
    for i in range(6):
        y = h * (0.86 - 0.13 * i)
        root = x + lean * (1 - abs(2 * y / h - 1.1))
        size = (84 - 9 * i) * (1 if i % 2 else -1)
        up = abs(size)
        out, back = at(size * 0.35, -up * 0.75, size, -up * 0.6), at(-size * 0.2, up * 0.65, -size, up * 0.6)
        parts.append(path((p.shade, p.accent)[i // 2 % 2], f"M{at(root, y)}q{out}q{back}z"))
    return "".join(parts) + dot(x, h * 0.1, 9, p.accent)


def arches(w: int, h: int, p: Palette, chance: random.Random) -> str:
    parts, x = [], w / 2
    for i, colour in enumerate((p.shade, p.ground, p.accent, p.ground, p.shade, p.ink)):
        half, top = 116 - 20 * i, h * 0.08 + 23 * i
        spring, bend = top + half * 1.15, top + half * 0.35
        left, right = f"Q{at(x - half, bend, x, top)}", f"Q{at(x + half, bend, x + half, spring)}"
        parts.append(path(colour, f"M{at(x - half, h)}V{at(spring)}{left}{right}V{h}z"))
    return "".join(parts)


def window(w: int, h: int, p: Palette, chance: random.Random) -> str:
    columns, rows, gap = 4, 5, 12
    wide, high = (w - 60 - gap * (columns - 1)) / columns, (h - 50 - gap * (rows - 1)) / rows
    lit = chance.sample(range(columns * rows), 3)
    panes = {p.shade: "", p.accent: ""}
    for number in range(columns * rows):
        y, x = divmod(number, columns)
        colour = p.accent if number in lit else p.shade
        panes[colour] += f"M{at(30 + x * (wide + gap), 25 + y * (high + gap))}h{at(wide)}v{at(high)}h{at(-wide)}z"
    return "".join(path(colour, d) for colour, d in panes.items())


def gears(w: int, h: int, p: Palette, chance: random.Random) -> str:
    parts = []
    for x, y, r, teeth, colour in (
        (w * 0.32, h * 0.62, 78, 14, p.ink),
        (w * 0.77, h * 0.34, 56, 10, p.accent),
        (w * 0.84, h * 0.86, 40, 8, p.shade),
    ):
        rim = ring(x, y, r, colour, round(r * 0.3))
        parts.append(rim.replace("/>", f' stroke-dasharray="{pi * r / teeth:.2f}"/>'))
        parts += [dot(x, y, r * 0.92, colour), dot(x, y, r * 0.55, p.ground), dot(x, y, r * 0.22, colour)]
    return "".join(parts)


def checks(w: int, h: int, p: Palette, chance: random.Random) -> str:
    top, squares = h * 0.42, ""
    edges = [top + (h - top) * (i / 6) ** 1.6 for i in range(7)]
    for row, (y1, y2) in enumerate(pairwise(edges)):
        side1, side2 = (14 + 56 * (y - top) / (h - top) for y in (y1, y2))
        for column in range(-5, 5):
            if (row + column) % 2 == 0:
                a, b, c, d = (w / 2 + n * side for side in (side1, side2) for n in (column, column + 1))
                squares += f"M{at(a, y1)}H{at(b)}L{at(d, y2)}H{at(c)}z"
    clock = f'<ellipse cx="{w / 2:g}" cy="{h * 0.24:.0f}" rx="66" ry="{h * 0.19:.0f}" fill="{p.accent}"/>'
    hands = stroke(p.ground, 5, f"M{at(w / 2, h * 0.11)}V{at(h * 0.24)}l26 14")
    return clock + hands + path(p.shade, f"M{at(0, top)}h{w}V{h}H0z") + path(p.ink, squares)


def birds(w: int, h: int, p: Palette, chance: random.Random) -> str:
    parts = [path(p.shade, f"M0 {h}V{at(h * 0.8)}Q{at(w / 2, h * 0.64, w, h * 0.84)}V{h}z")]
    parts.append(dot(w * 0.62, h * 0.4, 62, p.accent))
    flock = ""
    for i in range(6):
        s = 15 + 5 * (i % 3)
        x, y = w * (0.16 + 0.135 * i) - s, h * (0.62 - 0.07 * (i * 5 % 6)) + chance.randint(-8, 8)
        over = f"q{at(s / 2, -s * 0.75, s, 0)}" * 2
        under = f"q{at(-s * 0.6, -s / 4, -s, s * 0.45)}q{at(-s * 0.4, -s * 0.7, -s, -s * 0.45)}"
        flock += f"M{at(x, y)}{over}{under}z"
    return "".join(parts) + path(p.ink, flock)


def eye(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y = w / 2, h * 0.46

    def almond(r: int) -> str:
        return f"M{at(x - r, y)}Q{at(x, y - r, x + r, y)}Q{at(x, y + r, x - r, y)}z"

    lids = stroke(p.shade, 4, "".join(map(almond, (160, 190, 220))))
    return (
        lids
        + path(p.ink, almond(124))
        + dot(x, y, 53, p.accent)
        + dot(x, y, 25, p.ground)
        + dot(x + 13, y - 14, 8, p.ink)
    )


def rain(w: int, h: int, p: Palette, chance: random.Random) -> str:
    drops = {p.shade: "", p.accent: ""}
    for row in range(7):
        for column in range(9):
            x, y = column * 38 + 18 * (row % 2) - 8, row * h / 7 + 8 + chance.randint(-5, 5)
            colour = p.accent if chance.random() < 0.16 else p.shade
            drops[colour] += f"M{at(x, y)}l-11 {chance.choice([24, 30, 36])}"
    return "".join(stroke(colour, 4, d) for colour, d in drops.items())


def stairs(w: int, h: int, p: Palette, chance: random.Random) -> str:
    def flight(rise: float) -> str:
        return f"M0 {h}" + f"v{at(-rise)}h{at(w / 7)}" * 7 + f"V{h}z"

    door = path(p.ink, f"M{at(w - 38, h * 0.28)}v-50h24v50z")
    lamp = dot(46, h * 0.28, 26, p.accent)
    return path(p.shade, flight(h * 0.103)) + path(p.accent, flight(h * 0.062)) + door + lamp


def rays(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y, wedges = w / 2, h * 0.5, ""
    for i in range(16):
        a, b = pi * i / 8, pi * (i + 0.5) / 8
        wedges += f"M{at(x, y)}L{at(x + 330 * cos(a), y + 330 * sin(a), x + 330 * cos(b), y + 330 * sin(b))}z"
    return path(p.shade, wedges) + dot(x, y, 70, p.ground) + dot(x, y, 56, p.accent) + dot(x, y, 22, p.ink)


def bars(w: int, h: int, p: Palette, chance: random.Random) -> str:
    bent, rods = chance.choice([2, 3]), ""
    for i in range(6):
        x = 30 + 48 * i
        rods += f"M{x} 0" + (f"C{at(x, h * 0.3, x - 24, h * 0.45, x, h)}" if i == bent else f"V{h}")
    beams = f"M{at(0, h * 0.16)}H{w}M{at(0, h * 0.84)}H{w}"
    return dot(w / 2, h * 0.44, 82, p.accent) + stroke(p.shade, 13, rods) + stroke(p.ink, 5, beams)


def rails(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y, sleepers = w / 2, h * 0.3, ""
    for i in range(1, 9):
        near = (i / 8) ** 2
        half = 8 + 118 * near
        sleepers += f"M{at(x - half, y + 14 + (h - y - 20) * near)}h{at(2 * half)}v{at(2 + 9 * near)}h{at(-2 * half)}z"
    iron = f"M{at(x - 2, y)}L{at(x - 96, h)}h12L{at(x, y, x + 84, h)}h12L{at(x + 2, y)}z"
    sun = dot(x, y - 2, 50, p.accent)
    return sun + path(p.shade, f"M{at(0, y)}H{w}V{h}H0z") + path(p.ground, sleepers) + path(p.ink, iron)


def orbit(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y = w / 2, h / 2
    parts = [ring(x, y, r, p.shade, 5 if i % 2 else 2) for i, r in enumerate((62, 88, 114, 140, 166))]
    parts.append(dot(x, y, 40, p.accent))
    for r, size, colour in ((88, 11, p.ink), (114, 17, p.accent), (140, 8, p.ink)):
        angle = chance.random() * 2 * pi
        parts.append(dot(x + r * cos(angle) * 0.94, y + r * sin(angle) * 0.94, size, colour))
    return "".join(parts)


def strata(w: int, h: int, p: Palette, chance: random.Random) -> str:
    parts = []
    for i, colour in enumerate((p.shade, p.accent, p.ink, p.shade, p.accent)):
        y, a, b, thick = h * (0.2 + 0.15 * i), chance.randint(-24, 24), chance.randint(-24, 24), 12 + 6 * i
        upper = f"C{at(w * 0.3, y + a, w * 0.6, y + b, w, y)}"
        lower = f"C{at(w * 0.6, y + b + 18, w * 0.3, y + a + 18, 0, y + thick)}"
        parts.append(path(colour, f"M{at(0, y)}{upper}v{thick}{lower}z"))
    parts.append(path(p.ground, f"M{at(w / 2 - 15)} 0h30v{at(h * 0.78)}l-15 22-15-22z"))
    parts.append(stroke(p.ink, 3, f"M{at(w / 2)} 0V{at(h * 0.6)}"))
    return "".join(parts) + dot(w / 2, h * 0.64, 11, p.accent)


def diamonds(w: int, h: int, p: Palette, chance: random.Random) -> str:
    columns, rows = 6, round(h / 58)
    dx, dy = w / columns / 2, h / rows / 2
    shapes = {p.shade: "", p.accent: "", p.ink: ""}
    for row in range(rows):
        for column in range(columns):
            colour = p.accent if (row + column) % 2 else p.shade
            colour = p.ink if chance.random() < 0.12 else colour
            shapes[colour] += f"M{at((2 * column + 1) * dx, 2 * row * dy)}l{at(dx, dy, -dx, dy, -dx, -dy)}z"
    return "".join(path(colour, d) for colour, d in shapes.items() if d)


def bolts(w: int, h: int, p: Palette, chance: random.Random) -> str:
    deep, screws = h * 0.3, ""
    for i in range(7):
        y, long = h * 0.18 + 26 * i, 60 - 8 * i
        screws += f"M{at(0, y)}h{long}v10H0zM{at(w, y)}h-{long}v10h{long}z"
    flash = (
        f"M{at(w / 2 + 14, h * 0.1)}l{at(-34, deep)}h26l{at(-30, deep, 86, -deep * 1.25)}h-32l{at(34, -deep * 0.75)}z"
    )
    return path(p.shade, screws) + dot(w / 2, h * 0.46, 100, p.shade) + path(p.accent, flash)


def split(w: int, h: int, p: Palette, chance: random.Random) -> str:
    x, y, r = w / 2, h * 0.47, min(w, h) * 0.36
    half = f"a{at(r, r, 0, 0)}"
    parts = [path(p.shade, f"M0 0h{at(x - 5)}v{h}H0z")]
    parts.append(path(p.accent, f"M{at(x - 5, y - r)}{half} 0 {at(0, 2 * r)}z"))
    parts.append(path(p.ink, f"M{at(x + 5, y - r + 26)}{half} 1 {at(0, 2 * r)}z"))
    lines = "".join(f"M{at(x + 5, y - r + 44 + 20 * i)}H{w}" for i in range(int(r / 10)))
    return "".join(parts) + stroke(p.shade, 3, lines)


def teeth(w: int, h: int, p: Palette, chance: random.Random) -> str:
    def jaw(y: int, direction: int) -> str:
        side = (w - 20) / 22
        row = (46, 34, 46, 96, 46, 34, 46, 96, 46, 34, 46)
        return f"M10 {y}" + "".join(f"l{side:.1f} {direction * t} {side:.1f} {-direction * t}" for t in row) + "z"

    return path(p.accent, f"M0 0H{w}V{h}H0z") + path(p.ink, jaw(0, 1) + jaw(h, -1)) + dot(w / 2, h * 0.52, 17, p.ground)


MOTIFS: dict[str, Motif] = {
    motif.__name__: motif
    for motif in (
        *(
            arches,
            bars,
            beam,
            birds,
            bolts,
            checks,
            diamonds,
            eye,
            gears,
            hills,
            leaves,
            moon,
            orbit,
            rails,
            rain,
            rays,
        ),
        *(split, stairs, strata, sun, teeth, waves, window),
    )
}


# --- Lettering ---


def width(text: str) -> float:
    """About how wide a line is, in ems, in a wide serif: the reader's own font decides, so be generous."""
    groups = {"ijlI.,:;'\N{RIGHT SINGLE QUOTATION MARK}": 0.35, "frt -": 0.43, "mwMW": 0.97}
    ems = {letter: em for letters, em in groups.items() for letter in letters}
    return sum(ems.get(letter, 0.8 if letter.isupper() else 0.61) for letter in text)


def fit(text: str, w: float, h: float, largest: float, leading: float = 1.12) -> tuple[list[str], float]:
    """The line breaks that let the text be largest within w by h."""
    words, best, size = text.split(), [text], 0.0
    for count in range(min(len(words), 5)):
        for breaks in combinations(range(1, len(words)), count):
            cuts = [0, *breaks, len(words)]
            lines = [" ".join(words[a:b]) for a, b in pairwise(cuts)]
            possible = min(largest, w / max(map(width, lines)), h / len(lines) / leading)
            if count and {"A", "I", "The", "the", "of", "and", "in"} & set(lines):
                possible *= 0.8  # a small word looks lost alone on a line
            if possible > size + 0.5:
                best, size = lines, possible
    return best, size


def lettering(
    lines: list[str], x: int, y: float, size: float, style: str, anchor: str = "start", leading: float = 1.12
) -> str:
    spans = [
        f'<tspan x="{x}" y="{y + i * size * leading:.0f}">{escape(line, quote=False)}</tspan>'
        for i, line in enumerate(lines)
    ]
    return f'<text font-size="{size:.1f}" text-anchor="{anchor}" {style}>{"".join(spans)}</text>'


# --- Layouts: where the motif, the title and the author go ---

BOLD, ITALIC, PLAIN = 'font-weight="700"', 'font-weight="700" font-style="italic"', 'letter-spacing=".6"'


def box(x: int, y: int, w: int, h: int, paint: str) -> str:
    return f'<path d="M{x} {y}h{w}v{h}h-{w}z" {paint}/>'


def label(title: str, author: str, p: Palette, motif: Motif, chance: random.Random) -> str:
    """The motif everywhere and a label stuck on it."""
    lines, size = fit(title, 172, 120, 34)
    by, small = fit(author, 170, 40, 16, 1.25)
    return "".join(
        [
            motif(WIDTH, HEIGHT, p, chance),
            box(45, 125, 210, 200, f'fill="{p.ground}"'),
            box(51, 131, 198, 188, f'fill="none" stroke="{p.ink}" stroke-width="1.5"'),
            lettering(lines, 150, 214 - size * 1.12 * (len(lines) - 1) / 2 + size * 0.3, size, BOLD, "middle"),
            stroke(p.accent, 2, "M130 280h40"),
            lettering(by, 150, 305 - small * 1.25 * (len(by) - 1) / 2, small, PLAIN, "middle", 1.25),
        ]
    )


def frame(title: str, author: str, p: Palette, motif: Motif, chance: random.Random) -> str:
    """A thin frame, and the motif seen through an arched window."""
    lines, size = fit(title, 226, 92, 36)
    by, small = fit(author, 230, 24, 18)
    arch = 'd="M0 240V110a110 110 0 0 1 220 0v130z"'
    return "".join(
        [
            box(16, 16, 268, 418, f'fill="none" stroke="{p.ink}" stroke-width="1.5"'),
            lettering(lines, 150, 76 - size * 1.12 * (len(lines) - 1) / 2 + size * 0.34, size, ITALIC, "middle"),
            f'<clipPath id="w"><path {arch}/></clipPath><g transform="translate(40 140)"><g clip-path="url(#w)">',
            motif(220, 240, p, chance),
            f'</g><path {arch} fill="none" stroke="{p.ink}" stroke-width="2.5"/></g>',
            lettering(by, 150, 413, small, PLAIN, "middle"),
        ]
    )


def stacked(title: str, author: str, p: Palette, motif: Motif, chance: random.Random, title_first: bool) -> str:
    """The title above the motif, or below it."""
    lines, size = fit(title, 234, 138, 42)
    by, small = fit(author, 252, 24, 19)
    block = size * 1.12 * len(lines)
    top = 24 if title_first else HEIGHT - 58 - block
    start, end = (round(top + block + 52), HEIGHT) if title_first else (0, round(top - 18))
    return "".join(
        [
            f'<svg y="{start}" width="{WIDTH}" height="{end - start}">{motif(WIDTH, end - start, p, chance)}</svg>',
            lettering(lines, 24, top + size * 0.86, size, BOLD),
            lettering(by, 24, top + block + 23, small, PLAIN),
        ]
    )


def draw_cover(slug: str, title: str, author: str, palette: str, motif: str, layout: str) -> str:
    p, draw, chance = PALETTES[palette], MOTIFS[motif], random.Random(slug)
    if layout == "label":
        body = label(title, author, p, draw, chance)
    elif layout == "frame":
        body = frame(title, author, p, draw, chance)
    else:
        body = stacked(title, author, p, draw, chance, title_first=layout == "above")
    spine = box(0, 0, 7, HEIGHT, 'fill-opacity=".13" fill="#000"') + box(
        7, 0, 2, HEIGHT, 'fill-opacity=".14" fill="#fff"'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}" fill="{p.ink}">'
        f'<path fill="{p.ground}" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>{body}{spine}</svg>\n'
    )
