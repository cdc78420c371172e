"""Interface 10: permission authentication of users and devices."""

from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.interface("sosopay.10")
CASHIER = {"username": "cashier01", "password": "sandbox-cashier"}
MANAGER = {"username": "manager01", "password": "sandbox-manager"}
BUSI = {"busiCode": "0010000001"}


@pytest.mark.parametrize("transport", ["get", "form", "json"])
@pytest.mark.parametrize("login, user_type", [(CASHIER, "1"), (MANAGER, "2")], ids=["cashier", "manager"])
def test_auth(p1, transport, login, user_type):
    found = p1.auth(transport, **login, **BUSI).body
    assert found["success"] is True
    user, company = found["user"], found["user"]["company"]
    assert (user["loginName"], user["userType"]) == (login["username"], user_type)
    assert (user["loginFlag"], user["delFlag"]) == ("1", "0")
    assert company["code"] == "0010000001" and company["name"] == "Sandbox Shop" and company["useable"] == "1"
    for name, value in (user | company).items():
        assert isinstance(value, str) or name == "company", (name, value)


def test_auth_without_merchant_and_format(p1):
    assert p1.auth(**CASHIER).body["success"] is True
    assert p1.auth(**CASHIER, **BUSI, _type="xml").body["success"] is True, "always JSON"


@pytest.mark.parametrize("transport", ["get", "form", "json"])
@pytest.mark.parametrize(
    "parameters",
    [
        CASHIER | {"password": "never-log-this-7351"} | BUSI,
        CASHIER | {"password": "sandbox-cashieR"} | BUSI,
        CASHIER | {"busiCode": "0010000002"},
        CASHIER | {"busiCode": "0019999999"},
        {"username": "nobody", "password": "never-log-this-7351"} | BUSI,
        {"username": "locked01", "password": "sandbox-locked"} | BUSI,
    ],
    ids=["wrong-password", "case", "other-merchant", "unknown-merchant", "unknown-user", "locked"],
)
def test_auth_refused(gw, p1, transport, parameters):
    gw.advance(3600)  # wrong passwords are counted; this table is not about that
    found = p1.auth(transport, **parameters)
    assert found.status == 200 and found.body["success"] is False
    assert found.body["message"] and "user" not in found.body


@pytest.mark.parametrize("missing", ["username", "password"])
def test_auth_needs_both(p1, missing):
    found = p1.auth(**{name: value for name, value in CASHIER.items() if name != missing}, **BUSI)
    assert found.body.get("success") is not True and found.status < 500


def test_auth_is_rate_limited(gw, p1):
    """Guessing is stopped: after many wrong passwords at one instant even the right one is refused, for a while."""
    wrong = CASHIER | BUSI | {"password": "never-log-this-7351"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: p1.auth(**wrong), range(100)))
    assert not any(answer.body.get("success") for answer in answers)
    right = p1.auth(**CASHIER, **BUSI)
    assert right.status in (429, 503) or right.body["success"] is False, right.text
    gw.advance(24 * 3600)
    assert p1.auth(**CASHIER, **BUSI).body["success"] is True


def test_passwords_are_never_logged(gw, p1):
    """After the tests above have sent it in every way."""
    p1.auth("form", **(CASHIER | BUSI | {"password": "never-log-this-7351"}))
    assert "never-log-this-7351" not in gw.log_text()
