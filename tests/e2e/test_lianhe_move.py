"""A lianhe platform moves to another database: stock, balances, codes, reviews and unsent news go on as they were."""

import pytest

from .lianhe_client import Client, notices
from .lianhe_office import Office
from .receiver import REFUSE, say
from .test_move import SERVER, Target, answered, copy, store_of

DAY = "2016-08-06"


@pytest.mark.interface("lianhe.newOrder", "lianhe.queryOrder", "lianhe.cancelOrder", "lianhe.snNotify")
@pytest.mark.parametrize(
    "server", [None, SERVER] if SERVER else [None], ids=lambda server: "server" if server else "file"
)
def test_everything_goes_on_at_the_new_place(start_gateway, receiver, tmp_path, server):
    source = start_gateway()
    office = Office(source)
    hook = receiver.hook(REFUSE, rest=say("success"))
    client = office.distributor(balance="1000.00", hook=hook)
    deal = office.ticket(dated=True, cost="50.25", per_ticket=True, days={DAY: {"total": 20}})
    now = office.ticket(cost="50.25")
    held, paid = client.created(deal, 4, DAY), client.bought(deal, 3, DAY)
    reviewed, used = client.bought(now, 2), client.bought(now, 2)
    client.cancel(reviewed, 1).ok(orderStatus=6)
    office.redeem(used.codes[0])
    office.poll()
    hook.wait(1)
    office.wait_attempts(client, used, 1)
    office.reach(lambda: source.ops("GET", "status")["tasks_in_flight"] == 0)
    stock, available = office.stock(deal, DAY), office.available(client)
    checked = source.ops("POST", "verify", {})["checked"]
    source.stop()

    target = Target(tmp_path / "moved", server)
    done = answered(copy(store_of(source), target.place))
    assert done["clean"] and not done["differences"] and done["checked"] == checked
    moved = target.gateway(source).start()
    try:
        office.gateway, client = moved, Client(moved, client.partner)
        assert (office.stock(deal, DAY), office.available(client)) == (stock, available)
        assert stock == {"total": 20, "held": 4, "sold": 3}
        client.expect_state(held, 2)
        assert client.expect_state(paid, 4)["voucher"] == paid.answer["voucher"]
        client.new_order(paid.fields).ok(**paid.answer.body)
        client.pay_order(held).ok(orderStatus=4)
        client.expect_state(reviewed, 4, review=1)
        office.approve(client, reviewed)
        client.expect_state(reviewed, 4, refunded=1, review=3)
        client.expect_state(used, 9, used=1)
        office.poll()
        hook.wait(3)
        told = notices(hook, client.partner)
        assert told[0].document in [notice.document for notice in told[1:]], "the news that was not taken before"
        assert [notice["reQuantity"] for notice in told if notice.method == "reNotify"] == [1]
        moved.verify()
    finally:
        moved.stop()
