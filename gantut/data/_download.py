"""Files that are downloaded once: checked before they get their name, whole or not at all."""

import contextlib
import http.client
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path

CHUNK = 1 << 16
PATIENCE = 30  # seconds without a byte


class DownloadError(OSError):
    """A file cannot be had; the message says from where, why, and what can be done."""


def cache_folder() -> Path:
    """Return where downloads are kept: ``gantut`` in ``XDG_CACHE_HOME``, or else in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gantut"


def fetch(url: str, path: Path, *, at_most: int, check) -> None:
    """Download a file, and give it its name only after it was found to be the right one.

    Parameters
    ----------
    url : str
        With http or https.
    path : path
        Where to; folders that are missing are made.
    at_most : int
        How many bytes it may have.
    check : function
        Takes the path of what was downloaded, and raises a ValueError if it is not what was wanted.

    Raises
    ------
    DownloadError
        If there is no network, no such file, or another one than was wanted. What was at `path` before stays.
    """
    advice = f"get the file in another way and put it into {path.parent}"
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"source must be an address with http:// or https://, not {url!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with open(unfinished, "xb") as file:
            _copy(url, file, at_most)
            file.flush()
            os.fsync(file.fileno())
        check(unfinished)
        os.replace(unfinished, path)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"{url} cannot be downloaded ({error}): try again later, or {advice}") from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url} cannot be downloaded ({reason}): try again later, or {advice}") from None
    except ValueError as error:
        raise DownloadError(f"{url} is not the file that it should be ({error}): {advice}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)


def _copy(url, file, at_most):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        size = 0
        while chunk := answer.read(CHUNK):
            size += len(chunk)
            if size > at_most:
                raise ValueError(f"it has more than {at_most} bytes")
            file.write(chunk)
        if answer.length:  # what the server announced and did not send
            raise ValueError(f"it breaks off after {size} bytes")
