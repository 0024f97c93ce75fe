"""Files that are downloaded once: verified before they get their name, completely or not at all."""

import contextlib
import http.client
import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE = 30  # seconds without a byte


class DownloadError(OSError):
    """A file could not be downloaded; the message says from where, why, and what to do."""


def cache_folder() -> Path:
    """Return where downloads are kept: ``gantut`` in ``XDG_CACHE_HOME``, or in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gantut"


def fetch(url: str, path: Path, *, at_most: int, check) -> None:
    """Download a file, and give it its name only once it is verified.

    Parameters
    ----------
    url : str
        With http or https.
    path : path
        Where to; missing folders are created.
    at_most : int
        The largest size in bytes.
    check : function
        Takes the path of the downloaded file, and raises a ValueError if it is not the expected one.

    Raises
    ------
    DownloadError
        If there is no network, no such file, or not the expected one. What was at `path` before stays.
    """
    advice = f"obtain the file in another way and put it into {path.parent}"
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"source must be an address with http:// or https://, not {url!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        data = _answer(url, at_most)
        with open(unfinished, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        check(unfinished)
        os.replace(unfinished, path)
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f"{url} could not be downloaded ({error}): try again later, or {advice}") from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"{url} could not be downloaded ({reason}): try again later, or {advice}") from None
    except ValueError as error:
        raise DownloadError(f"{url} is not the expected file ({error}): {advice}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)


def _answer(url, at_most):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        data = answer.read(at_most + 1)
        if len(data) > at_most:
            raise ValueError(f"it has more than {at_most} bytes")
        if answer.length:  # announced by the server, but not sent
            raise ValueError(f"it ends early, after {len(data)} bytes")
        return data
