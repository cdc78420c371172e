"""Moving a gateway to another database, the schema's commands, and forgetting what is old and settled."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from .gateway import LOGS, Gateway, binary, new_database
from .receiver import REFUSE
from .support import unique, wait_for


def store_of(gateway):
    """The database that a gateway works with, as `copy` wants it named."""
    return gateway.environment.get("TRADEWIND__STORE__URL", f"sqlite:{gateway.data / 'tradewind.db'}")


def cli(*arguments):
    command = [str(binary()), "--json", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def copy(source, target, *more):
    return cli("copy", "--from", source, "--to", target, *more)


def answered(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done, *words):
    assert done.returncode == 1, (done.stdout, done.stderr)
    message = json.loads(done.stderr.splitlines()[-1])["error"]["message"]
    for word in words:
        assert word in message, message


@pytest.fixture
def source(start_gateway, receiver):
    """A stopped gateway with some history, what its partner knows of it, and a delivery that failed so far."""
    gateway = start_gateway()
    client = gateway.client()
    told, silent = receiver.hook(), receiver.hook(rest=REFUSE)
    known = {}
    for number in range(30):
        hook = silent if number == 0 else told
        order = client.paid("20.00", NODIFY_URL=hook.url())
        known[order["CHARGE_CODE"]] = order["CHARGE_DOWN_CODE"]
    for code in list(known)[:5]:
        client.refund(client.returning(code, "5.00")).ok()
    told.wait(29)
    silent.wait(1)
    wait_for(lambda: gateway.ops("GET", "status")["tasks_in_flight"] == 0, "deliveries to settle")
    gateway.events = gateway.ops("GET", "partners/0010000001/events", limit=1000)["events"]
    gateway.checked = gateway.ops("POST", "verify", {})["checked"]
    gateway.stop()
    gateway.known, gateway.silent = known, silent
    return gateway


SERVER = os.environ.get("TRADEWIND_E2E_POSTGRES")


class Target:
    """A folder for the new gateway, and where its database is to be: in a file, or on the server the suite runs on."""

    def __init__(self, folder, server):
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.place = new_database(server) if server else f"sqlite:{folder / 'moved.db'}"

    def gateway(self, source):
        """The moved gateway: another folder and database, the same master key, the clock where it stood."""
        shutil.copy(source.data / "master.key", self.folder / "moved.key")
        moved = Gateway.__new__(Gateway)
        moved.__dict__.update(source.__dict__)
        moved.data, moved.log, moved.process = self.folder, LOGS / f"{source.log.stem}-moved.log", None
        moved.log.unlink(missing_ok=True)
        moved.environment = {**source.environment, "TRADEWIND__STORE__URL": self.place}
        moved.args = [*source.args, "--master-key", str(self.folder / "moved.key")]
        moved.extra, moved.clock = [], None
        return moved


@pytest.fixture(params=[None, SERVER] if SERVER else [None], ids=lambda server: "server" if server else "file")
def target(request, tmp_path):
    return Target(tmp_path / "moved", request.param)


def test_everything_goes_on_at_the_new_place(source, target):
    """Ids, numbers, books, event numbers and due work are what they were; the old place is retired."""
    done = answered(copy(store_of(source), target.place, "--retire-source"))
    assert done["clean"] and not done["differences"]
    assert done["checked"] == source.checked
    moved = target.gateway(source).start()
    try:
        client = moved.client()
        for code, down in source.known.items():
            assert client.query(code).ok()["CHARGE_DOWN_CODE"] == down
        client.pre_order(client.scan(CHARGE_CODE=next(iter(source.known)))).expect("SERIAL_REPEAT")
        assert moved.ops("GET", "partners/0010000001/events", limit=1000)["events"] == source.events
        before = len(source.silent.records)
        moved.advance(10)
        source.silent.wait(before + 1)
        client.paid("1.00")
        moved.verify()
        events = moved.ops("GET", "partners/0010000001/events", limit=1000)["events"]
        assert [event["number"] for event in events] == list(range(1, len(source.events) + 2))
    finally:
        moved.stop()
    with pytest.raises(AssertionError, match="retired"):
        source.start()


def test_a_killed_copy_is_gone_on_with(source, target):
    """Killed again and again, the same command ends with a complete copy, which alone can be served."""
    place, kills = target.place, 0
    command = [str(binary()), "--json", "copy", "--from", store_of(source), "--to", place, "--chunk-rows", "1"]
    # The first kill comes before any machine can have finished.
    for wait in (0.03, 0.06, 0.1):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as copying:
            time.sleep(wait)
            copying.send_signal(signal.SIGKILL)
            kills += copying.wait() == -signal.SIGKILL
    assert kills, "the copy was quicker than every kill"
    # The last kill may have come between the end of the copy and that of its process; then there is nothing to do.
    assert answered(copy(store_of(source), place))["checked"] == source.checked
    moved = target.gateway(source).start()
    try:
        moved.verify()
        assert moved.ops("POST", "verify", {})["checked"] == source.checked
    finally:
        moved.stop()


def test_a_complete_copy_is_left_alone(source, target):
    """The same copy once more finds nothing to do, may retire the source, and tells when the target has gone on."""
    place = target.place
    assert not answered(copy(store_of(source), place))["nothing_to_do"]
    for more in ([], ["--retire-source"], ["--retire-source"]):
        done = answered(copy(store_of(source), place, *more))
        assert done["nothing_to_do"] and done["clean"] and done["checked"] == source.checked
    with pytest.raises(AssertionError, match="retired"):
        source.start()
    moved = target.gateway(source).start()
    moved.client().paid("1.00")
    moved.stop()
    done = copy(store_of(source), place)
    assert done.returncode != 0
    told = json.loads(done.stdout)
    assert told["nothing_to_do"] and not told["clean"] and any("orders" in line for line in told["differences"])


def test_a_complete_copy_of_what_the_source_was_is_refused(source, target):
    """A gateway that has worked with the source since has made it another one."""
    answered(copy(store_of(source), target.place))
    source.start()
    source.stop()
    refused(copy(store_of(source), target.place), "complete", "a gateway worked with it")


def test_what_is_not_copied(source, target, start_gateway):
    """Not from a running gateway, not from nowhere, not over another business, and no password is shown."""
    place = target.place
    running = start_gateway()
    refused(copy(store_of(running), place), "gateway")
    refused(copy(f"sqlite:{target.folder / 'nothing.db'}", place), "no database", "--from")
    running.stop()
    refused(copy(store_of(source), store_of(running)), "target is not empty")
    assert not answered(copy(store_of(source), place))["nothing_to_do"]
    done = copy(store_of(source), "mysql://root:hush@db/books")
    assert done.returncode == 2 and "hush" not in done.stdout + done.stderr
    done = copy(store_of(source), "postgres://root:hush@127.0.0.1:1/books")
    assert done.returncode == 1 and "hush" not in done.stdout + done.stderr and "--to" in done.stderr


def test_migrate(tmp_path):
    """An empty place has everything to do; afterwards nothing. A start without leave to migrate is refused before."""
    data = ["--data", tmp_path, "migrate"]
    status = answered(cli(*data, "status"))
    assert status["pending"] == len(status["steps"]) > 0
    plan = answered(cli(*data, "plan"))["steps"]
    assert all("CREATE TABLE" in step["sql"] for step in plan) and not (tmp_path / "tradewind.db").exists()
    start = subprocess.run(
        [str(binary()), "serve", "--data", str(tmp_path), "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"],
        env={"TRADEWIND__STORE__MIGRATE_AT_START": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert start.returncode == 1 and "tradewind migrate apply" in start.stderr, start.stderr
    assert len(answered(cli(*data, "apply"))["applied"]) == len(plan)
    assert answered(cli(*data, "apply"))["applied"] == []
    assert answered(cli(*data, "status"))["pending"] == 0


def test_retention(start_gateway, receiver, tmp_path):
    """What is old and settled goes in order, is kept in a file, and nothing else changes."""
    gateway = start_gateway()
    client = gateway.client()
    told, silent = receiver.hook(), receiver.hook(rest=REFUSE)
    codes = [client.paid(NODIFY_URL=told.url())["CHARGE_CODE"] for _ in range(3)]
    failing = client.paid(NODIFY_URL=silent.url())["CHARGE_CODE"]
    later = client.paid(NODIFY_URL=told.url())["CHARGE_CODE"]
    told.wait(4)
    gateway.wait_delivery(later, "done")
    gateway.advance(3 * 86400)
    gateway.wait_delivery(failing, "failed")
    young = client.paid(NODIFY_URL=told.url())["CHARGE_CODE"]
    gateway.wait_delivery(young, "done")

    def retention(*arguments):
        return answered(gateway.cli("retention", *arguments))

    assert gateway.cli("retention", "preview").returncode == 2
    preview = retention("preview", "--events-before", "2d", "--tasks-before", "2d")
    assert (preview["events"], preview["tasks"]) == (3, 4)
    assert [task["state"] for task in preview["held_by"]] == ["failed"]
    assert retention("preview", "--events-before", "30d")["events"] == 0
    archive = tmp_path / "archive.jsonl"
    gone = retention("apply", "--events-before", "2d", "--archive", str(archive))
    assert (gone["events"], gone["tasks"]) == (3, 3)
    rows = [json.loads(line) for line in archive.read_text().splitlines()]
    assert [row["event"]["number"] for row in rows if "event" in row] == [1, 2, 3]
    assert {row["task"]["state"] for row in rows if "task" in row} == {"done"}
    assert gateway.cli("retention", "apply", "--events-before", "2d", "--archive", str(archive)).returncode == 1
    gateway.verify()
    numbers = [row["number"] for row in gateway.ops("GET", "partners/0010000001/events")["events"]]
    assert numbers == [4, 5, 6]
    client.expect_state(codes[0], 1)
    client.pre_order(client.scan(CHARGE_CODE=codes[0])).expect("SERIAL_REPEAT")
    # Once the failed delivery is called off, the rest goes; what is young stays.
    story = gateway.ops("GET", f"orders/{failing}", partner="0010000001")
    gateway.ops("POST", f"partners/0010000001/tasks/{story['tasks'][0]['id']}/cancel", {})
    assert retention("apply", "--events-before", "2d")["events"] == 2
    gateway.verify()
    client.paid()
    numbers = [row["number"] for row in gateway.ops("GET", "partners/0010000001/events")["events"]]
    assert numbers == [6, 7]
    gateway.verify()


def test_orders_that_have_gone(start_gateway, receiver, tmp_path, target):
    """What nothing can happen to any more goes, is kept in a file, and its numbers are taken for ever."""
    gateway = start_gateway()
    client = gateway.client()
    told, silent = receiver.hook(), receiver.hook(rest=REFUSE)
    sent = client.scan(AMT="20.00", CHARGE_CODE=unique("M"), NODIFY_URL=told.url())
    down = client.pre_order(sent).ok()["CHARGE_DOWN_CODE"]
    returning = client.returning(sent["CHARGE_CODE"], "20.00", OUT_REFUND_NO=unique("R"))
    client.refund(returning).ok()
    quiet = client.paid("3.00")["CHARGE_CODE"]
    revoked = client.paid("4.00")["CHARGE_CODE"]
    client.cancel(revoked).ok()
    partly = client.paid("5.00")["CHARGE_CODE"]
    client.refund(client.returning(partly, "1.00")).ok()
    failing = client.paid("6.00", NODIFY_URL=silent.url())["CHARGE_CODE"]
    client.refund(client.returning(failing, "6.00")).ok()
    told.wait(1)
    gateway.wait_delivery(sent["CHARGE_CODE"], "done")
    placed_ms = [gateway.story(code)["order"]["created_at_ms"] for code in (sent["CHARGE_CODE"], revoked)]
    gateway.advance(90 * 86400)
    gateway.wait_delivery(failing, "failed")
    young = client.paid("7.00")["CHARGE_CODE"]

    def retention(*arguments):
        return answered(gateway.cli("retention", *arguments, "--orders-before", "60d"))

    assert gateway.cli("retention", "preview", "--orders-before", "23h").returncode == 2
    preview = retention("preview")
    found = preview["orders"]
    assert not preview["applied"] and (found["count"], found["refunds"]) == (2, 2)
    assert [found["oldest_ms"], found["newest_ms"]] == placed_ms
    ids = {code: gateway.story(code)["order"]["id"] for code in (quiet, partly, failing)}
    assert found["kept"] == [
        {"reason": "refundable", "count": 2, "order": ids[quiet]},
        {"reason": "task", "count": 1, "order": ids[failing]},
    ]
    archive = tmp_path / "orders.jsonl"
    gone = retention("apply", "--archive", str(archive))
    assert gone["applied"] and gone["orders"] == found
    rows = [json.loads(line) for line in archive.read_text().splitlines()]
    assert [row["order"]["number"] for row in rows] == [sent["CHARGE_CODE"], revoked]
    assert [refund["number"] for refund in rows[0]["refunds"]] == [returning["OUT_REFUND_NO"]]
    assert [payment["state"] for row in rows for payment in row["payments"]] == ["paid", "paid"]
    assert retention("apply")["orders"]["count"] == 0, "a second run finds nothing more"

    def check(gateway, client):
        client.pre_order(sent).expect("SERIAL_REPEAT")
        client.order(client.precreate(CHARGE_CODE=revoked)).expect("SERIAL_REPEAT")
        client.refund(returning).expect("SERIAL_REPEAT")
        client.refund(client.returning(partly, "1.00", OUT_REFUND_NO=returning["OUT_REFUND_NO"])).expect("SERIAL_REPEAT")
        client.refund(client.returning(sent["CHARGE_CODE"], "1.00")).expect("CHARGE_NONEXISTENT")
        client.cancel(revoked).expect("CHARGE_NONEXISTENT")
        for code, ser_type in [(sent["CHARGE_CODE"], "0"), (down, "1"), (returning["OUT_REFUND_NO"], "2")]:
            client.query(code, ser_type).expect("CHARGE_NONEXISTENT")
        listed = client.trades(beginDate="2016-08-05", endDate="2016-11-04", pageSize=100).ok()
        assert {trade["CHARGE_CODE"] for trade in listed["tradeInfos"]} == {quiet, partly, failing, young}
        assert int(listed.body["totalSize"]) == 4
        client.expect_state(partly, 4)
        client.expect_state(young, 1)
        report = gateway.verify()["checked"]
        assert (report["past_orders"], report["past_refunds"]) == (2, 2)

    check(gateway, client)
    gateway.stop()
    done = answered(copy(store_of(gateway), target.place, "--retire-source"))
    assert done["clean"] and not done["differences"]
    moved = target.gateway(gateway).start()
    try:
        check(moved, moved.client())
        # Once nothing is left to give back, what was kept for that goes too.
        moved.advance(300 * 86400)
        last = answered(moved.cli("retention", "apply", "--orders-before", "60d"))["orders"]
        assert last["count"] == 1 and [kept["reason"] for kept in last["kept"]] == ["refundable", "task"]
    finally:
        moved.stop()
