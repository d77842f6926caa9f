"""The sentences of a run against one's own service, as `harness.phrases` keeps all others. Owns words, no figures."""

from __future__ import annotations

OWN_PHRASES: dict[str, tuple[str, str]] = {
    "unasked_answers": (
        "{count:,|time} the service sent what is no HTTP, or an answer that nobody had asked for: a request may have "
        "been given another one's answer",
        "服务 {count:,} 次发来不是 HTTP 的内容，或没有人请求过的答复：有的请求拿到的可能是别人的答复",
    ),
    "listener_raised": (
        "{place}: a listener of {event} raised {what}, {count:,|time}; Locust goes on without what it was to do",
        "{place}：{event} 的监听函数抛出 {what}，共 {count:,} 次；Locust 照常继续，它该做的事没有做",
    ),
}
