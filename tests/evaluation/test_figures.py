"""Figures of reports: what a reader must be able to tell apart is apart."""

from __future__ import annotations

from itertools import combinations

from embodied_mem.evaluation.report import _name_points, cost_plot, new_figure


def test_names_of_agents_that_did_alike_do_not_cover_each_other():
    alike = {"mind_palace": (1.70, 0.94), "no_voi": (1.75, 0.94), "latest_frames": (1.80, 0.93), "blind": (0.0, 0.2)}
    _, axes = new_figure()
    axes.set(xlim=(0, 12), ylim=(0, 1))
    boxes = [label.get_window_extent() for label in _name_points(axes, alike)]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_names_stay_apart_where_the_limits_follow_the_data():
    """Such limits are worked out late; names placed before would be apart in a frame that is never drawn."""
    alike = {"mind_palace": (1.23, 0.95), "no_voi": (12.0, 0.94), "all_images": (50.8, 0.97), "oracle": (0.14, 1.0)}
    _, axes = new_figure()
    for at in alike.values():
        axes.scatter(*at)
    axes.set(ylim=(0, 1.03))
    axes.margins(x=0.15)
    labels = _name_points(axes, alike)
    axes.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in labels]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    dots = [axes.transData.transform(at) for at in alike.values()]
    assert not any(box.contains(*dot) for box in boxes for dot in dots)


def test_a_crowd_is_drawn_all_the_same():
    assert cost_plot({f"agent_{i}": (1.0, 0.5) for i in range(12)}, "images").startswith(b"\x89PNG")
