from binascii import crc_hqx


def slot(key: str) -> int:
    start = key.find("{")
    end = key.find("}", start)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]  # only the hash tag counts
    return crc_hqx(key.encode(), 0) % 16384


for key in ("mail:ready", "mail:leases", "{mail}:ready", "{mail}:leases"):
    print(slot(key), key)
