//! What a receiver remembers of the notifications it acknowledged.
//!
//! Numbers made by these tools end in a ten-digit counter, so whether one was seen before is
//! one bit per order. A book can also keep the identity of each notification, which the kill
//! test compares between repeated deliveries.

use crate::sosopay::{COUNTER_DIGITS, Member, Partner, signature_fits};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A counter beyond this is not one of ours; it bounds the bitmap to 12 MiB per run.
const COUNTER_MAX: usize = 100_000_000;

/// How much a receiver looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Care {
    /// Check the signature of every n-th notification; 0 checks none.
    pub check_every: u64,
    /// Remember `CHARGE_DOWN_CODE` and `STATE` per order.
    pub identities: bool,
}

/// Everything that was received.
pub(crate) struct Book {
    care: Care,
    /// By `BUSI_ID`.
    keys: HashMap<Vec<u8>, Vec<u8>>,
    totals: Totals,
    runs: Vec<Run>,
    identities: HashMap<String, Told>,
    busi_id: Member,
    charge_code: Member,
    down_code: Member,
    state: Member,
}

/// Sums over all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Acknowledged notifications.
    pub received: u64,
    /// Of these, deliveries of an order that was acknowledged before.
    pub duplicates: u64,
    /// Requests that were no notification of ours.
    pub bad: u64,
    /// Signatures checked, and those of them that did not fit.
    pub checked: u64,
    pub bad_signatures: u64,
}

/// One load run, told apart by the prefix of its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub prefix: String,
    /// Different orders acknowledged.
    pub distinct: u64,
    /// Wall time of the first and the last acknowledgement of a new order.
    pub first_ms: u64,
    pub last_ms: u64,
    #[serde(skip)]
    seen: Vec<u64>,
}

/// What was told about one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub down_code: String,
    pub state: String,
    pub times: u32,
    /// A later delivery named another down code or state.
    pub changed: bool,
}

impl Book {
    pub(crate) fn new(care: Care) -> Self {
        Self::of(care, &[Partner::sandbox()])
    }

    /// A book of the notifications to these partners; others' signatures count as bad.
    pub(crate) fn of(care: Care, partners: &[Partner]) -> Self {
        let key =
            |partner: &Partner| (partner.busi_id.clone().into_bytes(), partner.key.clone().into_bytes());
        Self {
            care,
            keys: partners.iter().map(key).collect(),
            totals: Totals::default(),
            runs: Vec::new(),
            identities: HashMap::new(),
            busi_id: Member::new("BUSI_ID"),
            charge_code: Member::new("CHARGE_CODE"),
            down_code: Member::new("CHARGE_DOWN_CODE"),
            state: Member::new("STATE"),
        }
    }

    /// Takes a notification sent to `target` (path and query); `false` when it is none of ours.
    pub(crate) fn take(&mut self, target: &[u8], body: &[u8], now_ms: u64) -> bool {
        let Some(code) = self.charge_code.find(body) else {
            self.totals.bad += 1;
            return false;
        };
        let Some((prefix, counter)) = split_counter(code) else {
            self.totals.bad += 1;
            return false;
        };
        self.totals.received += 1;
        if self.care.check_every > 0 && self.totals.received.is_multiple_of(self.care.check_every) {
            self.totals.checked += 1;
            let key = self.busi_id.find(body).and_then(|busi_id| self.keys.get(busi_id));
            let fits = sign_of(target).zip(key).is_some_and(|(sign, key)| signature_fits(sign, key, body));
            self.totals.bad_signatures += u64::from(!fits);
        }
        let run = match self.runs.iter().rposition(|run| run.prefix.as_bytes() == prefix) {
            Some(index) => &mut self.runs[index],
            None => {
                let prefix = String::from_utf8_lossy(prefix).into_owned();
                self.runs.push(Run { prefix, ..Run::default() });
                let last = self.runs.len() - 1;
                &mut self.runs[last]
            }
        };
        let new = run.mark(counter, now_ms);
        self.totals.duplicates += u64::from(!new);
        if self.care.identities {
            self.remember(code, body);
        }
        true
    }

    /// Counts a request that was no notification at all.
    pub(crate) fn take_bad(&mut self) {
        self.totals.bad += 1;
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// The run with this prefix, empty when nothing of it came.
    pub(crate) fn run(&self, prefix: &str) -> Run {
        let found = self.runs.iter().rfind(|run| run.prefix == prefix);
        // Without the bitmap: callers want the figures.
        found.map_or_else(
            || Run { prefix: prefix.to_owned(), ..Run::default() },
            |run| Run { prefix: run.prefix.clone(), seen: Vec::new(), ..*run },
        )
    }

    /// What was told about each order, by its `CHARGE_CODE`; empty unless identities are kept.
    pub(crate) fn identities(&self) -> &HashMap<String, Told> {
        &self.identities
    }

    fn remember(&mut self, code: &[u8], body: &[u8]) {
        let text = |found: Option<&[u8]>| String::from_utf8_lossy(found.unwrap_or_default()).into_owned();
        let down_code = text(self.down_code.find(body));
        let state = text(self.state.find(body));
        match self.identities.get_mut(String::from_utf8_lossy(code).as_ref()) {
            Some(told) => {
                told.times += 1;
                told.changed |= told.down_code != down_code || told.state != state;
            }
            None => {
                let told = Told { down_code, state, times: 1, changed: false };
                self.identities.insert(String::from_utf8_lossy(code).into_owned(), told);
            }
        }
    }
}

impl Run {
    /// Notes one order; `false` when it was noted before.
    fn mark(&mut self, counter: usize, now_ms: u64) -> bool {
        let (word, bit) = (counter / 64, 1u64 << (counter % 64));
        if word >= self.seen.len() {
            self.seen.resize((word + 1).next_power_of_two(), 0);
        }
        if self.seen[word] & bit != 0 {
            return false;
        }
        self.seen[word] |= bit;
        self.distinct += 1;
        if self.first_ms == 0 {
            self.first_ms = now_ms;
        }
        self.last_ms = now_ms;
        true
    }
}

/// Splits a number of ours into the prefix of its run and its counter.
fn split_counter(code: &[u8]) -> Option<(&[u8], usize)> {
    let (prefix, digits) = code.split_at_checked(code.len().checked_sub(COUNTER_DIGITS)?)?;
    let counter = digits.iter().try_fold(0usize, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + usize::from(digit - b'0'))
    })?;
    (counter < COUNTER_MAX).then_some((prefix, counter))
}

/// The value of `sign` in a query.
fn sign_of(target: &[u8]) -> Option<&[u8]> {
    let query = &target[memchr::memchr(b'?', target)? + 1..];
    query.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(b"sign="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sosopay::KEY;

    const ALL: Care = Care { check_every: 1, identities: true };

    fn body(code: &str, down_code: &str) -> String {
        format!(
            r#"{{"PAY_NODIFY":{{"BUSI_ID":"0010000001","CHARGE_CODE":"{code}","CHARGE_DOWN_CODE":"{down_code}","STATE":1}}}}"#
        )
    }

    #[test]
    fn orders_are_counted_once_per_run() {
        let mut book = Book::new(Care { check_every: 0, identities: false });
        for (at, code) in [(5, "A0000000001"), (6, "A0000000900"), (7, "A0000000001"), (8, "B0000000001")] {
            assert!(book.take(b"/n", body(code, "1").as_bytes(), at));
        }
        assert_eq!((book.run("A").distinct, book.run("A").first_ms, book.run("A").last_ms), (2, 5, 6));
        assert_eq!((book.run("B").distinct, book.run("C").distinct), (1, 0));
        assert_eq!((book.totals().received, book.totals().duplicates), (4, 1));
        assert!(book.identities().is_empty());
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let mut book = Book::new(ALL);
        for text in [
            "",
            "{}",
            r#"{"CHARGE_CODE":"SHORT"}"#,
            r#"{"CHARGE_CODE":"A9999999999"}"#,
            r#"{"CHARGE_CODE":"A00000x0001"}"#,
        ] {
            assert!(!book.take(b"/n", text.as_bytes(), 1), "{text}");
        }
        assert_eq!((book.totals().bad, book.totals().received), (5, 0));
    }

    #[test]
    fn a_changed_identity_is_noticed() {
        let mut book = Book::new(ALL);
        for down_code in ["77", "77"] {
            book.take(b"/n", body("A0000000001", down_code).as_bytes(), 1);
        }
        let told = book.identities()["A0000000001"].clone();
        assert_eq!(told, Told { down_code: "77".into(), state: "1".into(), times: 2, changed: false });
        book.take(b"/n", body("A0000000001", "78").as_bytes(), 1);
        assert!(book.identities()["A0000000001"].changed);
    }

    #[test]
    fn signatures_are_checked() {
        let mut book = Book::new(ALL);
        let text = body("A0000000001", "77");
        let digest = tradewind_signing::md5_hex_parts(&[b"1470360000123", KEY.as_bytes(), text.as_bytes()]);
        let target = format!("/n?_type=json&sign={}:1470360000123", String::from_utf8_lossy(&digest));
        for (target, bad) in
            [(target.as_str(), 0), ("/n?sign=00:1470360000123", 1), ("/n?_type=json", 2), ("/n", 3)]
        {
            assert!(
                book.take(target.as_bytes(), text.as_bytes(), 1),
                "a bad signature is counted, not refused"
            );
            assert_eq!(book.totals().bad_signatures, bad, "{target}");
        }
        assert_eq!(book.totals().checked, 4);
    }
}
