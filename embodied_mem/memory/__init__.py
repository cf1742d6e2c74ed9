"""Memory: the palace on disk, and how sightings become objects, tracks and changes."""
