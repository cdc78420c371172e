//! The markup of the cashier page and of the pages that stand in for it.

use maud::{Markup, html};
use tradewind_domain::{Money, Span};

use super::standing::Standing;
use crate::components::{self, Tone};

/// What the page shows.
pub(super) struct View {
    pub(super) shop: String,
    pub(super) subject: String,
    pub(super) number: String,
    pub(super) amount: Money,
    pub(super) standing: Standing,
}

/// The page of an order that is reached under `path`.
pub(super) fn cashier(view: &View, path: &str) -> Markup {
    let (tone, words) = words(&view.standing);
    let amount = view.amount.to_string();
    let rows =
        [("For", view.subject.as_str()), ("Order number", &view.number), ("State", state(&view.standing))];
    let content = html! {
        p class="amount" { (amount) }
        (components::notice(tone, &words))
        (components::facts(&rows))
        @if view.standing.is_payable() {
            (components::choices(path, &[("pay", &format!("Pay {amount}")), ("refuse", "Refuse")]))
            h2 { "Pay on another device" }
            (components::picture(&format!("{path}/qr.svg"), "QR code that opens this page on another device"))
        }
    };
    components::page(&view.shop, &content)
}

/// For a link that names nothing.
pub(super) fn unknown_link() -> Markup {
    message("Unknown link", "There is nothing to pay here. Ask the shop for a new link.")
}

/// For a form that was not sent by our page.
pub(super) fn bad_form() -> Markup {
    message("Nothing was paid", "The choice could not be understood. Open the link again.")
}

/// For a choice that could not be recorded.
pub(super) fn try_again() -> Markup {
    message(
        "Try again",
        "The choice could not be recorded. Open the link again in a moment to see how it stands.",
    )
}

fn message(title: &str, text: &str) -> Markup {
    components::page(title, &components::notice(Tone::Bad, text))
}

fn state(standing: &Standing) -> &'static str {
    match standing {
        Standing::Payable(_) => "Waiting for payment",
        Standing::Settling => "In progress",
        Standing::UnderReview => "Under review",
        Standing::Paid { refunded } if refunded.is_positive() => "Paid, refunded",
        Standing::Paid { .. } => "Paid",
        Standing::Expired => "Expired",
        Standing::Declined => "Declined",
        Standing::Revoked => "Cancelled by the shop",
        Standing::PaidTooLate => "Expired, refunded",
    }
}

fn words(standing: &Standing) -> (Tone, String) {
    match standing {
        Standing::Payable(left) => (Tone::Plain, format!("You have {} left to pay.", time_left(*left))),
        Standing::Settling => {
            (Tone::Plain, "The payment is in progress. Open this page again in a moment.".into())
        }
        Standing::UnderReview => {
            (Tone::Plain, "The shop has asked to cancel this order. It cannot be paid now.".into())
        }
        Standing::Paid { refunded } if refunded.is_positive() => {
            (Tone::Good, format!("This order is paid. {refunded} has gone back to you."))
        }
        Standing::Paid { .. } => {
            (Tone::Good, "This order is paid. Thank you. You can close this page.".into())
        }
        Standing::Expired => {
            (Tone::Bad, "The time to pay is over. Nothing was paid. Ask the shop for a new order.".into())
        }
        Standing::Declined => (Tone::Bad, "The payment was declined. Nothing was paid.".into()),
        Standing::Revoked => {
            (Tone::Bad, "The shop has cancelled this order. What was paid has gone back to you.".into())
        }
        Standing::PaidTooLate => (Tone::Bad, "The payment came too late. The money goes back to you.".into()),
    }
}

/// A span in the two largest units that matter to somebody who has to hurry.
fn time_left(span: Span) -> String {
    let seconds = span.ms().max(0).div_euclid(1000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => count(seconds, "second"),
        (0, minutes) => count(minutes, "minute"),
        (hours, 0) => count(hours, "hour"),
        (hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
    }
}

fn count(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{Currency, Money, Span};

    use super::{View, cashier, time_left, unknown_link};
    use crate::cashier::standing::Standing;

    const PAID: Standing = Standing::Paid { refunded: Money::zero(Currency::CNY) };

    fn view(standing: Standing) -> View {
        View {
            shop: "Tea & <House>".into(),
            subject: "Oolong, 100 g".into(),
            number: "A-1".into(),
            amount: Money::from_micros(158_000_000, Currency::CNY),
            standing,
        }
    }

    /// The text between the tags of `name`, in order.
    fn texts(page: &str, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}"), format!("</{name}>"));
        page.split(&open)
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('>')?.1.split_once(&close)?.0.to_owned()))
            .collect()
    }

    #[test]
    fn a_payable_order_is_read_by_its_headings_labels_and_buttons() {
        let page = cashier(&view(Standing::Payable(Span::from_mins(14))), "/pay/abc").into_string();
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
        assert!(page.contains("name=\"viewport\""), "{page}");
        assert_eq!(texts(&page, "h1"), ["Tea &amp; &lt;House&gt;"], "what the shop is called is escaped");
        assert_eq!(texts(&page, "h2"), ["Pay on another device"]);
        assert_eq!(texts(&page, "dt"), ["For", "Order number", "State"]);
        assert_eq!(texts(&page, "dd"), ["Oolong, 100 g", "A-1", "Waiting for payment"]);
        assert_eq!(texts(&page, "button"), ["Pay 158.00 CNY", "Refuse"]);
        assert!(page.contains("<form method=\"post\" action=\"/pay/abc\">"), "{page}");
        assert!(page.contains("role=\"status\">You have 14 minutes left to pay.<"), "{page}");
        assert!(page.contains("src=\"/pay/abc/qr.svg\" alt=\"QR code"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn an_order_that_cannot_be_paid_says_why_and_has_no_buttons() {
        let check = |standing: Standing, state: &str, words: &str| {
            let page = cashier(&view(standing), "/pay/abc").into_string();
            assert_eq!(texts(&page, "dd").last().map(String::as_str), Some(state));
            assert!(page.contains(words), "{page}");
            assert!(!page.contains("<form") && !page.contains("<img"), "{page}");
        };
        check(PAID, "Paid", "This order is paid.");
        let refunded = Money::from_micros(10_000_000, Currency::CNY);
        check(Standing::Paid { refunded }, "Paid, refunded", "10.00 CNY has gone back to you");
        check(Standing::Expired, "Expired", "The time to pay is over.");
        check(Standing::Declined, "Declined", "was declined");
        check(Standing::Revoked, "Cancelled by the shop", "has cancelled this order");
        check(Standing::UnderReview, "Under review", "cannot be paid now");
        check(Standing::Settling, "In progress", "in progress");
        check(Standing::PaidTooLate, "Expired, refunded", "goes back to you");
    }

    #[test]
    fn an_unknown_link_says_what_to_do() {
        let page = unknown_link().into_string();
        assert_eq!(texts(&page, "h1"), ["Unknown link"]);
        assert!(page.contains("Ask the shop for a new link."), "{page}");
    }

    #[test]
    fn time_is_told_in_its_largest_units() {
        let check = |seconds: i64, expected: &str| assert_eq!(time_left(Span::from_secs(seconds)), expected);
        check(-5, "0 seconds");
        check(1, "1 second");
        check(59, "59 seconds");
        check(60, "1 minute");
        check(3_599, "59 minutes");
        check(3_600, "1 hour");
        check(7_265, "2 hours 1 minute");
    }
}
