"""What a job is, when it is tried again and when it is given up: standard library only."""
