//! What every command does to every state, written down by hand from the life cycle that the partner
//! protocols agree on and from the design, and compared with the tables that running the rules gives.
//!
//! In a cell, `=` is "accepted, stays", a word is the new state, `!` comes before the name of a refusal,
//! and `^` says that money which came too late goes back to the payer. A row may name several states.

use std::collections::{BTreeMap, BTreeSet};

use tradewind_domain::OrderStanding;
use tradewind_domain::transitions::{Cell, Table, tables};

/// Compares one table with its expectation, over all pairs and in both directions.
fn check(title: &str, expected: &str) {
    let table = find(title);
    let mut lines = expected.lines().filter(|line| !line.trim().is_empty()).map(split);
    let head = lines.next().expect("a head");
    let mut wanted = BTreeMap::new();
    for line in lines {
        assert_eq!(line.len(), head.len(), "{title}: {line:?}");
        for row in line[0].split(';').map(str::trim) {
            for (column, cell) in head.iter().zip(&line).skip(1) {
                let before = wanted.insert((row.to_owned(), column.clone()), cell.clone());
                assert!(before.is_none(), "{title}: {row} is expected twice");
            }
        }
    }
    let mut got = BTreeMap::new();
    for (row, cells) in table.rows.iter().zip(&table.cells) {
        for (column, cell) in table.columns.iter().zip(cells) {
            got.insert((row.clone(), column.clone()), short(cell));
        }
    }
    for (pair, cell) in &got {
        assert_eq!(wanted.get(pair), Some(cell), "{title}: {pair:?}");
    }
    assert_eq!(wanted.len(), got.len(), "{title}: a state or command is expected that is not there");
}

fn find(title: &str) -> Table {
    tables().into_iter().find(|table| table.title == title).unwrap_or_else(|| panic!("no table {title:?}"))
}

fn split(line: &str) -> Vec<String> {
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn short(cell: &Cell) -> String {
    match cell {
        Cell::Accepted { state, returned } => {
            format!("{}{}", state.as_deref().unwrap_or("="), if *returned { "^" } else { "" })
        }
        Cell::Refused(name) => format!("!{name}"),
    }
}

#[test]
fn every_table_has_an_expectation_here() {
    let titles: Vec<&str> = tables().iter().map(|table| table.title).collect();
    let expected = [
        "Orders: reports of the payment, and time",
        "Orders: refunds",
        "Orders: placing and revoking",
        "Payments",
        "Refunds",
        "Tasks",
        "Purchases",
        "Vouchers",
    ];
    assert_eq!(titles, expected);
}

/// Pending goes to paid when the channel says so, to closed when the channel ends it; time revokes what
/// was scanned at a counter and closes what waited for its payer. An order under review waits for the
/// review. A success that finds the order revoked or closed is returned and changes nothing.
#[test]
fn orders_by_reports_of_the_payment_and_time() {
    check(
        "Orders: reports of the payment, and time",
        "
        state | payment paid | payment declined | payment waiting | payment cancelled | payment not found | payment no answer | lapse, due | lapse, not due
        (none) | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        open, payer's code scanned | paid | closed | = | closed | = | = | revoked | !wrong_state
        open, payer scans; open, in the wallet; open, in an app | paid | closed | = | closed | = | = | closed | !wrong_state
        open, from the balance | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | closed | !wrong_state
        revocation applied, unpaid; revocation applied, declined meanwhile; revocation applied, paid | = | = | = | = | = | = | !wrong_state | !wrong_state
        revoked unpaid, being cancelled; revoked unpaid, cancelled | =^ | = | = | = | = | = | !wrong_state | !wrong_state
        closed by time, being cancelled; closed by time, cancelled; closed by a decline | =^ | = | = | = | = | = | !wrong_state | !wrong_state
        paid; partly refunded; refunded; refund failed | = | = | = | = | = | = | !wrong_state | !wrong_state
        revoked, money returned; closed, time for refunds over | = | = | = | = | = | = | !wrong_state | !wrong_state
        refunding a part, just sent; refunding a part, pending; refunding all | = | = | = | = | = | = | !wrong_state | !wrong_state
        refunding a second part; refunding the rest; refunding to revoke | = | = | = | = | = | = | !wrong_state | !wrong_state
        ",
    );
}

/// Only what is paid, partly refunded or failed to be refunded may be refunded, one refund at a time, and
/// never more than was paid. A refund that is done leads to partly refunded or refunded by the sum, one
/// that is refused to refund failed, or back to partly refunded when an earlier part has gone back.
#[test]
fn orders_by_refunds() {
    check(
        "Orders: refunds",
        "
        state | refund a part | refund the rest | refund too much | refund succeeded | refund refused | refund pending | refund not found | refund no answer
        (none) | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        open, payer's code scanned; open, payer scans; open, in the wallet; open, in an app; open, from the balance | !wrong_state | !wrong_state | !wrong_state | !not_found | !not_found | !not_found | !not_found | !not_found
        revocation applied, unpaid; revocation applied, declined meanwhile; revocation applied, paid | !wrong_state | !wrong_state | !wrong_state | !not_found | !not_found | !not_found | !not_found | !not_found
        closed by time, being cancelled; closed by time, cancelled; closed by a decline; closed, time for refunds over | !wrong_state | !wrong_state | !wrong_state | !not_found | !not_found | !not_found | !not_found | !not_found
        revoked unpaid, being cancelled; revoked unpaid, cancelled | !already_revoked | !already_revoked | !already_revoked | !not_found | !not_found | !not_found | !not_found | !not_found
        revoked, money returned | !already_revoked | !already_revoked | !already_revoked | = | = | = | = | =
        paid; partly refunded | refunding | refunding | !amount | !not_found | !not_found | !not_found | !not_found | !not_found
        refund failed | refunding | refunding | !amount | = | = | = | = | =
        refunded | !amount | !amount | !amount | = | = | = | = | =
        refunding a part, just sent | !refund_in_flight | !refund_in_flight | !amount | partly refunded | refund failed | = | = | =
        refunding a part, pending | !refund_in_flight | !amount | !amount | partly refunded | refund failed | = | = | =
        refunding all | !refund_in_flight | !refund_in_flight | !amount | refunded | refund failed | = | = | =
        refunding a second part | !refund_in_flight | !refund_in_flight | !amount | partly refunded | partly refunded | = | = | =
        refunding the rest | !refund_in_flight | !refund_in_flight | !amount | refunded | partly refunded | = | = | =
        refunding to revoke | !refund_in_flight | !refund_in_flight | !amount | revoked | refund failed | = | = | =
        ",
    );
}

/// A number is taken for ever. What is open is revoked at once, what is paid as soon as the money is
/// back. Open and paid orders may be applied for; approval revokes, rejection restores.
#[test]
fn orders_by_placing_and_revoking() {
    check(
        "Orders: placing and revoking",
        "
        state | place | revoke now | apply for revocation | approve | reject
        (none) | open | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        open, payer's code scanned; open, payer scans; open, in the wallet; open, in an app | !number_taken | revoked | revocation applied | !wrong_state | !wrong_state
        open, from the balance | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        paid | !number_taken | refunding | revocation applied | !wrong_state | !wrong_state
        revocation applied, unpaid | !number_taken | !wrong_state | !wrong_state | revoked | open
        revocation applied, declined meanwhile | !number_taken | !wrong_state | !wrong_state | revoked | closed
        revocation applied, paid | !number_taken | !wrong_state | !wrong_state | refunding | paid
        revoked unpaid, being cancelled; revoked unpaid, cancelled; revoked, money returned | !number_taken | !already_revoked | !already_revoked | !wrong_state | !wrong_state
        closed by time, being cancelled; closed by time, cancelled | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        closed by a decline; closed, time for refunds over | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        partly refunded; refunded; refund failed | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        refunding a part, just sent; refunding a part, pending; refunding all | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        refunding a second part; refunding the rest; refunding to revoke | !number_taken | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        ",
    );
}

/// Silence settles nothing. While an order that has ended is being cancelled at the channel, "not found"
/// settles it only when no call can be on its way any more. News of money always count.
#[test]
fn payments_by_reports() {
    check(
        "Payments",
        "
        state | payment paid | payment declined | payment waiting | payment cancelled | payment not found | payment no answer
        unknown | paid | declined | waiting | cancelled | = | =
        waiting | paid | declined | = | cancelled | unknown | =
        paid; paid late, going back | = | = | = | = | = | =
        declined; cancelled | paid^ | = | = | = | = | =
        declined under review | paid | = | = | = | = | =
        cancelling | paid^ | cancelled | = | cancelled | = | =
        cancelling for a minute | paid^ | cancelled | = | cancelled | cancelled | =
        ",
    );
}

/// To be refunded goes to done or refused, and stays there. The return of a late success is never over
/// before it is done. No channel is asked about units.
#[test]
fn refunds_by_reports() {
    check(
        "Refunds",
        "
        state | refund succeeded | refund refused | refund pending | refund not found | refund no answer
        requested, unknown; revocation, unknown | succeeded | refused | pending | = | =
        requested, pending; revocation, pending | succeeded | refused | = | unknown | =
        requested, succeeded; requested, refused; requested, cancelled | = | = | = | = | =
        revocation, succeeded; revocation, refused; revocation, cancelled | = | = | = | = | =
        late success, unknown | succeeded | = | pending | = | =
        late success, pending | succeeded | unknown | = | unknown | =
        late success, succeeded; late success, refused; late success, cancelled | = | = | = | = | =
        units, unknown; units, pending; units, succeeded; units, refused; units, cancelled | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        ",
    );
}

/// Only the result of the attempt that was due counts. People may run deliveries again, call them off and
/// count them as done; what asks a channel for an outcome ends with the outcome alone, and what waits for its
/// time is not hurried.
#[test]
fn tasks_by_commands() {
    check(
        "Tasks",
        "
        state | delivery acknowledged | delivery postponed | delivery failed | delivery failed for the last time | delivery acknowledged, attempt overtaken | run again | call off | settle
        deliver, pending; send codes, pending | done | = | = | failed | = | = | cancelled | done
        deliver, done; send codes, done | = | = | = | = | = | pending | !wrong_state | =
        deliver, failed; send codes, failed | = | = | = | = | = | pending | cancelled | done
        deliver, cancelled; send codes, cancelled | = | = | = | = | = | pending | = | done
        follow payment, pending; follow refund, pending | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | = | !wrong_state | !wrong_state
        lapse order, pending; approve refund, pending | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | = | !wrong_state | !wrong_state
        lapse order, pending, its time to come; approve refund, pending, its time to come | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state | !wrong_state
        ",
    );
}

/// What is bought waits for its payment, or is paid at once; too low a balance declines the payment, and the
/// order may be paid as long as its time is not over. What is paid can be redeemed and given back, unit by
/// unit; what is under review can be neither until that is decided, once. An order that was not paid ends at
/// once when it is given back. The same number with the same content leads to what is there.
#[test]
fn purchases() {
    check(
        "Purchases",
        "
        state | buy | buy with other content | buy and pay | pay | pay with other content | lapse, due | redeem one | give back one | give back all | give back too much | give back the same again | approve the refund | reject the refund | send codes
        (none) | open | open | paid | !order_not_found | !order_not_found | !order_not_found | !not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        (none), balance too low | open | open | declined | !order_not_found | !order_not_found | !order_not_found | !not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        (none), sold out | !purchase | !purchase | !purchase | !order_not_found | !order_not_found | !order_not_found | !not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found | !order_not_found
        open; declined | = | !number_taken | = | paid | !number_taken | closed | !not_found | closed | closed | closed | closed | !not_found | !not_found | !wrong_state
        open, balance too low | = | !number_taken | = | declined | !number_taken | closed | !not_found | closed | closed | closed | closed | !not_found | !not_found | !wrong_state
        open, its time over | = | !number_taken | = | !wrong_state | !number_taken | closed | !not_found | closed | closed | closed | closed | !not_found | !not_found | !wrong_state
        paid | = | !number_taken | = | = | !number_taken | !wrong_state | partly used | under review | under review | !not_refundable | under review | !not_found | !not_found | =
        paid, rejected once | = | !number_taken | = | = | !number_taken | !wrong_state | partly used | under review | under review | !not_refundable | = | !wrong_state | !wrong_state | =
        paid, not refundable | = | !number_taken | = | = | !number_taken | !wrong_state | partly used | !not_refundable | !not_refundable | !not_refundable | !not_refundable | !not_found | !not_found | =
        paid, whole only | = | !number_taken | = | = | !number_taken | !wrong_state | partly used | !not_refundable | under review | !not_refundable | !not_refundable | !not_found | !not_found | =
        paid, its time just over | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | under review | under review | !not_refundable | under review | !not_found | !not_found | =
        paid, its time long over | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | !not_refundable | !not_refundable | !not_refundable | !not_refundable | !not_found | !not_found | =
        partly used | = | !number_taken | = | = | !number_taken | !wrong_state | = | under review | under review | !not_refundable | under review | !not_found | !not_found | =
        partly used and refunded | = | !number_taken | = | = | !number_taken | !wrong_state | = | under review | under review | !not_refundable | = | !wrong_state | !wrong_state | =
        partly refunded | = | !number_taken | = | = | !number_taken | !wrong_state | partly used | under review | under review | !not_refundable | = | !wrong_state | !wrong_state | =
        one under review | = | !number_taken | = | = | !number_taken | !wrong_state | = | !not_refundable | !not_refundable | !not_refundable | = | partly refunded | paid | =
        partly used, the rest under review | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | !not_refundable | !not_refundable | !not_refundable | = | used up | partly used | =
        all under review | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | !not_refundable | !not_refundable | !not_refundable | = | refunded | paid | =
        used up | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | !not_refundable | !not_refundable | !not_refundable | !not_refundable | !not_found | !not_found | !wrong_state
        used, the rest refunded; all refunded | = | !number_taken | = | = | !number_taken | !wrong_state | !wrong_state | !not_refundable | !not_refundable | !not_refundable | = | !wrong_state | !wrong_state | !wrong_state
        closed; closed after a decline | = | !number_taken | = | !wrong_state | !number_taken | !wrong_state | !not_found | !not_refundable | !not_refundable | !not_refundable | !not_refundable | !not_found | !not_found | !wrong_state
        ",
    );
}

/// Whatever is left of a voucher can be redeemed by its issuer and, within their quota, by those it names;
/// nobody else learns that it exists. What is used up, expired or cancelled cannot be redeemed. Only what
/// is unused can be cancelled, once. A number leads to one voucher for ever.
#[test]
fn vouchers() {
    check(
        "Vouchers",
        "
        state | issue | issue with other content | redeem one | redeem two | redeem one by who shares | redeem one by a stranger | cancel | cancel with another code
        (none) | active | active | !not_found | !not_found | !not_found | !not_found | !not_found | !not_found
        active, unused | = | !number_taken | = | = | = | !not_found | cancelled | !not_found
        active, one use left | = | !number_taken | used up | !wrong_state | used up | !not_found | cancelled | !not_found
        active, quota used up | = | !number_taken | = | used up | !wrong_state | !not_found | cancelled | !not_found
        used up | = | !number_taken | !wrong_state | !wrong_state | !wrong_state | !not_found | !wrong_state | !not_found
        expired | = | !number_taken | !wrong_state | !wrong_state | !wrong_state | !not_found | cancelled | !not_found
        cancelled | = | !number_taken | !already_revoked | !already_revoked | !already_revoked | !not_found | !already_revoked | !not_found
        refunded | = | !number_taken | !wrong_state | !wrong_state | !wrong_state | !not_found | !wrong_state | !not_found
        ",
    );
}

/// The arrows of an order's life. A refund, and so a revocation of what was paid, passes through
/// refunding while the channel is asked. A paid order closes by time alone, without a command.
#[test]
fn orders_move_along_these_arrows_and_no_other() {
    let expected: BTreeSet<(&str, &str)> = BTreeSet::from([
        ("(none)", "open"),
        ("open", "paid"),
        ("open", "revoked"),
        ("open", "closed"),
        ("open", "revocation applied"),
        ("paid", "revocation applied"),
        ("revocation applied", "revoked"),
        ("revocation applied", "refunding"),
        ("revocation applied", "open"),
        ("revocation applied", "paid"),
        // Rejected after the channel had ended the payment: the state before, and at once what follows.
        ("revocation applied", "closed"),
        ("paid", "refunding"),
        ("partly refunded", "refunding"),
        ("refund failed", "refunding"),
        ("refunding", "partly refunded"),
        ("refunding", "refunded"),
        ("refunding", "refund failed"),
        ("refunding", "revoked"),
    ]);
    let mut got = BTreeSet::new();
    for table in tables().into_iter().filter(|table| table.title.starts_with("Orders")) {
        for (row, cells) in table.rows.iter().zip(&table.cells) {
            for cell in cells {
                if let Cell::Accepted { state: Some(to), .. } = cell {
                    got.insert((standing_of(row), to.clone()));
                }
            }
        }
    }
    let got: BTreeSet<(&str, &str)> = got.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    assert_eq!(got, expected);
    for last in ["revoked", "refunded", "closed"] {
        assert!(got.iter().all(|(from, _)| *from != last), "{last} is final");
    }
}

/// Rows are named by their standing and what lies behind it.
fn standing_of(row: &str) -> String {
    let names = OrderStanding::ALL.map(|standing| standing.name().replace('_', " "));
    names.into_iter().find(|name| row.starts_with(name.as_str())).unwrap_or_else(|| row.to_owned())
}
