"""embodied_mem: a persistent, time-aware memory for robots that live somewhere for months.

Importing this package is cheap (no torch, open3d or transformers); each of those loads
inside the module that needs it.
"""

__version__ = "0.1.0"
