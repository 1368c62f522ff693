NOTICED_S = 3.0  # until the last load balancer has dropped the old address


def refused(pause_s: float, calls_a_second: int = 20) -> int:
    arrivals = [n / calls_a_second for n in range(10 * calls_a_second)]
    still_sent_here = [at for at in arrivals if at < NOTICED_S]
    return sum(at >= pause_s for at in still_sent_here)


for pause_s in (0, 1, 2, 5):
    print(f"pause {pause_s} s: {refused(pause_s)} calls refused")
