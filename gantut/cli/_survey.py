"""What there is in a folder or an archive of images, said before a run learns from it."""

import collections
import hashlib
from pathlib import Path

FITTED = {
    "crop": "the middle square of each",
    "pad": "the whole of each, with a margin",
    "border": "the whole of each, its border continued",
}
MOST = 3  # kinds or files that a line names


def survey_lines(found, run) -> list[str]:
    """Return what there is, and what was done with it, as lines of text.

    Parameters
    ----------
    found : NamedTuple
        What `gantut.data.sprites` returns.
    run : Run
    """
    survey = found.survey
    kept = "kept" if run.channels == 4 else "on white: --channels 4 keeps it"
    kinds = {"grey": "in grey", "colour": "in colour", "transparent": f"with transparency ({kept})"}
    rows = {
        "sizes": _counted(f"of {width} x {height}" for width, height in survey.sizes),
        "channels": _counted(kinds[kind] for kind in survey.kinds),
        "squares": _fitted(survey, run.fit == "auto"),
        "repeated": _repeated(found),
        "read": _told(survey.remarks),
        "skipped": _skipped(found.skipped, Path(run.data).is_dir() and not run.links),
        "ignored": _counted(ending for ending, count in survey.others.items() for _ in range(count)),
    }
    return [f"      {name:10}{text}" for name, text in rows.items() if text]


def _counted(words):
    counts = collections.Counter(words).most_common()
    others = sum(count for _, count in counts[MOST:])
    return ", ".join([f"{count} {word}" for word, count in counts[:MOST]] + _others(others))


def _fitted(survey, chosen):
    if survey.resize == "pixels":
        otherwise = " (for photographs: --fit crop, pad or border)" if chosen else ""
        return f"the whole of each, as pixel art, whose pixels become blocks or means{otherwise}"
    why = ": most are photographs (--fit pad or border: the whole of each; pixels: for pixel art)"
    return f"{FITTED[survey.fit]}, resized smoothly{why if chosen else ''}"


def _repeated(found):
    """Return which pictures are the same, pixel by pixel, once they are squares."""
    first, again = {}, []
    for name, square in zip(found.names, found.images[: len(found.survey.sizes)], strict=False):
        before = first.setdefault(hashlib.sha256(square.numpy().tobytes()).digest(), name)
        again += [(name, before)] * (before is not name)
    return f"{len(again)}, such as {again[0][0]!r}, which is {again[0][1]!r} once more" if again else ""


def _skipped(skipped, could_follow):
    linked = could_follow and any(reason.startswith("is a link") for _, reason in skipped)
    links = "; --links follows links" * linked
    return f"{len(skipped)}: {_told(skipped)}{links}" if skipped else ""


def _told(pairs):
    """Return what is said of some files, each reason once, those of most files first."""
    names = {}
    for name, reason in pairs:
        names.setdefault(reason, []).append(name)
    by_count = sorted(names.items(), key=lambda item: -len(item[1]))
    told = [f"{len(of)} such as {of[0]!r}, which {why}" if len(of) > 1 else f"{of[0]!r} {why}" for why, of in by_count]
    others = sum(len(of) for _, of in by_count[MOST:])
    return "; ".join(told[:MOST] + _others(others))


def _others(count):
    return [f"{count} other{'s' * (count > 1)}"] if count else []
