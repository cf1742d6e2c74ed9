"""Templates 1 to 20: objects and receptacles by category, by what was done to them, by how they look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from embodied_mem.ontology import category
from embodied_mem.tasks.findingdory.items import Goal
from embodied_mem.tasks.findingdory.templates import Day, Draft, by_value, pieces, template

RECALL, ACTION, CONDITION, LOOKS = "Object Recall", "Interaction", "Conditional Interaction", "Object Attributes"


def one(goals: Iterable[Goal]) -> Iterator[Draft]:
    """Any of them, no slots."""
    yield Draft(tuple(goals))


def of_category(day: Day, goals: Iterable[Goal]) -> Iterator[Draft]:
    """One draft for each category among the goals."""
    for label, found in by_value(goals, day.label):
        yield Draft(tuple(found), {"label": label})


@template(1, RECALL)
def object_of_category(day):
    return of_category(day, [Goal("object", thing) for thing in day.things])


@template(2, RECALL)
def receptacle_of_category(day):
    return of_category(day, [Goal("receptacle", piece) for piece in day.pieces])


@template(3, ACTION)
def handled_receptacle(day):
    return one(pieces(day.used))


@template(4, ACTION, "every receptacle was used")
def unhandled_receptacle(day):
    return one(day.unused)


@template(5, ACTION)
def handled_object(day):
    return one(day.objects)


@template(6, ACTION, "every object was handled")
def unhandled_object(day):
    return one(day.untouched)


@template(7, ACTION)
def picked_from(day):
    return one(pieces(day.starts))


@template(8, ACTION)
def placed_on(day):
    return one(pieces(day.ends))


@template(9, CONDITION)
def handled_of_category(day):
    return of_category(day, day.objects)


@template(10, CONDITION, "every object was handled")
def unhandled_of_category(day):
    return of_category(day, day.untouched)


@template(11, CONDITION, "every receptacle was used")
def unhandled_receptacle_of_category(day):
    return of_category(day, day.unused)


@template(12, CONDITION)
def picked_from_of_category(day):
    return of_category(day, pieces(day.starts))


@template(13, CONDITION)
def placed_on_of_category(day):
    return of_category(day, pieces(day.ends))


@template(14, CONDITION)
def source_of_category(day):
    for label, objects in by_value(day.objects, day.label):
        yield Draft(pieces(day.starts[day.objects.index(o)] for o in objects), {"label": label})


@template(15, CONDITION)
def object_from_category(day):
    labels = [day.label(s) for s in day.starts]
    for label in sorted(set(labels)):
        yield Draft(tuple(o for o, at in zip(day.objects, labels, strict=True) if at == label), {"source": label})


def looking(day: Day, name: str) -> Iterator[Draft]:
    """Handled objects by an attribute; a plain print is none."""

    def value(goal: Goal) -> str:
        thing = day.things[goal.id]
        found = category(thing.label).function if name == "function" else thing.attributes.get(name, "")
        return "" if found == "plain" else found

    for text, found in by_value(day.objects, value):
        yield Draft(tuple(found), {"attribute": name, "value": text})


@template(16, LOOKS, "no handled object has a shape")
def by_shape(day):
    return looking(day, "shape")


@template(17, LOOKS, "no handled object has a colour")
def by_colour(day):
    return looking(day, "colour")


@template(18, LOOKS, "no handled object has a print")
def by_print(day):
    return looking(day, "print")


@template(19, LOOKS, "no handled object has a material")
def by_material(day):
    return looking(day, "material")


@template(20, LOOKS, "no handled object has a function")
def by_function(day):
    return looking(day, "function")
