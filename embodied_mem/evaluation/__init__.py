"""Evaluation: a configuration becomes a run folder (config, predictions, metrics, report) that survives a kill."""
