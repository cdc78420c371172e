"""A client of all sosopay interfaces, those of appendix A too: requests as data that tests may bend, answers opened and checked."""

import threading
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

import requests

from .support import DROP, Mark, Proven, scan_code, unique
from .wire import (
    CIPHER_CONTENT_TYPE,
    CONTENT_TYPES,
    INSIDES,
    decipher,
    encipher,
    parse,
    sign,
    sign_holds,
    to_json,
    to_xml,
)

PREFIX = "/openGateway/openService/"
ASK = Mark("ASK")  # `answer=ASK`: ask for the client's own format


@dataclass
class Answer:
    """An answer, opened. `body` is empty when the status is not 200."""

    status: int
    headers: dict
    raw: bytes
    text: str
    fmt: str
    encrypted: bool
    success: str
    root: str | None = None
    body: dict = field(default_factory=dict)

    @property
    def code(self):
        return self.body.get("RESULT", {}).get("CODE")

    def __getitem__(self, name):
        return self.body[name]

    def __contains__(self, name):
        return name in self.body

    def expect(self, *codes):
        """Asserts HTTP 200 and one of these return codes, and records that it was reached."""
        assert self.status == 200, (self.status, self.text[:500])
        assert self.code in codes, f"expected {' or '.join(codes)}, got {self.text[:500]}"
        assert "INFO" in self.body["RESULT"], self.text
        Proven.note(f"sosopay.code.{self.code}")
        return self

    def ok(self):
        return self.expect(self.success)


# ---- calling ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Partner:
    """A merchant as the client knows it."""

    busi_id: str
    key: str
    success: str = "SUCCESS"


@dataclass(frozen=True)
class Call:
    """A request ready to be sent; tests change it with `but`."""

    method: str
    path: str
    query: tuple
    body: bytes | None
    content_type: str | None
    fmt: str  # format the answer must have
    encrypted: bool  # whether the answer must be encrypted
    root: str | None

    def but(self, **changes):
        return replace(self, **changes)

    def with_query(self, **parameters):
        """The same call with parameters replaced or added; None removes one."""
        kept = [pair for pair in self.query if pair[0] not in parameters]
        return self.but(query=tuple(kept + [(n, v) for n, v in parameters.items() if v is not None]))

    def target(self):
        # The published client sends the colon of `sign` raw with POST and as %3A with GET.
        safe = ":" if self.method == "POST" else ""
        return self.path + ("?" + urlencode(self.query, safe=safe) if self.query else "")


class Client:
    """One merchant's client; safe to use from several threads, each keeps its own connection."""

    def __init__(self, base, partner, clock, fmt="json", encrypt=False, answer_keys=None):
        self.base, self.partner, self.clock, self.fmt, self.encrypt = base, partner, clock, fmt, encrypt
        self.answer_keys = answer_keys or (partner.key,)
        self._local = threading.local()

    def using(self, fmt=None, encrypt=None):
        """The same merchant with another format or encryption."""
        return Client(
            self.base,
            self.partner,
            self.clock,
            fmt or self.fmt,
            self.encrypt if encrypt is None else encrypt,
            self.answer_keys,
        )

    @property
    def session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        return self._local.session

    # -- requests as data

    def post_call(
        self,
        path,
        content,
        root,
        *,
        answer=ASK,
        encrypt=None,
        key=None,
        ts=None,
        signature=None,
        extra=(),
        wrap=False,
        busi_code=None,
        default="xml",
    ):
        """A POST of interfaces 1-3, 5 and of the write-off. `content` is a mapping of fields or the clear text itself; the response root
        follows from the request's (`ORDER_REQ` gives `ORDER_RESP`)."""
        if not isinstance(content, str):
            content = {name: value for name, value in content.items() if value is not DROP}
            content = to_json(content, root if wrap else None) if self.fmt == "json" else to_xml(root, content)
        encrypted = self.encrypt if encrypt is None else encrypt
        key = key or self.partner.key
        query = [("sign", sign(key, content, ts or self.clock()) if signature is None else signature)]
        fmt = self.fmt if answer is ASK else answer
        query += [("_type", fmt)] if fmt else []
        if encrypted:
            query += [("encrypt", "3DES"), ("busiCode", busi_code or self.partner.busi_id)]
            body, content_type = encipher(key, content).encode(), "text/plain"
        else:
            query += [("busiCode", busi_code)] if busi_code else []
            body = content.encode()
            content_type = "text/xml" if content.lstrip().startswith("<") else "application/json;charset=UTF-8"
        return Call(
            "POST",
            PREFIX + path,
            tuple(query) + tuple(extra),
            body,
            content_type,
            fmt or default,
            encrypted,
            root.replace("_REQ", "_RESP"),
        )

    def get_call(
        self,
        path,
        plain,
        root,
        parameters=(),
        *,
        default="xml",
        answer=ASK,
        encrypt=None,
        key=None,
        ts=None,
        signature=None,
        extra=(),
        form=False,
    ):
        """A GET of interfaces 6-9, or with `form` its POST variant with the same parameters in a form."""
        encrypted = self.encrypt if encrypt is None else encrypt
        value = sign(key or self.partner.key, plain, ts or self.clock()) if signature is None else signature
        fmt = self.fmt if answer is ASK else answer
        query = [("sign", value)] + ([("_type", fmt)] if fmt else []) + ([("encrypt", "3DES")] if encrypted else [])
        query += [pair for pair in parameters if pair[1] is not None] + list(extra)
        call = Call("GET", PREFIX + path, tuple(query), None, None, fmt or default, encrypted, root)
        return as_form(call) if form else call

    def send(self, call):
        """Sends a call and opens its answer."""
        response = self.session.request(
            call.method,
            self.base + call.target(),
            data=call.body,
            headers={"Content-Type": call.content_type} if call.content_type else {},
            allow_redirects=False,
            timeout=40,
        )
        return self.open(call, response)

    def open(self, call, response):
        text = response.content.decode("utf-8")
        answer = Answer(
            response.status_code, response.headers, response.content, text, call.fmt, False, self.partner.success
        )
        if response.status_code != 200:
            assert not any(word in text.lower() for word in INSIDES), text
            return answer
        content_type = response.headers.get("Content-Type", "").replace(" ", "").lower()
        if call.encrypted and not text.startswith(("{", "<")):
            assert content_type == CIPHER_CONTENT_TYPE, content_type
            answer.encrypted, answer.text = True, self._decrypt(text)
        else:
            assert content_type == CONTENT_TYPES[call.fmt], content_type
        answer.root, answer.body = parse(answer.text, call.fmt)
        assert answer.root == call.root, answer.text[:300]
        if call.encrypted and not answer.encrypted:
            # Section 4.2: clear text is left for those whose key cannot be used.
            assert answer.code in ("UNREGISTERED_BUSI", "ILLEGAL_PARAMETER"), answer.text
        header = response.headers.get("X-Sosopay-Sign")
        if header and answer.code != "UNREGISTERED_BUSI":
            assert any(sign_holds(key, answer.text, header) for key in self.answer_keys), (header, answer.text)
        return answer

    def _decrypt(self, text):
        for key in self.answer_keys:
            try:
                return decipher(key, text)
            except ValueError:
                continue
        raise AssertionError(f"the answer cannot be decrypted: {text[:200]}")

    # -- fields of a correct request, changed by keyword; DROP leaves one out

    def fields(self, **changes):
        base = {"BUSI_ID": self.partner.busi_id, "OPER_ID": "oper01", "DEV_ID": "dev01"}
        return base | changes

    def scan(self, **changes):
        """Fields of a merchant-scan payment that is paid at once."""
        base = {"AMT": "1.58", "DYNAMIC_ID": scan_code(), "CHARGE_CODE": unique(), "PAY_SUBJECT": "test order"}
        return self.fields(**(base | changes))

    def precreate(self, **changes):
        """Fields of a consumer-scan order that waits for its payer."""
        base = {"AMT": "1.58", "CHANNEL_TYPE": "1", "CHARGE_CODE": unique(), "PAY_SUBJECT": "test order"}
        return self.fields(**(base | changes))

    def returning(self, charge_code, fee, **changes):
        """Fields of a refund."""
        base = {"CHARGE_REFUND_FEE": fee, "REFUND_SUBJECT": "Merchant refunds", "CHARGE_CODE": charge_code}
        return self.fields(**(base | changes))

    # -- the interfaces

    def pre_order(self, fields, **how):
        return self.send(self.post_call("preOrder", fields, "ORDER_REQ", **how))

    def order(self, fields, **how):
        return self.send(self.post_call("order", fields, "ORDER_REQ", **how))

    def refund(self, fields, **how):
        return self.send(self.post_call("refund", fields, "REFUND_REQ", **how))

    def query_call(self, code, ser_type=None, **how):
        path = f"query/{quote(code, safe='')}/{self.partner.busi_id}"
        return self.get_call(path, code, "QUERY_RESP", [("serType", ser_type)], **how)

    def query(self, code, ser_type=None, **how):
        return self.send(self.query_call(code, ser_type, **how))

    def cancel_call(self, code, op_type=None, **how):
        path = f"cancelTrade/{quote(code, safe='')}/{self.partner.busi_id}"
        plain = f"chargeCode={code}&busiCode={self.partner.busi_id}"
        return self.get_call(path, plain, "CANCELTRADE_RESP", [("opType", op_type)], **how)

    def cancel(self, code, op_type=None, **how):
        return self.send(self.cancel_call(code, op_type, **how))

    def trades_call(self, how=None, **parameters):
        parameters = {"busiCode": self.partner.busi_id, "pageNum": 1, "pageSize": 10} | parameters
        pairs = [(n, v) for n, v in parameters.items() if v is not DROP]
        return self.get_call("queryTrades", "", "ServiceResult", pairs, default="json", **(how or {}))

    def trades(self, how=None, **parameters):
        return self.send(self.trades_call(how, **parameters))

    def channels_call(self, **how):
        busi_id = self.partner.busi_id
        return self.get_call(f"payChannel/{busi_id}", f"busiCode={busi_id}", "PAY_CHANNEL_RESP", **how)

    def channels(self, **how):
        return self.send(self.channels_call(**how))

    def verify(self, what, fields, **how):
        """An interface of the write-off: get, query, check, cancel or queryResults."""
        return self.send(self.post_call(f"verify/{what}", fields, "VERIFY_REQ", default="json", **how))

    def voucher(self, **changes):
        """Fields of a voucher with three uses."""
        base = {"busiCode": self.partner.busi_id, "tradeCode": unique("V"), "goodsName": "Day ticket"}
        base |= {"goodsCode": "2010", "goodsCount": "1", "totalVerifyNumber": "3"}
        return base | changes

    def checking(self, code, **changes):
        """Fields of a check that redeems."""
        base = {"busiCode": self.partner.busi_id, "verifyCode": code, "deviceCode": "gate1", "immedyConfirm": "true"}
        return base | changes

    def auth(self, transport="get", **parameters):
        """`transport` is get, form or json; gives the bare object."""
        return self.sign_in("auth", transport, parameters)

    def login(self, transport="get", **parameters):
        return self.sign_in("login", transport, parameters)

    def sign_in(self, path, transport, parameters):
        call = Call("GET", PREFIX + path, tuple(parameters.items()), None, None, "json", False, None)
        if transport == "form":
            call = as_form(call)
        elif transport == "json":
            body = to_json(parameters).encode()
            call = call.but(method="POST", query=(), body=body, content_type="application/json;charset=UTF-8")
        return self.send(call)

    # -- short cuts

    def paid(self, amount="1.58", **changes):
        """A paid merchant-scan order; gives its answer."""
        answer = self.pre_order(self.scan(AMT=amount, **changes)).ok()
        self.expect_state(answer["CHARGE_CODE"], 1)
        return answer

    def state(self, code, ser_type=None):
        return self.query(code, ser_type).ok()["STATE"]

    def expect_state(self, code, state, ser_type=None):
        """Asserts an order's or refund's state and records that it was reached; gives the query's answer."""
        answer = self.query(code, ser_type).ok()
        assert answer["STATE"] == state, f"{code}: expected state {state}, got {answer.text}"
        Proven.note(f"sosopay.state.{state}")
        return answer


def as_form(call):
    """The POST variant of a GET interface (section 1.3)."""
    body = urlencode(call.query).encode()
    return call.but(method="POST", query=(), body=body, content_type="application/x-www-form-urlencoded")
