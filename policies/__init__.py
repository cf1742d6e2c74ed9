"""Policies that remember, and the one trainer that trains them all. Needs torch, numpy, safetensors and PyYAML only."""
