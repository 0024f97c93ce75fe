"""A Sphinx extension: what machines that look for pages are told, and where a lost reader is sent.

The finished site gets a list of its pages (``sitemap.xml``, named in ``robots.txt``), a page for addresses that lead
nowhere (``404.html``), a root page that says what the book is before it goes on to the first page, and, on each lesson,
its data in the vocabulary of schema.org. Lessons that were renumbered are still found under their old addresses.
"""

import html
import json
import re
from pathlib import Path

import yaml

from pages import urls

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTIONS = yaml.safe_load((ROOT / "book/descriptions.yml").read_text(encoding="utf-8"))
HOME = "book/00_index"
FORMER = {  # addresses of before the lessons were renumbered, and where what stood there is now
    "book/07_seven_tricks": "book/08_seven_tricks",
    "book/08_moving_dirt": "book/09_moving_dirt",
    "book/09_duality": "book/10_duality",
    "book/10_wasserstein_gan": "book/11_wasserstein_gan",
    "book/11_better_critics": "book/13_better_critics",
    "book/12_new_creatures": "book/14_new_creatures",
    "book/13_created_equal": "book/15_created_equal",
}


def site():
    """Return the address of the published site, without a slash at its end."""
    return urls()["Documentation"].rstrip("/")


def structured_data(page, title, description):
    """Return what schema.org calls a course, for the first page, or a learning resource that is part of it."""
    course = {
        "@type": "Course",
        "name": "From GAN to Wasserstein GAN, executed",
        "description": DESCRIPTIONS[HOME],
        "url": f"{site()}/{HOME}.html",
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "provider": {"@type": "Organization", "name": "the gantut authors", "url": site()},
    }
    if page == HOME:
        return {"@context": "https://schema.org", **course}
    lesson = {
        "@type": "LearningResource",
        "name": title,
        "description": description,
        "url": f"{site()}/{page}.html",
        "learningResourceType": "lesson",
        "inLanguage": "en",
        "license": course["license"],
        "isPartOf": {"@type": "Course", "name": course["name"], "url": course["url"]},
    }
    return {"@context": "https://schema.org", **lesson}


def describe(app, pagename, templatename, context, doctree):
    """Add the data of a lesson, or of the whole, to the head of its page."""
    if re.search(r"/\d\d_", pagename) and pagename in DESCRIPTIONS:
        title = html.unescape(re.sub("<[^>]+>", "", context.get("title") or ""))
        data = json.dumps(structured_data(pagename, title, DESCRIPTIONS[pagename]))
        script = f'<script type="application/ld+json">{data}</script>'
        context["metatags"] = context.get("metatags", "") + f"\n{script}\n"


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{title}</title>
{head}
<style>
  body {{ font: 1.1875rem/1.55 "Gantut Serif", Georgia, serif; margin: 15vh auto; max-width: 34rem; padding: 0 1.5rem; }}
  @media (prefers-color-scheme: dark) {{ body {{ background: #121212; color: #e8e8e8; }} a {{ color: #7cb0f5; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def root_page(tags):
    """Return the page at the site's root: it goes on to the first page, and has its description and its card."""
    head = f'{tags}\n<link rel="canonical" href="{site()}/{HOME}.html" />\n'
    head += f'<meta http-equiv="refresh" content="0; url={HOME}.html" />'
    body = f'<p><a href="{HOME}.html">From GAN to Wasserstein GAN, executed</a>: {html.escape(DESCRIPTIONS[HOME])}</p>'
    return PAGE.format(title="From GAN to Wasserstein GAN, executed", head=head, body=body)


def former_page(now):
    """Return the page for a former address, which goes on to the page `now`, to the same place on it."""
    name = now.rsplit("/", 1)[-1] + ".html"
    head = f'<meta name="robots" content="noindex" />\n<link rel="canonical" href="{site()}/{now}.html" />\n'
    head += f'<script>location.replace("{name}" + location.search + location.hash)</script>\n'
    head += f'<meta http-equiv="refresh" content="0; url={name}" />'
    body = f'<p>The lessons were renumbered: this one is <a href="{name}">here</a> now.</p>'
    return PAGE.format(title="This lesson has moved · From GAN to Wasserstein GAN, executed", head=head, body=body)


def lost_page():
    """Return the page for addresses that lead nowhere; it may be shown at any depth, so its links are whole."""
    body = (
        "<h1>There is no such page</h1>\n<p>The lessons were renumbered once, so an old link may be to blame. "
        f'<a href="{site()}/{HOME}.html">The first page</a> lists them all, and '
        f'<a href="{site()}/search.html">the search</a> finds the rest.</p>'
    )
    font = f'@font-face {{ font-family: "Gantut Serif"; src: url("{site()}/_static/fonts/serif.woff2"); }}'
    head = f'<meta name="robots" content="noindex" />\n<style>{font}</style>'
    return PAGE.format(title="No such page · From GAN to Wasserstein GAN, executed", head=head, body=body)


def sitemap(names):
    """Return the list of the site's pages for search engines."""
    rows = "".join(f"  <url><loc>{site()}/{name}.html</loc></url>\n" for name in names)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'


def write(app, exception):
    """Write these files into the finished site; the tags of the root page are those of the first page."""
    if exception is not None or app.builder.format != "html":
        return
    built = Path(app.outdir)
    first = (built / f"{HOME}.html").read_text(encoding="utf-8")
    tags = "\n".join(re.findall(r'<meta (?:name="(?:description|twitter:card)"|property="og:[\w:]+")[^>]*/>', first))
    (built / "index.html").write_text(root_page(tags), encoding="utf-8")
    for before, now in FORMER.items():
        (built / f"{before}.html").write_text(former_page(now), encoding="utf-8")
    (built / "404.html").write_text(lost_page(), encoding="utf-8")
    (built / "sitemap.xml").write_text(sitemap(sorted(app.env.found_docs)), encoding="utf-8")
    (built / "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {site()}/sitemap.xml\n", encoding="utf-8")


def setup(app):
    app.connect("html-page-context", describe, priority=950)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
