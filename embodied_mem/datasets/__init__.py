"""Other people's datasets, read with a schema check: OpenEQA, LA-EQA, FindingDory, habitat-lab's navigation."""
