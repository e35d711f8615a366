"""The leaderboard's page in a real browser: sorting, filtering, links into it, narrow screens."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from benchmarks import protocol
from benchmarks.leaderboard.build_summary import summarise
from benchmarks.leaderboard.html import as_html
from benchmarks.leaderboard.track_tables import Settings
from tests.benchmarks.made_board import board_of, write_anchors

SMALL, CONTENTION = "teletraffic-small", "contention"
LONG = "a-submission-with-a-name-that-is-long-enough-to-break-a-narrow-screen"
MEANS = {
    SMALL: {"optimum": 99.0, "density": 80.0, "max-revenue": -30.0, "a2c": 70.0, LONG: 50.0},
    CONTENTION: {"density": 84.0, "max-revenue": -250.0, "a2c": 86.0, LONG: 52.0},
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--dump-dom",
)

FRAME = """<!doctype html><title>frame</title><pre id="report"></pre>
<iframe src="{page}" width="{width}" height="900" style="border: 0"></iframe>
<script>addEventListener("message", (event) => {{
  document.getElementById("report").textContent = event.data;
}});</script>"""
"""A window cannot be narrower than 500 pixels, a frame can."""

PROBE = """
const report = { width: innerWidth, views: {}, errors: [] };
addEventListener("error", (event) => report.errors.push(String(event.message)));
const all = (selector) => [...document.querySelectorAll(selector)];
const soon = () => new Promise((done) => setTimeout(done, 50));
const turn = async (hash) => { location.hash = hash; await soon(); };
const table = "section[data-track=contention] ";
const agents = (rows) => all(table + rows).map((row) => row.dataset.agent);
const sorted = () => ({
  rows: agents("tbody tr"),
  heads: all(table + "th[aria-sort]").map((one) => [one.dataset.sort, one.ariaSort]),
  hash: location.hash,
});
const isBox = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
const inBox = (one) => one && (isBox(one) || inBox(one.parentElement));
const leaves = (one) => one.getBoundingClientRect().right > innerWidth + 1;
const look = (name) => {
  report.views[name] = {
    scroll: document.documentElement.scrollWidth,
    outside: all("body *:not(svg *)").filter((one) => leaves(one) && !inBox(one.parentElement))
      .map((one) => one.outerHTML.slice(0, 80)).slice(0, 5),
  };
};
const click = async (selector) => { document.querySelector(selector).click(); await soon(); };
(async () => {
  look("board");
  await turn("#track=contention");
  look("track");
  await click(table + "th button[data-key=steps]");
  report.clicked = sorted();
  await click(table + "th button[data-key=steps]");
  report.again = sorted();
  const menu = document.getElementById("menu-kind");
  menu.value = "rule";
  menu.dispatchEvent(new Event("change"));
  await soon();
  report.menu = agents("tbody tr:not([hidden])");
  await click("#clear");
  report.cleared = { hash: location.hash, hidden: all("section[hidden]").length };
  await turn("#agent=a2c");
  look("agent");
  report.focused = document.activeElement.textContent.trim();
  parent.postMessage(JSON.stringify(report), "*");
})();
"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The command of a Chromium; tests of the page are skipped where there is none."""
    path = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)} is installed")
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """The page of five agents on two tracks, as a file."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        anchors = write_anchors(folder / "anchors.toml", [SMALL, CONTENTION])
        patch.setattr(protocol, "ANCHORS_FILE", anchors)
        results = board_of(MEANS, seeds=3, learners=["a2c", LONG])
        text = as_html(summarise(results, Settings(resamples=100)))
    path = folder / "leaderboard.html"
    path.write_text(text, "utf-8")
    return path


def opened(browser: str, page: Path, address: str = "") -> str:
    """The document as it is once the page's script has run; no word in the browser's console."""
    done = subprocess.run(
        [
            browser,
            *QUIET,
            f"--user-data-dir={page.parent / 'profile'}",
            "--window-size=1400,900",
            f"{page.as_uri()}{address}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    messages = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert messages == []
    return done.stdout


def parts(document: str, tag: str) -> dict[str, bool]:
    """Elements of a tag that have an id: whether each is shown."""
    tags = re.findall(rf"<{tag}\b([^>]*)>", document)
    ids = {re.search(r'\bid="([^"]*)"', one): one for one in tags}
    return {unescape(name.group(1)): " hidden" not in one for name, one in ids.items() if name}


def rows(document: str, track: str) -> list[tuple[str, bool]]:
    """Agents of a track's table in their order, and whether each is shown."""
    section = document.split(f'id="track={track}"')[1].split("</section>")[0]
    matches = re.findall(r'<tr role="row"([^>]*data-agent="([^"]*)"[^>]*)>', section)
    return [(name, " hidden" not in attributes) for attributes, name in matches]


@pytest.mark.slow
def test_an_address_sorts_and_filters(browser, page):
    """One track, learned agents alone, the cheapest first; anchors stay."""
    address = f"#track={CONTENTION}&kind=learned&sort=iqm&dir=ascending"
    document = opened(browser, page, address)
    shown = parts(document, "section")
    assert shown == {f"track={SMALL}": False, f"track={CONTENTION}": True}
    assert rows(document, CONTENTION) == [
        ("max-revenue", False),
        (LONG, False),
        ("density", False),
        ("a2c", True),
        ("bound", True),
        ("random policy", True),
    ]
    assert "1 row shown" in document
    assert "<title>contention · twin_gym leaderboard</title>" in document


@pytest.mark.slow
def test_an_address_opens_the_page_of_an_agent(browser, page):
    """Its page alone is shown; a name that is not there is said."""
    document = opened(browser, page, "#agent=a2c&track=nowhere")
    shown = parts(document, "article")
    assert [name for name, is_shown in shown.items() if is_shown] == ["agent=a2c"]
    assert parts(document, "main") == {"board": False}
    assert "Not on this board: track nowhere. 2 rows shown" in document


@pytest.mark.slow
def test_without_an_address_the_best_comes_first(browser, page):
    """The whole board is shown; the bound is on top."""
    document = opened(browser, page)
    assert all(parts(document, "section").values())
    assert not any(parts(document, "article").values())
    names = [name for name, is_shown in rows(document, CONTENTION) if is_shown]
    assert names == ["bound", "a2c", "density", LONG, "random policy", "max-revenue"]
    assert 'data-sort="score" aria-sort="descending"' in document
    assert "9 rows shown" in document


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_leaves_the_screen_and_clicks_work(browser, page, width):
    """The page has no scroll sideways in any view; columns sort by click, menus filter."""
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text("utf-8"))
    probed = page.with_name(f"probed-{width}.html")
    probed.write_text(text.replace("</body>", f"<script>{PROBE}</script></body>"), "utf-8")
    frame = page.with_name(f"frame-{width}.html")
    frame.write_text(FRAME.format(page=probed.as_uri(), width=width), "utf-8")
    document = opened(browser, frame)
    layout = json.loads(
        unescape(re.search(r'id="report">(.*?)</pre>', document, re.DOTALL).group(1))
    )
    assert layout["errors"] == []
    assert layout["width"] == width
    assert list(layout["views"]) == ["board", "track", "agent"]
    for name, view in layout["views"].items():
        assert view["outside"] == [], name
        assert view["scroll"] <= width, name
    cheap = ["density", "max-revenue", "a2c", LONG, "bound", "random policy"]
    assert set(layout["clicked"]["rows"][:2]) == set(cheap[:2])
    assert layout["clicked"]["rows"][4:] == cheap[4:]
    assert layout["clicked"]["heads"] == [["steps", "ascending"]]
    assert layout["clicked"]["hash"] == "#track=contention&sort=steps"
    assert layout["again"]["heads"] == [["steps", "descending"]]
    assert set(layout["again"]["rows"][:2]) == {"a2c", LONG}
    assert layout["again"]["rows"][4:] == cheap[4:]
    assert set(layout["menu"]) == {"density", "max-revenue", "bound", "random policy"}
    assert layout["cleared"] == {"hash": "", "hidden": 0}
    assert layout["focused"] == "a2c"
