//! The plans of the queries that matter: each uses the index that its comment names.

use rusqlite::Connection;

use crate::migrate::{MIGRATIONS, migrate};
use crate::verify::catalogue;
use crate::{export, leases, list, load, pages, retention, verify};

fn check(connection: &Connection, sql: &str, expected: &[&str]) {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let plan: Vec<String> =
        explain.raw_query().mapped(|row| row.get(3)).collect::<rusqlite::Result<_>>().unwrap();
    assert_eq!(plan, expected, "{sql}");
}

#[test]
fn hot_queries_use_their_index() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, MIGRATIONS).unwrap();
    for (sql, expected) in [
        (load::PARTNER, &["SEARCH partners USING INTEGER PRIMARY KEY (rowid=?)"][..]),
        (load::ENDPOINTS, &["SEARCH endpoints USING PRIMARY KEY (partner=?)"]),
        (load::STREAM, &["SEARCH streams USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::ORDER, &["SEARCH o USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::ORDER_BY_NUMBER, &["SEARCH o USING INDEX orders_number (partner=? AND number=?)"]),
        (load::PAYMENTS, &["SEARCH p USING PRIMARY KEY (order_id=?)"]),
        (load::REFUNDS, &["SEARCH refunds USING PRIMARY KEY (order_id=?)"]),
        (
            load::ORDER_OF_REFUND,
            &["SEARCH refunds USING COVERING INDEX refunds_number (partner=? AND number=?)"],
        ),
        (load::ANY_PAST, &["SCAN CONSTANT ROW", "SCALAR SUBQUERY 1", "SCAN past_orders"]),
        (load::PAST_ORDER, &["SEARCH d USING PRIMARY KEY (partner=? AND number=?)"]),
        (load::PAST_REFUND, &["SEARCH d USING PRIMARY KEY (partner=? AND number=?)"]),
        (
            retention::ORDERS_BETWEEN,
            &["SEARCH orders USING COVERING INDEX orders_partner (partner=? AND rowid>? AND rowid<?)"],
        ),
        (load::TASK, &["SEARCH tasks USING PRIMARY KEY (order_id=? AND id=?)"]),
        (load::EVENT, &["SEARCH events USING PRIMARY KEY (partner=? AND number=?)"]),
        (load::KEY_ID, &["SEARCH credentials USING INDEX credentials_key_id (dialect=? AND key_id=?)"]),
        (load::CREDENTIALS, &["SEARCH credentials USING PRIMARY KEY (partner=?)"]),
        (load::USER, &["SEARCH users USING PRIMARY KEY (partner=? AND login=?)"]),
        (leases::NEXT_PARTNER, &["SEARCH tasks USING COVERING INDEX tasks_due (partner>?)"]),
        (leases::DUE, &["SEARCH tasks USING INDEX tasks_due (partner=? AND due_at<?)"]),
        (leases::NEXT_DUE, &["SEARCH tasks USING COVERING INDEX tasks_due (partner=? AND due_at>?)"]),
        (
            pages::COUNT_ORDERS,
            &["SEARCH o USING COVERING INDEX orders_partner (partner=? AND rowid>? AND rowid<?)"],
        ),
        (
            pages::PAGE_ORDERS,
            &[
                "CO-ROUTINE (subquery-1)",
                "SEARCH o USING COVERING INDEX orders_partner (partner=? AND rowid>? AND rowid<?)",
                "SCAN (subquery-1)",
                "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH p USING PRIMARY KEY (order_id=? AND id=?)",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (
            pages::LOOK_AT_ORDERS,
            &[
                "SEARCH o USING INDEX orders_partner (partner=? AND rowid>? AND rowid<?)",
                "CORRELATED SCALAR SUBQUERY 1",
                "SEARCH p USING PRIMARY KEY (order_id=? AND id=?)",
            ],
        ),
        (
            pages::ORDER_OF_PAGE,
            &[
                "SEARCH o USING INTEGER PRIMARY KEY (rowid=?)",
                "SEARCH p USING PRIMARY KEY (order_id=? AND id=?)",
            ],
        ),
        (
            pages::PAGE_NUMBERED,
            &[
                "SEARCH o USING INDEX orders_number (partner=? AND number=? AND rowid>? AND rowid<?)",
                "CORRELATED SCALAR SUBQUERY 1",
                "SEARCH p USING PRIMARY KEY (order_id=? AND id=?)",
                "SEARCH p USING PRIMARY KEY (order_id=? AND id=?)",
            ],
        ),
        (
            pages::COUNT_REDEMPTIONS,
            &["SEARCH r USING COVERING INDEX redemptions_by (by_partner=? AND device=? AND id>? AND id<?)"],
        ),
        (
            pages::PAGE_REDEMPTIONS,
            &[
                "CO-ROUTINE (subquery-1)",
                "SEARCH r USING COVERING INDEX redemptions_by (by_partner=? AND device=? AND id>? AND id<?)",
                "SCAN (subquery-1)",
                "SEARCH r USING PRIMARY KEY (voucher=? AND id=?)",
                "SEARCH v USING INTEGER PRIMARY KEY (rowid=?)",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (
            pages::LOOK_AT_REDEMPTIONS,
            &[
                "SEARCH r USING PRIMARY KEY (voucher=? AND id>? AND id<?)",
                "SCALAR SUBQUERY 1",
                "SEARCH v USING COVERING INDEX vouchers_code (code=?)",
            ],
        ),
        (
            pages::REDEMPTION_OF_PAGE,
            &[
                "SEARCH v USING INDEX vouchers_code (code=?)",
                "SEARCH r USING PRIMARY KEY (voucher=? AND id=?)",
            ],
        ),
        (
            pages::STRETCHES,
            &[
                "CO-ROUTINE seen",
                "SETUP",
                "SEARCH c USING PRIMARY KEY (grain=? AND stretch>? AND stretch<?)",
                "RECURSIVE STEP",
                "SCAN seen",
                "CORRELATED SCALAR SUBQUERY 2",
                "SEARCH c USING PRIMARY KEY (grain=? AND stretch>? AND stretch<?)",
                "SCAN seen",
                "SEARCH c USING PRIMARY KEY (grain=? AND stretch=? AND partner=? AND place=?)",
            ],
        ),
        (list::TRANSFERS, &["SEARCH transfers USING PRIMARY KEY (order_id=?)"]),
        (list::EVENTS_OF_ORDER, &["SEARCH events USING INDEX events_order (order_id=? AND partner=?)"]),
        (list::TASKS_OF_ORDER, &["SEARCH tasks USING PRIMARY KEY (order_id=?)"]),
        (list::PARTNERS, &["SEARCH partners USING INTEGER PRIMARY KEY (rowid>?)"]),
        (list::USERS, &["SEARCH users USING PRIMARY KEY (partner=? AND login>?)"]),
        (list::USERS_BY_LOGIN, &["SEARCH users USING INDEX users_login (login=?)"]),
        (list::EVENTS_AFTER, &["SEARCH events USING PRIMARY KEY (partner=? AND number>?)"]),
        (list::TASKS_ENDED, &["SEARCH tasks USING INDEX tasks_ended ((partner,id)>(?,?) AND partner<?)"]),
        (
            list::TASKS_PENDING,
            &["SEARCH tasks USING INDEX tasks_due ((partner,due_at,order_id,id)>(?,?,?,?) AND partner<?)"],
        ),
        (list::TASKS, &["SEARCH tasks USING PRIMARY KEY ((order_id,id)>(?,?))"]),
        (
            list::TASKS_OF_VOUCHERS,
            &[
                "SEARCH v USING COVERING INDEX vouchers_partner (partner=? AND rowid>? AND rowid<?)",
                "SEARCH t USING PRIMARY KEY (order_id=?)",
            ],
        ),
        (
            list::TASKS_OF_ORDERS,
            &[
                "SEARCH o USING COVERING INDEX orders_partner (partner=? AND rowid>? AND rowid<?)",
                "SEARCH t USING PRIMARY KEY (order_id=?)",
            ],
        ),
        (list::VOUCHER_BEYOND, &["SEARCH v USING COVERING INDEX vouchers_partner (partner=? AND rowid<?)"]),
        (list::ORDER_BEYOND, &["SEARCH o USING COVERING INDEX orders_partner (partner=? AND rowid>?)"]),
        (
            list::TASKS_OF_SKUS,
            &[
                "SEARCH s USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
                "SEARCH t USING PRIMARY KEY (order_id=?)",
            ],
        ),
        (list::SKU_BEYOND, &["SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"]),
        (list::ENDED_TASK, &["SEARCH tasks USING INDEX tasks_ended (partner=? AND id=?)"]),
        (
            list::PENDING_TASK,
            &[
                "SEARCH tasks USING PRIMARY KEY (order_id=? AND id=?)",
                "SCALAR SUBQUERY 1",
                "SEARCH tasks USING COVERING INDEX tasks_due (partner=?)",
            ],
        ),
        (export::PARTNERS, &["SEARCH partners USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::CREDENTIALS, &["SEARCH credentials USING PRIMARY KEY ((partner,id)>(?,?))"]),
        (export::USERS, &["SEARCH users USING PRIMARY KEY ((partner,login)>(?,?))"]),
        (export::ENDPOINTS, &["SEARCH endpoints USING PRIMARY KEY ((partner,id)>(?,?))"]),
        (export::STREAMS, &["SEARCH streams USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::ORDERS, &["SEARCH o USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::PAYMENTS, &["SEARCH p USING PRIMARY KEY ((order_id,id)>(?,?))"]),
        (export::REFUNDS, &["SEARCH refunds USING PRIMARY KEY ((order_id,id)>(?,?))"]),
        (export::PAST_ORDERS, &["SEARCH d USING PRIMARY KEY ((partner,number)>(?,?))"]),
        (export::PAST_REFUNDS, &["SEARCH d USING PRIMARY KEY ((partner,number)>(?,?))"]),
        (export::PRODUCTS, &["SEARCH p USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::SKUS, &["SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::STOCKS, &["SEARCH t USING PRIMARY KEY ((sku,day)>(?,?))"]),
        (export::DEPOSITS, &["SEARCH deposits USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::VOUCHERS, &["SEARCH v USING INTEGER PRIMARY KEY (rowid>?)"]),
        (export::REDEMPTIONS, &["SEARCH r USING PRIMARY KEY ((voucher,id)>(?,?))"]),
        (export::TRANSFERS, &["SEARCH transfers USING PRIMARY KEY ((order_id,id)>(?,?))"]),
        (export::EVENTS, &["SEARCH events USING PRIMARY KEY ((partner,number)>(?,?))"]),
        (export::TASKS, &["SEARCH tasks USING PRIMARY KEY ((order_id,id)>(?,?))"]),
        (list::FACTS, &["SEARCH facts USING PRIMARY KEY (name>? AND name<?)"]),
        (export::FACTS, &["SEARCH facts USING PRIMARY KEY (name>?)"]),
        (verify::ORDERS, &["SCAN o"]),
        (verify::PAYMENTS, &["SCAN p"]),
        (verify::REFUNDS, &["SCAN refunds"]),
        (verify::PAST_ORDERS, &["SCAN d", "USE TEMP B-TREE FOR ORDER BY"]),
        (verify::PAST_REFUNDS, &["SCAN d", "USE TEMP B-TREE FOR ORDER BY"]),
        (verify::LINES, &["SCAN l"]),
        (verify::BOUGHT, &["SEARCH v USING INDEX vouchers_order (order_id>?)"]),
        (
            verify::BOUGHT_REDEMPTIONS,
            &[
                "SEARCH v USING COVERING INDEX vouchers_order (order_id>?)",
                "SEARCH r USING PRIMARY KEY (voucher=?)",
            ],
        ),
        (verify::TRANSFERS, &["SEARCH transfers USING PRIMARY KEY (order_id>?)"]),
        (verify::EVENTS, &["SEARCH events USING INDEX events_order (order_id>? AND order_id<?)"]),
        (verify::TASKS, &["SEARCH tasks USING PRIMARY KEY (order_id>? AND order_id<?)"]),
        (catalogue::PRODUCTS, &["SCAN p"]),
        (
            catalogue::SKUS,
            &["SCAN s", "CORRELATED SCALAR SUBQUERY 1", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        (catalogue::STOCKS, &["SCAN t"]),
        (catalogue::SKU_EVENTS, &["SEARCH events USING INDEX events_order (order_id>?)"]),
        (catalogue::SKU_TASKS, &["SEARCH tasks USING PRIMARY KEY (order_id>?)"]),
        (catalogue::DEPOSITS, &["SCAN deposits"]),
        (catalogue::DEPOSIT_TRANSFERS, &["SEARCH transfers USING PRIMARY KEY (order_id<?)"]),
        (catalogue::DEPOSIT_NUMBERS_TWICE, &["SCAN deposits USING COVERING INDEX deposits_number"]),
        (verify::VOUCHERS, &["SCAN v"]),
        (verify::REDEMPTIONS, &["SCAN r"]),
        (verify::VOUCHER_EVENTS, &["SEARCH events USING INDEX events_order (order_id<?)"]),
        (verify::VOUCHER_TASKS, &["SEARCH tasks USING PRIMARY KEY (order_id<?)"]),
        (verify::VOUCHER_NUMBERS_TWICE, &["SCAN vouchers USING COVERING INDEX vouchers_number"]),
        (verify::VOUCHER_CODES_TWICE, &["SCAN vouchers USING COVERING INDEX vouchers_code"]),
        (load::VOUCHER, &["SEARCH v USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::VOUCHER_BY_NUMBER, &["SEARCH v USING INDEX vouchers_number (partner=? AND number=?)"]),
        (load::VOUCHER_BY_CODE, &["SEARCH v USING INDEX vouchers_code (code=?)"]),
        (load::LINE, &["SEARCH l USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::VOUCHERS_OF, &["SEARCH v USING INDEX vouchers_order (order_id=?)"]),
        (load::REDEMPTION_BY_ID, &["SEARCH r USING INDEX redemptions_id (id=?)"]),
        (load::PRODUCT, &["SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::SKU, &["SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"]),
        (load::SKUS_OF, &["SEARCH s USING INDEX skus_product (product=?)"]),
        (load::STOCK, &["SEARCH t USING PRIMARY KEY (sku=? AND day=?)"]),
        (load::BALANCE, &["SEARCH accounts USING PRIMARY KEY (partner=? AND account=?)"]),
        (load::DEPOSIT, &["SEARCH deposits USING INDEX deposits_number (partner=? AND number=?)"]),
        (list::catalogue::COUNT_SKUS, &["SCAN p", "SEARCH s USING INDEX skus_product (product=?)"]),
        (list::catalogue::PAGE_SKUS, &["SCAN s", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"]),
        (
            list::catalogue::SKU_ON_SALE,
            &["SEARCH s USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)"],
        ),
        (list::catalogue::STOCKS, &["SEARCH t USING PRIMARY KEY (sku=? AND day>? AND day<?)"]),
        (list::catalogue::PRODUCTS, &["SEARCH p USING INTEGER PRIMARY KEY (rowid>?)"]),
        (list::catalogue::PRODUCTS_OF, &["SEARCH p USING INDEX products_partner (partner=? AND rowid>?)"]),
        (list::purchases::REDEMPTIONS_OF, &["SEARCH r USING PRIMARY KEY (voucher=?)"]),
        (
            list::purchases::REDEMPTIONS_OF_ORDER,
            &[
                "SEARCH v USING INDEX vouchers_order (order_id=?)",
                "SEARCH r USING PRIMARY KEY (voucher=?)",
                "USE TEMP B-TREE FOR ORDER BY",
            ],
        ),
        (
            list::purchases::REFUNDS_UNDER_REVIEW,
            &["SEARCH refunds USING INDEX refunds_review ((partner,id)>(?,?))"],
        ),
        (
            list::purchases::DEPOSITS,
            &["SEARCH deposits USING INDEX deposits_partner (partner=? AND rowid>?)"],
        ),
        (list::purchases::BALANCES, &["SEARCH accounts USING PRIMARY KEY (partner=?)"]),
        (load::REDEMPTION, &["SEARCH r USING PRIMARY KEY (voucher=? AND id=?)"]),
        (verify::COUNTS, &["SCAN counts"]),
        (
            verify::ORDER_NUMBERS_AGAIN,
            &["SCAN d", "SEARCH o USING COVERING INDEX orders_number (partner=? AND number=?)"],
        ),
        (
            verify::REFUND_NUMBERS_AGAIN,
            &["SCAN d", "SEARCH r USING COVERING INDEX refunds_number (partner=? AND number=?)"],
        ),
        (verify::REFUND_NUMBERS_TWICE, &["SCAN refunds USING COVERING INDEX refunds_number"]),
        (verify::ORDER_NUMBERS_TWICE, &["SCAN orders USING COVERING INDEX orders_number"]),
    ] {
        check(&connection, sql, expected);
    }
}
