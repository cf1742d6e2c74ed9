"""JSON schemas of the files that habitat-sim reads, from its docs/pages/attributesJSON.rst and its attribute managers.

Only documented fields are allowed: a misspelt field is one that habitat-sim skips in silence.
"""

from __future__ import annotations


def vector(count: int) -> dict:
    return {"type": "array", "items": {"type": "number"}, "minItems": count, "maxItems": count}


def record(required: str, **properties: dict) -> dict:
    free = {"user_defined": {"type": "object"}}
    return {"type": "object", "properties": {**properties, **free}, "required": required.split(),
            "additionalProperties": False}  # fmt: skip


TEXT, NUMBER, FLAG = {"type": "string", "minLength": 1}, {"type": "number"}, {"type": "boolean"}
PATHS = record("paths", paths={
    "type": "object", "patternProperties": {r"^\.": {"type": "array", "items": TEXT}}, "additionalProperties": False,
})  # fmt: skip
_ASSET = {
    "render_asset": TEXT, "collision_asset": TEXT, "up": vector(3), "front": vector(3), "scale": vector(3),
    "units_to_meters": NUMBER, "is_collidable": FLAG, "force_flat_shading": FLAG, "margin": NUMBER,
    "shader_type": {"enum": ["material", "flat", "phong", "pbr"]},
}  # fmt: skip

DATASET = record("stages objects scene_instances", stages=PATHS, objects=PATHS, articulated_objects=PATHS,
                 light_setups=PATHS, scene_instances=PATHS, semantic_scene_descriptor_instances=PATHS,
                 navmesh_instances={"type": "object", "additionalProperties": TEXT})  # fmt: skip
STAGE = record("render_asset up front", **_ASSET, semantic_asset=TEXT, semantic_descriptor_filename=TEXT,
               nav_asset=TEXT, origin=vector(3), gravity=vector(3))  # fmt: skip
OBJECT = record("render_asset semantic_id", **_ASSET, COM=vector(3), mass=NUMBER, use_bounding_box_for_collision=FLAG,
                join_collision_meshes=FLAG,
                semantic_id={"type": "integer", "minimum": 2, "maximum": 65535})  # fmt: skip
_INSTANCE = record("template_name translation rotation motion_type", template_name=TEXT, translation=vector(3),
                   rotation=vector(4), translation_origin={"enum": ["COM", "asset_local"]},
                   motion_type={"enum": ["STATIC", "KINEMATIC", "DYNAMIC"]})  # fmt: skip
SCENE = record("stage_instance object_instances", stage_instance=record("template_name", template_name=TEXT),
               object_instances={"type": "array", "items": _INSTANCE}, default_lighting={"type": "string"},
               semantic_scene_instance=TEXT, navmesh_instance=TEXT)  # fmt: skip
_REGION = record("name label poly_loop", name=TEXT, label=TEXT, floor_height=NUMBER, extrusion_height=NUMBER,
                 min_bounds=vector(3), max_bounds=vector(3),
                 poly_loop={"type": "array", "items": vector(3), "minItems": 3})  # fmt: skip
SEMANTICS = record("semantic_descriptor_filename", semantic_descriptor_filename=TEXT, semantic_asset=TEXT,
                   region_annotations={"type": "array", "items": _REGION})  # fmt: skip
NAVMESH = record(
    "cellSize cellHeight agentHeight agentRadius agentMaxClimb agentMaxSlope",
    **dict.fromkeys(
        ("cellSize", "cellHeight", "agentHeight", "agentRadius", "agentMaxClimb", "agentMaxSlope", "regionMinSize",
         "regionMergeSize", "edgeMaxLen", "edgeMaxError", "vertsPerPoly", "detailSampleDist", "detailSampleMaxError"),
        {"type": "number", "minimum": 0},
    ),
    **dict.fromkeys(
        ("filterLowHangingObstacles", "filterLedgeSpans", "filterWalkableLowHeightSpans", "includeStaticObjects"), FLAG
    ),
)  # fmt: skip
