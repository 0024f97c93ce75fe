"""What makes a drawing (SVG) light, with nothing to be seen of it.

Points of a curve that lie on it anyway are left out; what remains is written as steps from one point to the next; looks
that return are named once; and pictures of pixels are rounded to 64 shades and packed as WebP.
"""

import base64
import collections
import io
import re

import numpy as np

OFF = 0.04  # points: no curve moves farther, a twentieth of a pixel
SHADES = 63  # of a colour, besides none
SMALL = 3000  # letters: such a picture stays as it is
PIXELS = re.compile(r"data:image/\w+;base64,[^\"]+")
STEP = re.compile(r"([MLQCz])([^MLQCz]*)")


def lighter(svg):
    """Return a drawing of matplotlib's that looks the same and is shorter."""
    svg = re.sub(r'(?<= d=")[^"]*', lambda found: light_path(found[0]), svg)
    return PIXELS.sub(lambda found: light_picture(found[0]), with_looks_named(svg))


def light_path(path):
    """Return the commands of a path (M, L, Q, C and z), in relative numbers and without points that lie on it anyway."""
    written, line, start = [], [(0, 0)], (0, 0)

    def end_line():
        if len(line) > 1:
            points = np.array(line)[needed(np.array(line))]
            steps = np.diff(points, axis=0)
            written.append("l" + _numbers((steps[steps.any(axis=1)] if steps.any() else steps[:1]).ravel()))
        return line[-1]

    for command, numbers in STEP.findall(path):
        hundredths = [round(100 * float(number)) for number in numbers.split()]
        points = list(zip(hundredths[::2], hundredths[1::2], strict=True))
        if command == "L":
            line += points
            continue
        here = end_line()
        if command == "M":
            written.append("M" + _numbers(hundredths))
            here = start = points[-1]
        elif command == "z":
            written.append("z")
            here = start
        else:
            written.append(command.lower() + _numbers((np.array(points) - here).ravel()))  # one curve a command
            here = points[-1]
        line = [here]
    end_line()
    return "".join(written)


def needed(points, off=100 * OFF):
    """Tell which points of a line of straight pieces are needed to stay within `off` of it (Douglas and Peucker, 1973)."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    pieces = [(0, len(points) - 1)]
    while pieces:
        first, last = pieces.pop()
        along, there = points[last] - points[first], points[first + 1 : last] - points[first]
        if not len(there):
            continue
        share = np.clip(there @ along / max(along @ along, 1), 0, 1)
        distance = np.hypot(*(there - share[:, None] * along).T)
        if distance.max() > off:
            middle = first + 1 + int(distance.argmax())
            keep[middle] = True
            pieces += [(first, middle), (middle, last)]
    return keep


def _numbers(hundredths):
    """Return whole hundredths as numbers of a path: no nought before the point, no space before a minus."""
    words = [re.sub(r"^(-?)0(?=\.)", r"\1", f"{number / 100:.2f}".rstrip("0").rstrip(".")) for number in hundredths]
    return re.sub(" -", "-", " ".join(words))


def with_looks_named(svg):
    """Return a drawing in which each style that two parts or more have is a class."""
    counts = collections.Counter(re.findall(r' style="([^"]*)"', svg))
    names = {look: f"l{number}" for number, look in enumerate(look for look, count in counts.items() if count > 1)}
    svg = re.sub(
        r' style="([^"]*)"', lambda found: f' class="{names[found[1]]}"' if found[1] in names else found[0], svg
    )
    rules = "".join(f".{name}{{{look}}}" for look, name in names.items())
    return svg.replace("</style>", f"{rules}</style>", 1)


def light_picture(address):
    """Return a picture of pixels, a data address, in 64 shades of each colour, but for its commonest one."""
    from PIL import Image

    if len(address) < SMALL:
        return address
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGBA"))
    colours, counts = np.unique(pixels.reshape(-1, 4), axis=0, return_counts=True)
    if len(colours) > 256:
        shades = np.round(np.round(pixels / 255 * SHADES) / SHADES * 255).astype(np.uint8)
        keep = (pixels == colours[counts.argmax()]).all(axis=-1, keepdims=True) | [False, False, False, True]
        pixels = np.where(keep, pixels, shades)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "WEBP", lossless=True, quality=75, method=4)
    packed = base64.b64encode(written.getvalue()).decode("ascii")
    return min(address, f"data:image/webp;base64,{packed}", key=len)
