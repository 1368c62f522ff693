"""What a job is, when it is retried and when it is dead. Uses only the standard library."""
