"""FindingDory: a day of pick and place is recorded; then the robot is told to go back to what it saw or did."""
