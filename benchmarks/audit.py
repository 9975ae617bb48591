"""Lighthouse's scores and the weight of every page, written to benchmarks/audit.md.

    python benchmarks/audit.py [intro.html chapters/04_final_formulas.html ...]

Needs Chromium, and npm for Lighthouse, which comes into a scratch folder. The site is built, and
served with gzip from this machine. A score of performance is the median of five runs.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from serving import serve

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import book  # noqa: E402
import pdf  # noqa: E402

LIGHTHOUSE, RUNS = "lighthouse@12.8.2", 5
FORMS = {"desktop": ["--preset=desktop"], "mobile": []}
OTHERS = ("accessibility", "best-practices", "seo")  # the same in each run
METRICS = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "speed-index")
HEAD = """| page | kB | performance, desktop | performance, mobile | accessibility | best practices | SEO |
|---|---|---|---|---|---|---|"""


def install(scratch):
    """Install Lighthouse; return its command."""
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", scratch, LIGHTHOUSE]
    subprocess.run(command, check=True)
    return scratch / "node_modules" / ".bin" / "lighthouse"


def visit(lighthouse, browser, address, form, categories):
    """Return what one run of Lighthouse found."""
    flags = f"--chrome-flags={' '.join(flag for flag in pdf.FLAGS)}"
    kinds = f"--only-categories={','.join(categories)}"
    done = subprocess.run(
        [lighthouse, address, "--quiet", "--output=json", kinds, flags, *FORMS[form]],
        env={**os.environ, "CHROME_PATH": browser},
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)


def score(run, category):
    return round(100 * run["categories"][category]["score"])


def faults(run, form):
    """Yield each audit that takes points off a score, with the first element that it names."""
    for category in OTHERS:
        for part in run["categories"][category]["auditRefs"]:
            audit = run["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 1:
                items = audit.get("details", {}).get("items") or [{}]
                node = items[0].get("node", {}).get("snippet") or json.dumps(items[0])[:300]
                yield f"{form}, {category}, {part['id']}: `{node}`"


def measure(lighthouse, browser, address):
    """Return the scores of a page by form and category, its weight in kB, and what is to be mended."""
    scores, found = {}, []
    for form in FORMS:
        runs = [visit(lighthouse, browser, address, form, ["performance", *OTHERS])]
        runs += [visit(lighthouse, browser, address, form, ["performance"]) for _ in range(RUNS - 1)]
        runs.sort(key=lambda run: run["categories"]["performance"]["score"])
        whole = next(run for run in runs if "seo" in run["categories"])
        scores[form] = statistics.median(score(run, "performance") for run in runs)
        for category in OTHERS:
            scores[category] = min(scores.get(category, 100), score(whole, category))
        found += faults(whole, form)
        audits = runs[RUNS // 2]["audits"]
        times = ", ".join(f"{name} {audits[name]['displayValue']}" for name in METRICS)
        found.append(f"{form}, performance {scores[form]}: {times}")
        scores["kB"] = audits["total-byte-weight"]["numericValue"] / 1000
        scores["speed"] = runs[RUNS // 2]["environment"]["benchmarkIndex"]
    return scores, found


def machine(browser):
    """Say on what it was measured."""
    version = subprocess.run([browser, "--version"], capture_output=True, text=True).stdout.strip()
    return f"{version}, {LIGHTHOUSE}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


def main(names):
    browser = pdf.find_browser()
    if browser is None:
        sys.exit("The audit needs Chromium or Google Chrome.")
    with tempfile.TemporaryDirectory() as folder:
        site = book.build(output=Path(folder)).parent
        if not names:
            found = [page.relative_to(site).as_posix() for page in sorted(site.rglob("*.html"))]
            names = [name for name in found if not name.startswith(("_static", "index"))]
        lighthouse, server = install(Path(folder)), serve(site)
        rows, notes, speeds = [HEAD], [], []
        print(HEAD)
        for name in names:
            scores, found = measure(lighthouse, browser, f"http://127.0.0.1:{server.server_port}/{name}")
            cells = [f"{scores[kind]:.0f}" for kind in ("kB", *FORMS, *OTHERS)]
            rows.append(f"| {name} | {' | '.join(cells)} |")
            notes += [f"- {name}: {fault}" for fault in found]
            speeds.append(scores["speed"])
            print(rows[-1], *found, sep="\n", flush=True)
    text = "\n".join(
        [
            "# Lighthouse on every page",
            "",
            f"{machine(browser)}; Lighthouse's own measure of their speed: {statistics.median(speeds):.0f}. "
            f"Performance: median of {RUNS} runs. `make audit` writes this file.",
            "",
            *rows,
            "",
            "What takes points off, and the times of the median run:",
            "",
            *notes,
        ]
    )
    (ROOT / "benchmarks" / "audit.md").write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
