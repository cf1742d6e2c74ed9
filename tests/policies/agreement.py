"""What the tests of memories share; the contract itself is :mod:`embodied_mem.policies.check`."""

from embodied_mem.policies.check import SPEC, check_agreement, check_newest, random_trial, shaken

__all__ = ["SPEC", "check_agreement", "check_newest", "random_trial", "shaken"]
