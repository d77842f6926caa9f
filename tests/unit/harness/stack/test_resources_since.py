"""What a part used in a run, on a stack that has worked for others before."""

from __future__ import annotations

from harness.stack.resources import since


def test_what_a_kept_stack_used_before_is_not_the_run_s():
    before = {"front-0": {"cpu_s": 12.5, "rss_mib_max": 90.0}, "gone": {"cpu_s": 1.0, "rss_mib_max": 5.0}}
    now = {"front-0": {"cpu_s": 14.0, "rss_mib_max": 98.0}, "watchdog": {"cpu_s": 0.4, "rss_mib_max": 50.0}}
    assert since(now, before) == {
        "front-0": {"cpu_s": 1.5, "rss_mib_max": 98.0},
        "watchdog": {"cpu_s": 0.4, "rss_mib_max": 50.0},
    }
    assert since({"front-0": {"cpu_s": 0.3, "rss_mib_max": 9.0}}, before)["front-0"]["cpu_s"] == 0.0, "it began anew"
