"""LA-EQA, FindingDory and object search as tasks of habitat-lab: episodes, judging, registration."""
