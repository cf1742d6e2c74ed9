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


def test_a_crowd_is_drawn_all_the_same():
    assert cost_plot({f"agent_{i}": (1.0, 0.5) for i in range(12)}, "images").startswith(b"\x89PNG")
