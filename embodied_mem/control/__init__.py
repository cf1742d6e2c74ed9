"""Control: drives a Robot on the robot's own map, and gives up with a reason."""
