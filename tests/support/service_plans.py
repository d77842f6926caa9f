"""Plans for one's own service: the smallest, and one with everything in it (beside `users.csv`, `orders.jsonl`)."""

SMALL = """\
kind: stress
id: mine
title: My service
target: {url: "http://127.0.0.1:8080/hello"}
rate: 100/s
steps: [{kind: constant, share: 100%, duration: 5s}]
objectives: {response_p99: 100ms}
"""
RICH = """\
kind: stress
id: shop
title: {zh: 商店, en: Shop}
target:
  url: http://127.0.0.1:8080
  connections: 20
  timeout: 2s
  headers: {Accept: application/json}
  login: {path: /login, json: {user: $user, password: "${PASSWORD}"}, data: users.csv, token: session.token}
  requests:
    - {request: browse, path: /hello, weight: 4, expect: {status: 200, contains: world}}
    - {request: order, path: /orders, method: POST, headers: {Authorization: Bearer $token}, data: orders.jsonl,
       expect: 201}
rate: 100/s
seed: 7
workers: 2
warm_up: {duration: 1s, share: 50%}
steps:
  - {kind: stairs, shares: [50%, 100%], hold: 5s}
stop:
  - {signal: error_share, above: 10%, window: 5s}
drain: {answers: 3s}
objectives: {response_p99: 100ms, errors: 1%}
forecast:
  prometheus: http://127.0.0.1:9090
  indicators:
    - {indicator: response_p99_ms, request: order, low: 0, mid: 20, high: 50}
    - {indicator: cpu_cores, query: "rate(cpu[$window])", low: 0, mid: 0.5, high: 1, unit: cores}
"""
