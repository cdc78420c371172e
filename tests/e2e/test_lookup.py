"""Interfaces 6 and 9: which serial finds which order, and the payment channels."""

import pytest

from .gateway import SHORT_KEY
from .support import unique

# Section 6.1, the channels enabled by default; 0 is the automatic choice and may be listed.
DEFAULT_CHANNELS = {1, 2, 3, 5, 9, 10, 24, 27, 31}


# ---- query --------------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.6")
@pytest.mark.parametrize("form", [False, True], ids=["get", "form"])
def test_query_by_each_serial(shop, form):
    paid = shop.paid()
    for code, ser_type in [
        (paid["CHARGE_CODE"], None),
        (paid["CHARGE_CODE"], ""),
        (paid["CHARGE_CODE"], "0"),
        (paid["CHARGE_DOWN_CODE"], "1"),
    ]:
        found = shop.query(code, ser_type, form=form).ok()
        assert found.encrypted == shop.encrypt
        assert (found["CHARGE_CODE"], found["STATE"]) == (paid["CHARGE_CODE"], 1)
    shop.query(paid["CHARGE_DOWN_CODE"], None, form=form).expect("CHARGE_NONEXISTENT")
    shop.query(paid["CHARGE_CODE"], "1", form=form).expect("CHARGE_NONEXISTENT")
    shop.query(unique("none"), form=form).expect("CHARGE_NONEXISTENT")


@pytest.mark.interface("sosopay.6")
def test_query_sees_only_the_merchants_own(gw, p1):
    paid, other = p1.paid(), gw.client(SHORT_KEY)
    other.query(paid["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")
    other.query(paid["CHARGE_DOWN_CODE"], "1").expect("CHARGE_NONEXISTENT")


@pytest.mark.interface("sosopay.6")
def test_query_parameters_in_any_case(p1):
    down = p1.paid()["CHARGE_DOWN_CODE"]
    call = p1.query_call(down, "1").with_query(serType=None, SERTYPE="1", biz_content="ignored", x="y")
    renamed = {"sign": "SIGN", "_type": "_TYPE"}
    call = call.but(query=tuple((renamed.get(name, name), value) for name, value in call.query))
    assert p1.send(call).ok()["CHARGE_DOWN_CODE"] == down


# ---- channels -----------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.9")
@pytest.mark.parametrize("form", [False, True], ids=["get", "form"])
def test_channels(shop, form):
    found = shop.channels(form=form).ok()
    assert found.encrypted == shop.encrypt
    rows = found["PAY_CHANNEL_LIST"]
    listed = {row["CHANNEL_TYPE"] for row in rows}
    assert {1, 2} <= listed <= DEFAULT_CHANNELS | {0} and len(listed) == len(rows)
    assert [row["SORT_NO"] for row in rows] == sorted(row["SORT_NO"] for row in rows)
    assert all(row["CHANNEL_NAME"] for row in rows)


@pytest.mark.interface("sosopay.9")
def test_channels_are_those_that_can_be_used(gw, p1, p2):
    for client, most in ((p1, DEFAULT_CHANNELS), (p2, {1, 2})):
        listed = {row["CHANNEL_TYPE"] for row in client.channels().ok()["PAY_CHANNEL_LIST"]} - {0}
        assert listed <= most
        for channel in (1, 2, 3, 4, 10, 31, 32):
            expected = client.partner.success if channel in listed else "INVALID_CONTRACT"
            client.order(client.precreate(CHANNEL_TYPE=str(channel))).expect(expected)


@pytest.mark.interface("sosopay.9")
def test_channels_of_others(p1, p9):
    p9.channels().expect("INVALID_CONTRACT")
    p1.channels(signature="0" * 32 + f":{p1.clock()}").expect("INVALID_SIGN")
    p1.channels(extra=[("busiCode", SHORT_KEY.busi_id)]).expect("ILLEGAL_PARAMETER")
    assert p1.channels(answer=None).ok().fmt == "xml"
