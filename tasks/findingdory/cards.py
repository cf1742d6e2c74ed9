"""Single instructions in the report: when what was handled, the frames that were chosen and why they count or not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

from embodied_mem.evaluation import report as html
from embodied_mem.tasks.findingdory.items import CATEGORIES, Goal
from embodied_mem.tasks.findingdory.pictures import CHOSEN, STOPPED
from embodied_mem.tasks.findingdory.predicates import GoalFacts, holds
from embodied_mem.tasks.findingdory.settings import CAMERA

OF_A_KIND = 2  # cards of a category: right ones, wrong ones
SHOWN_GOALS = 8

STYLE = """<style>
.tl { margin:12px 0 4px; font-size:12px; color:var(--soft) } .tl div { display:flex; align-items:center; height:17px }
.tl .name { flex:0 0 128px; overflow:hidden; white-space:nowrap; text-overflow:ellipsis; padding-right:8px }
.tl .name.hit { color:var(--good); font-weight:650 }
.tl .bar { position:relative; flex:1; height:17px; border-left:1px solid var(--line); background:
linear-gradient(var(--line),var(--line)) 0 50%/100% 1px no-repeat }
.tl i { position:absolute; top:3px; height:11px; min-width:2px } .tl .pick { background:#93b4f5 }
.tl .carry { background:#d5dbe4; top:6px; height:5px } .tl .put { background:#2f5fd0 }
.tl i.hit { outline:2px solid var(--good); border-radius:2px }
.tl b { position:absolute; top:0; bottom:0; width:2px; margin-left:-1px; background:var(--bad) }
.tl .axis .bar { border:0; background:none } .tl .axis span span { position:absolute; white-space:nowrap;
transform:translateX(-50%) } .tl .axis span span:first-child { transform:none }
.tl .axis span span.end { transform:translateX(-100%) }
.tl u { position:absolute; transform:translateX(-50%); background:var(--bad); color:#fff; border-radius:8px;
padding:0 5px; font-size:10.5px; line-height:14px; text-decoration:none; z-index:1 }
.key { font-size:12px; color:var(--soft); margin:0 0 8px } .key i { display:inline-block; width:16px; height:9px;
margin:0 4px 0 12px } .key i:first-child { margin-left:0 } ul.goals { margin:6px 0; padding-left:20px }
.card figure { max-width:240px } .card figure.plan { max-width:400px } .card figure img { max-width:100%;
border-radius:6px; display:block } .card summary small { color:var(--soft); white-space:nowrap }
.card p { margin:8px 0 }
@media (max-width:600px) { main { padding:18px 12px 60px } .tl .name { flex-basis:84px } .card figure { max-width:46% }
.card figure.plan { max-width:100% } .card summary small { white-space:normal } }
</style>"""


def cards(rows: list[dict], pictures: Path) -> list[str]:
    """Some right and some wrong instructions of every category, from different episodes where there are some.

    rows: of one agent, each with ``correct`` (HL) and ``driven`` (LL success); pictures: the folder that
    ``Pictures`` drew into, one below a job.
    """
    drawn = [row for row in rows if _about(row, pictures).exists()]
    if not drawn:
        return []
    body = [STYLE, "<h2>Single instructions</h2>", "<p class=note>Red: the frames that the agent chose, in order. "
            "Green: what was asked for. The timeline and the goals are the scorer's knowledge; the map is the "
            "robot's own, with the way that it drove (blue; dot: start, squares: stops). A frame counts by where it "
            "was taken from: what would be seen from there in the house as it is now.</p>"]  # fmt: skip
    for category in CATEGORIES:
        chosen = [
            row
            for right in (True, False)
            for row in _spread(r for r in drawn if r["category"] == category and r["correct"] == right)[:OF_A_KIND]
        ]
        if chosen:
            body += [f"<h3>{category}</h3>", *(card(row, _about(row, pictures)) for row in chosen)]
    return body


def _about(row: dict, pictures: Path) -> Path:
    return pictures / row["job"] / f"{row['id'].replace('/', '_')}.json"


def _spread(rows: Iterable[dict]) -> list[dict]:
    """First those of different templates, as many goals as they have, in a fixed order."""
    left, seen = sorted(rows, key=lambda r: (r["template"], r["id"])), set()
    fresh = [r for r in left if r["template"] not in seen and not seen.add(r["template"])]
    return fresh + [r for r in left if r not in fresh]


def card(row: dict, about_file: Path) -> str:
    """One instruction, folded."""
    about = json.loads(about_file.read_text())
    mark = "<span class=right>right</span>" if row["correct"] else "<span class=wrong>wrong</span>"
    if row["correct"] and not row["driven"]:
        mark += ", <span class=wrong>not reached</span>"
    head = (
        f"{mark} <b>{html.text(row['instruction'])}</b> "
        f"<small>template {row['template']} · {row['id'].split('/')[0]} · {row['interactions']} interactions</small>"
    )
    figures = [_figure(row, about, *picture, about_file.parent) for picture in _paired(about["pictures"])]
    shown = sum(caption.startswith(STOPPED) for _, caption, _ in about["pictures"])
    return (
        f"<details class=card><summary>{head}</summary>{_goals(row, about)}{_answer(row)}{_timeline(about['timeline'])}"
        f"<div class=row>{''.join(figures)}</div>{_driven(row, shown)}</details>"
    )


def _goals(row: dict, about: dict) -> str:
    texts = [html.text(goal["text"]) for goal in about["goals"]]
    more = f"<li>… {len(texts) - SHOWN_GOALS} more</li>" if len(texts) > SHOWN_GOALS else ""
    if len(texts) == 1:
        return f"<p>Asked for: <b>{texts[0]}</b></p>"
    how, tag = {"any": ("any of", "ul"), "all": ("all of", "ul"), "ordered": ("in this order", "ol")}[row["quantifier"]]
    items = "".join(f"<li>{text}</li>" for text in texts[:SHOWN_GOALS])
    return f"<p>Asked for, {how}:</p><{tag} class=goals>{items}{more}</{tag}>"


def _answer(row: dict) -> str:
    stops = row["stops"]
    named = [f"frame {s['frame']}" if s.get("frame") is not None else "a standing spot" for s in stops]
    said = ", ".join(named) or row["error"].replace("_", " ") or "nothing"
    explored = f", after driving {row['explored_m']:.1f} m to look for it" if row.get("explored_m") else ""
    return f"<p>Answer: <b>{html.text(said)}</b>{explored} (confidence {row['confidence']:.2f})</p>"


def _driven(row: dict, shown: int) -> str:
    """How far it drove, and how it stands to the goals there where pictures (``shown`` of them) do not say it."""
    low = row["ll"]
    if not low:
        return ""
    goals = [Goal(**g) for g in row["goals"]]
    ends = "".join(f"<li>{said(goals, stop['facts'])}</li>" for stop in low["stops"][shown:])
    rest = f" Where it stopped:</p><ol start={shown + 1}>{ends}</ol>" if ends else "</p>"
    best = f" (shortest {low['shortest_m']:.1f} m)" if low.get("shortest_m") is not None else ""
    return f"<p>Drove {low['metres']:.1f} m{best}; {html.text(low['reason'])}.{rest}"


def _paired(pictures: list[list]) -> list[list]:
    """The plan, then what was chosen and what was seen at the stop, stop by stop."""
    return sorted(pictures, key=lambda p: (-1, "") if p[2] is None else (p[2], p[1]))  # "chosen" before "stopped"


def _figure(row: dict, about: dict, name: str, caption: str, stop: int | None, folder: Path) -> str:
    picture = html.image((folder / name).read_bytes(), caption)
    if stop is None:
        return f"<figure class=plan>{picture}<figcaption>{html.text(caption)}</figcaption></figure>"
    goals, facts = [Goal(**g) for g in row["goals"]], None
    if caption.startswith(CHOSEN) and stop < len(row["stops"]):
        facts = row["stops"][stop]["facts"]
    elif row["ll"] and stop < len(row["ll"]["stops"]):
        facts = row["ll"]["stops"][stop]["facts"]
    lines = f"<b>{stop + 1}</b> · {html.text(caption)}" + (f"<br>{said(goals, facts)}" if facts else "")
    return f"<figure>{picture}<figcaption>{lines}</figcaption></figure>"


def said(goals: list[Goal], facts: list[list]) -> str:
    """How a stop stands to the goals: to the one it satisfies, else to the nearest one."""
    numbers = [GoalFacts.from_json(raw) for raw in facts]
    met = [k for k, (goal, fact) in enumerate(zip(goals, numbers, strict=True)) if holds(goal.kind, fact)]
    best = met[0] if met else min(range(len(goals)), key=lambda k: numbers[k].distance_m)
    mark = "<span class=right>✓</span>" if met else "<span class=wrong>✗</span>"
    which = f" goal {best + 1}:" if len(goals) > 1 else ""
    if goals[best].kind == "room":
        return f"{mark}{which} {'inside' if met else 'not inside'} the room"
    f = numbers[best]
    way = f"{f.distance_m:.2f} m" if math.isfinite(f.distance_m) else "no way"
    share = 100 * f.pixels / (CAMERA.width * CAMERA.height)
    seen = f"{share:.1f} % of the image" if f.pixels else "not in view"
    return f"{mark}{which} {way}, {math.degrees(f.angle_rad):.0f}° off, {seen}"


# -- the timeline ------------------------------------------------------------------------------------------------------


def _timeline(line: dict) -> str:
    """Bars of pick-up, carrying and putting down over the frames, a line for every chosen frame, hours below."""
    whole = max(line["frames"] - 1, 1)
    at = [100 * m / whole for m in line["marks"]]
    strokes = "".join(f"<b style='left:{x:.2f}%'></b>" for x in at)
    rows = [_bar(k, row, whole, strokes) for k, row in enumerate(line["rows"])]
    top = "".join(f"<u style='left:{x:.2f}%'>{k + 1}</u>" for k, x in enumerate(at))
    ticks = "".join(
        f"<span style='left:{100 * f / whole:.2f}%'{' class=end' if f > 0.93 * whole else ''}>{html.text(t)}</span>"
        for f, t in line["ticks"]
    )
    return (
        f"<div class=tl><div class=axis><span class=name></span><span class=bar>{top}</span></div>{''.join(rows)}"
        f"<div class=axis><span class=name></span><span class=bar>{ticks}</span></div></div>"
        "<p class=key><i style='background:#93b4f5'></i>picking up<i style='background:#d5dbe4'></i>carrying"
        "<i style='background:#2f5fd0'></i>putting down<i style='background:var(--bad);width:3px'></i>chosen frame"
        "<i style='outline:2px solid var(--good)'></i>goal</p>"
    )


def _bar(number: int, row: dict, whole: int, strokes: str) -> str:
    steps, when = row["steps"], row["clock"]
    parts = []
    for k, (name, part) in enumerate((("pick", "start"), ("carry", ""), ("put", "goal"))):
        words = f"{row['label']}, {name} {when[k]}–{when[k + 1]} {row.get(part, '')}"
        hit = " hit" if part and part in row["wanted"] else ""
        left, width = 100 * steps[k] / whole, 100 * (steps[k + 1] - steps[k]) / whole
        style = f"left:{left:.2f}%;width:{width:.2f}%"
        parts.append(f"<i class='{name}{hit}' style='{style}' title='{html.text(words)}'></i>")
    hit = " hit" if "thing" in row["wanted"] else ""
    title = html.text(f"{row['start']} → {row['goal']}")
    label = f"<span class='name{hit}' title='{title}'>{number + 1}. {html.text(row['label'])}</span>"
    return f"<div>{label}<span class=bar>{strokes}{''.join(parts)}</span></div>"
