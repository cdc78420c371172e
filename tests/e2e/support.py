"""Small helpers of the tests: unique numbers, waiting, threads, raw sockets and the record of what was proven."""

import itertools
import secrets
import select
import socket
import threading
import time
from concurrent.futures import Future
from decimal import Decimal

_RUN = secrets.token_hex(3)
_COUNTER = itertools.count(1)


class Mark(str):
    """A value with a meaning of its own, told apart by identity; shows a stable name in test ids."""


DROP = Mark("DROP")  # a field or parameter that is left out


def unique(prefix="T"):
    """A serial that no other test of any run uses; at most 24 characters with a short prefix."""
    return f"{prefix}{_RUN}{next(_COUNTER):08d}"


def scan_code(tail="1111", prefix="28"):
    """An 18 digit payment code: wallet by prefix, behaviour of the sandbox by the last four digits."""
    return f"{prefix}{next(_COUNTER):0{14 - len(prefix)}d}{tail}"


def cents(amount):
    """Yuan as text to cents."""
    value = Decimal(amount) * 100
    assert value == int(value), amount
    return int(value)


def bills(answer):
    """Sum of the fund bills of an answer or notification, in cents."""
    return sum(cents(bill["AMOUNT"]) for bill in answer["FUND_BILL_LIST"])


def wait_for(condition, what, timeout=60.0):
    """The first true value of `condition`; fails after `timeout` real seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"still waiting for {what} after {timeout} s"
        time.sleep(0.02)


def in_background(function, *args, **kwargs):
    """Runs a call in a thread of its own and gives a future of its result."""
    future = Future()

    def run():
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # handed to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def raw_exchange(base, head, chunks=(), timeout=20.0):
    """Sends bytes as they are and reads until the server is done; gives (status, answer).

    A server may answer and close before it has read all of a body that is too large, so the socket is watched for an
    answer before every piece is sent.
    """
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=timeout) as stream:
        try:
            stream.sendall(head)
            for chunk in chunks:
                if select.select([stream], [], [], 0)[0]:
                    break
                stream.sendall(chunk)
        except OSError:
            pass  # the answer, if there is one, is already in the receive buffer
        answer = b""
        try:
            while piece := stream.recv(65536):
                answer += piece
        except (ConnectionResetError, TimeoutError):
            pass
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
    return status, answer


class Proven:
    """Specification ids that the running test has asserted; the conftest reads them when the test has passed."""

    ids: set = set()

    @classmethod
    def note(cls, identifier):
        cls.ids.add(identifier)
