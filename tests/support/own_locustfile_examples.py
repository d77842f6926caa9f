"""Locustfiles as people write them, good and bad: the text of each."""

from __future__ import annotations

SHOP = """\
from locust import HttpUser, between, task


class Shopper(HttpUser):
    wait_time = between(1, 5)

    def on_start(self):
        form = {"user": "ann", "password": "geheim-77"}
        self.token = self.client.post("/login", json=form).json()["session"]["token"]

    @task(3)
    def browse(self):
        self.client.get("/hello")

    @task
    def order(self):
        bearer = {"Authorization": "Bearer " + self.token}
        with self.client.post("/orders", json={"sku": 1}, headers=bearer, catch_response=True) as answer:
            if answer.status_code != 201:
                answer.failure("no order")
"""
IMPORTS_NOTHING = """\
from locust import User, task

import no_such_thing
"""
BAD = """\
import time
import urllib.request

from locust import User, task


class Bad(User):
    @task
    def boom(self):
        raise ValueError("boom")

    @task
    def away(self):
        urllib.request.urlopen("http://shop.example/")

    @task
    def hog(self):
        until = time.perf_counter() + 0.1
        while time.perf_counter() < until:
            pass
"""
ENDLESS = (
    BAD
    + """
    @task
    def endless(self):
        while True:
            time.sleep(0.01)
"""
)
LISTENERS = """\
from locust import User, events, task
from locust.exception import StopUser


@events.request.add_listener
def told(**_):
    raise ValueError("no such column")


@events.test_start.add_listener
def starts(**_):
    raise SystemExit(3)


@events.spawning_complete.add_listener
def spawned(**_):
    raise StopUser


@events.quitting.add_listener
def quits(**_):
    raise KeyboardInterrupt


class Calm(User):
    @task
    def calm(self):
        events.request.fire(request_type="GET", name="calm", response_time=1, response_length=0, exception=None)
"""
FORKS = """\
import multiprocessing
import os
import subprocess
import sys
import time

import gevent
from locust import User, task

ASLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


class Forks(User):
    @task
    def returns(self):
        os.fork()

    @task
    def raises(self):
        if os.fork() == 0:
            raise ValueError("in the copy")

    @task
    def sleeps(self):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)

    @task
    def works(self):
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.2,))
        child.start()
        child.join()
        assert child.exitcode == 0, child.exitcode

    @task
    def spawns(self):
        gevent.spawn(os.fork).join()

    @task
    def leaves(self):
        subprocess.Popen(ASLEEP, start_new_session=True)
"""
