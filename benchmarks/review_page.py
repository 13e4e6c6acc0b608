"""How quick the review page is, in a real browser: from a key to the next text painted, and how long a decision takes
to be saved, while the pool grows.

    uv run benchmarks/review_page.py --texts 500

The model answers at once (tests/fakes.py), so that all that is measured is the page, its server and the disk; the
encoder is the real one. Prints medians and 95th percentiles in milliseconds, and the bytes that the page loads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from pathlib import Path
from random import Random
from shutil import which

import numpy as np
import uvicorn
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fakes import LABELS, ensemble
from reviewing import NAMES, documents, knowing

from el4ner.retrieval.encoder import default_encoder
from el4ner.review.app import assets, review_app
from el4ner.review.reader import Reader
from el4ner.review.readings import Readings
from el4ner.review.review import Review
from el4ner.web.guard import Guard
from el4ner.web.server import listen

# The browser presses a key, and hears when the frame after it has been drawn; then it thinks for a while.
PRESS = """
const done = arguments[arguments.length - 1], before = text.ref, began = performance.now();
document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
requestAnimationFrame(() => setTimeout(() => {
  const painted = performance.now() - began, ready = text !== null && text.ref !== before && text.read;
  sending.then(() => setTimeout(() => done([painted, ready]), 150));
}, 0));
"""
SAVED = """return performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/api/judge"))
  .map((one) => one.duration)"""
WORDS = ("went", "saw", "left", "near", "under", "before", "market", "river", "train", "letter", "quiet", "early")


def texts(count: int) -> list[str]:
    """Made-up texts, each with two or three names."""
    random = Random(0)
    return [
        " ".join(random.choices(WORDS, k=12) + random.sample(sorted(NAMES), 3) + random.choices(WORDS, k=5)) + f" {n}."
        for n in range(count)
    ]


def browser() -> Chrome:
    options = ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(option)
    return Chrome(options=options, service=Service(which("chromedriver")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--decisions", type=int, default=200)
    chosen = parser.parse_args()
    pool, encoder = Path(tempfile.mkdtemp()) / "pool.jsonl", default_encoder()
    given = texts(chosen.texts)
    opened = ensemble(knowing(), encoder=encoder, retrieve={"by": "sentence"})
    review = Review(documents(given), pool, LABELS, lambda held: Readings(held, opened.recipe, encoder, "valuable"))
    reader = Reader(review, opened.on_pool, pool.with_name("rest.jsonl"))
    with listen("127.0.0.1", 0) as bound:
        app = review_app(review, reader, Guard.at("127.0.0.1", None))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        reader.start()
        page = browser()
        page.get(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        page.set_script_timeout(60)
        page.execute_script("performance.setResourceTimingBufferSize(10000)")
        page.execute_async_script(
            "const d = arguments[0]; const w = () => (text?.read ? d() : setTimeout(w, 50)); w();"
        )
        presses = [page.execute_async_script(PRESS) for _ in range(min(chosen.decisions, chosen.texts - 1))]
        saved = page.execute_script(SAVED)
        page.quit()
        server.should_exit = True
        thread.join()
        reader.close()
    say("key to painted next text", [painted for painted, _ in presses])
    say("decision saved, as the page sees it", saved)
    print(f"suggestion ready when painted: {sum(ready for _, ready in presses)} of {len(presses)}")
    weight, held = sum(map(len, assets().values())), len(pool.read_text().splitlines())
    print(f"the page loads {weight:,} bytes; the pool holds {held} examples")


def say(what: str, milliseconds: list[float]) -> None:
    middle, late = np.percentile(milliseconds, [50, 95])
    print(f"{what}: median {middle:.0f} ms, 95 % under {late:.0f} ms ({len(milliseconds)} times)")


if __name__ == "__main__":
    main()
