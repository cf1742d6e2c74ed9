"""Yardsticks: other people's memory tasks (POPGym, MiniGrid) for our policies, with what others reached on them."""
