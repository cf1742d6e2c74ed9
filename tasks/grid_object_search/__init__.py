"""Grid object search: find a named object in a grid house, again and again, and remember where things were."""
