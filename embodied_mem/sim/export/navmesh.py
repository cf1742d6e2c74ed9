"""Navigation mesh settings under which a robot in Habitat bumps into what it bumps into in the embedded simulator."""

from __future__ import annotations

import math

from embodied_mem.sim.protocol import RobotSpec

_CELLS = 9  # voxels in the robot's radius: the finer, the nearer to the exact disc


def navmesh_settings(spec: RobotSpec) -> dict:
    """habitat-sim's ``NavMeshSettings`` by the names of its JSON, metres and voxels, for the body of ``spec``.

    The embedded robot climbs nothing and everything that stands in its way is higher than 0.4 m, so any small climb is
    the same; it is kept above a voxel because Recast builds floors out of voxels. ``includeStaticObjects`` is no part
    of habitat-sim's file format, but it must be set: furniture is exported as STATIC objects.
    """
    # Recast rounds the radius up to whole voxels: a hair over a ninth, so that nine of them are the radius.
    cell = math.ceil(spec.radius_m / _CELLS * 1e5 + 1) / 1e5
    return {
        "cellSize": cell,
        "cellHeight": 0.01,
        "agentHeight": round(spec.camera.height_m + 0.2, 3),
        "agentRadius": spec.radius_m,
        "agentMaxClimb": 0.1,
        "agentMaxSlope": 45.0,
        "regionMinSize": math.ceil(1 / cell),  # squared: islands below a square metre (inside a wardrobe) are dropped
        "regionMergeSize": 20.0,
        "edgeMaxLen": 12.0,
        "edgeMaxError": 1.0,
        "vertsPerPoly": 6.0,
        "detailSampleDist": 6.0,
        "detailSampleMaxError": 1.0,
        "filterLowHangingObstacles": True,
        "filterLedgeSpans": True,
        "filterWalkableLowHeightSpans": True,
        "includeStaticObjects": True,
    }
