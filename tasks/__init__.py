"""Tasks: episodes, questions, goal tests and metrics, built on the public names of embodied_mem."""
