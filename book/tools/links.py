#!/usr/bin/env python3
"""Where the links of the site lead.

    python book/tools/links.py [--list]

Links within the site are checked by the tests, which need no network. This asks every address outside of it, once,
whether it still answers, and lists those that do not; with --list it asks nobody, and prints the addresses.
"""

import argparse
import re
import sys
import urllib.error
import urllib.request
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pages

ROOT = pages.ROOT
SECONDS = 20
AGENT = "Mozilla/5.0 (link check of a book)"


class Links(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(filter(None, (attributes.get("id"), attributes.get("name") if tag == "a" else None)))
        name = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "srcset"}.get(tag)
        if attributes.get(name):
            self.links.append(attributes[name])

    handle_startendtag = handle_starttag


def read(site):
    """Return every page of a site by its path, such as "book/claims.html", as `Links`."""
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {name: Links(path.read_text(encoding="utf-8")) for name, path in found.items() if "_static" not in name}


def broken(site, read_pages=None):
    """Return the links within a site that lead nowhere, as lines "page: link": a missing file, or a missing anchor.

    Within it are those to where it is published, too.
    """
    read_pages = read_pages or read(site)
    home = pages.urls()["Documentation"].rstrip("/") + "/"
    lines = []
    for name, page in read_pages.items():
        for link in dict.fromkeys(page.links):
            inner = f"/{link.removeprefix(home)}" if link.startswith(home) else link
            if re.match(r"[a-z][a-z0-9+.-]*:|//", inner, re.I):
                continue
            path, anchor = urldefrag(urljoin(f"/{name}", inner))
            path, anchor = unquote(path.split("?")[0]).lstrip("/"), unquote(anchor)
            if not (site / path).is_file() or (
                anchor and path in read_pages and anchor not in read_pages[path].anchors
            ):
                lines.append(f"{name}: {link}")
    return lines


def outside(read_pages):
    """Return the addresses outside that the pages link to, each with the pages that do, without those of scripts."""
    found = {}
    for name, page in read_pages.items():
        for link in page.links:
            if re.match(r"https?://", link):
                found.setdefault(urldefrag(link)[0], []).append(name)
    return found


def own(address, root=ROOT):
    """Tell whether an address is one of this book's own: its site, its repository, or a lesson in Colab."""
    site, repository = (
        pages.urls(root)[name].removeprefix("https://").rstrip("/") for name in ("Documentation", "Repository")
    )
    return any(part in address for part in (site, repository, repository.replace("github.com/", "github/")))


def answer(address):
    """Return "" where an address answers, and otherwise why it does not."""
    request = urllib.request.Request(address, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return "" if reply.status < 400 else str(reply.status)
    except urllib.error.HTTPError as error:
        return "" if error.code in (401, 403, 405, 429) else str(error.code)  # there, but not for programs
    except (OSError, ValueError) as error:
        return str(error)


def main(arguments=None, root=ROOT):
    parser = argparse.ArgumentParser(description="Ask whether the addresses that the book links to still answer.")
    parser.add_argument("--list", action="store_true", help="print the addresses, and ask nobody")
    options = parser.parse_args(arguments)
    if status := pages.main(root):
        return status
    addresses = {
        address: names for address, names in outside(read(root / "_build/html")).items() if not own(address, root)
    }
    silent = 0
    for address, names in sorted(addresses.items()):
        if options.list:
            print(address)
        elif why := answer(address):
            silent += 1
            print(f"{address}\n    {why}; linked from {', '.join(sorted(set(names)))}", flush=True)
    print(f"{len(addresses)} addresses" + ("" if options.list else f", {silent} of which do not answer"))
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
