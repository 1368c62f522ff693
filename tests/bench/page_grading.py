"""How long a verdict takes in the page, beside what cannot be avoided: Pyodide's boot and two imports.

    python -m tests.bench.page_grading               five rounds, about three minutes on a quiet machine
    python -m tests.bench.page_grading --rounds 3 --slug deadletter

Each round opens fresh browser profiles and measures, in this order: the bare boot (the same Pyodide and the same
archives, then `import pytest, fakeredis` and nothing else), the cold verdict on the stub from a press of Run on, the
same grade warm, and the verdict after an endless loop was ended. The warm grade is measured in Node as well. Medians
are printed with the load of the machine; the bars of the project are cold / bare at most 1.5 and warm / Node at most 2.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from journal.site.node import WEB, find_node
from tests.web.chromium import find_chromium
from tests.web.pages import ROOT, served
from tests.web.workshop_pages import EXERCISES, stub

BARE = """
self.onmessage = async ({ data: { base, runtime } }) => {
  const folder = base + runtime.folder + "/";
  const began = performance.now();
  const get = self.fetch.bind(self);
  self.fetch = (url, options) => String(url.url ?? url).endsWith("/pyodide.asm.wasm")
    ? get(folder + runtime.files.wasm).then((answer) => new Response(answer.body.pipeThrough(
        new DecompressionStream("gzip")), { headers: { "Content-Type": "application/wasm" } }))
    : get(url, options);
  const archive = get(folder + runtime.files.packages).then((answer) => answer.arrayBuffer());
  const { loadPyodide } = await import(folder + "pyodide.mjs");
  const python = await loadPyodide({ indexURL: folder, stdLibURL: folder + runtime.files.stdlib,
    lockFileContents: JSON.stringify({ info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten",
      version: "0", python: "3.14.2" }, packages: {} }) });
  python.unpackArchive(await archive, "zip", { extractDir: "/lib/python3.14/site-packages" });
  python.runPython("import pytest, fakeredis");
  self.postMessage(performance.now() - began);
};
"""
RUN_BARE = """async (site) => {
  const runtime = await (await fetch(site + "assets/workshop/runtime.json")).json();
  const began = performance.now();
  const worker = new Worker(site + "assets/web/bare.js", { type: "module" });
  await new Promise((resolve) => {
    worker.onmessage = resolve;
    worker.postMessage({ base: site + "assets/", runtime });
  });
  worker.terminate();
  return performance.now() - began;
}"""
GRADE = """async ([site, slug, codes]) => {
  const get = async (name) => (await fetch(site + "assets/workshop/" + name)).json();
  const [runtime, data] = [await get("runtime.json"), await get(slug + ".json")];
  const spawn = () => {
    const worker = new Worker(site + "assets/web/grader.worker.js", { type: "module" });
    worker.postMessage({ type: "boot", base: site + "assets/", runtime });
    return worker;
  };
  const grade = (worker, code) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data: told }) => {
      if (told.type === "done") resolve();
      if (told.type === "dead") reject(new Error(told.reason));
    };
    worker.postMessage({ type: "grade", id: 1, slug, files: data.files, compiled: data.compiled, code });
  });
  const times = [];
  let began = performance.now();
  const worker = spawn();
  await new Promise((resolve) => { worker.onmessage = ({ data: told }) => told.type === "ready" && resolve(); });
  for (const code of codes) {
    await grade(worker, code);
    times.push(performance.now() - began);
    began = performance.now();
  }
  const spare = spawn();
  await new Promise((resolve) => { spare.onmessage = ({ data: told }) => told.type === "ready" && resolve(); });
  began = performance.now();
  worker.terminate();
  await grade(spare, codes[0]);
  times.push(performance.now() - began);
  return times;
}"""


def in_browser(browser: Browser, site: str, script: str, argument: object) -> object:
    """Evaluate in a profile of its own, so that nothing comes from a cache."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{site}404.html")
        return page.evaluate(script, argument)
    finally:
        context.close()


def in_node(site: Path, slug: str, rounds: int) -> list[float]:
    """Return the milliseconds of warm grades of the stub in Node, by the same grader."""
    job = {"site": str(site), "slug": slug, "code": stub(slug), "rounds": rounds}
    script = Path(__file__).with_name("page_grading_node.mjs")
    done = subprocess.run(
        ["node", str(script), WEB.as_uri() + "/"],
        input=json.dumps(job),
        env=find_node().environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slug", choices=sorted(EXERCISES), default="backoff")
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site", help="a built site (journal build)")
    options = parser.parse_args()
    times: dict[str, list[float]] = {"bare": [], "cold": [], "warm": [], "after a loop": []}
    loads = []
    codes = [stub(options.slug), stub(options.slug) + "\n# again\n"]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        site = Path(name) / "site"
        shutil.copytree(options.site / "assets", site / "assets")
        shutil.copy2(options.site / "404.html", site / "404.html")
        (site / "assets" / "web" / "bare.js").write_text(BARE, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        with served(site) as url:
            for _ in range(options.rounds):
                loads.append(os.getloadavg()[0])
                times["bare"].append(in_browser(browser, url, RUN_BARE, url))
                cold, warm, after = in_browser(browser, url, GRADE, [url, options.slug, codes])
                times["cold"].append(cold)
                times["warm"].append(warm)
                times["after a loop"].append(after)
        browser.close()
        times["Node, warm"] = in_node(site, options.slug, max(3, options.rounds))
    middle = {name: statistics.median(found) for name, found in times.items()}
    print(f"{time.strftime('%Y-%m-%d %H:%M')}  exercise {options.slug}, {options.rounds} rounds, median ms")
    print(f"load before each round: {', '.join(f'{load:.1f}' for load in loads)}, {os.cpu_count()} cores")
    for name, value in middle.items():
        print(f"  {name:<14} {value:8.0f}   {', '.join(f'{one:.0f}' for one in times[name])}")
    print(f"  cold / bare    {middle['cold'] / middle['bare']:8.2f}   (at most 1.5)")
    print(f"  warm / Node    {middle['warm'] / middle['Node, warm']:8.2f}   (at most 2)")


if __name__ == "__main__":
    main()
