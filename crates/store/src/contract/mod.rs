//! The contract that every store keeps, as checks that any store's tests can run.
//!
//! A store's test file names how a future is run and how a [`Fixture`] with an empty database is
//! made, and gets one `#[test]` for each check:
//!
//! ```text
//! tradewind_store::contract_tests!(run, fixture);
//! ```
//!
//! with `fn run(future: impl Future<Output = ()>)` and `fn fixture() -> Fixture`. Checks panic when
//! the contract is broken; the ones that go by chance print their seed.
//!
//! What a store has to keep beyond the signatures of its traits:
//!
//! * a unique key that is violated is [`StoreError::Conflict`](crate::StoreError::Conflict), and so is
//!   an update of a row that is not there; nothing of the set is left behind;
//! * what identifies a row and what it is about is written once; an update writes only what can
//!   change (an order's stage, amounts given back and times, what has become of the units it buys, who
//!   travels and what was sent; a payment's or refund's state and what the channel or a reviewer says of
//!   it; what has become of a voucher's uses and whether it is in force; a task's state and schedule; of
//!   products, skus and stocks all but whose they are);
//! * no batch sees a stock or a balance that another batch is about to change: what is decided on them is
//!   still true when it is committed, or the commit is a conflict, also where the balance has no row yet;
//! * a key id of a dialect belongs to one partner for ever; that partner may hold several credentials
//!   of that key id at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "these are tests, in a place where other crates' tests can reach them"
)]

pub mod catalogue;
pub mod commits;
pub mod contention;
pub mod corruption;
pub mod desk;
pub mod leasing;
pub mod life;
pub mod listing;
pub mod moving;
pub mod paging;
pub mod past;
pub mod purchases;
pub mod retention;
pub mod roundtrips;
pub mod samples;
pub mod shop;
pub mod tickets;
pub mod vouchers;

use std::any::Any;
use std::sync::Arc;

use crate::{BoxFuture, Store};

/// A store with an empty database, to be used up by one check.
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Runs a statement of plain SQL past the store's back, without foreign keys, to damage what is
    /// stored. Table and column names are the same in all stores.
    pub sql: Box<dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync>,
    /// Whatever has to live as long as the database, for instance its folder; dropped last.
    pub keep: Box<dyn Any + Send>,
}

/// Makes one `#[test]` for each check of the contract: see [`mod@crate::contract`].
#[macro_export]
macro_rules! contract_tests {
    ($run:ident, $fixture:ident) => {
        $crate::contract_tests! {@checks $run, $fixture,
            roundtrips: partners_and_what_belongs_to_them, orders, payments, refunds, tasks, transfers_and_events,
                absent_rows_are_left_out, nobody_sees_the_rows_of_another, facts_by_prefix,
                facts_are_remembered, facts_are_settled_once;
            commits: unique_numbers_conflict, a_set_with_a_conflict_leaves_nothing, updates_need_their_row,
                account_sums_accumulate, streams_go_on, tasks_change_while_they_are_there,
                a_commit_is_seen_by_the_next_read, lanes_do_not_both_take_a_number, an_empty_set_is_fine;
            leasing: not_leased_twice, only_what_is_due, limits_and_more, partners_take_turns,
                released_or_changed_tasks_come_again, concurrent_leases_are_disjoint,
                leases_nobody_waits_for_are_given_back, workers_and_commits_at_once;
            listing: orders_by_page, orders_by_filter, standing_agrees_with_the_domain, tasks_by_filter,
                partners_users_and_events, tasks_by_id, stories;
            paging: orders_like_a_model, removed_orders_are_not_counted, what_is_acknowledged_is_counted,
                filters_look_at_no_more_than_they_may, redemptions_like_a_model,
                tasks_behind_much_that_has_none;
            life: a_paid_and_notified_order, a_refused_and_a_done_refund, a_late_success, a_batch_of_many,
                random_sequences_verify_clean;
            retention: settled_events_go_in_order, settled_tasks_go_alone, pages_and_second_looks,
                a_cut_hides_no_gap, places_as_text;
            past: settled_orders_go, numbers_stay_taken, a_second_look_decides, an_order_goes_once,
                purchases_stay, random_businesses_go_clean;
            vouchers: vouchers_and_what_belongs_to_them, events_and_tasks_of_vouchers, unique_names_conflict,
                redemptions_by_page_and_filter, a_voucher_is_used_up;
            catalogue: products_skus_and_stocks, catalogue_conflicts, skus_on_sale, calendars, products_by_seller,
                listeners;
            purchases: orders_with_lines, vouchers_and_redemptions_of_orders, redemptions_of_a_voucher,
                refunds_under_review, deposits_and_balances, purchase_conflicts;
            tickets: a_ticket_is_bought_and_used, a_hold_is_paid_lapses_or_is_cancelled, a_batch_of_purchases,
                random_purchases_verify_clean, a_limit_is_lowered_later;
            contention: the_last_units_of_a_stock, the_last_of_a_balance, lanes_that_want_the_same_stocks;
            corruption: good_data_verifies_clean, every_kind_of_damage_is_found, damaged_vouchers_are_found,
                damaged_past_orders_are_found,
                damaged_counts_are_found,
                damaged_purchases_are_found, damaged_units_are_found, damaged_stocks_and_balances_are_found,
                findings_are_bounded;
        }
    };
    (@checks $run:ident, $fixture:ident, $($module:ident: $($check:ident),+;)+) => {$(
        mod $module {
            $(
                #[test]
                fn $check() {
                    super::$run($crate::contract::$module::$check(super::$fixture()));
                }
            )+
        }
    )+};
}
