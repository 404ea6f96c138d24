"""The report in a real browser: no console error, no request, sorting, filters, keyboard, phone width, print, size."""

import os
import shutil
from pathlib import Path

import pytest

from components.common.dataset import read_records
from components.common.scores import Sample
from components.report.build import run
from tests.report_run import write_datasets, write_decision, write_results, write_training_log

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need the package playwright")
CHROMIUM = os.environ.get("PSYCHE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="the browser tests need chromium on PATH, or its path in PSYCHE_CHROMIUM")


def build(folder: Path, items: int, length: int) -> Path:
    """Writes the report of an invented run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, value in {"RUN_DIR": folder / "run", "MODEL_STORE": folder / "store", "RUN_ID": "r1", "COMMIT": "242b105e" * 5}.items():
            patch.setenv(f"PSYCHE_{name}", str(value))
        write_training_log(folder / "store", "r1")
        page = folder / "report.html"
        run(
            {},
            write_datasets(folder / "data"),
            write_results(folder / "results", items, length),
            {},
            write_decision(folder / "d.json"),
            "",
            str(page),
        )
    return page


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return build(tmp_path_factory.mktemp("report"), 160, 60)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        started = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Opens a page; afterwards nothing may have gone wrong and nothing may have been fetched."""
    opened = []

    def open_page(path, width=1280, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.troubles = []
        page.on("console", lambda m: page.troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: page.troubles.append(str(e)))
        page.on("request", lambda r: page.troubles.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
        page.goto(f"file://{path}")
        page.wait_for_function("document.querySelector('#found').textContent.includes('items')")
        page.wait_for_function("document.querySelector('#list li') !== null")
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        assert page.title() == "Psyche-R1 pipeline report", "a reply ran as a script"
        assert page.troubles == []
        page.close()


def counts(report, suite):
    """Returns how many items of a suite the final model got wrong, counted from the records."""
    samples = [s for s in read_records(report.parent / "results" / "final", Sample) if s.suite == suite]
    return sum((s.strict if s.strict is not None else s.score("passed")) != 1 for s in samples), len(samples)


def test_opens_everything_without_an_error(report, visit):
    page = visit(report)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.locator(".uplot").count() == 4
    assert page.locator(".sample").count() > 100
    assert "document.title" in page.locator("#detail").inner_text(), "the hostile item must be shown, as text"
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator(".uplot").count() == 4


def test_sorts_by_figures_and_by_text(report, visit):
    page = visit(report)
    table = page.get_by_role("region", name="Scores of pceb", exact=True).locator("table")
    column = table.locator("tbody tr td:nth-child(4)")
    heading = table.get_by_role("columnheader", name="final")

    def figures():
        return [float(text.split()[0]) for text in column.all_inner_texts()]

    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert figures() == sorted(figures())
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert figures() == sorted(figures(), reverse=True)
    table.get_by_role("columnheader", name="metric").get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)


def test_filters_as_the_records_say(report, visit):
    page = visit(report)
    for suite in ("pceb", "safety"):
        wrong, total = counts(report, suite)
        page.get_by_label("Suite").select_option(suite)
        page.get_by_label("Outcome").select_option("wrong")
        assert page.locator("#found").inner_text().startswith(f"{wrong} of ")
        page.get_by_label("Outcome").select_option("")
        assert page.locator("#found").inner_text().startswith(f"{total} of ")
    assert set(page.get_by_label("Domain").locator("option").all_inner_texts()) == {"all", "suicide", "figurative speech"}
    page.get_by_label("Suite").select_option("")
    page.get_by_label("Search").fill("i00017")
    assert page.locator("#list li").count() == 1
    assert "i00017" in page.locator("#detail").inner_text()
    page.get_by_label("Search").fill("no such words at all")
    assert "No item" in page.locator("#detail").inner_text()
    page.get_by_label("Search").fill("")
    page.locator("#list li").first.wait_for()


def test_gained_and_lost_compare_with_the_base_model(report, visit):
    results = {m: {(s.suite, s.id): s for s in read_records(report.parent / "results" / m, Sample)} for m in ("base", "final")}

    def right(sample):
        return (sample.strict if sample.strict is not None else sample.score("passed")) == 1

    gained = sum(right(s) and not right(results["base"][key]) for key, s in results["final"].items())
    page = visit(report)
    page.get_by_label("Outcome").select_option("gained")
    assert page.locator("#found").inner_text().startswith(f"{gained} of ")
    assert gained > 0


def test_key_and_all_replies_stand_side_by_side(report, visit):
    page = visit(report)
    page.get_by_label("Search").fill("i00005")
    page.get_by_label("Outcome").select_option("")
    assert page.locator(".answer h4").count() == 3
    tops = page.evaluate("[...document.querySelectorAll('.answer')].map(n => n.getBoundingClientRect().top)")
    assert len(set(tops)) == 1
    assert page.locator(".reply.key").inner_text() in ("A", "AC")
    sample = next(s for s in read_records(report.parent / "results" / "final", Sample) if s.id == "i00005")
    shown = page.locator(".answer").nth(2).inner_text()
    assert sample.final in shown
    assert sample.reasoning in shown


def test_works_by_keyboard_alone(report, visit):
    page = visit(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    heading = page.get_by_role("region", name="Scores of pceb", exact=True).get_by_role("columnheader", name="sft")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    page.locator("#list button").first.focus()
    before = page.locator("#detail").inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator("#list li:nth-child(2) button").evaluate("node => node === document.activeElement")
    assert page.locator("#list li:nth-child(2) button").get_attribute("aria-current") == "true"
    assert page.locator("#detail").inner_text() != before
    page.keyboard.press("ArrowUp")
    assert page.locator("#detail").inner_text() == before


def test_fits_a_phone(report, visit):
    page = visit(report, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    too_wide = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(n => n.getBoundingClientRect().right > 391 && !n.closest('.scroll')).map(n => n.outerHTML.slice(0, 90))"
    )
    assert too_wide == []
    assert page.locator("#list button").first.bounding_box()["height"] >= 40, "rows must be large enough for a finger"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(report, visit, scheme):
    page = visit(report, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    low = page.evaluate(CONTRAST)
    assert low == []


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (node) => { const chain = []; for (let n = node; n; n = n.parentElement) chain.push(rgba(getComputedStyle(n).backgroundColor));
    return chain.reverse().reduce((under, top) => over(top, under), [255, 255, 255]); };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = new Set();
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !node.getClientRects().length || node.disabled) continue;
    if (['SCRIPT', 'OPTION', 'NOSCRIPT'].includes(node.tagName) || node.closest('.skip, .uplot')) continue;
    const under = ground(node), ink = over(rgba(getComputedStyle(node).color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.add(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""


def test_prints_light_and_without_controls(report, visit, tmp_path):
    page = visit(report, color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#errors").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") + paper.count(b"/Type /Page/") > 1


@pytest.mark.slow
def test_four_thousand_items_stay_below_five_megabytes(tmp_path, visit):
    path = build(tmp_path, 4000, 250)
    assert path.stat().st_size < 5_000_000
    page = visit(path)
    page.get_by_label("Outcome").select_option("")
    assert page.locator("#found").inner_text() == "4,400 of 4,400 items"
    seconds = page.evaluate(
        "() => { const box = document.querySelector('[name=text]'); box.value = 'memory'; const t = performance.now();"
        " box.dispatchEvent(new Event('input', {bubbles: true})); return (performance.now() - t) / 1000; }"
    )
    assert seconds < 1.0, "a search over all items must feel immediate"
    assert page.locator("#list li").count() == 50
    page.get_by_role("button", name="Next", exact=True).click()
    assert page.locator("#page").inner_text().startswith("Page 2 of")
