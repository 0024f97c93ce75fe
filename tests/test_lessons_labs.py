"""The labs, used as readers use them: in a real browser, by mouse, finger and keyboard, beside what gantut computes."""

import json
import math
import os
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy
import torch
from conftest import CHROMIUM

from gantut import games, lessons, lipschitz, metrics, objectives
from gantut.data import gaussian, gaussian_mixture, parallel_lines, ring
from gantut.divergences import js_between, kl_between, optimal_discriminator
from gantut.lessons import (
    better_critics,
    duality,
    labs,
    moving_dirt,
    no_equilibrium,
    recorded,
    the_estimate,
    the_game,
    vanishing_gradients,
)
from gantut.lessons.labs import _page
from gantut.lessons.the_estimate import REACH, SIDE, critic_surface, dequantise, quantise, record_game
from gantut.networks import MLP
from gantut.objectives import OBJECTIVES
from gantut.transport import emd_points, pile_moves, wasserstein_1d

if not os.environ.get("CI"):
    pytest.importorskip("playwright")
    if CHROMIUM is None:
        pytest.skip(
            "there is no Chromium to use the labs in (on Debian: apt install chromium)", allow_module_level=True
        )

ROOMS = Path(lessons.__file__).parent
LABS = {script.stem: script for script in sorted(ROOMS.glob("*/*.js")) if script.parent.name != "labs"}
KB = 1024

pytestmark = pytest.mark.site

every_lab = pytest.mark.parametrize("name", LABS)


def made(name):
    """A lab as the book shows it."""
    arguments = [recorded("training-scrubber")] if name == "training_scrubber" else []
    room = import_module(f"gantut.lessons.{LABS[name].parent.name}")
    return getattr(room, name)(*arguments)


# ---- Opening a lab ------------------------------------------------------------------------------------------


def page_of(*labs, theme=""):
    """A page of HTML with these labs, as a notebook or the book would have them."""
    attribute = f' data-theme="{theme}"' if theme else ""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>labs</title>'
    )
    body = "\n".join(f"<div>{lab._repr_html_()}</div>" for lab in labs)
    return f'<!doctype html><html lang="en"{attribute}><head>{head}</head><body><h1>Labs</h1>{body}</body></html>'


@pytest.fixture(scope="module")
def open_labs(browser):
    """A function that opens labs in a window of their own, which notes what goes wrong: -> tab, notes."""
    opened = []

    def open_labs(*labs, size=(900, 900), html=None, **context):
        width, height = size
        reader = browser.new_context(viewport={"width": width, "height": height}, **context)
        reader.set_default_timeout(30_000)  # milliseconds: a busy machine is slow, and nothing waits for nothing
        opened.append(reader)
        tab, notes = reader.new_page(), SimpleNamespace(console=[], requests=[])
        tab.on("console", lambda message: notes.console.append(message.text))
        tab.on("pageerror", lambda error: notes.console.append(str(error)))
        tab.on("request", lambda request: notes.requests.append(request.url))
        tab.set_content(html or page_of(*labs))
        return tab, notes

    yield open_labs
    for reader in opened:
        reader.close()


@pytest.fixture(scope="module")
def opened(open_labs):
    """A function that gives the one window in which a lab is open, so that each is started once."""
    tabs = {}

    def opened(name):
        if name not in tabs:
            tabs[name] = open_labs(made(name))[0]
        return tabs[name]

    return opened


def number(tab, name):
    """What a lab shows under a name, in full: a number, or NaN where it says that there is none."""
    text = tab.locator(f"[data-name='{name}']").first.get_attribute("data-value")
    return float({"none": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(text, text))


def put(tab, **settings):
    """Set sliders and choices at once, as if by hand; the names have - for _."""
    tab.evaluate(
        """settings => {
          const root = document.querySelector(".gantut-lab").shadowRoot;
          for (const [name, value] of Object.entries(settings)) {
            const control = root.querySelector(`[name="${name}"]`);
            control.value = value;
            control.dispatchEvent(new Event(control.tagName === "SELECT" ? "change" : "input"));
          }
        }""",
        {name.replace("_", "-"): value for name, value in settings.items()},
    )


def says(tab, *words):
    """Wait until the status line has these words, and no other line is about to take its place."""
    for word in words:
        tab.locator(
            ".gantut-lab:not([data-saying]) [role=status]", has_text=re.compile(re.escape(word))
        ).first.wait_for()


def press(tab, name, key="Enter"):
    """Press a key on a control."""
    tab.locator(f"[name='{name}']").first.press(key)


def pause(tab, at_rest):
    """Press the button that plays, unless all was played by now, on a slow machine: it would begin anew."""
    tab.evaluate(
        """rest => { const button = document.querySelector(".gantut-lab").shadowRoot.querySelector("[name=play]");
        if (button.textContent !== rest) button.click(); }""",
        at_rest,
    )
    assert tab.locator("[name=play]").inner_text() == at_rest


def in_lab(tab, name, *arguments):
    """Call a function that a lab shows."""
    return tab.evaluate(
        "([name, given]) => document.querySelector('.gantut-lab').lab[name](...given)", [name, list(arguments)]
    )


# Two pictures on: what a page was to notice, it has noticed.
A_MOMENT = "() => new Promise(seen => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(seen, 20))))"


# ---- What all labs promise ----------------------------------------------------------------------------------


def test_the_table_of_the_module_names_every_lab():
    assert set(re.findall(r"^`(\w+)` ", labs.__doc__, re.M)) == set(LABS)


@every_lab
def test_a_lab_says_what_it_is_in_plain_text_and_nothing_that_changes_from_run_to_run(name):
    lab = made(name)
    assert repr(lab) == f"<a lab in the page: {lab.title}>"
    html = lab._repr_html_()
    torch.rand(3)  # nothing is drawn from the global source
    _page.closed.cache_clear()
    assert made(name)._repr_html_() == html
    assert not re.search(r"0x[0-9a-f]{6,}|/home/|/tmp/", html.partition("<script>")[0]), "addresses and paths differ"


@every_lab
def test_a_script_is_small_and_fetches_nothing(name):
    script = _page.closed((*made(name).parts, made(name).script))
    assert len(script.encode()) < 150 * KB
    outside = (
        r"""\bfetch\(|XMLHttpRequest|\bimport\b\s*[({"']|\brequire\b|\beval\(|new Function|https?://(?!www\.w3\.org/)"""
    )
    assert not re.search(outside, script)
    assert not re.search(r"</script|<!--", script, re.I), "this would end the element that the script stands in"


def test_settings_cannot_end_the_element_that_they_stand_in():
    text = _page.plain_data({"name": "</script><script>alert(1)</script>"})
    assert "<" not in text
    assert json.loads(text)["name"].startswith("</script>")
    with pytest.raises(ValueError):
        _page.plain_data({"value": math.nan})


# What there is in a lab: names of controls and pictures, and how strongly text stands out from what is behind it.
INSIDE = r"""() => {
  const root = document.querySelector(".gantut-lab").shadowRoot;
  const all = what => [...root.querySelectorAll(what)];
  const inSight = all("input, select, button").filter(e => !e.closest("details"));
  const lowest = Math.max(...inSight.map(e => e.getBoundingClientRect().bottom));
  const together = lowest - all("figure")[0].getBoundingClientRect().top; // of picture and controls
  for (const fold of root.querySelectorAll("details")) fold.open = true;
  const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = c => { const [r, g, b] = c.map(v => { v /= 255;
      return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const ratio = e => { const style = getComputedStyle(e), svg = e instanceof SVGElement;
    const [hi, lo] = [light(parse(svg ? style.fill : style.color).slice(0, 3)), light(ground(e))].sort((a, b) => b - a);
    return (hi + 0.05) / (lo + 0.05); };
  const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  const texts = all("p, span, button, select, dt, dd, th, td, caption, figcaption, text").filter(own);
  const faint = texts.filter(e => !e.disabled && ratio(e) < 4.5).map(e => `${ratio(e).toFixed(1)} ${e.textContent}`);
  const controls = all("input, select");
  const nameless = [...controls.filter(c => !c.closest("label")?.querySelector("span")?.textContent.trim()),
    ...all("button").filter(b => !b.textContent.trim())].map(e => e.outerHTML);
  const blind = all("figure > svg, canvas").filter(
    p => p.getAttribute("role") !== "img" || (p.getAttribute("aria-label") ?? "").length < 20).map(p => p.outerHTML);
  const small = all("button, input, select").filter(
    e => e.getBoundingClientRect().height < 24 && e.type !== "checkbox").map(e => e.outerHTML);
  const tiny = texts.filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.textContent);
  const live = root.querySelector("[role=status]").getAttribute("aria-live");
  const clipped = all("svg text").filter(t => { const r = t.getBoundingClientRect();
    const s = t.ownerSVGElement.getBoundingClientRect(); return r.left < s.left - 2 || r.right > s.right + 2; });
  // Letters as a programmer types them, and not as a reader of mathematics sees them: E_p, 10^2, 1e-6.
  const spoken = all("[aria-label]").map(e => e.getAttribute("aria-label"));
  const typed = [...texts.map(e => e.textContent), ...spoken].filter(
    text => /[A-Za-z]_\w|\^|\d[eE][-−+]?\d/.test(text));
  const lines = e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight);
  const broken = all("dd").filter(e => lines(e) > 1.5).map(e => e.textContent);
  const crowded = all("label.control").filter(e => { // a name that runs into its number
    const [name, number] = e.children, range = document.createRange();
    range.selectNodeContents(name);
    const end = range.getBoundingClientRect().right;
    return number.className === "shown" && end > number.getBoundingClientRect().left - 4;
  }).map(e => e.textContent);
  return { typed, broken, crowded, together,
    theme: document.querySelector(".gantut-lab").dataset.theme, light: light(ground(root.querySelector(".lab"))),
    faint, nameless, blind, small, tiny, live, clipped: clipped.map(t => t.textContent),
    controls: all("input, select, button").length, tooWide: document.documentElement.scrollWidth - window.innerWidth };
}"""


@every_lab
@pytest.mark.parametrize(
    ("size", "scheme"), [((900, 900), "dark"), ((390, 844), "light")], ids=["desk-dark", "phone-light"]
)
def test_a_lab_is_whole_legible_and_labelled(open_labs, name, size, scheme):
    tab, notes = open_labs(made(name), size=size, color_scheme=scheme)
    seen = SimpleNamespace(**tab.evaluate(INSIDE))
    tab.context.close()
    assert not notes.console
    assert not notes.requests, "a lab brings all that it needs"
    assert seen.theme == scheme
    assert (seen.light > 0.8) == (scheme == "light")
    assert not seen.faint, "text with a contrast below 4.5 : 1"
    assert seen.controls
    assert not seen.nameless, "controls without a name"
    assert not seen.blind, "pictures that do not say what they show"
    assert not seen.small, "too small for a finger"
    assert not seen.tiny, "text below 12 pixels"
    assert not seen.clipped, "text that is cut off"
    assert seen.live == "polite"
    assert seen.tooWide <= 0
    assert not seen.typed
    assert not seen.broken, "numbers that break over lines"
    assert not seen.crowded
    assert seen.together <= size[1], "whoever moves a control sees what it does"


@pytest.fixture(scope="module")
def without_scripts(open_labs):
    """Where each lab would be, by its name, on a phone on which scripts do not run: all are on one page."""
    tab, _ = open_labs(*map(made, LABS), size=(390, 844), java_script_enabled=False)
    return dict(zip(LABS, tab.locator("body > div").all(), strict=True))


@every_lab
def test_where_scripts_do_not_run_a_still_picture_stands_in_their_place(without_scripts, name):
    place = without_scripts[name]
    picture = place.locator(".gantut-lab > svg[role=img]")
    box, label = picture.bounding_box(), picture.get_attribute("aria-label")
    assert 200 < box["width"] <= 390
    assert len(label) > 40
    assert place.get_by_text("This is a still picture").is_visible()


def test_the_still_picture_makes_way_for_the_lab(opened):
    tab = opened("move_dirt")
    assert not tab.get_by_text("This is a still picture").is_visible()


def test_labs_follow_the_theme_of_the_page_and_of_notebooks(open_labs):
    lab = duality.parallel_lines()
    tab, _ = open_labs(html=page_of(lab, theme="light"), color_scheme="dark")
    host = tab.locator(".gantut-lab")
    assert host.get_attribute("data-theme") == "light", "the book's own theme goes before the system's"
    says = {
        "document.documentElement.dataset.theme = 'dark'": "dark",
        "delete document.documentElement.dataset.theme; document.body.dataset.jpThemeLight = 'true'": "light",
        "document.body.dataset.jpThemeLight = 'false'": "dark",
        "document.documentElement.setAttribute('theme', 'light')": "light",
    }
    for change, theme in says.items():
        tab.evaluate(change)
        tab.wait_for_function("theme => document.querySelector('.gantut-lab').dataset.theme === theme", arg=theme)
    tab.context.close()


def test_a_lab_lives_where_a_notebook_writes_it_into_a_page_that_is_already_there(open_labs):
    tab, notes = open_labs(html=page_of())
    as_jupyter = """html => {
      const output = document.createElement("div");
      output.innerHTML = html;  // scripts written so do not run: JupyterLab puts fresh ones in their place
      for (const old of output.querySelectorAll("script")) {
        const fresh = document.createElement("script");
        for (const { name, value } of old.attributes) fresh.setAttribute(name, value);
        fresh.textContent = old.textContent;
        old.replaceWith(fresh);
      }
      document.body.append(output);
    }"""
    for _ in range(2):  # the cell is run twice
        tab.evaluate(as_jupyter, no_equilibrium.xy_game()._repr_html_())
    assert tab.locator("[data-ready=true]").count() == 2
    assert tab.locator("[data-name=spectral]").all_inner_texts() == ["1.0050"] * 2
    assert not notes.console
    tab.context.close()


def test_a_lab_that_is_taken_out_of_the_page_lets_go_of_it_and_follows_it_again_when_it_comes_back(open_labs):
    tab, _ = open_labs(html=page_of(no_equilibrium.xy_game(), theme="light"))
    tab.evaluate("window.lab = document.querySelector('.gantut-lab'), window.place = lab.parentElement, lab.remove()")
    tab.evaluate(A_MOMENT)
    tab.evaluate("document.documentElement.dataset.theme = 'dark'")
    tab.evaluate(A_MOMENT)
    assert tab.evaluate("window.lab.dataset.theme") == "light"
    tab.evaluate("window.place.append(window.lab)")
    tab.wait_for_function("window.lab.dataset.theme === 'dark'")
    tab.context.close()


def test_labs_on_one_page_do_not_collide(open_labs):
    first, second = moving_dirt.move_dirt([1, 0], [0, 1]), moving_dirt.move_dirt([0, 0, 2], [2, 0, 0])
    tab, notes = open_labs(first, no_equilibrium.xy_game(), second)
    names = [name for name in tab.evaluate("Object.keys(window)") if re.match("Lab|Chart|STYLE|begin|gantut", name)]
    assert names == []
    labs = tab.locator(".gantut-lab")
    cost, help_ = labs.locator("[data-name=cost]"), labs.locator("[name=help]")
    help_.nth(0).click()
    assert [cost.nth(i).inner_text() for i in range(2)] == ["1", "0"]
    help_.nth(1).click(click_count=2)
    assert [cost.nth(i).inner_text() for i in range(2)] == ["1", "2"]
    clips = tab.evaluate(
        "[...document.querySelectorAll('.gantut-lab')[1].shadowRoot.querySelectorAll('clipPath')].map(c => c.id)"
    )
    assert len(set(clips)) == len(clips) == 3
    assert not notes.console
    tab.context.close()


def test_keys_pressed_in_a_lab_do_not_reach_the_notebook(opened):
    tab = opened("move_dirt")
    tab.evaluate("window.heard = []; document.addEventListener('keydown', event => window.heard.push(event.key))")
    press(tab, "pile-1", "d")
    assert tab.evaluate("window.heard") == []
    assert tab.locator(".gantut-lab").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_what_has_the_focus_is_seen_to_have_it(opened):
    tab = opened("move_dirt")
    tab.locator("[name=pile-1]").focus()
    tab.keyboard.press("Tab")
    outline = tab.evaluate(
        "getComputedStyle(document.querySelector('.gantut-lab').shadowRoot.activeElement).outlineWidth"
    )
    assert float(outline.removesuffix("px")) >= 2


# ---- A discriminator that wins --------------------------------------------------------------------------------


@pytest.mark.parametrize(("theta", "width"), [(0.5, 0.4), (1.0, 0.3), (2.0, 0.5), (3.0, 1.0)])
def test_against_d_star_the_losses_have_the_gradients_of_js_and_of_kl_less_twice_js(opened, theta, width):
    """By quadrature and autograd: lesson 5's account of both losses."""
    tab = opened("winning_discriminator")
    put(tab, theta=theta, width=width, kind="optimal")
    put(tab, sure=0)
    says(tab, "This is D*")
    place = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    q, p = gaussian(place, width), gaussian(0, width)
    js, kl = js_between(q, p).value, kl_between(q, p).value
    of_js, of_kl = (torch.autograd.grad(value, place, retain_graph=True)[0].item() for value in (js, kl))
    assert number(tab, "V") == pytest.approx(2 * js.item() - 2 * math.log(2), abs=1e-9)
    assert number(tab, "dying") == pytest.approx(2 * of_js, rel=1e-6)
    assert number(tab, "living") == pytest.approx(of_kl - 2 * of_js, rel=1e-6)
    most = number(tab, "V")
    for sure, words in ((0.2, "surer than D*"), (-0.2, "less sure than D*")):
        put(tab, sure=sure)
        assert number(tab, "V") < most
        says(tab, words)


def test_each_training_step_is_a_gradient_step_on_v(opened):
    """Gradients by autograd, expectations by Gauss and Hermite with 60 nodes; a shift of the middle has none."""
    theta, width, steps = 2.0, 0.4, 50
    found = in_lab(opened("winning_discriminator"), "training", theta, width, steps)
    z, weight = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(60))
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # the steepness k, and a shift
    for expected in found:
        k, shift = logits
        assert expected == pytest.approx(k.item(), abs=1e-9)
        real, fake = (-k * (middle + width * z - theta / 2) + shift for middle in (0.0, theta))
        log_sigmoid = torch.nn.functional.logsigmoid
        V = ((log_sigmoid(real) + log_sigmoid(-fake)) * weight).sum() / math.sqrt(2 * math.pi)
        (slope,) = torch.autograd.grad(V, logits)
        assert slope[1].item() == pytest.approx(0, abs=1e-12)
        logits = (logits + slope).detach().requires_grad_()
    assert len(found) == steps + 1


@pytest.mark.parametrize("z", [-1.5, 0, 2])
def test_at_a_sample_the_slopes_are_those_of_autograd(opened, z):
    tab = opened("winning_discriminator")
    put(tab, theta=2, width=0.2, kind="trained")
    put(tab, steps=2, sample=z)
    k = number(tab, "k")
    x = torch.tensor(2 + 0.2 * z, dtype=torch.float64, requires_grad=True)
    D = torch.sigmoid(-k * (x - 1))
    assert number(tab, "D") == pytest.approx(D.item(), rel=1e-9)
    for name, loss in (("dying", torch.log(1 - D)), ("living", -torch.log(D))):
        (slope,) = torch.autograd.grad(loss, x, retain_graph=True)
        assert number(tab, f"slope-{name}") == pytest.approx(slope.item(), rel=1e-9)


def test_as_d_wins_one_gradient_dies_and_the_other_grows(opened):
    tab = opened("winning_discriminator")
    put(tab, theta=2, width=0.2, kind="trained")
    V, dying, living = [], [], []
    for steps in (0, 1, 2, 3, 4):  # powers of ten
        put(tab, steps=steps)
        for values, name in ((V, "V"), (dying, "dying"), (living, "living")):
            values.append(number(tab, name))
    assert (np.diff(V) > 0).all()
    assert (np.diff(living) > 0).all()
    assert (np.diff(dying)[1:] < 0).all()
    assert dying[-1] < dying[0] / 100
    says(tab, "D has won", "all but gone")
    put(tab, theta=0)
    assert number(tab, "dying") == number(tab, "living") == 0
    says(tab, "equal")


def test_d_is_trained_by_a_button_and_samples_are_moved_by_keys_or_dragged(opened):
    tab = opened("winning_discriminator")
    put(tab, theta=2, width=0.2, kind="trained")
    put(tab, steps=0)
    press(tab, "play")
    tab.wait_for_function("document.querySelector('.gantut-lab').shadowRoot.querySelector('[name=steps]').value > 0.1")
    pause(tab, "Let D win")
    put(tab, steps=1)
    k = number(tab, "k")
    press(tab, "steps", "ArrowRight")
    press(tab, "steps", "End")
    assert number(tab, "k") > k > 0
    assert tab.locator("[name=sure]").count() == 0, "of the two sliders only that of this kind of D is there"
    press(tab, "theta", "ArrowLeft")
    assert tab.locator("[name=theta]").input_value() == "1.99"
    box = tab.locator("figure > svg").first.bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 12, box["y"] + 60)
    assert tab.locator("[name=theta]").input_value() == "3", "the edge of the picture is beyond"


def test_generated_samples_outside_the_picture_are_refused():
    for theta in (-0.1, 3.5, math.inf):
        with pytest.raises(ValueError, match="theta"):
            vanishing_gradients.winning_discriminator(theta)


# ---- Moving dirt --------------------------------------------------------------------------------------------


def table_row(tab, key, gaps):
    return [number(tab, f"{key}-{gap}") for gap in range(1, gaps + 1)]


def test_by_keys_alone_the_optimum_is_met_and_the_lab_says_why_nothing_is_cheaper(opened):
    tab = opened("move_dirt")
    tab.locator("[name=pile-1]").focus()
    for _ in range(2):  # from pile 1 to pile 3, by the arrows, and back to pile 1
        for key in ("Enter", "ArrowRight", "ArrowRight", "Space", "ArrowLeft", "ArrowLeft"):
            tab.keyboard.press(key)
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter", "Escape", "Enter", "ArrowLeft", "Enter"):
        tab.keyboard.press(key)  # the last one from pile 4 to pile 3, after it was once put back
    walk = pile_moves([3.0, 2.0, 1.0, 4.0], [1.0, 2.0, 4.0, 3.0])
    says(tab, "Done, at cost 5, and nothing is cheaper", "2 + 2 + 1 = 5")
    assert table_row(tab, "delta", 3) == walk.deltas[1:-1].tolist()
    rightwards = zip(table_row(tab, "right", 3), table_row(tab, "left", 3), strict=True)
    assert [right - left for right, left in rightwards] == walk.deltas[1:-1].tolist()
    assert number(tab, "cost") == number(tab, "least") == walk.cost == 5
    assert number(tab, "ahead") == 0
    press(tab, "undo")
    says(tab, "undone")
    assert (number(tab, "cost"), number(tab, "ahead")) == (4, 1)
    press(tab, "again")
    assert (number(tab, "cost"), number(tab, "ahead")) == (0, 5)


@pytest.mark.parametrize("finger", [False, True])
def test_by_mouse_or_finger_a_detour_costs_more_and_the_lab_says_where(open_labs, finger):
    tab, notes = open_labs(moving_dirt.move_dirt([2, 0, 1], [1, 1, 1]), size=(390, 844), has_touch=finger)
    box = tab.locator("figure > svg").bounding_box()
    column = [(box["x"] + (i + 0.5) * box["width"] / 3, box["y"] + box["height"] - 40) for i in range(3)]
    for a, b in ((0, 2), (2, 1)):  # past the goal, and back
        if finger:
            tab.touchscreen.tap(*column[a])
            tab.touchscreen.tap(*column[b])
        else:
            tab.mouse.move(*column[a])
            tab.mouse.down()
            tab.mouse.move(*column[b], steps=4)
            tab.mouse.up()
    says(tab, "Done, at cost 3", "1 + 0 = 1 would do", "1 crossed gap 2 to and fro")
    assert number(tab, "least") == 1
    assert not notes.console
    tab.context.close()


@pytest.mark.parametrize(
    ("P", "Q"),
    [
        ([0, 0, 0, 5], [1, 1, 1, 2]),
        ([4, 0, 0], [0, 0, 4]),
        ([1, 3, 0, 0, 2, 0], [0, 0, 2, 2, 0, 2]),
        ([2, 3], [2, 3]),
    ],
)
def test_the_way_that_the_lab_shows_is_a_cheapest_one(open_labs, P, Q):
    tab, _ = open_labs(moving_dirt.move_dirt(P, Q))
    walk = pile_moves(*(torch.tensor(piles, dtype=torch.float64) for piles in (P, Q)))
    moves = 0
    while tab.locator("[name=help]").is_enabled():
        press(tab, "help")
        moves += 1
    piles = [int(text.split()[0]) for text in tab.locator("[name^=pile-]").all_inner_texts()]
    assert piles == Q
    assert number(tab, "cost") == number(tab, "least") == walk.cost == moves
    tab.context.close()


def test_other_piles_can_be_drawn_and_have_the_same_total(opened):
    tab = opened("move_dirt")
    press(tab, "other")
    there = [int(text.split()[0]) for text in tab.locator("[name^=pile-]").all_inner_texts()]
    assert sum(there) == 10
    assert number(tab, "least") == pile_moves([float(pile) for pile in there], [1.0, 2.0, 4.0, 3.0]).cost >= 3
    press(tab, "again")


@pytest.mark.parametrize(
    ("P", "Q", "message"),
    [
        ([1, 2], [2, 2], "total"),
        ([1, 2], [1, 1, 1], "length"),
        ([0.5, 0.5], [1, 0], "whole numbers"),
        ([-1, 2], [1, 0], "whole numbers"),
        ([25, 0], [0, 25], "0 to 20"),
        ([1], [1], "2 to 8 piles"),
    ],
)
def test_piles_that_cannot_be_moved_are_refused(P, Q, message):
    with pytest.raises(ValueError, match=message):
        moving_dirt.move_dirt(P, Q)


# ---- Parallel lines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [-1, -0.3, 0.01, 0.75])
def test_on_parallel_lines_w_is_the_exact_distance_and_the_others_do_not_see_it(opened, theta):
    tab = opened("parallel_lines")
    put(tab, blur=0, theta=theta)
    line, heights = parallel_lines(theta)[1], torch.linspace(0, 1, 41, dtype=torch.float64)
    P, Q = (torch.stack([torch.full_like(heights, place), heights], -1) for place in (0.0, line.theta))
    assert number(tab, "W") == pytest.approx(emd_points(P, Q).value.item(), abs=1e-12)
    assert number(tab, "dW") == math.copysign(1, theta)
    assert number(tab, "JS") == pytest.approx(math.log(2), abs=1e-15)
    assert number(tab, "dJS") == 0
    assert number(tab, "KL") == math.inf
    assert math.isnan(number(tab, "dKL"))


def test_where_the_lines_meet_all_are_zero_and_none_has_a_gradient(opened):
    tab = opened("parallel_lines")
    put(tab, blur=0, theta=0)
    assert [number(tab, name) for name in ("KL", "JS", "W")] == [0, 0, 0]
    assert all(math.isnan(number(tab, name)) for name in ("dKL", "dJS", "dW"))
    says(tab, "P = Q")


@pytest.mark.parametrize(("theta", "blur"), [(0.3, 0.2), (-0.8, 0.5), (0.05, 0.03), (1, 0.1)])
def test_with_noise_the_lab_shows_what_quadrature_finds(opened, theta, blur):
    tab = opened("parallel_lines")
    put(tab, blur=blur, theta=theta)

    def between(measure, place):
        return measure(gaussian(0.0, blur), gaussian(place, blur)).value.item()

    step = 1e-4 * blur
    for name, measure in (("KL", kl_between), ("JS", js_between)):
        assert number(tab, name) == pytest.approx(between(measure, theta), rel=1e-9, abs=1e-12)
        slope = (between(measure, theta + step) - between(measure, theta - step)) / (2 * step)
        assert number(tab, f"d{name}") == pytest.approx(slope, rel=1e-5, abs=1e-6)  # of the difference: step^2


def test_following_w_arrives_and_following_js_goes_nowhere(opened):
    tab = opened("parallel_lines")
    put(tab, blur=0, theta=0.5, which="JS")
    press(tab, "step")
    says(tab, "gradient of JS is 0.000: Q stays")
    assert number(tab, "W") == 0.5
    put(tab, which="W")
    for _ in range(5):
        press(tab, "step")
    assert number(tab, "W") == 0
    put(tab, which="KL")
    press(tab, "step")
    says(tab, "KL has no gradient")


def test_the_line_is_moved_by_arrow_keys_and_by_dragging(opened):
    tab = opened("parallel_lines")
    put(tab, blur=0, theta=0.5)
    press(tab, "theta", "ArrowRight")
    assert number(tab, "W") == pytest.approx(0.51, abs=1e-12)
    press(tab, "theta", "Home")
    assert number(tab, "W") == 1
    box = tab.locator("figure > svg").nth(0).bounding_box()
    tab.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 50)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 2 * box["width"], box["y"] + 50, steps=3)  # held, and led past the end
    tab.mouse.up()
    assert (number(tab, "W"), number(tab, "dW")) == (1, 1)


def test_lines_outside_the_picture_are_refused():
    for theta in (1.5, math.nan, "far"):
        with pytest.raises(ValueError, match="theta"):
            duality.parallel_lines(theta)


# ---- A potential, dragged -------------------------------------------------------------------------------------


def steepness(places, f):
    return np.abs(np.diff(f) / np.diff(places)).max()


def value_of(points, f):
    return np.dot(np.subtract(points["p"], points["q"]), f)


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_best_f_keeps_the_limit_and_reaches_w1_and_w1_is_the_exact_one(opened, seed, rng):
    tab = opened("drag_a_potential")
    points = in_lab(tab, "drawn", seed)
    places, p, q = (torch.tensor(points[name], dtype=torch.float64) for name in ("places", "p", "q"))
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    assert q.sum().item() == pytest.approx(1, abs=1e-12)
    W1 = wasserstein_1d(places, places, p, q).item()
    assert in_lab(tab, "wasserstein", points) == pytest.approx(W1, abs=1e-12)
    for f in torch.randn(3, len(places), generator=rng).tolist():
        best = in_lab(tab, "best", points, f)
        assert steepness(places, best) <= 1 + 1e-12
        assert value_of(points, best) == pytest.approx(W1, abs=1e-12)


def test_a_function_that_is_too_steep_is_replaced_by_a_nearest_one_that_is_not(opened, rng):
    """Nearest in the largest deviation: a linear program finds none that is nearer."""
    tab, places = opened("drag_a_potential"), np.array([0.0, 1.0, 1.5, 4.0, 9.0])
    rise = np.diff(np.eye(5), axis=0) / np.diff(places)[:, None]
    for f in (5 * torch.randn(8, 5, generator=rng)).tolist():
        found = in_lab(tab, "nearest", places.tolist(), f)
        assert steepness(places, found) <= 1 + 1e-12
        within = np.block([[rise, np.zeros((4, 1))], [-rise, np.zeros((4, 1))]])  # the last unknown is the deviation
        near = np.block([[np.eye(5), -np.ones((5, 1))], [-np.eye(5), -np.ones((5, 1))]])
        bounds = np.concatenate([np.ones(8), f, np.negative(f)])
        least = scipy.optimize.linprog(np.eye(6)[5], np.vstack([within, near]), bounds, bounds=[(None, None)] * 6).fun
        assert np.abs(np.subtract(found, f)).max() == pytest.approx(least, abs=1e-9)


def test_a_place_that_is_moved_takes_the_others_along_only_as_far_as_the_limit_asks(opened, rng):
    tab, places = opened("drag_a_potential"), np.array([0.0, 1.0, 1.5, 4.0, 9.0])
    for k, value in enumerate((5 * torch.randn(5, generator=rng)).tolist()):
        f = np.concatenate([[0.0], np.cumsum(np.diff(places) * slopes_within_one(rng))])
        found = np.array(in_lab(tab, "pulled", places.tolist(), f.tolist(), k, value))
        assert found[k] == value
        assert steepness(places, found) <= 1 + 1e-12
        away = np.abs(places - places[k])
        assert found == pytest.approx(np.clip(f, value - away, value + away))  # and any such function lies in between


def slopes_within_one(rng):
    return (2 * torch.rand(4, generator=rng) - 1).double().numpy()


def test_with_the_limit_no_f_proves_more_than_w1_and_without_it_one_does(opened):
    tab = opened("drag_a_potential")
    press(tab, "flat")
    assert number(tab, "gain") == 0
    says(tab, "2.20 is missing", "f should fall")
    for place, height in ((0, 5.4), (3, -5.4), (5, 5.4)):  # as greedy as can be
        put(tab, place=place, height=height)
        assert number(tab, "steepest") <= 1 + 1e-12
        assert number(tab, "gain") <= number(tab, "W1") + 1e-12
    press(tab, "best")
    says(tab, "A best f", "between 2 and 4")
    assert number(tab, "gain") == pytest.approx(2.2, abs=1e-12)
    assert number(tab, "W1") == pytest.approx(2.2, abs=1e-12)
    press(tab, "limit")
    put(tab, place=0, height=5.4)
    says(tab, "not allowed", "claims more than W₁")
    assert number(tab, "gain") > number(tab, "W1")
    assert number(tab, "scaled") == number(tab, "gain") / number(tab, "steepest") < number(tab, "W1")
    assert "more than W₁" in tab.locator("[data-name=gain]").inner_text()
    press(tab, "limit")
    assert tab.locator("[name=limit]").get_attribute("aria-pressed") == "true"
    assert number(tab, "steepest") <= 1 + 1e-12
    assert number(tab, "gain") <= number(tab, "W1") + 1e-12


def test_f_is_dragged_at_the_nearest_place_or_moved_by_keys(opened):
    tab = opened("drag_a_potential")
    press(tab, "flat")
    box = tab.locator("figure > svg").first.bounding_box()
    tab.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] - 20, box["y"] + 12, steps=3)
    tab.mouse.up()
    now = in_lab(tab, "now")
    assert now["f"][-1] > 4
    assert now["f"][-2] == pytest.approx(now["f"][-1] - 2), "2 to the left, and pulled along"
    assert number(tab, "gain") == pytest.approx(value_of(now, now["f"]), abs=1e-12)
    assert tab.locator("[name=place]").input_value() == "5"
    before = now["f"][-1]
    press(tab, "height", "ArrowLeft")
    assert in_lab(tab, "now")["f"][-1] == pytest.approx(before - 0.05, abs=1e-9)
    press(tab, "other")
    assert in_lab(tab, "now")["places"] != now["places"]
    assert number(tab, "gain") == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(x=[0], y=[0], p=[1], q=[1]), "different places in all"),
        (dict(x=range(9), p=[1 / 9] * 9), "different places in all"),
        (dict(x=[0, 0, 1]), "x must have different places"),
        (dict(x=[0, 1]), "one for each of p"),
        (dict(p=[0.4, 0.4, 0.4]), "p must add up to 1, not 1.2"),
        (dict(q=[0.5, 0.5, 0.0]), "q must be a positive"),
        (dict(y=[1, math.nan, 2]), "y must be a finite number"),
    ],
)
def test_points_without_a_potential_to_drag_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        duality.drag_a_potential(**given)


# ---- The game of x and y ------------------------------------------------------------------------------------


METHODS = ("simultaneous", "alternating", "extragradient", "optimistic", "consensus")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 1.2])
def test_the_game_goes_where_gantut_plays_it(opened, method, rate):
    tab, start, options = opened("xy_game"), (0.75, -1.0), {"gamma": 0.5} if method == "consensus" else {}
    put(tab, method=method, rate=rate, gamma=0.5, rounds=40, x=start[0], y=start[1])
    path = games.play(games.bilinear(), start, method=method, lr=rate, steps=40, **options)
    assert number(tab, "end-x") == pytest.approx(path.x[-1].item(), rel=1e-9, abs=1e-12)
    assert number(tab, "end-y") == pytest.approx(path.y[-1].item(), rel=1e-9, abs=1e-12)
    assert number(tab, "ratio") == pytest.approx((path.radius[-1] / path.radius[0]).item(), rel=1e-9)
    expected = games.eigenvalues(games.bilinear(), (0.0, 0.0), method=method, lr=rate, **options).tolist()
    shown = [complex(*pair) for pair in json.loads(tab.locator("[data-name=eigenvalues]").get_attribute("data-value"))]
    assert len(shown) == len(expected)
    for value in expected:  # in no particular order; a double eigenvalue is known to the root of the rounding only
        assert min(abs(value - other) for other in shown) < 1e-7
    assert number(tab, "spectral") == pytest.approx(max(map(abs, expected)), abs=1e-7)


def test_the_verdict_follows_the_largest_modulus(opened):
    tab = opened("xy_game")
    put(tab, rate=0.1, method="simultaneous")
    says(tab, "more than 1")
    put(tab, method="alternating")
    says(tab, "is 1: the players go round")
    put(tab, method="extragradient")
    says(tab, "less than 1")


def test_eigenvalues_are_written_in_conjugate_pairs_that_no_line_breaks(opened):
    tab = opened("xy_game")
    for method, words in (
        ("simultaneous", "1.000 ± 0.300i"),
        ("consensus", "0.850 ± 0.300i"),
        ("optimistic", "0.900 ± 0.300i, 0.100 ± 0.300i"),  # m² − (1 − 0.6i) m − 0.3i = 0, and its conjugate
    ):
        put(tab, method=method, rate=0.3, gamma=0.5)
        text = tab.locator("[data-name=eigenvalues]").inner_text()
        assert text.replace("\u00a0", " ") == words
        assert text.count(" ") == words.count(", "), "but between two pairs"


def test_the_start_is_dragged_or_set_by_keys_and_play_goes_on_round_by_round(opened):
    tab = opened("xy_game")
    put(tab, method="alternating", rate=0.2, rounds=3, x=1, y=1)
    press(tab, "x", "ArrowLeft")
    assert tab.locator("[name=x]").get_attribute("aria-valuetext") == "0.95"
    box = tab.locator("figure > svg").first.bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2 + 60, box["y"] + 60)
    x, y = (float(tab.locator(f"[name={name}]").input_value()) for name in "xy")
    assert 0.2 < x < 1.5
    assert 0.2 < y <= 1.5
    press(tab, "play", "Space")
    tab.wait_for_function("document.querySelector('.gantut-lab').shadowRoot.querySelector('[name=rounds]').value > 6")
    pause(tab, "Play")
    rounds = int(tab.locator("[name=rounds]").input_value())
    path = games.play(games.bilinear(), (x, y), method="alternating", lr=0.2, steps=rounds)
    assert number(tab, "end-x") == pytest.approx(path.x[-1].item(), abs=1e-9)


# ---- The Dirac-GAN ------------------------------------------------------------------------------------------


def dirac_gan(game, penalty, weight, noise):
    """By the package's losses and autograd: data at 0, samples at θ, scores ψx, and ±noise on all of them."""
    losses, coin = OBJECTIVES[game], noise * torch.tensor([-1.0, 1.0], dtype=torch.float64)
    penalties = {
        "none": torch.zeros_like,
        "zero": lambda psi: weight / 2 * psi.square(),
        "two": lambda psi: weight * (psi.abs() - 1).square(),
        "one": lambda psi: weight * (psi.abs() - 1).relu().square(),
        "clip": torch.zeros_like,
    }

    def loss_of_d(theta, psi):
        return losses.critic_loss(psi * coin, psi * (theta + coin)) + penalties[penalty](psi).sum(-1)

    return games.Game(lambda theta, psi: losses.generator_loss(psi * coin, psi * (theta + coin)), loss_of_d)


def dirac_moves(order, critic_steps, bound):
    def advance(game, state, lr):
        theta, psi = state
        moved = theta - lr.x * game.gradient_x(theta, psi)
        for _ in range(critic_steps):
            psi = psi - lr.y * game.gradient_y(moved if order == "turns" else theta, psi)
            psi = psi.clamp(-bound, bound)
        return moved, psi

    return advance


RULES = [  # loss, penalty, weight, noise, order, critic steps, rates
    ("minimax", "none", 0.3, 0.0, "once", 1, (0.2, 0.2)),
    ("non-saturating", "none", 0.3, 0.0, "turns", 3, (0.5, 0.1)),
    ("non-saturating", "zero", 0.7, 0.0, "once", 1, (0.2, 0.4)),
    ("minimax", "zero", 5.0, 1.5, "turns", 2, (0.3, 0.2)),
    ("wgan", "zero", 3.0, 1.0, "turns", 1, (1.0, 0.6)),
    ("wgan", "two", 0.3, 0.0, "once", 1, (0.1, 0.1)),
    ("wgan", "one", 2.0, 0.0, "turns", 5, (0.1, 0.05)),
    ("wgan", "clip", 0.5, 0.0, "once", 5, (0.2, 0.2)),
]


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: f"{rules[0]}-{rules[1]}-{rules[4]}")
def test_the_dirac_gan_is_steered_where_gantut_plays_it(opened, rules):
    """Forty iterations by hand-made derivatives, and as many by autograd: rounding alone parts them."""
    game, penalty, weight, noise, order, critic_steps, (rate_g, rate_d) = rules
    tab, start = opened("steer_dirac_gan"), (1.25, -0.5)
    put(tab, game=game, penalty=penalty, weight=weight, noise=noise, order=order, critic_steps=critic_steps)
    put(tab, rate_g=rate_g, rate_d=rate_d, iterations=40, theta=start[0], psi=start[1])
    method = dirac_moves(order, critic_steps, weight if penalty == "clip" else math.inf)
    options = dict(method=method, lr=(rate_g, rate_d))
    path = games.play(dirac_gan(game, penalty, weight, noise), start, steps=40, **options)
    size = max(1.0, path.radius.max().item())
    for name, values in (("theta", path.x), ("psi", path.y)):
        assert number(tab, f"end-{name}") == pytest.approx(values[-1].item(), abs=1e-12 * size)
    assert number(tab, "radius") == pytest.approx(path.radius[-1].item(), abs=1e-12 * size)
    shown = json.loads(tab.locator("[data-name=eigenvalues]").get_attribute("data-value"))
    if penalty == "two":
        assert shown is None
        assert math.isnan(number(tab, "modulus"))
        says(tab, "has a kink")
        return
    expected = games.eigenvalues(dirac_gan(game, penalty, weight, noise), (0.0, 0.0), **options).numpy()
    found = np.array([complex(*pair) for pair in shown])
    apart = np.abs(found[:, None] - expected).max()  # of two different eigenvalues, by how much they differ at most
    assert np.sort_complex(found) == pytest.approx(np.sort_complex(expected), abs=1e-12)
    assert apart > 1e-3, "no double eigenvalue, which would be known to the root of the rounding only"
    assert number(tab, "modulus") == pytest.approx(np.abs(expected).max(), abs=1e-12)


def test_what_the_lab_says_of_the_dirac_gan_follows_the_eigenvalues_as_far_as_they_reach(opened):
    tab = opened("steer_dirac_gan")
    put(tab, game="wgan", penalty="none", order="turns", rate_g=0.2, rate_d=0.2, critic_steps=1, noise=0)
    says(tab, "there is no friction, and the players go round")
    put(tab, game="non-saturating")
    says(tab, "does not decide", "ever more slowly")
    put(tab, order="once")
    says(tab, "more than 1, near the equilibrium; farther out this loss pulls inwards")
    put(tab, game="wgan", penalty="clip", weight=0.5)
    says(tab, "iterations lead away", "does nothing")
    put(tab, penalty="zero", weight=0.3)
    says(tab, "Friction 0.300", "less than 1")


def test_the_dirac_gan_starts_where_it_is_dragged_to_and_plays_by_a_key(opened):
    tab = opened("steer_dirac_gan")
    put(tab, game="wgan", penalty="zero", weight=0.3, order="turns", rate_g=0.2, rate_d=0.2, critic_steps=1, noise=0)
    put(tab, iterations=0, theta=0, psi=0)
    box = tab.locator("figure > svg").first.bounding_box()
    tab.mouse.click(box["x"] + box["width"] / 2 + 60, box["y"] + 60)
    assert 0.3 < number(tab, "end-theta") < 2
    assert 0.3 < number(tab, "end-psi") <= 2
    far = number(tab, "radius")
    tab.locator("summary").press("Enter")
    press(tab, "theta", "ArrowRight")
    press(tab, "play", "Space")
    tab.wait_for_function(
        "document.querySelector('.gantut-lab').shadowRoot.querySelector('[name=iterations]').value > 60"
    )
    pause(tab, "Play")
    assert number(tab, "radius") < far / 2


# ---- Particles that flow --------------------------------------------------------------------------------------

IN_FLOW = """([noise, targets, points, time, sigma, steps]) => {
  const { velocity, flow, crossings, allPairs, pairedTargets, assignment } = document.querySelector(".gantut-lab").lab;
  const flat = (given) => Float64Array.from(given.flat()), ends = pairedTargets(flat(noise), flat(targets));
  const own = { start: flat(noise), way: ends.map((value, k) => value - noise[k >> 1][k & 1]) };
  const couplings = { independent: allPairs(flat(noise), flat(targets)), paired: own };
  return { ends: [...ends], crossed: [crossings(flat(noise), flat(targets)), crossings(flat(noise), ends)],
    fields: Object.fromEntries(Object.entries(couplings).map(
      ([name, pairs]) => [name, [...velocity(pairs, flat(points), time, sigma)]])),
    paths: Object.fromEntries(Object.entries(couplings).map(
      ([name, pairs]) => [name, flow(pairs, flat(points), steps, sigma).map((places) => [...places])])) };
}"""


def pairs_of(noise, targets):
    """All pairs of noise and target, and those of the least total squared distance: (starts, ends) of each."""
    rows, columns = scipy.optimize.linear_sum_assignment(scipy.spatial.distance.cdist(noise, targets, "sqeuclidean"))
    everyone = np.repeat(noise, len(targets), 0), np.tile(targets, (len(noise), 1))
    return {"independent": everyone, "paired": (noise[rows], targets[columns])}


def mean_way(starts, ends, points, time, sigma):
    """The mean of end - start, each weighted by the density of its blurred line at the point and time."""
    off = points[:, None] - (1 - time) * starts - time * ends
    weights = scipy.special.softmax(-np.square(off).sum(-1) / (2 * sigma**2), axis=1)
    return weights @ (ends - starts)


def cross(a, b, c, d):
    """Whether the lines from a to b and from c to d meet, by where they would: solve for both shares."""
    shares = np.linalg.solve(np.stack([b - a, c - d], 1), c - a)
    return bool(((shares > 0) & (shares < 1)).all())


@pytest.mark.parametrize(("n", "time"), [(1, 0.3), (7, 0.0), (40, 0.5), (64, 0.95)])
def test_the_field_of_the_page_is_the_mean_way_of_the_pairs_and_euler_follows_it(opened, n, time, rng):
    noise, targets, points = (torch.randn(3, n, 2, dtype=torch.float64, generator=rng) * 1.5).numpy()
    given = [*(values.tolist() for values in (noise, targets, points)), time, 0.1, 5]
    found, pairs = opened("particle_flow").evaluate(IN_FLOW, given), pairs_of(noise, targets)
    assert np.reshape(found["ends"], (n, 2)) == pytest.approx(pairs["paired"][1], abs=0), "scipy pairs as the page does"
    for name, (starts, ends) in pairs.items():
        expected = mean_way(starts, ends, points, time, 0.1)
        assert np.reshape(found["fields"][name], (n, 2)) == pytest.approx(expected, abs=1e-12 * max(1, n / 8))
        at = points
        for k in range(5):
            at = at + mean_way(starts, ends, at, k / 5, 0.1) / 5
        assert np.reshape(found["paths"][name][-1], (n, 2)) == pytest.approx(at, abs=1e-9), "steps magnify the rounding"
    for count, ends in zip(found["crossed"], (targets, pairs["paired"][1]), strict=True):
        assert count == sum(cross(noise[i], ends[i], noise[j], ends[j]) for i in range(n) for j in range(i))


def test_pairs_in_the_page_are_those_of_scipy_for_any_costs(opened, rng):
    call = "([costs, n]) => [...document.querySelector('.gantut-lab').lab.assignment(Float64Array.from(costs), n)]"
    for n in (1, 2, 5, 33, 64):
        costs = torch.randn(n, n, dtype=torch.float64, generator=rng).numpy()
        columns = opened("particle_flow").evaluate(call, [costs.reshape(-1).tolist(), n])
        assert columns == scipy.optimize.linear_sum_assignment(costs)[1].tolist()


@pytest.mark.parametrize("drawing", ["eight clouds", "a spiral", "two lines"])
def test_what_the_lab_shows_of_a_flow_is_so_and_pairs_at_the_least_cost_need_fewer_steps(opened, drawing):
    tab, settings = opened("particle_flow"), made("particle_flow").settings
    put(tab, drawing=drawing, steps=4)
    targets = np.array(settings["drawings"][drawing])
    noise, blur = (np.array(settings[name])[: len(targets)] for name in ("noise", "blur"))
    assert targets.shape == (48, 2)
    for name, ends in (("independent", targets), ("paired", pairs_of(noise, targets)["paired"][1])):
        starts_ends, at, length = pairs_of(noise, targets)[name], noise + 0.1 * blur, 0.0
        for k in range(4):
            way = mean_way(*starts_ends, at, k / 4, 0.1) / 4
            at, length = at + way, length + np.linalg.norm(way, axis=1).mean()
        assert number(tab, f"{name}-line") == pytest.approx(np.linalg.norm(ends - noise, axis=1).mean(), abs=1e-12)
        assert number(tab, f"{name}-path") == pytest.approx(length, abs=1e-9)
        w1 = metrics.exact_w1(torch.from_numpy(at), torch.from_numpy(targets)).item()
        assert number(tab, f"{name}-w1") == pytest.approx(w1, abs=1e-9)
    assert number(tab, "paired-crossings") < number(tab, "independent-crossings") / 4
    assert number(tab, "paired-line") < number(tab, "independent-line")
    says(tab, "48 pairs", "After 4 steps")
    put(tab, steps=1)
    assert number(tab, "paired-w1") < 0.5 * number(tab, "independent-w1"), "one step leads independent pairs to a mean"


def test_a_target_is_drawn_by_pointer_or_point_by_point_with_keys(opened):
    tab = opened("particle_flow")
    put(tab, drawing="drawn")
    says(tab, "Nothing is drawn yet")
    assert math.isnan(number(tab, "paired-w1"))
    tab.locator("summary").press("Enter")
    press(tab, "point-x", "End")
    press(tab, "add", "Enter")
    assert in_lab(tab, "drawn") == [[2.8, 0]]
    says(tab, "1 pair: 0 crossings")
    svg = tab.locator("figure > svg").last
    box = svg.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] - 60, middle[1], steps=10)
    tab.mouse.up()
    drawn = np.array(in_lab(tab, "drawn"))[1:]
    assert 4 <= len(drawn) <= 11
    assert np.linalg.norm(np.diff(drawn, axis=0), axis=1).min() >= 0.12
    assert np.ptp(drawn[:, 1]) < 0.05
    assert drawn[0, 0] > drawn[-1, 0] + 0.5
    says(tab, f"{len(drawn) + 1} pairs")
    press(tab, "wipe")
    assert in_lab(tab, "drawn") == []
    put(tab, drawing="a spiral")
    svg.click(position={"x": 60, "y": 60})
    assert in_lab(tab, "drawn") == [], "a touch draws only where that was asked for"


def test_particles_flow_by_a_button_until_they_have_arrived(opened):
    tab = opened("particle_flow")
    put(tab, drawing="two lines", time=0.9)
    press(tab, "play", "Space")
    tab.locator("[name=play]", has_text="Flow").wait_for()
    tab.wait_for_function("document.querySelector('.gantut-lab').shadowRoot.querySelector('[name=time]').value === '1'")


# ---- D* and the critic --------------------------------------------------------------------------------------

PAIRS = [
    ((-1.5, 0.6), (1.5, 0.6)),
    ((0.0, 1.0), (0.5, 1.0)),
    ((0.0, 0.5), (0.3, 1.5)),
    ((-2.0, 2.0), (1.0, 0.2)),
    ((3.0, 0.2), (-3.0, 0.2)),
]


@pytest.mark.parametrize(("real", "fake"), PAIRS)
def test_discriminator_and_critic_are_the_best_ones(opened, real, fake):
    tab = opened("optimal_critic")
    put(tab, real_mean=real[0], real_width=real[1], fake_mean=fake[0], fake_width=fake[1])
    p, q = gaussian(*real), gaussian(*fake)
    js = js_between(p, q).value.item()
    assert number(tab, "JS") == pytest.approx(js, abs=1e-9)
    assert number(tab, "V") == pytest.approx(2 * js - 2 * math.log(2), abs=1e-9)
    normal = scipy.stats.norm
    x = np.linspace(-30, 30, 600_001)
    area = scipy.integrate.trapezoid(np.abs(normal.cdf(x, *real) - normal.cdf(x, *fake)), x)
    assert number(tab, "W1") == pytest.approx(area, abs=1e-6)  # kinks of |F_r - F_g|: the step squared
    D = optimal_discriminator(p, q)
    for place in (-2.0, -0.35, 0.8, 2.5):
        put(tab, sample=place)
        at = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        logit = p.log_prob(at) - q.log_prob(at)
        assert number(tab, "D") == pytest.approx(D(at.detach()).item(), abs=1e-12)
        for name, loss in (
            ("minimax", torch.nn.functional.logsigmoid(-logit)),
            ("non-saturating", -torch.nn.functional.logsigmoid(logit)),
        ):
            (slope,) = torch.autograd.grad(loss, at, retain_graph=True)
            assert number(tab, f"push-{name}") == pytest.approx(-slope.item(), rel=1e-9, abs=1e-12)
        assert number(tab, "push-critic") == np.sign(normal.cdf(place, *fake) - normal.cdf(place, *real))


def test_very_small_numbers_are_shown_in_powers_of_ten(opened):
    tab = opened("optimal_critic")
    put(tab, real_mean=-1.5, real_width=0.6, fake_mean=1.5, fake_width=0.6, sample=1.5)
    assert tab.locator("[data-name=D]").inner_html() == "3.73&nbsp;×&nbsp;10<sup>−6</sup>"
    assert number(tab, "D") == pytest.approx(3.73e-6, rel=2e-3)


def test_equal_distributions_push_nothing(opened):
    tab = opened("optimal_critic")
    put(tab, real_mean=1, real_width=0.7, fake_mean=1, fake_width=0.7, sample=0.4)
    says(tab, "The distributions are equal")
    assert [number(tab, name) for name in ("W1", "push-minimax", "push-critic")] == [0, 0, 0]
    assert number(tab, "JS") == pytest.approx(0, abs=1e-15)
    assert number(tab, "D") == 0.5


def test_a_density_is_dragged_and_a_key_moves_the_sample(opened):
    tab = opened("optimal_critic")
    put(tab, real_mean=-2, real_width=0.6, fake_mean=2, fake_width=0.6, sample=2)
    box = tab.locator("figure > svg").first.bounding_box()
    across = (box["width"] - 56) / 10  # pixels a unit
    middle = box["x"] + 46 + 5 * across
    tab.mouse.move(middle + 2 * across, box["y"] + 60)
    tab.mouse.down()
    tab.mouse.move(middle - 1 * across, box["y"] + 60, steps=5)
    tab.mouse.up()
    assert number(tab, "W1") == pytest.approx(1, abs=0.06)
    press(tab, "sample", "ArrowLeft")
    assert float(tab.locator("[name=sample]").input_value()) == 1.95


# ---- Recorded trainings -------------------------------------------------------------------------------------


def test_the_record_was_made_by_the_command_of_that_name_and_is_small():
    path = ROOMS.parents[1] / "book/results/training-scrubber.json"
    assert path.stat().st_size < 300 * KB
    result, provenance = recorded("training-scrubber")
    assert re.match(r"python -m gantut\.(experiments|lessons) training-scrubber\b", provenance["command"])
    assert [game["objective"] for game in result["games"]] == ["non-saturating", "wgan", "wgan-gp"]


def test_the_record_of_something_else_is_refused():
    with pytest.raises(ValueError, match="training-scrubber"):
        the_estimate.training_scrubber(recorded("hopping"))


def test_numbers_as_text_come_back_within_half_a_step(rng):
    values = torch.rand(500, dtype=torch.float64, generator=rng) * 4 - 2
    back = dequantise(quantise(values, -2, 2), -2, 2)
    assert (back - values).abs().max() <= 4 / 255 / 2 + 1e-12
    assert dequantise(quantise(torch.tensor([-9.0, 9.0]), -2, 2), -2, 2).tolist() == [-2, 2], (
        "what is outside lies at the edge"
    )
    assert dequantise(quantise(torch.full((3,), 5.0), 5, 5), 5, 5).tolist() == [5, 5, 5]


def test_a_watched_game_keeps_the_best_the_median_and_the_worst_as_they_were(monkeypatch):
    monkeypatch.setenv("GANTUT_DEVICE", "cpu")
    row = record_game("wgan-gp", 1, members=5, steps=4, evaluations=2)
    ends = [one["w1"][-1] for one in row["shown"]]
    assert ends == sorted(ends)
    assert ends[1] == row["w1"][-1][1], "the median of five"
    assert len({one["member"] for one in row["shown"]}) == 3
    assert [len(one["w1"]) for one in row["shown"]] == [3, 3, 3]
    assert [len(one["estimate"]) for one in row["shown"]] == [2, 2, 2]
    for one in row["shown"]:
        heights = dequantise(one["surface"][0], one["low"][0], one["high"][0])
        assert heights.shape == (SIDE**2,)
        assert not torch.equal(heights, dequantise(one["surface"][-1], one["low"][-1], one["high"][-1]))


def test_a_surface_goes_row_by_row_from_the_lowest():
    def low_is_left(x):
        return (10 * x[:, 1] + x[:, 0])[None, :, None]

    class Critic(torch.nn.Linear):
        def forward(self, x):
            return low_is_left(x.double())

    heights = critic_surface(Critic(1, 1)).reshape(SIDE, SIDE)
    edge = REACH * (1 - 1 / SIDE)
    assert heights[0, 0] == pytest.approx(-11 * edge)
    assert heights[0, -1] == pytest.approx(-9 * edge)
    assert heights[-1, 0] == pytest.approx(9 * edge)


def test_the_scrubber_shows_the_record_step_by_step(opened):
    tab, result = opened("training_scrubber"), recorded("training-scrubber").result
    for rank, at in (("median", 0), ("best", 7), ("worst", 25)):
        put(tab, rank=rank, look=at)
        for game in result["games"]:
            one = next(one for one in game["shown"] if one["rank"] == rank)
            assert number(tab, f"{game['objective']}-w1") == one["w1"][at]
            for name, values in (("estimate", one["estimate"]), ("generator", one["generator_loss"])):
                shown = number(tab, f"{game['objective']}-{name}")
                assert shown == values[at - 1] if at else math.isnan(shown)
    text = result["games"][0]["shown"][0]["samples"][3]
    decoded = tab.evaluate("text => document.querySelector('.gantut-lab').lab.restored(text, -3, 3)", text)
    assert decoded == pytest.approx(dequantise(text, -3, 3).tolist(), abs=1e-12)


def test_the_scrubber_is_led_by_keys_and_plays_to_the_end(opened):
    tab = opened("training_scrubber")
    put(tab, rank="median", look=23)
    press(tab, "look", "ArrowLeft")
    says(tab, "Step 880")
    assert tab.locator("[name=look]").get_attribute("aria-valuetext") == "step 880 of 1000"
    press(tab, "play")
    tab.wait_for_function(
        "document.querySelector('.gantut-lab').shadowRoot.querySelector('[name=look]').value === '25'"
    )
    tab.locator("[name=play]", has_text="Play").wait_for()


def test_a_lab_plays_at_one_pace_however_fast_its_button_is_pressed(opened):
    tab = opened("xy_game")
    put(tab, rounds=3)
    loops = """async () => {
      const play = document.querySelector(".gantut-lab").shadowRoot.querySelector("[name=play]");
      for (let press = 0; press < 3; press++) play.click();  // play, pause and play again before the next frame
      const ask = window.requestAnimationFrame;
      let asked = 0;
      window.requestAnimationFrame = (step) => (asked++, ask(step));
      await new Promise(ask);  // what was asked for before has run before, and asked again
      window.requestAnimationFrame = ask;
      play.click();
      return asked;
    }"""
    assert tab.evaluate(loops) == 1


def test_whoever_asks_for_less_motion_sees_two_pictures_a_second(open_labs):
    tab, _ = open_labs(made("training_scrubber"), reduced_motion="reduce")
    put(tab, look=0)
    tab.clock.install()
    tab.clock.pause_at(tab.evaluate("Date.now()") + 1000)  # time goes on where the test says so, on a slow machine, too
    press(tab, "play")
    seen = []
    for _ in range(4):
        tab.clock.run_for(400)
        seen.append(int(tab.locator("[name=look]").input_value()))
    assert seen == [1, 2, 3, 4], "one at once, then one after each half second: at 0, 500, 1000 and 1500 ms"
    tab.context.close()


# ---- One bell for two -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "mean", "std"), [(5.0, 0.0, 1.0), (5.0, -2.5, 0.4), (0.0, 1.0, 3.0), (8.0, 4.0, 0.2)])
def test_the_divergences_of_a_bell_are_those_of_quadrature(opened, gap, mean, std):
    found = opened("fit_a_bell").evaluate(
        "given => document.querySelector('.gantut-lab').lab.divergences(...given)", [gap, mean, std]
    )
    p, q = gaussian_mixture([-gap / 2, gap / 2], [0.7, 0.7], [0.7, 0.3]), gaussian(mean, std)
    assert found["forward"] == pytest.approx(kl_between(p, q).value.item(), rel=1e-6)
    assert found["reverse"] == pytest.approx(kl_between(q, p).value.item(), rel=1e-6)
    assert found["js"] == pytest.approx(js_between(p, q).value.item(), rel=1e-6)


def descended(tab, **settings):
    put(tab, **settings)
    says(tab, "Move q yourself")  # until the descent ends, this line stands: not that of an earlier descent
    press(tab, "play")
    says(tab, "has a minimum")
    sliders = [float(tab.locator(f"[name={name}]").input_value()) for name in ("middle", "width")]
    return number(tab, settings["which"]), *sliders


def test_forward_kl_covers_both_peaks_with_their_mean_and_variance(opened):
    _, mean, std = descended(opened("fit_a_bell"), which="forward", gap=5, middle=0, width=1)
    assert mean == pytest.approx(0.7 * -2.5 + 0.3 * 2.5, abs=0.02)
    assert std == pytest.approx(math.sqrt(0.7**2 + 25 * 0.7 * 0.3), abs=0.02)


@pytest.mark.parametrize(("start", "peak", "share"), [(-2, -2.5, 0.7), (2, 2.5, 0.3)])
def test_reverse_kl_chooses_the_peak_that_is_near_and_pays_for_the_other(opened, start, peak, share):
    value, mean, std = descended(opened("fit_a_bell"), which="reverse", gap=5, middle=start, width=1)
    assert (mean, std) == (pytest.approx(peak, abs=0.03), pytest.approx(0.7, abs=0.03))
    assert value == pytest.approx(-math.log(share), abs=0.01)


# ---- Clip or penalty ------------------------------------------------------------------------------------------

ON_A_LINE = """([weights, p, q, between, weight, oneSided, bound]) => {
  const { criticLoss, addPenalty, clip } = document.querySelector(".gantut-lab").lab;
  const layers = weights.map(([W, b]) => ({ inputs: W.length, outputs: b.length,
    W: Float64Array.from(W.flat()), b: Float64Array.from(b) }));
  const flat = (layers) => layers.map(({ W, b }) => [[...W], [...b]]);
  const [real, fake, at] = [p, q, between].map((points) => Float64Array.from(points));
  const { loss, gradient } = criticLoss("wgan", layers, real, fake, null, p.length);
  const penalty = addPenalty(layers, at, p.length, gradient, { weight, oneSided });
  const found = flat(gradient);
  clip(layers, bound);
  return { loss, penalty, gradient: found, clipped: flat(layers) };
}"""


@pytest.mark.parametrize(("weight", "one_sided"), [(1.0, False), (10.0, False), (10.0, True)])
def test_on_a_line_loss_penalty_and_gradient_are_those_of_torch(opened, weight, one_sided, rng):
    critic = MLP([1, 24, 24, 1], activation="leaky-relu", dtype=torch.float64, seed=2)
    with torch.no_grad():
        critic.weights[0].mul_(12)  # so that slopes lie on both sides of 1
    p, q, between = (2 * torch.randn(16, 1, dtype=torch.float64, generator=rng) for _ in range(3))
    given = [plain(critic), *(x.flatten().tolist() for x in (p, q, between)), weight, one_sided, 0.05]
    found = opened("clip_or_penalty").evaluate(ON_A_LINE, given)
    loss = OBJECTIVES["wgan"].critic_loss(critic(p).squeeze(-1), critic(q).squeeze(-1))
    penalty = weight * lipschitz.gradient_penalty_at(critic, between[None], one_sided=one_sided)
    slopes = lipschitz.input_gradient(critic, between[None]).abs()
    assert slopes.min() < 1 < slopes.max()
    (loss + penalty).sum().backward()
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-12)
    assert found["penalty"] == pytest.approx(penalty.item(), abs=1e-12)
    same(found["gradient"], gradients(critic))
    lipschitz.clip_(critic.parameters(), 0.05)
    same(found["clipped"], [[w.detach().flatten(), b.detach().flatten()] for w, b in layers_of(critic)])


@pytest.mark.parametrize(("middle", "of_q", "of_p"), [(0.5, 1.4, 4), (-2, 0, 3), (1, 5, 2.3), (0.3, 2, 2)])
def test_the_best_critic_of_a_line_reaches_the_exact_w1(opened, middle, of_q, of_p):
    tab = opened("clip_or_penalty")
    put(tab, middle=middle, gap_q=of_q, gap_p=of_p)
    data = in_lab(tab, "data")
    p, q = (torch.tensor(data[name], dtype=torch.float64) for name in "pq")
    W1 = wasserstein_1d(p, q).item()
    assert number(tab, "W1") == pytest.approx(W1, abs=1e-12)
    x, f = np.array(in_lab(tab, "bestCritic", data["p"], data["q"])).T
    apart = np.diff(x)
    assert (np.abs(np.diff(f)) <= apart + 1e-12).all()
    assert np.interp(p, x, f).mean() - np.interp(q, x, f).mean() == pytest.approx(W1, abs=1e-9)


# What the lab says of both critics, and their weights.
JUDGED = """() => { const { judge, contest, data } = document.querySelector(".gantut-lab").lab, { p, q } = data();
  return Object.fromEntries(Object.entries(contest().critics).map(([kind, layers]) => [kind, {
    ...judge(layers, p, q), layers: layers.map(({ W, b, inputs }) => ({ W: [...W], b: [...b], inputs })) }])); }"""


def scores(layers, x):
    for layer in layers:
        a = x @ np.reshape(layer["W"], (layer["inputs"], -1)) + layer["b"]
        x = np.where(a > 0, a, 0.2 * a)
    return a[:, 0]


def trained_together(tab, steps, **settings):
    put(tab, middle=0.5, gap_q=1.4, gap_p=4, **settings)
    press(tab, "again")
    for _ in range(steps // 20):
        press(tab, "step")
    assert number(tab, "steps") == steps
    return tab.evaluate(JUDGED)


def test_from_every_start_a_penalty_on_steep_slopes_comes_near_w1_and_the_other_critics_do_not(opened):
    """Two hundred steps from three starts: clipped at 0.1; λ = 10, on slopes above 1; λ = 10, on all but 1."""
    tab = opened("clip_or_penalty")
    put(tab, middle=0.5, gap_q=1.4, gap_p=4)
    for seed in range(3):
        clipped, one_sided = in_lab(tab, "shares", seed, 200, dict(bound=0.1, weight=10, oneSided=True))
        _, two_sided = in_lab(tab, "shares", seed, 200, dict(bound=0.1, weight=10, oneSided=False))
        assert max(clipped, two_sided) < 0.8 < 0.85 < one_sided <= 1 + 1e-12


def test_what_the_lab_says_of_both_critics_is_so(opened):
    tab = opened("clip_or_penalty")
    found, W1 = trained_together(tab, 200, bound=-1, weight=1, side="one"), number(tab, "W1")
    data = {name: np.array(values)[:, None] for name, values in in_lab(tab, "data").items()}
    hull = np.concatenate([*data.values()])
    fine = np.linspace(hull.min(), hull.max(), 100_001)[:, None]
    for kind, critic in found.items():
        estimate = scores(critic["layers"], data["p"]).mean() - scores(critic["layers"], data["q"]).mean()
        assert critic["estimate"] == number(tab, f"estimate-{kind}") == pytest.approx(estimate, abs=1e-12)
        steepest = np.abs(np.diff(scores(critic["layers"], fine)) / np.diff(fine[:, 0])).max()
        assert 0.95 * steepest < critic["K"] < steepest + 1e-9, "but for the shortest pieces"
        assert critic["scaled"] == number(tab, f"scaled-{kind}") == critic["estimate"] / critic["K"] <= W1 + 1e-12
    weights = np.concatenate([layer["W"] + layer["b"] for layer in found["clip"]["layers"]])
    assert np.abs(weights).max() <= 0.1
    says(tab, "After 200 steps")


def test_a_small_c_makes_a_critic_flat_and_the_same_seed_gives_the_same_game(opened):
    tab = opened("clip_or_penalty")
    first = trained_together(tab, 40, bound=-2, weight=1, side="one")
    says(tab, "nearly flat", "hardly move")
    assert first["clip"]["K"] < 0.01
    assert trained_together(tab, 40, bound=-2, weight=1, side="one") == first


def test_critics_are_trained_by_a_button_and_q_is_moved_by_keys_or_dragged(opened):
    tab = opened("clip_or_penalty")
    press(tab, "again")
    press(tab, "play", "Space")
    tab.wait_for_function("document.querySelector('.gantut-lab').lab.contest().steps > 8")
    press(tab, "play", "Space")
    steps = number(tab, "steps")
    tab.locator("summary").press("Enter")
    put(tab, middle=0)
    press(tab, "middle", "ArrowRight")
    says(tab, "The data have moved")
    assert np.mean(in_lab(tab, "data")["q"]) == pytest.approx(0.05)
    box = tab.locator("figure > svg").first.bounding_box()
    tab.mouse.click(box["x"] + box["width"] - 12, box["y"] + 60)
    assert np.mean(in_lab(tab, "data")["q"]) == pytest.approx(2)
    assert number(tab, "steps") == steps, "moving the data does not begin a new game"


def test_a_seed_that_is_none_is_refused():
    for seed in (-1, 0.5, "one"):
        with pytest.raises(ValueError, match="seed"):
            better_critics.clip_or_penalty(seed)


# ---- A GAN in the page --------------------------------------------------------------------------------------

WIDTHS = {"generator": [2, 32, 32, 2], "critic": [2, 32, 32, 1]}
IN_PAGE = """([objective, generator, critic, real, noise, mix]) => {
  const { game, criticLoss, generatorLoss, Adam, clip } = document.querySelector(".gantut-lab").lab;
  const layers = (given) => given.map(([W, b]) => ({ inputs: W.length, outputs: b.length,
    W: Float64Array.from(W.flat()), b: Float64Array.from(b) }));
  const flat = (layers) => layers.map(({ W, b }) => [[...W], [...b]]);
  const G = layers(generator), D = layers(critic), rows = real.length;
  const batch = (points) => Float64Array.from(points.flat());
  const fake = Float64Array.from(noise[1].flat());
  const onceMore = () => criticLoss(objective, D, batch(real), fake, Float64Array.from(mix), rows);
  const ofCritic = onceMore(), criticGradient = flat(ofCritic.gradient); // the next one stands in the same place
  const ofGenerator = generatorLoss(objective, G, D, batch(noise[0]), rows);
  const adam = new Adam(D, 2e-3);
  for (let k = 0; k < 3; k++) adam.descend(onceMore().gradient);
  if (objective === "wgan") clip(D);
  return { critic: ofCritic.loss, penalty: ofCritic.penalty, generator: ofGenerator.loss,
    criticGradient, generatorGradient: flat(ofGenerator.gradient), after: flat(D) };
}"""


def layers_of(network):
    return zip(network.weights, network.biases, strict=True)


def plain(network):
    return [[w[0].tolist(), b[0, 0].tolist()] for w, b in layers_of(network)]


def gradients(network):
    return [[w.grad[0].reshape(-1), b.grad[0, 0]] for w, b in zip(network.weights, network.biases, strict=True)]


def critic_step_loss(rules, name, critic, real, fake, mix):
    loss = rules.critic_loss(critic(real).squeeze(-1), critic(fake).squeeze(-1))
    penalty = torch.zeros(1)
    if name == "wgan-gp":
        penalty = lipschitz.gradient_penalty(critic, real[None], fake[None], generator=mix[None])
    return loss, penalty


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "wgan", "wgan-gp"])
def test_losses_gradients_and_adam_in_the_page_are_those_of_torch(opened, objective, rng):
    networks = {
        name: MLP(widths, activation="leaky-relu", dtype=torch.float64, seed=seed)
        for seed, (name, widths) in enumerate(WIDTHS.items())
    }
    generator, critic = networks["generator"], networks["critic"]
    rows = 18  # the page takes four at a time, and then the two that are left
    real, noise, fake = (2 * torch.randn(rows, 2, dtype=torch.float64, generator=rng) for _ in range(3))
    mix = torch.rand(rows, dtype=torch.float64, generator=rng)
    given = [objective, plain(generator), plain(critic), real.tolist(), [noise.tolist(), fake.tolist()], mix.tolist()]
    found = opened("live_gan").evaluate(IN_PAGE, given)

    rules = OBJECTIVES[objective]
    loss, penalty = critic_step_loss(rules, objective, critic, real, fake, mix)
    (loss + penalty).sum().backward()
    assert found["critic"] == pytest.approx(loss.item(), abs=1e-12)
    assert found["penalty"] == pytest.approx(penalty.item(), abs=1e-12)
    same(found["criticGradient"], gradients(critic))

    loss = rules.generator_loss(None, critic(generator(noise)).squeeze(-1))
    loss.sum().backward()
    assert found["generator"] == pytest.approx(loss.item(), abs=1e-12)
    same(found["generatorGradient"], gradients(generator))

    adam = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))
    for _ in range(3):
        adam.zero_grad()
        sum(critic_step_loss(rules, objective, critic, real, fake, mix)).sum().backward()
        adam.step()
    if objective == "wgan":
        lipschitz.clip_(critic.parameters(), 0.1)
    same(
        found["after"],
        [[w[0].detach().reshape(-1), b[0, 0].detach()] for w, b in zip(critic.weights, critic.biases, strict=True)],
    )


def same(found, expected):
    """All weights and biases, layer by layer, to ten digits: the same sums in another order."""
    for layer, wanted in zip(found, expected, strict=True):
        for values, tensor in zip(layer, wanted, strict=True):
            assert values == pytest.approx(tensor.tolist(), rel=1e-9, abs=1e-11)


def test_the_distance_in_the_page_is_the_exact_one(opened, rng):
    x, y = torch.randn(64, 2, dtype=torch.float64, generator=rng), ring().sample(64, generator=rng)
    call = "([x, y]) => document.querySelector('.gantut-lab').lab.exactDistance(x, y, 64)"
    found = opened("live_gan").evaluate(call, [x.reshape(-1).tolist(), y.reshape(-1).tolist()])
    assert found == pytest.approx(metrics.exact_w1(x, y).item(), abs=1e-12)


# By a clock on which a step of the game, and drawing it, takes so many milliseconds: what there is in each picture.
WATCH_PICTURES = """([ofStep, ofDrawing]) => {
  const { game } = document.querySelector(".gantut-lab").lab;
  const step = game.step.bind(game), scores = game.scores.bind(game);
  let now = performance.now(), picture = 0;
  window.clockBefore = performance.now;
  performance.now = () => now;
  window.played = {};
  window.drawn = [];
  const count = () => { picture += 1; requestAnimationFrame(count); };
  count();
  game.step = () => {
    now += ofStep;
    window.played[picture] = (window.played[picture] ?? 0) + 1;
    return step();
  };
  game.scores = (points) => {
    now += ofDrawing;
    window.drawn.push(picture);
    return scores(points);
  };
}"""


@pytest.fixture(scope="module")
def alone(open_labs):
    """A GAN in an old browser, which has no workers: there the page plays, too."""
    tab, _ = open_labs(made("live_gan"))
    tab.evaluate("window.Worker = undefined")
    return tab


def test_the_gan_learns_one_cloud_and_its_page_stays_awake(alone):
    tab = alone
    press(tab, "again")
    put(tab, objective="wgan-gp", data="one", speed=20)
    before = number(tab, "w1")
    tab.evaluate(WATCH_PICTURES, [4, 0])
    press(tab, "start")
    tab.wait_for_function("document.querySelector('.gantut-lab').lab.game.round > 40")
    most = tab.evaluate("performance.now = window.clockBefore, Math.max(...Object.values(window.played))")
    press(tab, "start")
    assert most == 3, "of 20 rounds of 6 steps that take 4 milliseconds each: a picture's time of 12 is over"
    assert in_game(tab, "criticStepsMade") == 0, "it rests after a whole round"
    assert tab.locator("[name=start]").inner_text() == "Start"
    assert number(tab, "w1") < before / 2
    assert tab.locator("[name=critic-steps]").input_value() == "5", "as its paper has it"
    paused = number(tab, "round")
    tab.wait_for_timeout(60)
    assert number(tab, "round") == paused


def test_where_it_is_slow_to_draw_no_picture_is_both_played_and_drawn_and_each_has_half_of_the_time(alone):
    tab = alone
    press(tab, "again")
    put(tab, objective="minimax", data="one", speed=20)
    tab.evaluate(WATCH_PICTURES, [4, 50])
    press(tab, "start")
    tab.wait_for_function("window.drawn.length >= 5")
    played, drawn = tab.evaluate("performance.now = window.clockBefore, [window.played, window.drawn.slice(0, 5)]")
    press(tab, "again")
    played = {int(picture): steps for picture, steps in played.items()}
    assert not set(drawn[1:]) & set(played), "but for the first, before which nobody knew"
    for before, after in pairwise(drawn[1:]):
        # 12 milliseconds a picture, until there are as many as the 50 of drawing
        assert [played[picture] for picture in range(before + 1, after)] == [3, 3, 3, 3, 3]


def in_game(tab, what):
    return tab.evaluate(f"document.querySelector('.gantut-lab').lab.game.{what}")


STEP_BY_STEP = """rounds => {
  const { game } = document.querySelector(".gantut-lab").lab;
  const weights = (g) => [g.generator, g.critic].flatMap((net) => net.flatMap(({ W, b }) => [...W, ...b]));
  const again = () => Object.assign(new game.constructor(game, 7), { look() {} }); // the rules that are now played
  const whole = again(), parts = again(), ends = [];
  for (let k = 0; k < rounds; k++) whole.play();
  while (parts.round < rounds) {
    ends.push(parts.step());
    parts.pulls(); // what is drawn meanwhile
    parts.samples();
    parts.modes();
  }
  return { weights: [whole, parts].map(weights), losses: [whole.last, parts.last], ends };
}"""


@pytest.mark.parametrize(("objective", "steps"), [("minimax", 1), ("wgan-gp", 5)])
def test_a_round_in_parts_with_pictures_between_them_is_the_same_round(opened, objective, steps):
    """Bit for bit: k steps of the critic and one of the generator, whatever is drawn from the networks meanwhile."""
    tab = opened("live_gan")
    put(tab, objective=objective, data="ring")
    found = tab.evaluate(STEP_BY_STEP, 3)
    assert found["ends"] == 3 * ([False] * steps + [True])
    for in_one, in_parts in (found["weights"], found["losses"]):
        assert in_parts == in_one


# A page whose workers are counted: those that were made and ended, and the pictures that were asked for.
COUNT_WORKERS = """() => {
  const counts = window.counts = { made: 0, ended: 0, asked: 0 };
  window.Worker = class extends Worker {
    constructor(...given) { super(...given); counts.made += 1; }
    postMessage(message, given) { super.postMessage(message, given); counts.asked += message.order === "picture"; }
    terminate() { super.terminate(); counts.ended += 1; }
  };
}"""
LAB = "document.querySelector('.gantut-lab').lab"


@pytest.fixture(scope="module")
def beside(open_labs):
    """A GAN whose games are played in workers, which are counted."""
    tab, notes = open_labs(made("live_gan"))
    tab.evaluate(COUNT_WORKERS)
    yield tab
    assert not notes.console


def shows_more_than(tab, rounds):
    tab.wait_for_function(
        """rounds => document.querySelector(".gantut-lab").shadowRoot.querySelector("[data-name=round]").dataset.value
        > rounds""",
        arg=rounds,
    )


def rests(tab):
    """Wait until the game is back in the page, and its worker gone."""
    tab.wait_for_function(f"!{LAB}.playing().elsewhere && window.counts.made === window.counts.ended")


PLAYED_HERE = """() => {
  const { game } = document.querySelector(".gantut-lab").lab;
  const rates = { critic: game.players.critic.rate, generator: game.players.generator.rate };
  const again = new game.constructor({ ...game, rates }, 4);
  while (again.round < game.round) again.play();
  const all = (g) => [...[g.generator, g.critic, g.players.critic.squares, g.players.generator.squares].flatMap((net) =>
    net.flatMap(({ W, b }) => [...W, ...b])), ...g.samples(), g.random(), ...g.history.flatMap(Object.values)];
  return [all(game), all(again)];
}"""


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "wgan", "wgan-gp"])
def test_a_game_in_a_worker_is_to_the_last_bit_that_of_the_page(beside, objective):
    """Weights, Adam's memory, random numbers and what the game noted, after a pause midway."""
    put(beside, objective=objective, data="ring", seed=3, speed=20)
    for rounds in (4, 21):
        press(beside, "start")
        shows_more_than(beside, rounds)
        assert beside.evaluate(f"{LAB}.playing().elsewhere")
        press(beside, "start")
        rests(beside)
    assert number(beside, "round") == in_game(beside, "round") > 21
    assert in_game(beside, "criticStepsMade") == 0
    elsewhere, here = beside.evaluate(PLAYED_HERE)
    assert len(here) > 2 * 2403  # of all weights the value and the mean square
    assert elsewhere == here


def test_a_game_in_a_worker_goes_on_when_it_is_steered_and_starts_anew_by_reset(beside):
    put(beside, objective="minimax", data="ring", seed=5, speed=3)
    press(beside, "start")
    shows_more_than(beside, 5)
    put(beside, objective="wgan", data="three", generator_rate=-4, show="pulls")
    shows_more_than(beside, 12)
    says(beside, "Playing: WGAN, clipped; data: three clouds")
    press(beside, "start")
    put(beside, critic_rate=-2)  # before the game is back
    press(beside, "step")
    rests(beside)
    assert beside.evaluate(f"[{LAB}.game.objective, {LAB}.game.criticSteps]") == ["wgan", 5]
    assert beside.evaluate(f"Object.values({LAB}.game.players).map(({{rate}}) => rate)") == pytest.approx([0.01, 1e-4])
    rounds, weights = in_game(beside, "round"), beside.evaluate(f"{LAB}.game.critic.flatMap(({{W}}) => [...W])")
    assert rounds > 13
    assert max(map(abs, weights)) <= 0.1, "clipped: the last rounds were by the new rules"
    assert number(beside, "round") == rounds
    says(beside, f"Iteration {rounds}: WGAN, clipped")
    press(beside, "start")
    press(beside, "again")
    assert number(beside, "round") == 0
    rests(beside)
    assert beside.locator("[name=start]").inner_text() == "Start"
    put(beside, generator_rate=-2.7, critic_rate=-2.7, show="plain")


def test_a_worker_rests_when_nobody_looks_and_goes_with_its_lab(open_labs):
    tab, notes = open_labs(html=page_of(made("live_gan")).replace("</body>", "<p style='height:3000px'></p></body>"))
    tab.evaluate(COUNT_WORKERS)
    put(tab, objective="wgan-gp")
    press(tab, "start")
    shows_more_than(tab, 0)
    nothing_new = "() => { const before = counts.seen; counts.seen = counts.asked; return before === counts.asked; }"
    for away, back in (
        ("window.scrollTo(0, 2900)", "window.scrollTo(0, 0)"),
        # what a browser does where the page is hidden
        ("window.pictures = window.requestAnimationFrame, window.requestAnimationFrame = again => window.held = again",
         "window.requestAnimationFrame = window.pictures, requestAnimationFrame(window.held)"),
    ):  # fmt: skip
        tab.evaluate(away)
        tab.wait_for_function(nothing_new, polling=100)
        asked = tab.evaluate("counts.asked")
        tab.wait_for_timeout(150)
        assert tab.evaluate("counts.asked") == asked
        tab.evaluate(back)
        tab.wait_for_function("before => counts.asked > before + 1", arg=asked)
    tab.evaluate("document.querySelector('.gantut-lab').remove()")  # as a notebook does whose cell is run again
    tab.wait_for_function("counts.made === 1 && counts.ended === 1")
    assert not notes.console
    tab.context.close()


def test_where_a_page_forbids_workers_it_plays_by_itself(open_labs):
    policy = "<meta http-equiv='Content-Security-Policy' content=\"worker-src 'none'\">"
    tab, _ = open_labs(html=page_of(made("live_gan")).replace("<head>", f"<head>{policy}"))
    tab.evaluate(COUNT_WORKERS)
    put(tab, seed=3)
    press(tab, "start")
    shows_more_than(tab, 3)
    assert tab.evaluate(f"{LAB}.playing()") == {"elsewhere": False, "alone": True}
    press(tab, "start")
    found, here = tab.evaluate(PLAYED_HERE)
    assert found == here
    assert tab.evaluate("window.counts.made === window.counts.ended"), "one that was made in vain is gone"
    tab.context.close()


def test_one_seed_is_one_game_and_reset_begins_it_again(opened):
    tab = opened("live_gan")
    put(tab, objective="non-saturating", data="ring", seed=3)
    losses = []
    for _ in range(2):
        press(tab, "step")
        press(tab, "step")
        losses.append((number(tab, "critic"), number(tab, "generator"), number(tab, "round")))
        press(tab, "again")
    assert losses[0] == losses[1]
    assert losses[0][2] == 2
    put(tab, seed=4)
    press(tab, "step")
    assert number(tab, "critic") != losses[0][0]


def test_the_game_goes_on_when_it_is_steered(opened):
    """Another objective, other data and other rates leave the players as they are; only a seed begins a new game."""
    tab = opened("live_gan")
    game = "document.querySelector('.gantut-lab').lab.game"
    weight = f"{game}.generator[0].W[0]"
    put(tab, objective="minimax", data="ring", seed=5)
    press(tab, "step")
    before = tab.evaluate(weight)
    put(tab, objective="wgan", data="three", generator_rate=-4)
    assert number(tab, "round") == 1
    assert tab.evaluate(weight) == before
    assert tab.evaluate(f"[{game}.objective, {game}.criticSteps, {game}.data.centres.length]") == ["wgan", 5, 3]
    assert tab.evaluate(f"{game}.players.generator.rate") == pytest.approx(1e-4)
    press(tab, "step")
    assert number(tab, "round") == 2
    put(tab, seed=6)
    assert number(tab, "round") == 0
    put(tab, generator_rate=-2.7)


def test_clouds_are_counted_as_gantut_counts_modes(opened, rng):
    drawn = ring().sample(256, generator=rng)
    count = "([x, centres]) => document.querySelector('.gantut-lab').lab.modesCovered(x, x.length / 2, centres, 0.1)"
    for samples in (drawn, drawn[:, [0, 0]], 3 * torch.ones(256, 2)):
        found = opened("live_gan").evaluate(count, [samples.reshape(-1).tolist(), ring().means.tolist()])
        assert found == metrics.mode_coverage(samples, ring(std=0.1)).covered.item()


def test_two_batches_of_the_data_are_as_far_apart_as_the_page_says(opened, rng):
    put(opened("live_gan"), data="ring")
    band = opened("live_gan").evaluate("document.querySelector('.gantut-lab').lab.game.realAgainstReal()")
    x, y = (ring(std=0.1).sample((400, 64), generator=rng) for _ in range(2))
    found = metrics.exact_w1(x, y)
    low, middle, high = found.quantile(torch.tensor([0.025, 0.5, 0.975], dtype=found.dtype)).tolist()
    # one reference batch and forty others, against four hundred pairs of both: the middle differs by what a batch does
    assert band["middle"] == pytest.approx(middle, abs=0.15)
    assert low - 0.15 < band["low"] < band["middle"] < band["high"] < high + 0.15


def test_samples_are_pulled_against_the_gradient_of_the_loss(opened):
    """Each arrow is -n times the gradient of the mean loss in its sample: by differences of the loss along it."""
    tab = opened("live_gan")
    put(tab, objective="non-saturating", data="ring", seed=1)
    for _ in range(3):
        press(tab, "step")
    found = tab.evaluate("""() => {
      const { game } = document.querySelector(".gantut-lab").lab, n = 48, { places, down } = game.pulls(n);
      const at = Float64Array.from(places), way = Float64Array.from(down), step = 1e-6;
      const loss = (sign) => { // of each sample alone, a little along its arrow
        const moved = at.map((value, k) => value + sign * step * way[k]);
        return game.scores(moved).map((a) => Math.log1p(Math.exp(-a))); };
      const [ahead, behind] = [loss(1), loss(-1)];
      return Array.from(ahead, (value, r) => [(value - behind[r]) / (2 * step), -(way[2*r]**2 + way[2*r+1]**2)]);
    }""")
    for slope, wanted in found:
        assert slope == pytest.approx(wanted, rel=1e-4, abs=1e-9)


def test_data_is_drawn_by_pointer_or_placed_by_keys(opened):
    tab = opened("live_gan")
    put(tab, data="drawn")
    says(tab, "Nothing is drawn yet")
    tab.locator("summary").click()
    press(tab, "cloud-x", "End")
    press(tab, "add", "Enter")
    centres = "document.querySelector('.gantut-lab').lab.game.data.centres"
    placed = tab.evaluate(centres)
    assert len(placed) == 24
    assert np.mean(placed, 0) == pytest.approx([2.5, 0], abs=0.15)
    box = tab.locator("canvas").bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
    tab.mouse.up()
    points = np.array(tab.evaluate(centres))[24:]
    assert len(points) == 18
    assert points.mean(0) == pytest.approx([-1.5, 0.75], abs=0.15)
    press(tab, "wipe")
    assert tab.evaluate(centres) == [[0, 0]]


def test_the_pictures_of_a_ring_that_is_not_being_drawn_on_can_be_scrolled_past(opened):
    tab = opened("live_gan")
    put(tab, data="ring")
    tab.locator("canvas").click(position={"x": 30, "y": 30})
    assert tab.locator("[name=data]").input_value() == "ring", "a touch draws only where that was asked for"
    assert (
        tab.evaluate("document.querySelector('.gantut-lab').shadowRoot.querySelector('canvas').style.touchAction")
        == "auto"
    )


def test_an_objective_that_the_page_cannot_train_is_refused():
    with pytest.raises(ValueError, match="objective"):
        the_game.live_gan("hinge")
    assert set(objectives.OBJECTIVES) >= {"minimax", "non-saturating", "wgan", "wgan-gp"}
