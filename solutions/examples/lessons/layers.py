def requests(layers: int, attempts: int) -> int:
    if layers == 0:
        return 1
    return sum(requests(layers - 1, attempts) for _ in range(attempts))


print(requests(1, 4), requests(2, 4), requests(3, 4))
