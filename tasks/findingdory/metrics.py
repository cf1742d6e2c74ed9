"""``metrics.json`` of FindingDory: every measure by template, category and group, with intervals over houses.

As the original aggregates: a template is the mean over its items; a category, a group or "all" is the mean over its
templates. The tables are over items that the log answers; those that need exploration, or have no answer, stand apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from embodied_mem.errors import InputError
from embodied_mem.evaluation.statistics import (
    calibration_bins,
    confidence_measures,
    house_draws,
    mean,
    percentile_interval,
    risk_coverage,
)
from embodied_mem.tasks.findingdory.items import CATEGORIES, GROUPS
from embodied_mem.tasks.findingdory.verdicts import ANSWERABLE, ERRORS, MEASURES, STRICT, judged

Rows = list[dict]
ORIGINAL_MOST = 11  # interactions of the original's longest experience


def score(rows: Iterable[dict], seed: int = 0) -> dict:
    """``metrics.json`` of a prediction file, which is judged anew: task, seed, houses, episodes, items, agents.

    Raises InputError, naming the row, for one that lacks what scoring needs or is there twice.
    """
    rows = [judged(row) for row in rows]
    key, count = Counter(row["key"] for row in rows).most_common(1)[0] if rows else ("", 0)
    if count > 1:
        raise InputError(f"prediction {key} is there {count} times; keep one of them")
    agents = list(dict.fromkeys(row["agent"] for row in rows))
    return {
        "task": "findingdory",
        "seed": seed,
        "houses": len({row["house"] for row in rows}),
        "episodes": len({(row["house"], row["episode"]) for row in rows}),
        "items": len({row["id"] for row in rows}),
        "agents": {agent: agent_metrics([r for r in rows if r["agent"] == agent], seed) for agent in agents},
    }


def agent_metrics(rows: Rows, seed: int = 0) -> dict:
    """All measures of one agent's judged rows; None where a measure has nothing to measure."""
    kinds = {name: [r for r in rows if r["answerable"] == name] for name in ANSWERABLE}
    main, explored = kinds["answerable_from_log"], kinds["needs_exploration"]
    asked = main + explored
    return {
        **{m: by_category(main, m) for m in MEASURES},
        "ll_sr_given_hl": by_category([r for r in main if r["hl_sr"]], "ll_sr"),
        "strict": {m: by_category(main, m, strict=True) for m in STRICT},
        "groups": {g: summary([r for r in main if r["group"] == g]) for g in GROUPS},
        "templates": by_template(main),
        "interactions": {
            f"up_to_{ORIGINAL_MOST}": summary([r for r in main if r["interactions"] <= ORIGINAL_MOST]),
            f"over_{ORIGINAL_MOST}": summary([r for r in main if r["interactions"] > ORIGINAL_MOST]),
        },
        "needs_exploration": summary(explored) | {"explored_m": mean(r["explored_m"] for r in explored)},
        "unanswerable": {
            "count": len(kinds["unanswerable"]), "right": mean(r["hl_sr"] for r in kinds["unanswerable"]),
        },
        "errors": {name: sum(r["error"] == name for r in asked) for name in ERRORS if name},
        "failures": dict(sorted(Counter(r["failure"] for r in asked if r["failure"]).items())),
        "ll_failures": dict(sorted(Counter(r["ll_failure"] for r in asked if r["ll_failure"]).items())),
        **confidence(asked),
        **{cost: mean(r[cost] for r in asked) for cost in ("images", "explored_m", "seconds")},
        "intervals": {m: intervals(main, m, seed) for m in (*STRICT, "partial")},
    }  # fmt: skip


def key_of(category: str) -> str:
    """A category as metrics name it: "Unordered Revisitation" → "unordered_revisit"."""
    return category.lower().replace(" ", "_").replace("-", "_").replace("revisitation", "revisit")


# -- aggregation -----------------------------------------------------------------------------------------------------


def over_templates(rows: Rows, measure: str, strict: bool = False) -> float | None:
    """The mean over templates of the mean over their items; rows without a value do not count."""
    found: dict[int, list[float]] = {}
    for row in rows:
        value = (row["strict"] if strict else row)[measure]
        if value is not None:
            found.setdefault(row["template"], []).append(value)
    return mean(np.mean(values) for values in found.values())


def by_category(rows: Rows, measure: str, strict: bool = False) -> dict[str, float | None]:
    """A measure over all templates and over those of each category."""
    return {"all": over_templates(rows, measure, strict)} | {
        key_of(c): over_templates([r for r in rows if r["category"] == c], measure, strict) for c in CATEGORIES
    }


def summary(rows: Rows) -> dict:
    """count, and every measure over the templates of some rows, strict ones as ``strict_*``."""
    return {
        "count": len(rows),
        **{m: over_templates(rows, m) for m in MEASURES},
        **{f"strict_{m}": over_templates(rows, m, strict=True) for m in STRICT},
    }


def by_template(rows: Rows) -> list[dict]:
    """Template, category, group and the summary of its items, by template."""
    table = []
    for template in sorted({r["template"] for r in rows}):
        found = [r for r in rows if r["template"] == template]
        head = {"template": template, "category": found[0]["category"], "group": found[0]["group"]}
        table.append(head | summary(found))
    return table


def intervals(rows: Rows, measure: str, seed: int = 0) -> dict[str, list[float] | None]:
    """95 % bootstrap intervals of :func:`by_category`; houses are drawn, not items. None with fewer than two houses."""
    return {"all": interval(rows, lambda r: r[measure], seed)} | {
        key_of(c): interval([r for r in rows if r["category"] == c], lambda r: r[measure], seed) for c in CATEGORIES
    }


def interval(rows: Rows, value: Callable[[dict], float], seed: int = 0) -> list[float] | None:
    """95 % bootstrap interval of a mean over templates."""
    houses = {h: i for i, h in enumerate(sorted({r["house"] for r in rows}))}
    templates = {t: i for i, t in enumerate(sorted({r["template"] for r in rows}))}
    if len(houses) < 2:
        return None
    sums, sizes = np.zeros((2, len(houses), len(templates)))
    for row in rows:
        at = houses[row["house"]], templates[row["template"]]
        sums[at] += value(row)
        sizes[at] += 1
    draws = house_draws(len(houses), seed)
    times = np.stack([(draws == i).sum(1) for i in range(len(houses))], axis=1)  # how often each house was drawn
    drawn, asked = times @ sums, times @ sizes
    means = np.divide(drawn, asked, out=np.zeros_like(drawn), where=asked > 0)
    return percentile_interval(means.sum(1) / (asked > 0).sum(1))


# -- confidence ------------------------------------------------------------------------------------------------------


def confidence(rows: Rows) -> dict:
    """abstained (share without an answer), ece, brier, brier_base, auroc, calibration and risk_coverage of answers."""
    answers = sorted((r for r in rows if not r["error"]), key=lambda r: r["key"])
    sure, right = [float(r["confidence"]) for r in answers], [bool(r["hl_sr"]) for r in answers]
    return {
        "abstained": mean(r["error"] == "no_answer" for r in rows),
        **confidence_measures(sure, right),
        "calibration": calibration_bins(sure, right),
        "risk_coverage": risk_coverage(sure, right, max(len(rows), 1)),
    }
