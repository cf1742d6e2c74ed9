"""Questions about the house as it is now."""

from __future__ import annotations

from embodied_mem.tasks.la_eqa import templates_moment as moment
from embodied_mem.tasks.la_eqa.draft import template


@template("present", "where", fake=True)
def present_where(world):
    return moment.where(world, [world.days])


@template("present", "count")
def present_count_room(world):
    return moment.count_in(world, [world.days], "room")


@template("present", "count")
def present_count_surface(world):
    return moment.count_in(world, [world.days], "surface")


@template("present", "state", fake=True)
def present_state(world):
    return moment.state(world, [world.days])


@template("present", "attribute", fake=True)
def present_attribute(world):
    return moment.attribute(world, [world.days])


@template("present", "exists")
def present_exists(world):
    return moment.exists(world, [world.days])
