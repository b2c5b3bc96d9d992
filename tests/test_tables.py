"""Tables of text."""

import pytest

from captum_scd.tables import html, markdown, table


def test_columns_are_aligned_and_the_last_line_stands_apart() -> None:
    lines = table(["image", "area"], [["wren.png", "0.5"], ["a", "12.0"]], ["mean", "6.2"]).splitlines()
    assert lines == [
        "image     area", "--------  ----", "wren.png   0.5", "a         12.0", "--------  ----",
        "mean       6.2",
    ]  # fmt: skip


def test_an_empty_table_has_its_header() -> None:
    assert table(["image"], []) == "image\n-----"
    assert markdown(["image"], []) == "| image |\n| --- |"


@pytest.mark.parametrize(("left", "rule"), [(1, "| --- | ---: | ---: |"), (2, "| --- | --- | ---: |")])
def test_markdown_columns_of_numbers_stand_to_the_right(left: int, rule: str) -> None:
    lines = markdown(["a", "b", "c"], [["1", "2", "3"]], left).splitlines()
    assert lines == ["| a | b | c |", rule, "| 1 | 2 | 3 |"]


def test_bars_do_not_break_a_markdown_table() -> None:
    assert markdown(["a|b"], [["|"]]) == "| a\\|b |\n| --- |\n| \\| |"


def test_html_escapes_texts_and_holds_pictures() -> None:
    page = html(["<h>"], [['a & "b"'], [b"png"]])
    assert page == (
        "<table><tr><th>&lt;h&gt;</th></tr><tr><td>a &amp; &quot;b&quot;</td></tr>"
        '<tr><td><img alt="" src="data:image/png;base64,cG5n"></td></tr></table>'
    )
