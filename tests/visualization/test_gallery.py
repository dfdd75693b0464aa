"""docs/gallery.md shows every plot, in pictures that are small."""

import re
from pathlib import Path

from raystudy import visualization

DOCS = Path(__file__).parents[2] / "docs"


def test_the_gallery_shows_every_plot_once():
    text = (DOCS / "gallery.md").read_text()
    plots = {name for name in dir(visualization) if name.startswith("plot_")}
    assert sorted(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == sorted(plots)
    pictures = re.findall(r"!\[\]\((.*)\)", text)
    assert sorted(pictures) == sorted(f"gallery/{name.removeprefix('plot_')}.png" for name in plots)
    assert sorted(path.name for path in (DOCS / "gallery").iterdir()) == sorted(
        Path(p).name for p in pictures
    )


def test_its_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in (DOCS / "gallery").glob("*.png")}
    assert {name: size for name, size in sizes.items() if size >= 60_000} == {}
