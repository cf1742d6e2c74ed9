"""Houses travel: a house and its life written as files that other simulators load."""
