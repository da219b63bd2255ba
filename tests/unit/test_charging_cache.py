"""The bounded cache: forgets what was not used, never what is not durable yet."""

from ocs.charging.cache import GenerationCache


def test_it_stays_bounded_and_keeps_what_is_used() -> None:
    """Entries that are asked for survive any number of others; the rest is forgotten."""
    cache: GenerationCache[int, str] = GenerationCache(100)
    cache.put(0, "used")

    for number in range(1, 1000):
        cache.put(number, str(number))
        assert cache.get(0) == "used"
        assert len(cache) <= 100

    assert cache.get(1) is None


def test_pinned_entries_stay() -> None:
    """What is pinned is found after any number of turn-overs; once unpinned it goes like others."""
    pinned = {7}
    cache: GenerationCache[int, str] = GenerationCache(10, lambda: pinned)
    for number in range(1000):
        cache.put(number, str(number))
    assert cache.get(7) == "7"

    pinned.clear()
    for number in range(1000, 2000):
        cache.put(number, str(number))

    assert cache.get(7) is None


def test_replacing_and_removing() -> None:
    """An entry exists once, in whichever generation; removing it removes it from both."""
    cache: GenerationCache[str, int] = GenerationCache(4)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("c", 3)
    cache.put("a", 9)

    assert (cache.pop("a"), cache.get("a")) == (9, None)
    assert sorted(cache) == ["b", "c"]
    cache.clear()
    assert len(cache) == 0
