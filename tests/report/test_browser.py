"""The page in a real browser: what is seen, chosen, and painted, compared with what Python makes of it."""

import io
import json
import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from browser import Browser, find_browser
from pages import NASTY, entry, page
from PIL import Image
from torch import Tensor

from captum_scd import visualization
from captum_scd.grid import resize
from captum_scd.report import Entry, Failure, Map

pytestmark = pytest.mark.browser
if find_browser() is None:
    pytest.skip("no Chromium or Chrome on the PATH; CAPTUM_SCD_BROWSER may name one", allow_module_level=True)

THREE = [entry("ten10", 0.3, 0.9), entry("two2", 0.1, 0.7, label="finch"), entry("one1", 0.2, 0.8)]
SIZE = (24, 32)
SUMMARY = "[...byId('summary').tBodies[0].rows].map((r) => [...r.cells].map((c) => c.textContent))"
PIXELS = "(async () => { const s = await scene(0); const d = {}; for (const way of ways) \
d[way] = [...mixed(s, s.maps[state.map], way, state).data]; return JSON.stringify(d); })()"


def names(browser: Browser) -> list[str]:
    found: list[str] = browser.evaluate(
        "[...document.querySelectorAll('#gallery .name')].map((e) => e.textContent)"
    )
    return found


def text(browser: Browser, selector: str) -> str:
    return str(browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))


def click(browser: Browser, selector: str) -> None:
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def maps(one: Entry, size: tuple[int, int] = SIZE) -> dict[str, Tensor]:
    """The maps at the size of the picture, as the package interpolates them."""
    plain = {
        m.name: resize(m.values[None, None], size)[0, 0] for m in one.maps if isinstance(m.values, Tensor)
    }
    return {**plain, "both": (plain["left"] * plain["top"]).sqrt()}


# what is listed


def test_images_come_as_given_with_their_numbers(show):
    browser = show(page(*THREE))
    assert names(browser) == ["ten10", "two2", "one1"]
    assert text(browser, "#gallery .number") == "probability 0.900"
    assert text(browser, "#gallery .label") == "grey"
    assert text(browser, "#count") == "3 images"
    assert browser.evaluate("document.title") == text(browser, "h1") == "Where?"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("#sort=left+area", ["two2", "one1", "ten10"]),
        ("#sort=left+area&down=1", ["ten10", "one1", "two2"]),
        ("#sort=probability&down=1", ["ten10", "one1", "two2"]),
        ("#sort=name", ["one1", "ten10", "two2"]),
        ("#down=1", ["one1", "two2", "ten10"]),
        ("#find=FINCH", ["two2"]),
        ("#find=o+1", ["one1"]),
        ("#find=nowhere", []),
        ("#sort=constructor&map=__proto__&way=x&cut=NaN&image=nobody&view=&%%%", ["ten10", "two2", "one1"]),
    ],
)  # fmt: skip
def test_an_address_sorts_and_finds(show, choices, expected):
    browser = show(page(*THREE), choices)
    assert names(browser) == expected
    assert browser.evaluate("!byId('nothing').hidden") == (not expected)


def test_images_without_a_number_come_last_either_way(show):
    browser = show(page(entry("none", math.nan), entry("low", 0.1), entry("high", 0.9)), "#sort=left+area")
    assert names(browser) == ["low", "high", "none"]
    click(browser, "#direction")
    assert names(browser) == ["high", "low", "none"]
    assert text(browser, "#gallery li:last-child .number") == "left area \u2013"


def test_names_sort_by_the_numbers_in_them(show):
    browser = show(page(entry("a10"), entry("a9"), entry("a100")), "#sort=name")
    assert names(browser) == ["a9", "a10", "a100"]


def test_choosing_a_field_starts_at_its_better_end(show):
    browser = show(page(*THREE))
    for field, first in (("left area", "two2"), ("probability", "ten10")):
        browser.evaluate(f"byId('sort').value = {field!r}; byId('sort').dispatchEvent(new Event('change'))")
        assert names(browser)[0] == first


def test_the_summary_follows_what_is_shown(show):
    browser = show(page(*THREE))
    rows = browser.evaluate(SUMMARY)
    assert rows[0][:6] == ["probability", "", "0.800", "0.800", "0.700", "0.900"]
    assert rows[1][:6] == ["left area", "lower", "20.0%", "20.0%", "10.0%", "30.0%"]
    browser.evaluate("byId('find').value = 'finch'; byId('find').dispatchEvent(new Event('input'))")
    assert browser.evaluate(SUMMARY)[1][2:6] == ["10.0%"] * 4
    assert text(browser, "#summary caption") == "Over 1 of 3 images"


def test_the_table_sorts_by_its_headings(show):
    browser = show(page(*THREE), "#view=table")
    rows = "[...document.querySelectorAll('#table tbody tr')].map((r) => r.firstChild.textContent)"
    assert browser.evaluate(rows) == ["ten10", "two2", "one1"]
    click(browser, "#table th[data-field='left area'] button")
    assert browser.evaluate(rows) == ["two2", "one1", "ten10"]
    assert browser.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"
    click(browser, "#table th[data-field='left area'] button")
    assert browser.evaluate(rows) == ["ten10", "one1", "two2"]
    click(browser, "#table tbody tr:first-child button")
    assert text(browser, "#detail-name") == "ten10"


def test_what_a_run_says_is_there(show):
    said = {"notes": ["broken off"], "guide": {"left": "the left side"}, "settings": {"Run": {"seed": 3}}}
    browser = show(page(entry("a"), Failure("b.jpg", "it is no image"), **said))
    assert text(browser, "#notes") == "broken off"
    assert text(browser, "#failures summary") == "1 image not explained"
    assert "b.jpg" in text(browser, "#failures li")
    assert "it is no image" in text(browser, "#failures li")
    assert "the left side" in text(browser, "#guide")
    assert text(browser, "#settings td") == "3"


def test_no_image_at_all(show):
    browser = show(page(Failure("b.jpg", "it is no image")))
    assert browser.evaluate("byId('images').hidden && byId('means').hidden && !byId('failures').hidden")


def test_pictures_without_maps_and_columns(show):
    browser = show(page(Entry("bare", torch.rand(1, 8, 8), [], {})), "#image=bare")
    browser.wait("byId('detail-picture').width === 24")
    assert text(browser, "#detail-numbers td") == "\u2013"


# what comes from outside


def test_nasty_names_are_text(show):
    images = [entry(name, label=name, facts={name: name}, doubts=[name]) for name in NASTY]
    browser = show(page(*images, *(Failure(name, name) for name in NASTY), notes=NASTY))
    shown = [name.replace("\udcff", "\ufffd") for name in NASTY]
    assert [name.replace("\udcff", "\ufffd") for name in names(browser)] == shown
    assert browser.evaluate("document.querySelectorAll('img, main script').length") == 0
    click(browser, "#gallery button")
    assert text(browser, "#detail-name") == NASTY[0]
    assert text(browser, "#detail-facts dd") == NASTY[0]


def test_a_foreign_script_does_not_run(show):
    browser = show(page(entry("a")))
    hit = browser.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.hit = 1'; "
        "document.body.append(s); return window.hit; })()"
    )
    fetched = browser.evaluate("fetch('https://example.org').then(() => 'fetched', () => 'refused')")
    assert (hit, fetched) == (None, "refused")
    assert len(browser.complaints) >= 2
    assert all("Content Security Policy" in said for said in browser.complaints)
    browser.clear()


# what is painted


def test_colours_are_those_of_the_figures(show):
    table = np.array(show(page()).evaluate("[...COLOURS]")).reshape(-1, 3)
    exact = mpl.colormaps[visualization.COLORS](np.arange(256))[:, :3] * 255
    assert np.abs(table - exact).max() < 3


def test_maps_are_interpolated_as_the_package_does(show):
    browser = show(page(THREE[0]))
    for name, exact in maps(THREE[0]).items():
        values = browser.evaluate(f"scene(0).then((s) => [...s.maps.{name}])")
        assert (torch.tensor(values).view(SIZE) - exact).abs().max() < 1.5 / 255


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (24, 32), (40, 3)])
def test_maps_of_any_resolution_are_interpolated(show, size):
    values = torch.rand(size, generator=torch.Generator().manual_seed(0))
    browser = show(page(Entry("a", torch.zeros(1, *SIZE), [Map("m", values)], {})))
    painted = torch.tensor(browser.evaluate("scene(0).then((s) => [...s.maps.m])")).view(SIZE)
    exact = torch.nn.functional.interpolate(values[None, None], SIZE, mode="bilinear")[0, 0]
    assert (painted - exact).abs().max() < 1 / 255


@pytest.mark.parametrize("name", ["left", "top", "both"])
def test_every_way_of_showing_is_painted_by_its_formula(show, name):
    cut, strength = 0.4, 0.6
    browser = show(page(THREE[0]), f"#map={name}&cut={cut}&strength={strength}")
    painted = {
        way: torch.tensor(values).view(*SIZE, 4)[..., :3] / 255
        for way, values in json.loads(browser.evaluate(PIXELS)).items()
    }
    mask = maps(THREE[0])[name]
    photo, infill = (image.permute(1, 2, 0) for image in (THREE[0].picture, THREE[0].infill))
    over = torch.from_numpy(visualization.overlay(THREE[0].picture, mask[None])).float()
    region = (mask >= cut)[..., None]
    sure = ((mask - cut).abs() > 1 / 255)[..., None]
    exact = {
        "photo": photo,
        "outline": photo,
        "colours": (1 - strength) * photo + strength * over,
        "remains": torch.where(region, photo, infill),
        "removed": torch.where(region, infill, photo),
    }
    assert painted.keys() == exact.keys()
    for way, values in exact.items():
        assert ((painted[way] - values).abs() * sure).max() < 4 / 255, way


def test_the_area_is_that_of_the_map(show):
    browser = show(page(THREE[0]))
    for cut in (0.1, 0.33, 0.5, 0.9):
        told = browser.evaluate(f"scene(0).then((s) => area(s.maps.left, {cut}))")
        assert told == pytest.approx((maps(THREE[0])["left"] >= cut).float().mean().item(), abs=1 / 32)


def test_the_outline_of_a_disc_is_a_circle(show):
    browser = show(page(THREE[0]))
    lines = json.loads(
        browser.evaluate("""(() => {
            const [size, radius, lines] = [64, 20, []];
            const map = Float32Array.from({ length: size * size }, (_, k) =>
                1 - Math.hypot(k % size - 31.5, Math.floor(k / size) - 31.5) / 64);
            const Usual = Path2D;
            Path2D = class {
                moveTo(x, y) { this.at = [x, y]; }
                lineTo(x, y) { lines.push([this.at, [x, y]]); }
            };
            border(map, size, size, 1 - radius / 64, 2);
            Path2D = Usual;
            return JSON.stringify(lines);
        })()""")
    )
    ends = torch.tensor(lines)
    length = (ends[:, 0] - ends[:, 1]).norm(dim=1).sum().item()
    assert length == pytest.approx(2 * math.pi * 20 * 2, rel=0.01)
    assert ((ends - 64).norm(dim=2) - 40).abs().max() < 0.2


def test_an_outline_closes_along_the_edge_of_the_picture(show):
    told = show(page(THREE[0])).evaluate("""(() => {
        let count = 0;
        const Usual = Path2D;
        Path2D = class { moveTo() {} lineTo() { count += 1; } };
        border(new Float32Array(6 * 4).fill(1), 6, 4, 0.5, 1);
        Path2D = Usual;
        return count;
    })()""")
    assert told == 2 * (6 + 4)


def test_cards_show_what_was_chosen(show, tmp_path):
    browser = show(page(*THREE), "#map=left&way=colours")
    browser.wait("[...document.querySelectorAll('#gallery canvas')].every((c) => c.width === 64)")
    middle = "document.querySelector('#gallery canvas').getContext('2d').getImageData(0, 24, 64, 1)"
    row = np.array(browser.evaluate(f"[...{middle}.data]")).reshape(64, 4)
    bright, dark = row[8], row[56]
    assert bright[0] > dark[0] + 60
    assert browser.evaluate("document.querySelector('#gallery canvas').ariaLabel") == "ten10, left in colours"
    browser.screenshot(tmp_path / "gallery.png")
    seen = np.asarray(Image.open(tmp_path / "gallery.png").convert("RGB")).astype(int)
    assert seen.shape == (900, 1200, 3)
    assert (np.abs(seen - bright[:3]).max(2) <= 12).sum() > 100


def test_maps_and_infills_that_only_some_images_have(show):
    less = Entry("less", torch.rand(3, *SIZE), [Map("other", torch.rand(2, 2))], {})
    browser = show(page(THREE[0], less), "#map=other&way=removed&image=ten10")
    browser.wait("byId('detail-picture').width > 0")
    assert text(browser, "#caption") == "There is no other of this image."
    click(browser, "#next")
    browser.wait("byId('caption').textContent.startsWith('Outlined')")


def test_without_any_infill_nothing_is_kept_or_taken_away(show):
    browser = show(page(entry("a", infill=None)), "#way=removed")
    assert browser.evaluate("ways") == ["photo", "colours", "outline"]
    assert browser.evaluate("state.way") == "colours"


# one image, large


def open_detail(show: Any, choices: str = "#image=two2") -> Browser:
    browser: Browser = show(page(*THREE), choices)
    browser.wait("byId('detail').open && byId('detail-picture').width === 96")
    return browser


def test_an_address_opens_an_image(show):
    browser = open_detail(show, "#image=two2&map=left&way=removed&cut=0.25")
    area = (maps(THREE[1])["left"] >= 0.25).float().mean().item()
    assert text(browser, "#caption") == f"Replaced: {area:.1%} of the image, where left is at least 0.25."
    assert text(browser, "#detail-numbers tbody tr.chosen") == "left area10.0%20.0%"
    assert browser.evaluate("byId('detail-picture').ariaLabel") == "two2, the left is taken away"


def test_keys_go_through_the_images_in_order(show):
    browser = open_detail(show, "#image=two2&sort=left+area")
    assert browser.evaluate("byId('previous').disabled")
    for name in ("one1", "ten10", "ten10"):
        browser.key("ArrowRight", 39)
        browser.wait(f"byId('detail-name').textContent === {name!r}")
    assert browser.evaluate("byId('next').disabled")
    browser.key("ArrowLeft", 37)
    browser.wait("byId('detail-name').textContent === 'one1'")
    browser.key("Escape", 27)
    browser.wait("!byId('detail').open && state.image === null")
    assert browser.evaluate("document.activeElement.textContent").startswith("one1")


def test_arrows_move_a_slider_and_not_the_image(show):
    browser = open_detail(show)
    browser.evaluate("document.querySelector('#detail-looks [data-field=cut] input').focus()")
    browser.key("ArrowRight", 39)
    browser.wait("state.cut === 0.51")
    assert text(browser, "#detail-name") == "two2"
    assert text(browser, "#looks [data-field=cut] output") == "0.51"


def test_choices_are_kept_in_the_address(show):
    browser = open_detail(show)
    click(browser, "#detail-looks input[value=outline]")
    click(browser, "#detail-looks input[value=top]")
    browser.wait("location.hash === '#view=gallery&map=top&way=outline&image=two2'")
    click(browser, "#close")
    browser.wait("location.hash === '#view=gallery&map=top&way=outline'")


def test_an_address_written_late_takes_nothing_back(show):
    browser = show(page(*THREE))
    state = browser.evaluate(
        "(async () => { change({ view: 'table' }); rememberStep(); "
        "change({ view: 'gallery', way: 'photo' }); "
        "await new Promise((done) => addEventListener('hashchange', done, { once: true })); "
        "return [state.view, state.way]; })()"
    )
    assert state == ["gallery", "photo"]
    browser.wait("location.hash === '#view=gallery&way=photo'")


def test_an_address_given_by_hand_is_followed(show):
    browser = show(page(*THREE))
    browser.evaluate("location.hash = '#sort=left+area&image=one1'")
    browser.wait("byId('detail').open && state.sort === 'left area'")
    browser.evaluate("location.hash = ''")
    browser.wait("!byId('detail').open && state.sort === ''")


def test_the_way_back_leads_out_of_an_image(show):
    browser = show(page(*THREE))
    click(browser, "#gallery li:nth-child(2) button")
    browser.wait("byId('detail').open && location.hash.includes('image=two2')")
    browser.evaluate("history.back()")
    browser.wait("!byId('detail').open && state.image === null")
    browser.evaluate("history.forward()")
    browser.wait("byId('detail').open && byId('detail-name').textContent === 'two2'")


def test_closing_does_not_scroll_the_page(show):
    browser = show(page(*[entry(f"n{k}") for k in range(60)]))
    browser.evaluate("scrollTo(0, 900)")
    browser.wait("scrollY === 900")
    click(browser, "#gallery li:nth-child(20) button")
    browser.wait("byId('detail').open")
    click(browser, "#close")
    browser.wait("!byId('detail').open && location.hash === '#view=gallery'")
    assert browser.evaluate("scrollY") > 300


# windows, media, and many images


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_nothing_sticks_out_of_the_window(show, width):
    browser = show(page(*THREE, entry("x" * 300, label="y" * 300)))
    browser.look(width, 800)
    for choices in ("{view: 'gallery'}", "{view: 'table'}", "{image: 3}"):
        browser.evaluate(f"change({choices})")
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("dialog.scrollWidth <= dialog.clientWidth")


def test_dark_and_light_follow_the_system_and_can_be_read(show):
    browser = show(page(*THREE))
    lightness = (
        "getComputedStyle(document.body).{}.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)"
    )
    for dark in (False, True):
        browser.look(1200, 900, dark)
        ground, words = (browser.evaluate(lightness.format(p)) for p in ("backgroundColor", "color"))
        assert (ground < 150) == dark
        assert abs(ground - words) > 500


def test_many_images_are_painted_only_where_they_are_seen(show):
    images = [entry(f"n{k}", (k * 7 % 1000) / 1000) for k in range(1000)]
    browser = show(page(*images))
    painted = "[...document.querySelectorAll('#gallery canvas')].filter((c) => c.width === 64).length"
    browser.wait(f"{painted} > 0")
    assert browser.evaluate("document.querySelectorAll('#gallery li').length") == 1000
    assert browser.evaluate(painted) < 100
    browser.evaluate("change({ sort: 'left area', down: true })")
    assert names(browser)[:2] == ["n857", "n714"]
    browser.evaluate("scrollTo(0, document.body.scrollHeight)")
    browser.wait("document.querySelector('#gallery li:last-child canvas').width > 0")
    browser.wait("document.querySelector('#gallery canvas').width === 0")
    assert browser.evaluate(painted) < 150


def test_few_images_print_as_pictures_and_many_as_a_table(show):
    display = "['gallery', 'table-frame'].map((id) => getComputedStyle(byId(id)).display)"
    for number, expected in ((3, ["grid", "none"]), (61, ["none", "block"])):
        browser = show(page(*[entry(f"n{k}") for k in range(number)]))
        browser.look(800, 1100, media="print")
        browser.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert browser.evaluate(display) == expected
        assert browser.evaluate("document.querySelectorAll('#table tbody tr').length") == number
        browser.look(1200, 900)


def test_a_screenshot_shows_the_picture(show, tmp_path: Path):
    browser = open_detail(show, "#image=two2&way=photo")
    browser.screenshot(tmp_path / "detail.png")
    data = Image.open(io.BytesIO((tmp_path / "detail.png").read_bytes())).convert("RGB")
    grey = (np.abs(np.asarray(data).astype(int) - 191).max(2) <= 2).mean()
    assert grey > 0.1
