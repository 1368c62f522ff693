tokens: dict[str, str] = {}  # job -> the token of its present lease


def acknowledge(job: str, token: str) -> str:
    if tokens.get(job) != token:
        return "refused"
    del tokens[job]
    return "accepted"


tokens["job-7"] = "A.1"  # worker A claims the job, then its machine stalls
tokens["job-7"] = "B.1"  # the lease runs out, and B gets the job
print("A:", acknowledge("job-7", "A.1"))
print("B:", acknowledge("job-7", "B.1"))
