"""Figures inside of a page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from tsgen.reporting.findings import Pictured
from tsgen.reporting.pictures import draw_forecast, draw_ratios, inline_svg


def shown(label: str = "a") -> Pictured:
    stamps = pd.date_range("2020", periods=30, freq="MS")
    values = pd.Series(np.arange(30.0), index=stamps, name="y")
    forecast = pd.DataFrame({"y": values, "y-lo-80": values - 1, "y-hi-80": values + 1})
    return Pictured("best", label, values[:24], forecast[24:])


def test_a_picture_has_the_colours_of_the_page_and_nothing_from_elsewhere() -> None:
    picture = draw_forecast(shown())
    assert ElementTree.fromstring(re.sub("xlink:", "", picture)).tag == "svg"
    assert "http" not in picture
    assert "<!--" not in picture
    assert "var(--accent)" in picture
    assert not re.search(r"#[0-9a-f]{6}\b", picture.replace("#ffffff", ""))


def test_names_are_no_part_of_a_picture() -> None:
    hostile = r"$\frac$ <script>"
    assert draw_forecast(shown(hostile)) == draw_forecast(shown())


def test_no_two_pictures_share_a_name() -> None:
    pictures = [draw_forecast(shown()), draw_ratios(pd.Series([0.5, 0.7, 1.2]))]
    names = [set(re.findall(r' id="([^"]+)"', picture)) for picture in pictures]
    assert names[0]
    assert not names[0] & names[1]
    for picture, own in zip(pictures, names, strict=True):
        assert set(re.findall(r'(?:href="|url\()#([\w-]+)', picture)) <= own


def test_an_empty_figure_is_drawn() -> None:
    from matplotlib.figure import Figure

    assert inline_svg(Figure()).endswith("</svg>\n")
