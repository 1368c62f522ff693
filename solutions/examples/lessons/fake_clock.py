class FakeClock:
    now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def wait_until(ready_at_s: float, clock: FakeClock) -> None:
    while clock.now_s < ready_at_s:
        clock.sleep(30)


clock = FakeClock()
wait_until(3600, clock)
print(f"{clock.now_s:.0f} s have passed, in no time")
