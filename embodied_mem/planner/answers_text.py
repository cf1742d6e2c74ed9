"""Answers in words."""

from __future__ import annotations

from datetime import datetime, timezone

from embodied_mem.ontology import plural
from embodied_mem.planner.query import Query
from embodied_mem.types import Value


def say(query: Query | None, value: Value, reason: str = "") -> str:
    """One sentence for a typed answer."""
    if value.type == "abstain":
        return "I don't know" + (f": {reason}." if reason else ".")
    if value.type == "place":
        surface, room = value.data
        return f"On the {surface} in the {room}." if room else f"On the {surface}."
    if value.type == "time":
        return "Around " + datetime.fromtimestamp(value.data, timezone.utc).strftime("%A %d %B %Y, %H:%M") + " UTC."
    if value.type == "duration":
        hours = value.data / 3600
        return f"For about {hours / 24:.1f} days." if hours >= 36 else f"For about {hours:.0f} hours."
    if value.type == "bool":
        return "Yes." if value.data else "No."
    if value.type == "set":
        came = sorted(v[1:] for v in value.data if v.startswith("+"))
        left = sorted(v[1:] for v in value.data if v.startswith("-"))
        parts = [f"came: {', '.join(came)}"] * bool(came) + [f"left: {', '.join(left)}"] * bool(left)
        return ("; ".join(parts) or "Nothing changed").capitalize() + "."
    if value.type == "count":
        label = query.target.label if query is not None and query.target and query.aspect != "visits" else "visit"
        return f"{value.data} {label if value.data == 1 else plural(label)}."
    return f"{str(value.data).capitalize()}."
