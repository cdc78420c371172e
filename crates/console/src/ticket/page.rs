//! What the ticket page says: one code after the other, each fit to be cut out of a sheet of paper.

use maud::{Markup, PreEscaped, html};
use tradewind_domain::{Day, Line, OrderStage, Purchase, Span, Timestamp, Voucher, VoucherStanding};

use crate::components::{Tone, facts, notice, page};
use crate::qr;

/// A purchase as its holder sees it.
pub(super) struct Sheet {
    title: String,
    facts: Vec<(&'static str, String)>,
    state: State,
    tickets: Vec<Ticket>,
}

/// Whether there is something to show at the gate.
enum State {
    Ready,
    /// Not yet, or no longer; in words.
    Not(&'static str),
}

struct Ticket {
    /// The code in groups of four digits, as people read it aloud.
    code: String,
    /// The picture of the code; `None` when it opens nothing any more.
    picture: Option<String>,
    /// How it stands, in words.
    standing: String,
}

impl Sheet {
    /// `None` when the order bought nothing. Days are those of a place whose clocks are `offset` ahead.
    pub(super) fn of(purchase: &Purchase, now: Timestamp, offset: Span) -> Option<Sheet> {
        let line = purchase.order.line.as_deref()?;
        let state = match purchase.order.stage {
            OrderStage::Paid => State::Ready,
            OrderStage::Open => State::Not("This order has not been paid yet."),
            OrderStage::Revoked | OrderStage::Closed => State::Not("This order was called off."),
        };
        let tickets = purchase.vouchers.iter().map(|voucher| Ticket::of(voucher, now)).collect();
        Some(Sheet { title: line.name.clone(), facts: terms(line, offset), state, tickets })
    }
}

fn terms(line: &Line, offset: Span) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(day) = line.day {
        rows.push(("Day of visit", day.to_string()));
    }
    if let Some(from) = line.valid_from.filter(|_| line.day.is_none()) {
        rows.push(("Valid from", Day::of(from, offset).to_string()));
    }
    if let Some(until) = line.valid_until {
        // The end itself is no longer within.
        rows.push(("Valid until", Day::of(until - Span::from_ms(1), offset).to_string()));
    }
    rows.push(("Tickets", line.quantity.to_string()));
    rows
}

impl Ticket {
    fn of(voucher: &Voucher, now: Timestamp) -> Ticket {
        let digits = voucher.code.to_string();
        let groups: Vec<&str> =
            (0..digits.len()).step_by(4).filter_map(|at| digits.get(at..at + 4)).collect();
        let opens = voucher.usable(now) > 0;
        let standing = match voucher.standing(now) {
            VoucherStanding::Active if !opens => "A refund of it is under review".to_owned(),
            VoucherStanding::Active if voucher.ordered == 1 => "Valid for one person".to_owned(),
            VoucherStanding::Active => format!("Valid for {} of {}", voucher.usable(now), voucher.ordered),
            VoucherStanding::UsedUp => "Used".to_owned(),
            VoucherStanding::Expired => "Expired".to_owned(),
            VoucherStanding::Cancelled => "Called off".to_owned(),
            VoucherStanding::Refunded => "Refunded".to_owned(),
        };
        Ticket { code: groups.join(" "), picture: qr::svg(&digits).filter(|_| opens), standing }
    }
}

pub(super) fn tickets(sheet: &Sheet) -> Markup {
    let rows: Vec<(&str, &str)> = sheet.facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let content = html! {
        @match sheet.state {
            State::Ready => (notice(Tone::Plain, "Show the code at the entrance. Whoever has it can use it.")),
            State::Not(why) => (notice(Tone::Bad, why)),
        }
        (facts(&rows))
        @for (index, ticket) in sheet.tickets.iter().enumerate() {
            section class="ticket" {
                h2 { "Ticket " (index + 1) }
                @if let Some(picture) = &ticket.picture {
                    div class="qr" role="img" aria-label=(format!("QR code of ticket {}", index + 1)) {
                        (PreEscaped(picture))
                    }
                }
                p class="code" { (ticket.code) }
                p { (ticket.standing) }
            }
        }
    };
    page(&sheet.title, &content)
}

pub(super) fn unknown() -> Markup {
    page("No such tickets", &notice(Tone::Bad, "This link leads to no tickets. Ask whoever gave it to you."))
}

pub(super) fn not_now() -> Markup {
    page("Not now", &notice(Tone::Bad, "The tickets cannot be shown at the moment. Try again in a minute."))
}
