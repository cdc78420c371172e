"""Interface 10, permission authentication of users and devices, and the app login of appendix A."""

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


# ---- app login ----------------------------------------------------------------------------------------------------

DEVICE = {"imei": "867068020000001", "appVer": "1.1.0", "teType": "1"}


@pytest.mark.interface("sosopay.a.login")
@pytest.mark.parametrize("transport", ["get", "form", "json"])
@pytest.mark.parametrize("user", [CASHIER, MANAGER], ids=["cashier", "manager"])
def test_login(gw, p1, transport, user):
    """Tells the channels that the merchant may use, in the order and under the numbers of `payChannel`."""
    gw.advance(3600)
    found = p1.login(transport, **user, **BUSI, **DEVICE).body
    assert found["success"] is True and "user" not in found
    told = [(entry["sortNo"], entry["channel"]["paymentType"], entry["channel"]["paymentName"]) for entry in found["channels"]]
    listed = p1.channels().ok()["PAY_CHANNEL_LIST"]
    assert told == [(row["SORT_NO"], row["CHANNEL_TYPE"], row["CHANNEL_NAME"]) for row in listed]
    assert {1, 2} <= {number for _, number, _ in told}


@pytest.mark.interface("sosopay.a.login")
def test_login_remembers_the_device(gw, p1):
    gw.advance(3600)
    p1.login(**MANAGER, **BUSI, **DEVICE)
    user = p1.auth(**MANAGER, **BUSI).body["user"]
    assert (user["IMEI"], user["appVer"], user["teType"]) == (DEVICE["imei"], "1.1.0", "1")
    assert p1.login(**MANAGER, **BUSI, appVer="1.2.0").body["success"] is True
    user = p1.auth(**MANAGER, **BUSI).body["user"]
    assert (user["IMEI"], user["appVer"], user["teType"]) == (DEVICE["imei"], "1.2.0", "1"), "what is not told stays"
    p1.login(**(MANAGER | {"password": "never-log-this-7351"}), **BUSI, imei="a-thief")
    assert p1.auth(**MANAGER, **BUSI).body["user"]["IMEI"] == DEVICE["imei"]


@pytest.mark.interface("sosopay.a.login")
@pytest.mark.parametrize(
    "parameters",
    [
        CASHIER | {"password": "never-log-this-7351"} | BUSI,
        CASHIER | {"busiCode": "0010000002"},
        CASHIER | {"busiCode": "0019999999"},
        {"username": "nobody", "password": "never-log-this-7351"} | BUSI,
        {"username": "locked01", "password": "sandbox-locked"} | BUSI,
    ],
    ids=["wrong-password", "other-merchant", "unknown-merchant", "unknown-user", "locked"],
)
def test_login_refused(gw, p1, parameters):
    """In the very words of `auth`, whatever the reason."""
    gw.advance(3600)
    found = p1.login(**parameters, **DEVICE)
    assert (found.status, found.body["success"]) == (200, False) and "channels" not in found.body
    assert found.body == p1.auth(**parameters).body


@pytest.mark.interface("sosopay.a.login")
def test_login_shares_the_limit_of_auth(gw, p1):
    gw.advance(24 * 3600)
    wrong = CASHIER | BUSI | {"password": "never-log-this-7351"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: (p1.login if n % 2 else p1.auth)(**wrong), range(100)))
    assert not any(answer.body.get("success") for answer in answers)
    assert p1.login(**CASHIER, **BUSI).body.get("success") is not True
    gw.advance(24 * 3600)
    assert p1.login(**CASHIER, **BUSI).body["success"] is True
    assert "never-log-this-7351" not in gw.log_text()
