from arqonbus.server.clock import WallClock


class Time:
    """Nanoseconds since 1970, set by the test."""

    def __init__(self) -> None:
        self.ns = 1_795_287_600_123_456_789

    def __call__(self) -> int:
        return self.ns


def test_it_tells_utc_in_milliseconds() -> None:
    assert WallClock(Time()).timestamp() == "2026-11-21T19:00:00.123Z"


def test_each_millisecond_has_its_text() -> None:
    time = Time()
    clock = WallClock(time)
    first = clock.timestamp()
    time.ns += 543_210
    assert clock.timestamp() is first

    time.ns += 1
    assert clock.timestamp() == "2026-11-21T19:00:00.124Z"
    time.ns += 876_000_000
    assert clock.timestamp() == "2026-11-21T19:00:01.000Z"


def test_a_clock_that_is_set_back_is_followed() -> None:
    time = Time()
    clock = WallClock(time)
    clock.timestamp()

    time.ns -= 3_600_000_000_000

    assert clock.timestamp() == "2026-11-21T18:00:00.123Z"


def test_the_real_time_has_its_form() -> None:
    assert len(WallClock().timestamp()) == len("2026-11-21T19:00:00.123Z")
