"""Makes the README's pictures from the demo: `uv run python docs/pictures/make.py`. Takes minutes; needs Chromium.

Today's weekly outlook, as its reader sees it first, and a marked copy, as its owner opens it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
REPORT, MARKED = "retail-weekly-outlook", "prices/*.xlsx"
WIDTH, HEIGHT = 1280, 860
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main() -> int:
    if len(sys.argv) > 1:
        _make(Path(sys.argv[1]))
        return 0
    with tempfile.TemporaryDirectory(prefix="s2p-pictures-") as folder:
        s2p = Path(sys.executable).with_name("s2p")
        subprocess.run([s2p, "demo", "--no-ui"], check=False, env=os.environ | {"S2P_HOME": folder})
        _make(Path(folder))
    return 0


def _make(home: Path) -> None:
    """Both pictures from the home of a demo."""
    newest = max((home / "share/s2p-reports" / REPORT).glob("*/*.html"))
    _photograph(newest.as_uri(), HERE / "report.png")
    marked = sorted((home / "share/s2p-returned").rglob("*.xlsx"))
    chosen = next((file for file in marked if file.match(MARKED)), marked[0])
    _photograph_workbook(chosen, HERE / "marked-copy.png")


def _photograph(address: str, to: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(address)
        page.screenshot(path=to)
        browser.close()
    _make_small(to)


def _photograph_workbook(file: Path, to: Path) -> None:
    """The first page of the workbook as LibreOffice prints it, without its empty paper."""
    with tempfile.TemporaryDirectory() as place:
        words = ["soffice", "--headless", f"-env:UserInstallation=file://{place}/office", "--convert-to", "pdf"]
        subprocess.run([*words, "--outdir", place, str(file)], check=True, capture_output=True)
        pdf = next(Path(place).glob("*.pdf"))
        subprocess.run(["pdftoppm", "-r", "110", "-f", "1", "-l", "1", "-png", str(pdf), f"{place}/page"], check=True)
        picture = Image.open(next(Path(place).glob("page*.png"))).convert("RGB")
    lacking = Image.new("RGB", picture.size, "white")
    from PIL import ImageChops

    box = ImageChops.difference(picture, lacking).getbbox() or (0, 0, *picture.size)
    picture.crop((max(box[0] - 12, 0), max(box[1] - 12, 0), box[2] + 12, box[3] + 12)).save(to)
    _make_small(to)


def _make_small(to: Path) -> None:
    with Image.open(to) as picture:
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(to, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
