"""Instructions to go back to what was seen or done: understood, resolved in memory, driven to."""
