"""Questions about one recorded visit."""

from __future__ import annotations

from embodied_mem.planner.query import TimeRef
from embodied_mem.tasks.la_eqa import templates_moment as moment
from embodied_mem.tasks.la_eqa.draft import template


@template("past", "where", fake=True)
def past_where(world):
    return moment.where(world, world.visits)


@template("past", "where")
def past_where_first(world):
    return moment.where(world, [0], TimeRef("first"))


@template("past", "count")
def past_count_room(world):
    return moment.count_in(world, world.visits, "room")


@template("past", "count")
def past_count_surface(world):
    return moment.count_in(world, world.visits, "surface")


@template("past", "state", fake=True)
def past_state(world):
    return moment.state(world, world.visits)


@template("past", "attribute", fake=True)
def past_attribute(world):
    return moment.attribute(world, world.visits)


@template("past", "exists")
def past_exists(world):
    return moment.exists(world, world.visits)
