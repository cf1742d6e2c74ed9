"""LA-EQA on simulated houses: patrols over days, questions on past, present and future."""
