"""Time a keystroke in the report's section "Try it", in headless Chromium.

    python benchmarks/playground.py [results/report.html]

A name is typed letter by letter, with several lengths of junk after it. What is timed is all that a
key sets off before the page can be painted: reading the name with every model, filling the page,
its style and layout; then what follows when that is painted (what leaving out each character does).
"""

import shutil
from pathlib import Path

import click
from playwright.sync_api import sync_playwright

TYPE = """async (junk) => {
  const of = (id) => document.getElementById("try-" + id);
  const enter = (id, value) => { of(id).value = value; of(id).dispatchEvent(new Event("input")); };
  const charts = () => [...document.querySelectorAll(".try-chart")];
  const keys = [], after = [];
  for (let round = 0; round < 12; round++) {
    enter("junk", junk);
    for (let length = 1; length <= 12; length++) {
      const start = performance.now();
      enter("name", "Kowalczykski".slice(0, length));
      of("readers").getBoundingClientRect();  // has style and layout done
      const shown = performance.now();
      const spent = await new Promise((resolve) => {
        let busy = 0, last = performance.now();
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
          const now = performance.now();
          busy = Math.max(busy, now - last);
          last = now;
          if (now - shown < 120) channel.port2.postMessage(0); else resolve(busy);
        };
        channel.port2.postMessage(0);
      });
      if (round > 1) { keys.push(shown - start); after.push(spent); }
    }
  }
  const share = (times, q) => times.sort((a, b) => a - b)[Math.floor(q * (times.length - 1))];
  return [share(keys, 0.5), share(keys, 0.95), share(after, 0.5)];
}"""


@click.command()
@click.argument("report", type=click.Path(path_type=Path), default=Path("results/report.html"))
def main(report: Path) -> None:
    """Print the median and the 95th percentile, and the longest wait afterwards."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"file://{report.resolve()}")
        page.locator("#try-name").scroll_into_view_if_needed()
        print(f"Chromium {browser.version}, {page.locator('.try-arm').count()} models")
        for junk in (0, 6, 12):
            median, most, after = page.evaluate(TYPE, junk)
            print(
                f"{junk:2} junk characters: {median:.1f} ms a key, 95 % below {most:.1f} ms; "
                f"then never busy for longer than {after:.1f} ms (median)"
            )
        browser.close()


if __name__ == "__main__":
    main()
