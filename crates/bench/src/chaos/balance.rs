//! The ledger against the clients' books: what each partner is owed is what it was told.

use crate::kill::plan::Plan;
use crate::postgres::sql::Sql;
use std::collections::HashMap;

/// The database of the run.
pub(crate) const DATABASE: &str = "chaos";

const MICROS_PER_CENT: i64 = 10_000;

/// Posted credits less debits of what is owed to each partner, and everything that is pending.
const OWED: &str = "
    SELECT k.key_id, coalesce(sum(a.credits_posted - a.debits_posted) FILTER (WHERE a.account = 'payable'), 0)::int8,
        coalesce(sum(a.credits_pending + a.debits_pending), 0)::int8
    FROM key_ids k LEFT JOIN accounts a ON a.partner = k.partner GROUP BY k.key_id";

/// Compares the accounts with the plans, which have come to rest.
pub(crate) fn compare(url: &str, plans: &[Plan]) -> anyhow::Result<Vec<String>> {
    let mut owed: HashMap<String, (i64, i64)> = HashMap::new();
    for row in Sql::connect(url)?.rows(OWED, &[])? {
        owed.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    let mut texts = Vec::new();
    for plan in plans {
        let partner = plan.busi_id();
        let expected = plan.balance_cents() * MICROS_PER_CENT;
        match owed.get(partner) {
            None => texts.push(format!("partner {partner} is not there")),
            Some(&(owed, _)) if owed != expected => {
                texts.push(format!(
                    "partner {partner} is owed {owed} millionths, its answers sum to {expected}"
                ));
            }
            Some(&(_, pending)) if pending != 0 => {
                texts.push(format!(
                    "partner {partner} has {pending} millionths pending with nothing under way"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(texts)
}
