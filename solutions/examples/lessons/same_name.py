class Driver:
    class TimeoutError(Exception):  # redis-py's is declared like this
        pass


def get() -> str:
    raise Driver.TimeoutError("no answer in 2 s")


try:
    get()
except TimeoutError:  # Python's own
    print("a timeout: try again")
except Exception as error:
    print("something else:", type(error).__name__)
