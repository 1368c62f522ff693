NEW, PROBE = 50, 1

waiting = allowance = 0
for minute, state in enumerate(["up"] + ["down"] * 4 + ["up"] * 6):
    retries = min(waiting, PROBE + allowance)
    attempts = NEW + retries
    waiting -= retries
    if state == "up":
        allowance = attempts // 2
    else:
        allowance = 0
        waiting += attempts
    print(f"{minute:2} {state:4} attempts {attempts:3}  waiting {waiting:3}")
