"""The use cases: submit, work, promote, reap, renew, trim, re-drive; they know the ports and no technology."""
