//! One who looks at the stock and at the balances all the time, at every process in turn.

use super::super::office::{self, Item};
use super::fleet::{Address, Addresses, look_into};
use super::{LIMIT_CENTS, Shared};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Looks shall not take the processors from what is looked at.
const PAUSE: Duration = Duration::from_millis(3);

/// Looks until it is over; returns how often something was seen.
pub(crate) fn watch(
    addresses: &Addresses,
    item: &Item,
    poor: &[String],
    market: &Shared,
    over: &AtomicBool,
) -> u64 {
    let mut looks = 0;
    let mut turn = 0;
    while !over.load(Ordering::Acquire) {
        turn += 1;
        let found = {
            let addresses = look_into(addresses);
            let up: Vec<&Address> = addresses.iter().flatten().collect();
            up.get(turn % up.len().max(1)).map(|address| address.operator.clone())
        };
        if let Some(operator) = found {
            let before = market.open().sums;
            // Between a kill and a start nobody answers.
            if let Ok(stock) = office::stock(&operator, item) {
                looks += 1;
                let mut market = market.open();
                let after = market.sums;
                let total = market.total;
                if let Some(fault) = stock.fault(total) {
                    market.violations.add(fault);
                }
                // What was acknowledged before the look is in it, but for what was asked to be given back.
                if stock.sold + after.asked_back < before.paid {
                    let (paid, back) = (before.paid, after.asked_back);
                    market.violations.add(format!(
                        "{paid} tickets were paid and at most {back} came back: the stock says {stock:?}"
                    ));
                }
                if stock.sold + stock.held + before.given_back > after.asked {
                    let (asked, back) = (after.asked, before.given_back);
                    market.violations.add(format!(
                        "{asked} tickets were asked for and {back} came back: the stock says {stock:?}"
                    ));
                }
            }
            let partner = poor.get(turn % poor.len().max(1));
            if let Some(Ok(cents)) = partner.map(|partner| office::available_cents(&operator, partner))
                && cents < -LIMIT_CENTS
            {
                market.open().violations.add(format!("{cents} cents are below the limit of {LIMIT_CENTS}"));
            }
        }
        std::thread::park_timeout(PAUSE);
    }
    looks
}
