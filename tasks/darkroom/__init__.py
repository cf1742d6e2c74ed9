"""Darkroom: a dark square room with one hidden goal that stays for the trial; the sanity check of in-context RL."""
