#!/usr/bin/env python3
"""How soon a page of the built site can be read, on a slow line and a slow processor, and what there is on it.

python book/tools/page_speed.py                        # the first page and three lessons
python book/tools/page_speed.py book/10_duality        # this one
python book/tools/page_speed.py --shares               # of every lesson's height: how much is text, code, figures, ...

The line brings 1.6 Mbit/s with 150 ms of delay, and the processor is four times as slow as this one: what Lighthouse
calls a slow phone. The pages come compressed from a local server, as they do from where the book is published. Measured
is Chromium's own account: when the first text is seen, how long the page does not answer (what tasks take beyond 50 ms),
how much moves while it loads, and how many bytes come.
"""

import argparse
import functools
import gzip
import http.server
import threading
from pathlib import Path

import pages
import pdf

PAGES = ("book/00_index", "book/01_divergences", "book/05_vanishing_gradients", "book/13_better_critics")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 95_000}
SLOWER = 4
WATCH = """window.seen = {fcp: 0, lcp: 0, shift: 0, tasks: [], moved: []};
const watch = (type, note) => new PerformanceObserver(list => list.getEntries().forEach(note))
  .observe({type, buffered: true});
watch("paint", e => { if (e.name === "first-contentful-paint") seen.fcp = e.startTime; });
watch("largest-contentful-paint", e => { seen.lcp = e.startTime; });
watch("layout-shift", e => { if (!e.hadRecentInput) { seen.shift += e.value;
  seen.moved.push([e.value, e.sources.map(s => s.node?.outerHTML?.slice(0, 80) ?? s.node?.textContent?.slice(0, 40))]); } });
watch("longtask", e => seen.tasks.push([e.startTime, e.duration]));"""

# How high each kind of thing on a page is. What stands in a larger thing of another kind counts there.
SHARES = """() => {
  const kinds = {
    lab: ".gantut-lab", figure: "figure, .cell_output img, .cell_output svg", claims: "div.claims",
    code: "div.cell_input, details.hide > summary, article div[class*='highlight-']:not(.cell_output *)",
    output: "div.cell_output", exercises: "div.exercise, div.solution, div.hint, .answer, .answer-progress"};
  const article = document.querySelector("article"), heights = {}, taken = new Set();
  const inside = (e, own) => { for (let box = e.parentElement; box && box !== article; box = box.parentElement)
    if (taken.has(box) || box.matches(own)) return true; return false; };
  for (const [kind, own] of Object.entries(kinds)) {
    heights[kind] = 0;
    for (const e of article.querySelectorAll(own)) {
      if (!e.checkVisibility() || inside(e, own) || e.querySelector(".gantut-lab, figure, img, div.claims") && kind === "output")
        continue;
      taken.add(e);
      heights[kind] += e.getBoundingClientRect().height;
    }
  }
  const whole = article.getBoundingClientRect().height;
  return {whole, ...heights, text: whole - Object.values(heights).reduce((a, b) => a + b, 0)};
}"""


class Compressed(http.server.SimpleHTTPRequestHandler):
    """A server that compresses text and keeps its connections."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        kind = self.guess_type(path)
        data = path.read_bytes()
        self.send_response(200)
        if kind.startswith("text/") or kind in ("application/json", "application/javascript", "image/svg+xml"):
            data = gzip.compress(data, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def speed(browser, address, window=None):
    """Return what Chromium measures as a page loads: seconds, bytes, and the share of the window that moved."""
    reader = browser.new_context(viewport=window or PHONE)
    tab = reader.new_page()
    line = reader.new_cdp_session(tab)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", LINE)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    sizes = []
    line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    tab.add_init_script(WATCH)
    tab.goto(address, wait_until="load", timeout=120_000)
    tab.wait_for_function("window.formulasSet ? window.formulasSet.then(() => true) : true", timeout=120_000)
    tab.wait_for_timeout(3000)
    seen = tab.evaluate("window.seen")
    reader.close()
    return {
        "first paint": seen["fcp"] / 1000,
        "largest": seen["lcp"] / 1000,
        "blocked": sum(max(0, took - 50) for at, took in seen["tasks"] if at + took > seen["fcp"]) / 1000,
        "moved": seen["shift"],
        "requests": len(sizes),
        "kB": sum(sizes) / 1000,
        "shifts": seen["moved"],
    }


def shares(browser, address, window=None):
    """Return the height of a page in pixels, and how much of it each kind of thing takes, once its formulas are set."""
    tab = browser.new_page(viewport=window or DESK)
    tab.set_default_timeout(120_000)
    tab.goto(address, wait_until="load")
    tab.evaluate("async () => { await window.formulasSet; }")
    found = tab.evaluate(SHARES)
    tab.close()
    return found


def main():
    parser = argparse.ArgumentParser(description="Measure pages of the built site in a browser.")
    parser.add_argument("--shares", action="store_true", help="what the height of pages is made of")
    parser.add_argument("--site", type=Path, default=pages.ROOT / "_build/html", help="a built site")
    parser.add_argument("--verbose", action="store_true", help="also say what moved")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="pages, such as book/10_duality")
    options = parser.parse_args()
    lessons = [page for page in pages.pages_of_toc() if (pages.ROOT / f"{page}.py").is_file()]
    chosen = options.pages or (lessons if options.shares else PAGES)
    from playwright.sync_api import sync_playwright

    handler = functools.partial(Compressed, directory=str(options.site))
    with sync_playwright() as play, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = pdf.launch(play)
        for number, page in enumerate(chosen):
            found = (shares if options.shares else speed)(browser, f"http://127.0.0.1:{server.server_port}/{page}.html")
            moved = found.pop("shifts", [])
            if options.shares:
                whole = found.pop("whole")
                cells = {"pixels": f"{whole:.0f}", **{kind: f"{height / whole:.0%}" for kind, height in found.items()}}
            else:
                cells = {
                    name: f"{value:.2f}" if isinstance(value, float) else str(value) for name, value in found.items()
                }
            if number == 0:
                print(f"{'page':32}" + "".join(f"{name:>12}" for name in cells))
            print(f"{page:32}" + "".join(f"{value:>12}" for value in cells.values()), flush=True)
            if options.verbose:
                print(*moved, sep="\n")
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
