AGAIN = {408, 425, 429, 500, 502, 503, 504}
NOT_DONE = {425, 429}
IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}


def worth_retrying(method: str, status: int) -> bool:
    if status not in AGAIN:
        return False
    return method in IDEMPOTENT or status in NOT_DONE


for call in [("GET", 503), ("POST", 429), ("POST", 503), ("PUT", 422)]:
    print(*call, worth_retrying(*call))
