"""exposition() holds the lock while it calls snapshot(), which takes it again.

Incident: the first scrape hangs for ever, holding the lock, and with it every thread that counts anything.
Fails: 4, 5
Says: already held was taken again
"""


class Registry:
    def exposition(self) -> str:
        with self._lock:
            now = self.snapshot()
        families: dict[str, list[str]] = {}
        for key in sorted(now["counters"]):
            name, _ = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} counter"])
            lines.append(f"{key} {_number(now['counters'][key])}")
        for key in sorted(now["histograms"]):
            name, labels = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} histogram"])
            state = now["histograms"][key]
            for bound, count in state["buckets"].items():
                pairs = [*labels, f'le="{_number(bound)}"']
                lines.append(f"{name}_bucket{{{','.join(pairs)}}} {count}")
            braces = f"{{{','.join(labels)}}}" if labels else ""
            lines.append(f"{name}_sum{braces} {_number(state['sum'])}")
            lines.append(f"{name}_count{braces} {state['count']}")
        return "".join(line + "\n" for name in sorted(families) for line in families[name])
