def charges(*writes: set[str]) -> int:
    stored: list[str] = []
    for delivery in (1, 2):
        if "mark" in stored:
            break
        for write in writes[:1] if delivery == 1 else writes:
            stored += sorted(write)
    return stored.count("charge")


print("mark first:  ", charges({"mark"}, {"charge"}))
print("charge first:", charges({"charge"}, {"mark"}))
print("together:    ", charges({"mark", "charge"}))
