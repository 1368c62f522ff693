def rate() -> float:
    try:
        raise TimeoutError("no answer in 2 s")
    except TimeoutError as error:
        raise RuntimeError("no exchange rate") from error


try:
    rate()
except RuntimeError as error:
    print("cause:     ", repr(error.__cause__))
    print("context:   ", repr(error.__context__))
    print("suppressed:", error.__suppress_context__)
