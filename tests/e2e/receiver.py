"""The merchant's side of notifications: a receiver on the loopback that does as it is told and remembers everything."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from .support import Proven, unique, wait_for
from .wire import CIPHER_CONTENT_TYPE, CONTENT_TYPES, decipher, parse, sign_holds


@dataclass(frozen=True)
class Reply:
    """What to do with one request: answer, at once or too late, or drop the connection, or say nothing."""

    status: int = 200
    body: str = "SUCCESS"
    headers: tuple = ()
    close: bool = False
    hang: bool = False
    delay_s: float = 0


HANG_S = 60  # longer than any time-out of a notification, on a slow machine too
ACCEPT = Reply()
REFUSE = Reply(500, "busy")
CLOSE = Reply(close=True)
HANG = Reply(hang=True)


def say(body, status=200):
    return Reply(status, body)


def redirect(url):
    return Reply(302, "", (("Location", url),))


@dataclass
class Notice:
    """A notification that has been verified."""

    body: dict
    ts: int
    text: str
    fmt: str
    encrypted: bool

    def __getitem__(self, name):
        return self.body[name]

    def __contains__(self, name):
        return name in self.body


@dataclass
class Record:
    """One request as it arrived; `ended` is when its reply had been given."""

    method: str
    target: str
    headers: dict
    body: bytes
    began: float
    ended: float = 0.0

    @property
    def parameters(self):
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def parameter(self, name):
        return [value for key, value in self.parameters if key == name]

    def open(self, partner, sign=None, names=("PAY_NODIFY", "BUSI_ID")):
        """Checks everything that section 8 says of a notification. `sign` is given when it is not in the query,
        `names` (of the root and of the merchant id) for other news than payments."""
        assert self.method == "POST", self.method
        if sign is None:
            assert len(self.parameter("sign")) == 1, self.target
            sign = self.parameter("sign")[0]
        fmt = (self.parameter("_type") or ["xml"])[0].lower() or "xml"
        encrypted = self.parameter("encrypt") == ["3DES"]
        content_type = self.headers.get("Content-Type", "").replace(" ", "").lower()
        assert content_type == (CIPHER_CONTENT_TYPE if encrypted else CONTENT_TYPES[fmt]), content_type
        text = self.body.decode()
        if encrypted:
            assert len(text.split()) == 1, "the Base64 text is one line"
            text = decipher(partner.key, text)
        assert sign_holds(partner.key, text, unquote(sign)), (sign, text)
        root, body = parse(text, fmt)
        assert root == names[0], text
        assert body[names[1]] == partner.busi_id, text
        return Notice(body, int(unquote(sign).split(":")[1]), text, fmt, encrypted)


@dataclass
class Hook:
    """One merchant address: its replies in order, then `rest` for ever."""

    base: str
    name: str
    replies: list
    rest: Reply
    records: list = field(default_factory=list)

    def url(self, query="_type=json", tail=""):
        return f"{self.base}/{self.name}{tail}" + (f"?{query}" if query else "")

    def wait(self, count, timeout=60):
        """The records once there are at least `count`."""
        wait_for(lambda: len(self.records) >= count, f"{count} notifications at {self.name}", timeout)
        return list(self.records)

    def notices(self, partner):
        notices = [record.open(partner) for record in list(self.records)]
        if notices:
            Proven.note("sosopay.4")
        return notices


class Receiver:
    """All hooks of a test module on one port."""

    def __init__(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.handle(self)

            do_GET = do_PUT = do_HEAD = do_POST

            def log_message(self, *_):
                pass

        self.hooks, self.strays, self.lock = {}, [], threading.Lock()
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hook(self, *replies, rest=ACCEPT):
        """A new address that gives these replies, then `rest`."""
        hook = Hook(self.base, unique("hook"), list(replies), rest)
        self.hooks[hook.name] = hook
        return hook

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        record = Record(request.command, request.path, request.headers, body, time.monotonic())
        hook = self.hooks.get(urlsplit(request.path).path.split("/")[1])
        with self.lock:
            (hook.records if hook else self.strays).append(record)
            reply = ACCEPT if hook is None else hook.replies.pop(0) if hook.replies else hook.rest
        if reply.hang or reply.delay_s:
            self.released.wait(reply.delay_s or HANG_S)
        if reply.close or reply.hang:
            request.close_connection = True
            record.ended = time.monotonic()
            return
        content = reply.body.encode()
        try:
            request.send_response(reply.status)
            for name, value in reply.headers:
                request.send_header(name, value)
            if reply.status != 204:
                request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            if reply.status != 204:
                request.wfile.write(content)
        except OSError:
            request.close_connection = True  # the other side did not wait
        record.ended = time.monotonic()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
