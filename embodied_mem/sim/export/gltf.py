"""A small writer of binary glTF 2.0: named nodes of flat-coloured triangles, the same bytes for the same house.

Colours sit in one row of texels that every triangle points into: a glTF texture is sRGB, so that a standard viewer and
habitat-sim's flat shader (which shows bytes as they are) agree, which they do not on vertex or material colours (those
are linear by the standard, and shown as they are by habitat-sim). Specification: Khronos glTF 2.0, KHR_materials_unlit.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FLOAT, _UINT8, _UINT32 = 5126, 5121, 5125
_VERTICES, _INDICES = 34962, 34963  # buffer view targets
_NEAREST, _CLAMP = 9728, 33071


@dataclass(frozen=True)
class Node:
    """One named mesh. vertices: float V 3 (m, Y up); triangles: int T 3, counter-clockwise from the side that is seen;
    colours: uint8 T 3 as shown (sRGB)."""

    name: str
    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray

    def seen_from_both_sides(self) -> Node:
        """Every triangle twice, once each way round: habitat-sim's flat shader culls backs whatever the file says."""
        both = np.concatenate((self.triangles, self.triangles[:, ::-1]))
        return Node(self.name, self.vertices, both, np.tile(self.colours, (2, 1)))


def coloured(nodes: Sequence[Node]) -> bytes:
    """A .glb to look at: one node a :class:`Node`, one unlit material, its colours as a texture inside the file."""
    glb = _Glb()
    palette, which = np.unique(np.concatenate([n.colours for n in nodes]), axis=0, return_inverse=True)
    width = 1 << (len(palette) - 1).bit_length()  # a power of two, which the oldest viewers ask for
    which = np.split(which.ravel(), np.cumsum([len(n.colours) for n in nodes])[:-1])
    for node, texel in zip(nodes, which, strict=True):
        # A corner is shared by triangles of one colour only: the texel is a property of the vertex.
        corners = np.column_stack((node.triangles.ravel(), np.repeat(texel, 3)))
        unique, index = np.unique(corners, axis=0, return_inverse=True)
        uv = np.column_stack(((unique[:, 1] + 0.5) / width, np.full(len(unique), 0.5)))
        attributes = {
            "POSITION": glb.positions(node.vertices[unique[:, 0]]),
            "TEXCOORD_0": glb.array(uv.astype("<f4"), _FLOAT, "VEC2", _VERTICES),
        }
        glb.node(node.name, attributes, index.ravel(), material=0)
    texels = np.pad(palette, ((0, width - len(palette)), (0, 0)), mode="edge")
    look = {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1}
    return glb.bytes(
        extensionsUsed=["KHR_materials_unlit"],
        materials=[{"name": "palette", "pbrMetallicRoughness": look, "extensions": {"KHR_materials_unlit": {}}}],
        textures=[{"sampler": 0, "source": 0}],
        samplers=[{"magFilter": _NEAREST, "minFilter": _NEAREST, "wrapS": _CLAMP, "wrapT": _CLAMP}],
        images=[{"bufferView": glb.view(_png(texels)), "mimeType": "image/png"}],
    )


def white(nodes: Sequence[Node]) -> bytes:
    """A .glb of the same shapes with white vertices: habitat-sim's semantic mesh of one id, or a collision mesh."""
    glb = _Glb()
    for node in nodes:
        colours = np.full((len(node.vertices), 4), 255, np.uint8)
        attributes = {
            "POSITION": glb.positions(node.vertices),
            "COLOR_0": glb.array(colours, _UINT8, "VEC4", _VERTICES, normalized=True),
        }
        glb.node(node.name, attributes, node.triangles.ravel())
    return glb.bytes()


class _Glb:
    """Collects buffer views, accessors, meshes and nodes; :meth:`bytes` puts header, JSON and buffer together."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._views: list[dict] = []
        self._accessors: list[dict] = []
        self._meshes: list[dict] = []
        self._nodes: list[dict] = []

    def view(self, data: bytes, target: int | None = None) -> int:
        """The index of a new buffer view; views begin at multiples of four bytes."""
        self._views.append({"buffer": 0, "byteOffset": len(self._buffer), "byteLength": len(data)})
        if target is not None:
            self._views[-1]["target"] = target
        self._buffer += data + bytes(-len(data) % 4)
        return len(self._views) - 1

    def array(self, values: np.ndarray, component: int, kind: str, target: int, **more: object) -> int:
        """The index of a new accessor over ``values`` (rows are elements), little-endian."""
        view = self.view(values.tobytes(), target)
        self._accessors.append(
            {"bufferView": view, "componentType": component, "count": len(values), "type": kind, **more}
        )
        return len(self._accessors) - 1

    def positions(self, vertices: np.ndarray) -> int:
        """The accessor of vertex positions, with the bounds that the standard asks for."""
        vertices = np.ascontiguousarray(vertices, "<f4") + np.float32(0)  # no negative zeros
        bounds = {"min": vertices.min(axis=0).tolist(), "max": vertices.max(axis=0).tolist()}
        return self.array(vertices, _FLOAT, "VEC3", _VERTICES, **bounds)

    def node(self, name: str, attributes: dict[str, int], index: np.ndarray, material: int | None = None) -> None:
        """A node at the origin with one mesh of one primitive."""
        indices = self.array(index.astype("<u4"), _UINT32, "SCALAR", _INDICES)
        primitive = {"attributes": attributes, "indices": indices}
        if material is not None:
            primitive["material"] = material
        self._meshes.append({"name": name, "primitives": [primitive]})
        self._nodes.append({"name": name, "mesh": len(self._meshes) - 1})

    def bytes(self, **more: object) -> bytes:
        """The file; ``more``: further top-level members."""
        head = {
            "asset": {"version": "2.0", "generator": "embodied-mem"}, "scene": 0,
            "scenes": [{"nodes": list(range(len(self._nodes)))}], "nodes": self._nodes, "meshes": self._meshes,
            "accessors": self._accessors, "bufferViews": self._views, "buffers": [{"byteLength": len(self._buffer)}],
            **more,
        }  # fmt: skip
        text = json.dumps(head, separators=(",", ":")).encode()
        chunks = b""
        for kind, data in ((b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", self._buffer)):
            chunks += struct.pack("<I4s", len(data), kind) + data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _png(texels: np.ndarray) -> bytes:
    """One row of texels (uint8 N 3) as a PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(texels[None]).save(file, format="PNG", compress_level=0)
    return file.getvalue()
