"""The report of a run: tables with intervals beside the published figures, calibration, and single instructions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from embodied_mem.evaluation import report as html
from embodied_mem.evaluation.run import read_rows
from embodied_mem.tasks.findingdory.cards import cards
from embodied_mem.tasks.findingdory.items import CATEGORIES
from embodied_mem.tasks.findingdory.metrics import key_of, over_templates
from embodied_mem.tasks.findingdory.verdicts import judged

MAIN = "mind_palace"
Rows = list[dict]
# HL-SR over all items as published (arXiv 2506.15635): fine-tuned VLM, the best frozen one of the line, the best frame
# of the video. "All" is exact, the categories are read from plots (about ±0.002).
PUBLISHED = {
    "all": (0.524, 0.273, 0.959), "Object Recall": (0.646, 0.470, 1.0), "Interaction": (0.706, 0.400, 0.986),
    "Conditional Interaction": (0.461, 0.301, 0.918), "Object Attributes": (0.426, 0.352, 0.997),
    "Spatial Relationship": (0.245, 0.146, 0.853), "Room Visitation": (0.535, 0.447, 0.799),
    "Interaction Order": (0.683, 0.285, 0.997), "Time-Based": (0.885, 0.630, 0.994),
    "Duration Tracking": (0.535, 0.248, 0.999), "Unordered Revisitation": (0.298, 0.085, 0.997),
    "Ordered Revisitation": (0.199, 0.094, 0.99),
}  # fmt: skip
COLUMNS = (
    ("hl_sr", "HL-SR", "the chosen frames (or poses) fulfil the instruction"),
    ("dtg_sr", "DTG-SR", "the same, visible or not"),
    ("sc_sr", "SC-SR", "the same, at any distance"),
    ("hl_spl", "HL-SPL", "HL success, weighted by shortest way over the way to what was chosen"),
    ("partial", "partial", "share of the goals that have a stop of their own"),
    ("ll_sr", "LL-SR", "HL success, and the robot drove there and stopped rightly"),
    ("ll_sr_given_hl", "LL-SR | HL", "share of the HL successes that were driven rightly"),
    ("ll_spl", "LL-SPL", "LL success, weighted by shortest way over way driven"),
)  # fmt: skip
STYLE = """<style>
.wide td:first-child, .wide th:first-child { position:sticky; left:0; background:var(--card);
box-shadow:inset 0 -1px var(--line) }
.say { white-space:normal; display:inline-block; min-width:220px; text-align:left }
p.lead { font-size:17px; margin:10px 0 4px; max-width:75ch }
</style>"""
LENGTHS = ((0, 500), (500, 1000), (1000, 2000), (2000, 4000), (4000, 10**9))  # frames
COUNTS = ((1, 3), (4, 7), (8, 11), (12, 30), (31, 50))  # interactions


def write_report(folder: Path) -> Path:
    """``report.html`` of a finished run folder: one file that needs nothing else."""
    raw = list(read_rows(folder / "predictions.jsonl"))
    metrics = json.loads((folder / "metrics.json").read_text())
    by_agent: dict[str, Rows] = defaultdict(list)
    for row in raw:
        by_agent[row["agent"]].append(judged(row) | {"frames": row["frames"], "instruction": row["instruction"]})
    logged = {agent: [r for r in rows if r["answerable"] == "answerable_from_log"] for agent, rows in by_agent.items()}
    main = [_marked(row) for row in raw if row["agent"] == MAIN]
    body = [
        *_head(metrics),
        *_overall(metrics),
        *_categories(metrics),
        *_strict(metrics),
        *_sizes(logged),
        *_failures(metrics),
        *_exploration(metrics),
        *_plots(by_agent),
        *_templates(metrics, logged.get(MAIN, [])),
        *cards(main, folder / "pictures"),
    ]
    return html.save(folder / "report.html", html.page("FindingDory report", body))


def _marked(row: dict) -> dict:
    """A row with its verdicts, for the cards."""
    verdict = judged(row)
    return row | {"correct": bool(verdict["hl_sr"]), "driven": bool(verdict["ll_sr"])}


def _head(metrics: dict) -> list[str]:
    minutes = f"; run time {metrics['run_seconds'] / 60:.0f} min" if "run_seconds" in metrics else ""
    return [
        STYLE,
        "<h1>FindingDory on simulated houses</h1>",
        _lead(metrics["agents"].get(MAIN)),
        f"<p class=note>{metrics['items']} instructions after {metrics['episodes']} experiences in {metrics['houses']} "
        f"houses; house seeds from {metrics['seed']}{minutes}.</p>",
        "<p class=note>Tables are over the instructions that the log answers and aggregate as the original does: a "
        "category is the mean over its templates. Brackets: 95 % bootstrap interval over houses.</p>",
    ]  # fmt: skip


def _lead(row: dict | None) -> str:
    """The outcome in one sentence."""
    if row is None or row["hl_sr"]["all"] is None:
        return ""
    driven = row["ll_sr"]["all"]
    return (
        f"<p class=lead>The mind palace names the right places for <b>{100 * row['hl_sr']['all']:.0f} %</b> of the "
        f"instructions, and drives to them and stops there for <b>{100 * driven:.0f} %</b>.</p>"
    )


def _overall(metrics: dict) -> list[str]:
    lines = []
    for agent, row in metrics["agents"].items():
        spans = row["intervals"]
        cells = [
            f"{_number(row[key]['all'])}<br><small>{_interval(spans.get(key, {}).get('all'))}</small>"
            for key, _, _ in COLUMNS
        ]
        lines.append([_name(agent), *cells])
    means = "; ".join(f"<b>{name}</b>: {what}" for _, name, what in COLUMNS)
    head = ["agent", *(name for _, name, _ in COLUMNS)]
    return ["<h2>All 60 templates</h2>", html.table(head, lines, _name(MAIN)), f"<p class=note>{means}.</p>"]


def _categories(metrics: dict) -> list[str]:
    agents = metrics["agents"]
    lines = []
    for category in ("all", *CATEGORIES):
        key = category if category == "all" else key_of(category)
        cells = [
            f"{_shade(row['hl_sr'][key])}<br><small>{_interval(row['intervals']['hl_sr'].get(key))}</small>"
            for row in agents.values()
        ]
        lines.append([category, *cells, *(f"<i>{v:.3f}</i>" for v in PUBLISHED[category])])
    head = ["HL-SR", *map(_name, agents), "<i>fine-tuned VLM*</i>", "<i>frozen VLM*</i>", "<i>best frame*</i>"]
    note = (
        "<p class=note>* As published (arXiv 2506.15635; categories read from plots; frozen: the best of each "
        "line): other scenes, other images, real VLMs, all instructions. Context, not a like-for-like comparison.</p>"
    )
    plot = html.image(_category_plot(agents), "HL-SR by category") if MAIN in agents else ""
    plot = f"<div class=plots>{plot}</div><br>"
    return ["<h2>By category</h2>", plot, html.table(head, lines, "all"), note]


def _category_plot(agents: dict) -> bytes:
    """HL-SR of the mind palace as bars, with the published figures as marks."""
    names = ("all", *CATEGORIES)
    values = [agents[MAIN]["hl_sr"][n if n == "all" else key_of(n)] or 0.0 for n in names]
    figure, axes = html.new_figure(8.2, 4.4)
    at = np.arange(len(names))[::-1]
    axes.barh(at, values, height=0.62, color="#2563eb", label=_name(MAIN))
    for which, mark, label in ((0, "D", "fine-tuned VLM*"), (1, "o", "frozen VLM*")):
        published = [PUBLISHED[n][which] for n in names]
        axes.plot(published, at, mark, color="#f59e0b" if which == 0 else "#1d2430", ms=6, mec="white", label=label)
    axes.set(yticks=at, yticklabels=names, xlim=(0, 1.02), xlabel="HL-SR")
    axes.grid(axis="y", alpha=0)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3, frameon=False)
    return html.figure_png(figure)


def _strict(metrics: dict) -> list[str]:
    names = [(key, name) for key, name, _ in COLUMNS if key in next(iter(metrics["agents"].values()))["strict"]]
    lines = [
        [_name(agent), *(f"{_number(row[key]['all'])} <small>{_number(row['strict'][key]['all'])}</small>"
                         for key, _ in names)]
        for agent, row in metrics["agents"].items()
    ]  # fmt: skip
    note = (
        "<p class=note>Large: our default rules. Small: the original's strict ones, by which the number of stops must "
        "be exact and a repeated stop voids the answer.</p>"
    )
    table = html.table(["agent", *(name for _, name in names)], lines, _name(MAIN))
    return ["<h2>Default and strict scoring</h2>", table, note]


def _sizes(logged: dict[str, Rows]) -> list[str]:
    """HL-SR by interactions of the experience and by its frames."""
    counts = [(f"{low} to {high}", _between("interactions", low, high)) for low, high in COUNTS]
    lengths = [
        (f"{low:,} to {high:,}" if high < 10**9 else f"over {low:,}", _between("frames", low, high - 1))
        for low, high in LENGTHS
    ]
    body = ["<h2>By length of the experience</h2>"]
    for what, bins in (("interactions", counts), ("frames", lengths)):
        lines = []
        for name, inside in bins:
            groups = [[row for row in rows if inside(row)] for rows in logged.values()]
            if any(groups):
                cells = [_shade(over_templates(rows, "hl_sr")) for rows in groups]
                lines.append([name, str(max(map(len, groups))), *cells])
        body.append(html.table([f"HL-SR by {what}", "instructions", *map(_name, logged)], lines) + "<br>")
    return body


def _between(field: str, low: int, high: int) -> Callable[[dict], bool]:
    return lambda row: low <= row[field] <= high


def _failures(metrics: dict) -> list[str]:
    """How often what went wrong, HL (an answer is an error or does not fulfil) and LL, over all instructions."""
    agents = metrics["agents"]
    names = sorted({name for row in agents.values() for name in row["failures"]})
    lines = [[name.replace("_", " "), *(str(r["failures"].get(name, 0)) for r in agents.values())] for name in names]
    lines.append(["frames right, not driven rightly", *(str(sum(r["ll_failures"].values())) for r in agents.values())])
    return ["<h2>What went wrong</h2>", html.table(["instructions", *map(_name, agents)], lines)]


def _exploration(metrics: dict) -> list[str]:
    lines = []
    for agent, row in metrics["agents"].items():
        found, none = row["needs_exploration"], row["unanswerable"]
        cells = (found["count"], found["hl_sr"], found["partial"], found["ll_sr"], found["explored_m"])
        lines.append([_name(agent), *map(_number, cells), str(none["count"]), _number(none["right"])])
    head = ["agent", "instructions", "HL-SR", "partial", "LL-SR", "metres explored", "unanswerable", "said so"]
    note = (
        "<p class=note>No frame of the log shows what these ask for; an agent may go and look and answer with a pose. "
        "They are in no other table but the errors and the calibration.</p>"
    )
    return ["<h2>What needs exploration</h2>", html.table(head, lines, _name(MAIN)), note]


def _plots(by_agent: dict[str, Rows]) -> list[str]:
    curves = {}
    for agent, rows in by_agent.items():
        answers = [r for r in rows if not r["error"] and r["answerable"] != "unanswerable"]
        if agent != "oracle" and answers:
            curves[_name(agent)] = (
                np.array([r["confidence"] for r in answers]), np.array([r["hl_sr"] for r in answers], float)
            )  # fmt: skip
    if not curves:
        return []
    pictures = [html.calibration_plot(*curves[_name(MAIN)])] if _name(MAIN) in curves else []
    pictures.append(html.risk_coverage_plot(curves))
    inside = "".join(html.image(p, "plot") for p in pictures)
    return [f"<h2>How sure it was</h2><div class=plots>{inside}</div>"]


def _templates(metrics: dict, rows: Rows) -> list[str]:
    """Every template of the mind palace with an instruction for example."""
    if MAIN not in metrics["agents"]:
        return []
    example = {row["template"]: row["instruction"] for row in reversed(rows)}
    names = [(key, name) for key, name, _ in COLUMNS if key != "ll_sr_given_hl"]
    lines = []
    for line in metrics["agents"][MAIN]["templates"]:
        words = f"<span class=say>{html.text(example.get(line['template'], ''))}</span>"
        head = [f"{line['template']}", words, line["category"], str(line["count"])]
        lines.append([*head, *(_shade(line[key]) for key, _ in names)])
    head = ["id", "<span class=say>for example</span>", "category", "n", *(name for _, name in names)]
    table = html.table(head, lines)
    inside = f"<details class=card><summary>All templates, with an example each</summary>{table}</details>"
    return [f"<h2>{_name(MAIN)} by template</h2>", inside]


def _name(agent: str) -> str:
    return agent.replace("_", " ")


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–" if value is None else html.text(value)


def _shade(value: float | None) -> str:
    """A rate on a ground that tells high from low at a glance."""
    if value is None:
        return "–"
    ground = f"background:hsl({120 * value:.0f} 60% 90%)"
    return f"<span style='{ground};padding:2px 5px;border-radius:4px'>{value:.3f}</span>"


def _interval(pair: list[float] | None) -> str:
    return "" if pair is None else f"[{pair[0]:.2f}, {pair[1]:.2f}]"
