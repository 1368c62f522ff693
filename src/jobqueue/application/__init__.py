"""The use cases: submit, work, promote, admit, reap, renew, trim, re-drive. They know the ports, but no technology."""
