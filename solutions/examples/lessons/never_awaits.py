import asyncio


async def slot(order: list[str], polite: bool) -> None:
    asyncio.get_running_loop().call_soon(order.append, "request leaves")
    for number in (1, 2, 3):
        order.append(f"job {number}")  # a handler that never awaits
        if polite and number == 1:
            await asyncio.sleep(0)


for polite in (False, True):
    order: list[str] = []
    asyncio.run(slot(order, polite))
    print(", ".join(order))
