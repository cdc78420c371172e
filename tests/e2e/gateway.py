"""The gateway as a process: start, stop, kill, restart, its clock and its operator API."""

import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

import requests

from .sosopay_client import Client, Partner
from .support import wait_for

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "target" / "e2e-logs"

# The instant of the specification's vectors: ts 1470360000123, 09:20:00 in the protocol's time zone.
VECTOR_CLOCK = "2016-08-05T01:20:00.123Z"
VECTOR_MS = 1470360000123

SHOP = Partner("0010000001", "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8")
SHORT_KEY = Partner("0010000002", "SHORTKEY0123456", success="SUCESS")
SUSPENDED = Partner("0010000009", "Q9W8E7R6T5Y4U3I2O1P0A9S8D7F6G5H4")


def binary():
    return Path(os.environ.get("TRADEWIND_BIN", ROOT / "target" / "debug" / "tradewind"))


def rfc3339(ms):
    moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def new_database(server):
    """Makes a database on the server, for one gateway and its restarts, and gives its address."""
    name = "e2e_" + secrets.token_hex(4)
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server, "-c", f"CREATE DATABASE {name}"]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return server.rsplit("/", 1)[0] + "/" + name


class Gateway:
    """One gateway on one data folder. `clock` freezes the virtual clock at an instant; None lets it run."""

    def __init__(self, data, name, clock=VECTOR_CLOCK, args=()):
        self.data, self.clock, self.args = Path(data), clock, list(args)
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}.log"
        self.log.unlink(missing_ok=True)
        self.process = None
        extra = os.environ.get("TRADEWIND_E2E_ARGS", "").replace("{unique}", "e2e_" + secrets.token_hex(4))
        self.extra = shlex.split(extra)
        self.environment = dict(os.environ)
        server = os.environ.get("TRADEWIND_E2E_POSTGRES")
        if server:
            self.environment["TRADEWIND__STORE__URL"] = new_database(server)
            # What a killed process had taken up is free again when its leases end, in real time. They have to
            # outlast the slowest attempt, which is one of ten seconds.
            self.environment["TRADEWIND__DELIVERY__LEASE_S"] = "12"

    # -- life

    def start(self):
        assert binary().is_file(), f"no gateway binary at {binary()}: build it or set TRADEWIND_BIN"
        command = [str(binary()), "serve", "--sandbox", "--data", str(self.data)]
        command += ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]
        command += ["--clock", self.clock] if self.clock else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command + self.args + self.extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        facts = wait_for(self._ready, "the gateway to be ready", timeout=60)
        self.base, self.ops_base = f"http://{facts['listen']}", f"http://{facts['ops']}"
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {self.token}"
        self.session = session  # whole, for threads that look at the gateway all the time
        self._read_clock()
        return self

    def _ready(self):
        code = self.process.poll()
        assert code is None, f"the gateway ended with {code}:\n{self.log_text()[-3000:]}"
        try:
            facts = json.loads((self.data / "gateway.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return facts if facts["pid"] == self.process.pid else None  # else left behind by a killed one

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def token(self):
        return (self.data / "ops-token").read_text().strip()

    def stop(self, timeout=20):
        """A graceful stop: exit code 0 in bounded time, nothing left behind, nothing panicked."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no graceful stop within {timeout} s:\n{self.log_text()[-3000:]}") from None
        assert code == 0, f"exit code {code}:\n{self.log_text()[-3000:]}"
        assert not (self.data / "gateway.json").exists(), "gateway.json survives a graceful stop"
        assert "panicked at" not in self.log_text(), self.log_text()[-3000:]

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def restart(self, after_ms=0):
        """Starts again on the same data; a frozen clock goes on from where it was, plus `after_ms`."""
        if self.clock:
            self.clock = rfc3339(self.now_ms() + after_ms)
        return self.start()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def cli(self, *arguments):
        """Runs a command of the binary on this data and gives the finished process."""
        command = [str(binary()), "--data", str(self.data), "--json", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=self.environment
        )

    # -- the wire

    def client(self, partner=SHOP, fmt="json", encrypt=False, answer_keys=None):
        return Client(self.base, partner, self.now_ms, fmt, encrypt, answer_keys)

    def healthy(self):
        response = requests.get(self.base + "/healthz", timeout=10)
        assert response.status_code == 200, response.text
        self.client().channels().ok()

    def cashier(self, bar_code):
        """The cashier page's address on this listener."""
        path = re.search(r"/pay/[^/?#]+$", bar_code)
        assert path, bar_code
        return self.base + path.group()

    def at_cashier(self, bar_code, action="pay"):
        """The payer presses a button; refused only when the page says so with a 4xx."""
        response = requests.post(self.cashier(bar_code), data={"action": action}, allow_redirects=False, timeout=20)
        assert response.status_code < 500, response.text
        return response

    # -- the clock

    def _read_clock(self):
        clock = self.ops("GET", "clock")
        self._frozen_ms = clock["now_ms"] if clock["frozen"] else None
        self._ahead_ms = clock["now_ms"] - time.time() * 1000
        return clock

    def now_ms(self):
        """The gateway's time; works while the gateway is down, too."""
        return self._frozen_ms if self._frozen_ms is not None else int(time.time() * 1000 + self._ahead_ms)

    def advance(self, seconds):
        self.ops("POST", "clock/advance", {"by_ms": int(seconds * 1000)})
        return self._read_clock()["now_ms"]

    def reach(self, client, code, state, within_s, step_s=5, ser_type=None):
        """Moves the clock on until an order shows a state; fails after `within_s` seconds of it."""
        end, passed = time.monotonic() + 1, 0
        while client.state(code, ser_type) != state:
            if time.monotonic() < end:  # what is under way at this instant may still be settling
                time.sleep(0.02)
                continue
            if passed >= within_s:
                break
            self.advance(step_s)
            passed += step_s
        return client.expect_state(code, state, ser_type)

    # -- the operator API

    def ops_raw(self, method, path, body=None, **parameters):
        return self.session.request(
            method, f"{self.ops_base}/ops/v1/{path}", json=body, params=parameters or None, timeout=120
        )

    def ops(self, method, path, body=None, **parameters):
        response = self.ops_raw(method, path, body, **parameters)
        assert response.status_code // 100 == 2, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def listed(self, path, name, **parameters):
        """Rows of a list, whether it comes bare or as a member."""
        found = self.ops("GET", path, **parameters)
        return found if isinstance(found, list) else found[name]

    def story(self, reference, partner=SHOP):
        story = self.ops("GET", f"orders/{reference}", partner=partner.busi_id)
        assert {"order", "payments", "refunds", "transfers", "events", "tasks"} <= set(story), story
        return story

    def delivery(self, reference, partner=SHOP):
        """The one delivery task of an order."""
        found = [task for task in self.story(reference, partner)["tasks"] if task["kind"] == "deliver"]
        assert len(found) == 1, found
        return found[0]

    def wait_delivery(self, reference, state, partner=SHOP):
        return wait_for(
            lambda: (task := self.delivery(reference, partner))["state"] == state and task,
            f"the delivery of {reference} to be {state}",
        )

    def verify(self):
        report = self.ops("POST", "verify")
        assert report["clean"] is True and not report["findings"], report
        return report
