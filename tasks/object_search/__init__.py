"""Object search: the embedded houses through the fan, one goal kind after another in a house that stays."""
