//! The buyers, their orders, and what they were told: the books that the gateway's are compared with.
//!
//! A buyer does one thing after the other: buys in one step or in two, pays or cancels or forgets what is
//! held, gives tickets back. A call that was not answered is made again with the same number, or the order
//! is asked for first; until its outcome is known the buyer does nothing else.

use super::super::load::QUANTITY_MAX;
use super::reply::Reply;
use crate::clock::wall_ms;
use crate::engine::Answer;
use crate::kill::plan::Violations;
use crate::lianhe::{Deal, Distributor, Entry, Request, Wish, order_body};
use crate::random::Random;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, Sender};

/// An unpaid order ends after this time (section 5.3), by the gateway's clock.
pub(crate) const HOLD_MS: u64 = 30 * 60 * 1000;
/// Each one of these has little on its account.
const POOR_EVERY: usize = 8;
/// Whoever was refused asks for something else fewer times than this before the next order.
const PATIENCE: u64 = 16;

/// All that is known. One lock guards it.
pub(crate) struct Market {
    pub deal: Deal,
    pub total: u64,
    pub distributors: Vec<Distributor>,
    pub orders: Vec<Order>,
    pub sums: Sums,
    pub violations: Violations,
    /// Nothing new is begun; what is under way is brought to its end.
    pub closing: bool,
    /// The gateway's clock is this far ahead of ours, for the `Date` of a call ...
    pub ahead_ms: u64,
    /// ... and it may be this far ahead at most, while it is being moved.
    pub ahead_ms_max: u64,
    /// Who waits for a count of answers, and for which. The lock is in too much demand to ask again and again.
    alarm: Option<(u64, Sender<()>)>,
    /// Everybody asks for less and less until nothing is left, and nothing comes back.
    selling_out: bool,
    prefix: String,
    buyers: Vec<Buyer>,
    /// Buyers without a connection.
    ready: VecDeque<usize>,
}

/// Counts, most of them in tickets.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sums {
    pub answers: u64,
    /// Of all orders that were sent and not refused.
    pub asked: u64,
    /// Known to be free again: held ones that were cancelled, refunds that were seen approved.
    pub given_back: u64,
    /// Acknowledged as paid.
    pub paid: u64,
    /// Of paid orders, asked to be given back, whether answered or not.
    pub asked_back: u64,
    pub refusals: u64,
    pub declined: u64,
    pub cancelled: u64,
    pub lapsed: u64,
    pub unanswered: u64,
    pub looked_up: u64,
    pub repeated: u64,
    pub busy: u64,
}

/// An order as its buyer knows it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub buyer: usize,
    pub through: usize,
    pub quantity: u32,
    pub stage: Stage,
    pub lh_order: Option<String>,
    pub codes: Option<String>,
    /// Tickets asked to be given back.
    pub back: u32,
    /// They were seen as given back.
    pub back_seen: bool,
    /// The gateway's clock showed at least this when it was sent first.
    sent_ms: u64,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not known yet.
    Sent,
    /// Not enough were left: there is no such order.
    Refused,
    /// Waits for its payment.
    Held,
    Paid,
    /// Cancelled before it was paid.
    Cancelled,
    /// Its time ran out.
    Lapsed,
}

struct Buyer {
    random: Random,
    next: Option<Next>,
    /// The last order, to be asked for now and then.
    last: Option<usize>,
    /// Looks at the last order before a new one, by somebody who was refused.
    patience: u64,
    /// While everything is sold out: how many to ask for; fewer each time not enough are left.
    wish: u32,
}

impl Buyer {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), next: None, last: None, patience: 0, wish: 0 }
    }
}

/// What a buyer is about to do.
#[derive(Debug, Clone, Copy)]
struct Next {
    order: usize,
    call: Call,
    /// It may have been done already by a call that was not answered.
    tried: bool,
    /// Ask for the order first, because an answer is missing.
    look: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    New,
    Create,
    Pay,
    Cancel,
    Refund,
    /// Only look.
    Nothing,
}

/// A call in flight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing {
    buyer: usize,
    next: Next,
    given_back_before: u64,
}

impl Market {
    pub(crate) fn new(seed: u64, deal: Deal, total: u64, buyers: usize, distributors: usize) -> Self {
        Self {
            deal,
            total,
            distributors: (0..distributors).map(Distributor::added).collect(),
            orders: Vec::new(),
            sums: Sums::default(),
            violations: Violations::default(),
            closing: false,
            ahead_ms: 0,
            ahead_ms_max: 0,
            alarm: None,
            selling_out: false,
            prefix: format!("K{seed:x}n"),
            buyers: (0..buyers as u64).map(|index| Buyer::new(seed ^ (index << 32))).collect(),
            ready: (0..buyers).collect(),
        }
    }

    /// Whether a distributor has so little that some of its orders are declined.
    pub(crate) fn is_poor(through: usize) -> bool {
        through % POOR_EVERY == POOR_EVERY - 1
    }

    pub(crate) fn number(&self, order: usize) -> String {
        format!("{}{order:08}", self.prefix)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        wall_ms() + self.ahead_ms
    }

    /// Rings after as many answers more.
    pub(crate) fn alarm_after(&mut self, answers: u64) -> Receiver<()> {
        let (ring, rung) = mpsc::channel();
        self.alarm = Some((self.sums.answers + answers, ring));
        rung
    }

    /// Whether somebody has something to bring to its end.
    pub(crate) fn has_open(&self) -> bool {
        self.buyers.iter().any(|buyer| buyer.next.is_some())
    }

    /// Writes the next call of the next buyer; `None` when nobody has anything to do.
    pub(crate) fn begin(&mut self, out: &mut Vec<u8>, server: SocketAddr) -> Option<Doing> {
        loop {
            let buyer = self.ready.pop_front()?;
            let next = match self.buyers[buyer].next {
                Some(next) => next,
                // Whoever has nothing open stays away from now on.
                None if self.closing => continue,
                None if self.selling_out && self.buyers[buyer].wish == 0 => continue,
                None => self.choose(buyer),
            };
            self.buyers[buyer].next = Some(next);
            self.write(out, next, server);
            return Some(Doing { buyer, next, given_back_before: self.sums.given_back });
        }
    }

    fn choose(&mut self, index: usize) -> Next {
        let buyer = &mut self.buyers[index];
        let plain = |order, call| Next { order, call, tried: false, look: false };
        let dice = if self.selling_out { 50 } else { buyer.random.below(100) };
        let patient = buyer.patience > 0 && !self.selling_out;
        if let (true, Some(order)) = (patient || dice < 10, buyer.last) {
            buyer.patience = buyer.patience.saturating_sub(1);
            return plain(order, Call::Nothing);
        }
        let random = 1 + buyer.random.below(QUANTITY_MAX.into()) as u32;
        let quantity = if self.selling_out { buyer.wish } else { random };
        self.sums.asked += u64::from(quantity);
        self.orders.push(Order {
            buyer: index,
            through: index % self.distributors.len(),
            quantity,
            stage: Stage::Sent,
            lh_order: None,
            codes: None,
            back: 0,
            back_seen: false,
            sent_ms: wall_ms() + self.ahead_ms,
        });
        let order = self.orders.len() - 1;
        buyer.last = Some(order);
        plain(order, if dice < 60 { Call::New } else { Call::Create })
    }

    fn write(&self, out: &mut Vec<u8>, next: Next, server: SocketAddr) {
        let call = if next.look { Call::Nothing } else { next.call };
        let (operation, body) = self.call(call, next.order);
        let order = &self.orders[next.order];
        let request = Request { entry: Entry::Gateway, operation, body: &body, now_ms: self.now_ms() };
        self.distributors[order.through].post(out, &request, server);
    }

    fn call(&self, call: Call, order: usize) -> (&'static str, Vec<u8>) {
        let known = &self.orders[order];
        let number = self.number(order);
        let lh_order = known.lh_order.as_deref().unwrap_or_default();
        let wish = Wish { buyer: known.buyer, quantity: known.quantity };
        let mut body = Vec::with_capacity(300);
        let operation = match call {
            Call::New | Call::Create => {
                order_body(&mut body, &number, None, &self.deal, wish);
                if call == Call::New { "newOrder" } else { "creatOrder" }
            }
            Call::Pay => {
                order_body(&mut body, &number, Some(lh_order), &self.deal, wish);
                "payOrder"
            }
            Call::Cancel | Call::Refund => {
                let (units, id) =
                    if call == Call::Refund { (known.back, "R") } else { (known.quantity, "C") };
                let text = format!(
                    r#"{{"orderId":"{number}","LHOrderId":"{lh_order}","quantity":{units},"refundId":"{id}{number}"}}"#
                );
                body.extend_from_slice(text.as_bytes());
                "cancelOrder"
            }
            Call::Nothing => {
                let text = format!(r#"{{"orderId":"{number}","LHOrderId":"{lh_order}"}}"#);
                body.extend_from_slice(text.as_bytes());
                "queryOrder"
            }
        };
        (operation, body)
    }

    /// The answer did not come: whether it was done is unknown.
    pub(crate) fn unanswered(&mut self, doing: Doing) {
        self.sums.unanswered += 1;
        let buyer = &mut self.buyers[doing.buyer];
        let look = buyer.random.below(2) == 0;
        buyer.next = Some(Next { tried: true, look, ..doing.next });
        self.ready.push_back(doing.buyer);
    }

    /// Takes an answer, and lets the buyer decide what to do next.
    pub(crate) fn answered(&mut self, doing: Doing, answer: Answer<'_>) {
        self.sums.answers += 1;
        if let Some((_, waiting)) = self.alarm.take_if(|(wanted, _)| *wanted <= self.sums.answers) {
            // Whoever waited too long is gone.
            let _ = waiting.send(());
        }
        let Doing { buyer, next, .. } = doing;
        let reply = Reply::read(answer);
        self.buyers[buyer].next = match reply {
            None => {
                self.violated(next.order, &format!("{:?} answered HTTP {}", next.call, answer.status));
                None
            }
            Some(reply) if reply.is_busy() => {
                self.sums.busy += 1;
                Some(next)
            }
            Some(reply) if next.look || next.call == Call::Nothing => self.looked(next, &reply),
            Some(reply) => {
                self.sums.repeated += u64::from(next.tried);
                self.told(doing, &reply)
            }
        };
        self.ready.push_back(buyer);
    }

    fn told(&mut self, doing: Doing, reply: &Reply) -> Option<Next> {
        let Next { order, call, tried, .. } = doing.next;
        let poor = Self::is_poor(self.orders[order].through);
        match call {
            Call::New | Call::Create if reply.is(10_009, 3) => self.refused(doing),
            Call::New if reply.is(10_000, 4) => self.paid(order, reply),
            Call::New if reply.is(10_001, 5) && poor => self.held(order, reply, true),
            Call::Create if reply.is(10_000, 2) => self.held(order, reply, false),
            Call::New | Call::Create if tried && reply.status == Some(6) => self.lapsed(order, reply),
            Call::Pay if reply.is(10_000, 4) => self.paid(order, reply),
            Call::Pay if reply.is(10_001, 5) && poor => self.held(order, reply, true),
            Call::Pay if reply.is(20_000, 5) => self.lapsed(order, reply),
            Call::Cancel if reply.is(10_000, 6) => self.cancelled(order),
            // Ended by the call that was not answered, or by its time.
            Call::Cancel if tried && reply.is(20_000, 7) => self.cancelled(order),
            Call::Cancel if reply.is(20_000, 7) => self.lapsed(order, reply),
            Call::Refund if reply.is(10_000, 6) && reply.re_quantity == Some(self.orders[order].back) => None,
            _ => {
                self.violated(order, &format!("{call:?} (tried before: {tried}) answered {reply}"));
                None
            }
        }
    }

    /// A look, and what it means for a call that was not answered.
    fn looked(&mut self, next: Next, reply: &Reply) -> Option<Next> {
        self.sums.looked_up += 1;
        let Next { order, call, .. } = next;
        let again = Some(Next { look: false, ..next });
        let known = self.orders[order].clone();
        if reply.is(20_000, 0) {
            return match (known.stage, call) {
                (Stage::Sent, Call::New | Call::Create) => again,
                (Stage::Refused, _) => None,
                _ => {
                    self.violated(order, "acknowledged and lost");
                    None
                }
            };
        }
        let (quantity, back) = (known.quantity, known.back);
        match (known.stage, call, reply.status.filter(|_| reply.code == 10_000)) {
            (Stage::Sent, Call::New, Some(4)) => self.paid(order, reply),
            (Stage::Sent, Call::New, Some(5)) if Self::is_poor(known.through) => {
                self.held(order, reply, true)
            }
            (Stage::Sent, Call::Create, Some(2)) => self.held(order, reply, false),
            (Stage::Held, Call::Pay, Some(4)) => self.paid(order, reply),
            (Stage::Held, Call::Pay | Call::Cancel, Some(2 | 5)) => again,
            (Stage::Held, Call::Nothing, Some(2 | 5)) => None,
            (Stage::Held, Call::Cancel, Some(6)) => self.cancelled(order),
            (Stage::Sent | Stage::Held, _, Some(6)) => self.lapsed(order, reply),
            (Stage::Paid, _, Some(status)) => {
                let done = if back > 0 && reply.re_status == Some(3) { back } else { 0 };
                let whole = status == if done == quantity { 6 } else { 4 };
                let open = match (back, reply.re_status) {
                    (0, Some(0)) | (1.., Some(1 | 3)) => false,
                    (1.., Some(0)) if call == Call::Refund => true,
                    _ => return self.strange(order, reply),
                };
                if !whole || reply.order_quantity != Some(quantity - done) {
                    return self.strange(order, reply);
                }
                self.same_codes(order, reply);
                if done > 0 && !self.orders[order].back_seen {
                    self.orders[order].back_seen = true;
                    self.sums.given_back += u64::from(done);
                }
                if open { again } else { None }
            }
            (Stage::Cancelled | Stage::Lapsed, _, Some(6)) => None,
            _ => self.strange(order, reply),
        }
    }

    fn strange(&mut self, order: usize, reply: &Reply) -> Option<Next> {
        let stage = self.orders[order].stage;
        self.violated(order, &format!("known as {stage:?}, a look answered {reply}"));
        None
    }

    /// "Not enough are left" must have been true at some moment of the call.
    fn refused(&mut self, doing: Doing) -> Option<Next> {
        let order = doing.next.order;
        let quantity = u64::from(self.orders[order].quantity);
        if self.orders[order].stage != Stage::Sent {
            self.violated(order, "it was there, and repeated it was refused as sold out");
            return None;
        }
        self.orders[order].stage = Stage::Refused;
        self.sums.refusals += 1;
        self.sums.asked -= quantity;
        let buyer = &mut self.buyers[doing.buyer];
        buyer.wish = buyer.wish.saturating_sub(1);
        buyer.patience = buyer.random.below(PATIENCE);
        // At most this many were taken: all that was ever asked for, less what had come back before.
        let taken = self.sums.asked.saturating_sub(doing.given_back_before);
        if taken + quantity <= self.total {
            let total = self.total;
            self.violated(
                order,
                &format!("refused {quantity} although at most {taken} of {total} were taken"),
            );
        }
        None
    }

    fn paid(&mut self, order: usize, reply: &Reply) -> Option<Next> {
        let quantity = self.orders[order].quantity;
        let first = self.orders[order].stage != Stage::Paid;
        if !matches!(self.orders[order].stage, Stage::Sent | Stage::Held | Stage::Paid) {
            return self.strange(order, reply);
        }
        self.orders[order].stage = Stage::Paid;
        self.same_order(order, reply);
        self.same_codes(order, reply);
        if !first {
            return None;
        }
        self.sums.paid += u64::from(quantity);
        if self.selling_out {
            return None;
        }
        let random = &mut self.buyers[self.orders[order].buyer].random;
        let (dice, units) = (random.below(100), 1 + random.below(u64::from(quantity)) as u32);
        let next = |call, tried| Some(Next { order, call, tried, look: false });
        match dice {
            0..30 => {
                self.orders[order].back = units;
                // From now on it may come back at any moment.
                self.sums.asked_back += u64::from(units);
                next(Call::Refund, false)
            }
            // Whoever asks again is told the same.
            30..40 => next(Call::New, true),
            _ => None,
        }
    }

    fn held(&mut self, order: usize, reply: &Reply, declined: bool) -> Option<Next> {
        if !matches!(self.orders[order].stage, Stage::Sent | Stage::Held) {
            return self.strange(order, reply);
        }
        self.orders[order].stage = Stage::Held;
        self.same_order(order, reply);
        self.sums.declined += u64::from(declined);
        let dice = self.buyers[self.orders[order].buyer].random.below(100);
        let next = |call| Some(Next { order, call, tried: false, look: false });
        match (declined, dice) {
            (false, 0..60) => next(Call::Pay),
            (false, 60..80) | (true, 0..85) => next(Call::Cancel),
            // Forgotten: its time will run out.
            _ => None,
        }
    }

    fn cancelled(&mut self, order: usize) -> Option<Next> {
        self.orders[order].stage = Stage::Cancelled;
        self.sums.cancelled += 1;
        self.sums.given_back += u64::from(self.orders[order].quantity);
        None
    }

    fn lapsed(&mut self, order: usize, reply: &Reply) -> Option<Next> {
        let latest_ms = wall_ms() + self.ahead_ms_max;
        if latest_ms < self.orders[order].sent_ms + HOLD_MS {
            self.violated(order, &format!("it ended before its time: {reply}"));
        }
        self.orders[order].stage = Stage::Lapsed;
        self.sums.lapsed += 1;
        None
    }

    fn same_order(&mut self, order: usize, reply: &Reply) {
        match &self.orders[order].lh_order {
            Some(known) if *known != reply.lh_order => {
                let text = format!("it was {known} and became {}", reply.lh_order);
                self.violated(order, &text);
            }
            _ => self.orders[order].lh_order = Some(reply.lh_order.clone()),
        }
    }

    fn same_codes(&mut self, order: usize, reply: &Reply) {
        let codes = reply.voucher.split(',').filter(|code| !code.is_empty()).count();
        let quantity = self.orders[order].quantity;
        if codes != quantity as usize {
            self.violated(order, &format!("{codes} codes for {quantity} tickets"));
        }
        match &self.orders[order].codes {
            Some(known) if *known != reply.voucher => self.violated(order, "its codes have changed"),
            _ => self.orders[order].codes = Some(reply.voucher.clone()),
        }
    }

    fn violated(&mut self, order: usize, text: &str) {
        self.violations.add(format!("{}: {text}", self.number(order)));
    }

    /// Has every order looked at once more, by helpers of its own; a second time only those that exist.
    pub(crate) fn look_at_all(&mut self) {
        self.closing = true;
        let again = self.selling_out;
        for order in 0..self.orders.len() {
            if again && self.orders[order].stage == Stage::Refused {
                continue;
            }
            self.ready.push_back(self.buyers.len());
            let next = Some(Next { order, call: Call::Nothing, tried: false, look: false });
            self.buyers.push(Buyer { next, ..Buyer::new(0) });
        }
    }

    /// Lets the `buyers` whose distributors have enough money buy whatever is left.
    pub(crate) fn sell_out(&mut self, buyers: usize) {
        (self.closing, self.selling_out) = (false, true);
        let distributors = self.distributors.len();
        self.ready = (0..buyers).filter(|buyer| !Self::is_poor(buyer % distributors)).collect();
        self.buyers.iter_mut().for_each(|buyer| buyer.wish = QUANTITY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A market of one buyer, and the first call that it makes.
    fn market(total: u64) -> (Market, Doing) {
        let deal = Deal { number: "7".into(), day: "2016-08-06".into(), sell: "58.50".into() };
        let mut market = Market::new(1, deal, total, 1, 1);
        let doing = begin(&mut market);
        (market, doing)
    }

    fn begin(market: &mut Market) -> Doing {
        market.begin(&mut Vec::new(), "127.0.0.1:1".parse().unwrap()).unwrap()
    }

    fn answer(market: &mut Market, doing: Doing, code: i64, status: i64, codes: &str) {
        let body = format!(
            r#"{{"code":{code},"describe":"x","partnerId":7,"body":{{"LHOrderId":"9","orderStatus":{status},"voucher":"{codes}"}}}}"#
        );
        market.answered(doing, Answer { status: 200, body: body.as_bytes() });
    }

    fn codes(market: &Market, first: u32) -> String {
        let codes: Vec<String> = (0..market.orders[0].quantity).map(|n| (first + n).to_string()).collect();
        codes.join(",")
    }

    /// As if the first call had been `newOrder`, whatever the seed chose.
    fn as_new(doing: Doing) -> Doing {
        Doing { next: Next { call: Call::New, ..doing.next }, ..doing }
    }

    #[test]
    fn a_refusal_has_to_be_true() {
        for (total, violations) in [(0, 0), (100, 1)] {
            let (mut market, doing) = market(total);
            answer(&mut market, doing, 10_009, 3, "");
            assert_eq!((market.violations.count, market.sums.refusals), (violations, 1), "{total}");
            assert_eq!(market.sums.asked, 0);
        }
    }

    #[test]
    fn a_sale_has_as_many_codes_as_tickets_and_keeps_them() {
        let (mut market, doing) = market(100);
        let first = codes(&market, 1);
        answer(&mut market, as_new(doing), 10_000, 4, &first);
        assert_eq!(market.violations.count, 0);
        let again = as_new(doing);
        answer(&mut market, again, 10_000, 4, &first);
        assert_eq!(market.violations.count, 0);
        let other = codes(&market, 1000);
        answer(&mut market, again, 10_000, 4, &other);
        answer(&mut market, again, 10_000, 4, &format!("{first},77"));
        assert_eq!(market.violations.count, 3, "other codes, one too many, and thus other ones");
        answer(&mut market, again, 10_009, 3, "");
        assert_eq!(market.violations.count, 4, "sold, and then never sold");
    }

    #[test]
    fn what_was_acknowledged_must_not_be_lost_nor_end_early() {
        let (mut market, doing) = market(100);
        let first = codes(&market, 1);
        answer(&mut market, as_new(doing), 10_000, 4, &first);
        let look = Doing { next: Next { call: Call::Nothing, ..doing.next }, ..doing };
        answer(&mut market, look, 20_000, 0, "");
        assert_eq!(market.violations.count, 1);

        let (mut market, doing) = self::market(100);
        let create = Doing { next: Next { call: Call::Create, ..doing.next }, ..doing };
        answer(&mut market, create, 10_000, 2, "");
        let look = Doing { next: Next { call: Call::Nothing, ..doing.next }, ..doing };
        answer(&mut market, look, 10_000, 6, "");
        assert_eq!(market.violations.count, 1);
    }

    #[test]
    fn a_call_without_an_answer_is_made_again() {
        let (mut market, doing) = market(100);
        market.unanswered(doing);
        market.closing = true;
        let again = begin(&mut market);
        assert_eq!((again.next.order, again.next.tried), (doing.next.order, true));
        assert!(market.has_open());
    }
}
