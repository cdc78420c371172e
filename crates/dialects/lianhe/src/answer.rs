//! Answers: code, text, partner and body (section 2.2), always with HTTP status 200.

use bytes::Bytes;
use tradewind_dialect::codec::{ListShape, Message, Writer};
use tradewind_dialect::{RawRequest, RawResponse, Sealer};
use tradewind_domain::{Outcome, Purchase, Refusal, Timestamp};

use crate::errors::{Code, Failure, Hint};
use crate::fields::Fields;
use crate::identify::{PARTNER_ID, partner_id_of};
use crate::open::{body, read};
use crate::operation::Operation;
use crate::status::OrderStatus;
use crate::{cancel, order, price, query, team};

pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// What a request says that its answer needs, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    order_id: Option<String>,
    lh_order_id: Option<String>,
    quantity: Option<u32>,
    /// `getTeam` without `purchaseNote`.
    simples: bool,
}

impl Echo {
    pub(crate) fn of(message: &Message<'_>) -> Echo {
        let Ok(body) = body(message) else { return Echo::default() };
        let fields = Fields(body);
        let id = |name| fields.id(name).ok().flatten().map(str::to_owned);
        Echo {
            order_id: id("orderId"),
            lh_order_id: id("LHOrderId"),
            quantity: fields.quantity().ok(),
            simples: fields.flag(team::SIMPLES).unwrap_or(false),
        }
    }
}

/// Answers one request.
pub(crate) struct Reply {
    pub(crate) operation: Operation,
    pub(crate) partner_id: i64,
    pub(crate) echo: Echo,
}

impl Reply {
    fn success(&self, members: impl FnOnce(&mut Writer)) -> RawResponse {
        self.answer(Code::Success, Code::Success.describe(), members)
    }

    fn answer(&self, code: Code, describe: &str, members: impl FnOnce(&mut Writer)) -> RawResponse {
        let mut writer = self.head(code, describe);
        writer.object("body", members);
        pack(writer)
    }

    /// All of an answer but its body.
    fn head(&self, code: Code, describe: &str) -> Writer {
        let mut writer = Writer::bare_json();
        write_head(&mut writer, code, describe, self.partner_id);
        writer
    }

    /// A failure, with what is known of the order after it.
    fn failure(&self, failure: &Failure, refusal: &Refusal) -> RawResponse {
        let lh_order_id = self.echo.lh_order_id.as_deref().unwrap_or_default();
        let answer = self.answer(failure.code, &failure.describe, |writer| match self.operation {
            _ if !failure.judged => {}
            Operation::CreatOrder | Operation::NewOrder => {
                order::write(writer, "", OrderStatus::CreationFailed, "");
            }
            Operation::PayOrder => order::write(writer, lh_order_id, OrderStatus::PaymentFailed, ""),
            Operation::QueryOrder => {
                writer.text_if("orderId", self.echo.order_id.as_deref());
                writer.text("LHOrderId", lh_order_id);
                if *refusal == Refusal::OrderNotFound {
                    writer.int("orderStatus", OrderStatus::Unknown.number());
                }
            }
            Operation::CancelOrder => cancel::write_refused(writer, lh_order_id, refusal),
            Operation::Send => order::write_voucher(writer, ""),
            Operation::GetTeam | Operation::GetPrice | Operation::GetBalance | Operation::Unknown => {}
        });
        let header = failure.hint.map(Hint::header);
        let headers = header.map(|(name, value)| (name, value.to_owned())).into_iter().collect();
        RawResponse { headers, ..answer }
    }

    pub(crate) fn refused(&self, refusal: &Refusal) -> RawResponse {
        self.failure(&Failure::of(refusal), refusal)
    }

    fn done(&self, outcome: &Outcome) -> Option<RawResponse> {
        match (self.operation, outcome) {
            (Operation::GetTeam, Outcome::Skus(page)) => {
                let mut writer = self.head(Code::Success, Code::Success.describe());
                writer.int("totalSize", i64::try_from(page.total).unwrap_or(i64::MAX));
                let entries = page.entries.iter();
                writer.list("body", "product", ListShape::Array, entries, |writer, listing| {
                    team::write(writer, listing, self.partner_id, !self.echo.simples);
                });
                Some(pack(writer))
            }
            (Operation::GetPrice, Outcome::Calendar(sku, stocks)) => {
                let mut writer = self.head(Code::Success, Code::Success.describe());
                let shown: Vec<_> = stocks.iter().filter(|stock| price::is_shown(stock)).collect();
                let entries = shown.into_iter();
                writer.list("body", "day", ListShape::Array, entries, |writer, stock| {
                    price::write(writer, sku, stock);
                });
                Some(pack(writer))
            }
            (Operation::CreatOrder, Outcome::Purchase(purchase)) => Some(self.created(purchase)),
            (Operation::PayOrder | Operation::NewOrder, Outcome::Purchase(purchase)) => {
                Some(self.paid(purchase))
            }
            (Operation::QueryOrder, Outcome::Purchase(purchase)) => {
                let line = purchase.order.line.as_deref()?;
                Some(self.success(|writer| query::write(writer, purchase, line)))
            }
            (Operation::CancelOrder, Outcome::Applied(purchase, refund)) => Some(self.success(|writer| {
                cancel::write_accepted(writer, purchase, refund.as_deref(), self.echo.quantity);
            })),
            (Operation::Send, Outcome::Purchase(purchase)) => {
                Some(self.success(|writer| order::write_voucher(writer, &order::voucher(purchase))))
            }
            (Operation::GetBalance, Outcome::Balance(balance)) => {
                Some(self.success(|writer| writer.money("balance", *balance)))
            }
            // An outcome of another call than the one that was opened.
            _ => None,
        }
    }

    fn created(&self, purchase: &Purchase) -> RawResponse {
        let status = OrderStatus::of_stage(&purchase.order);
        self.success(|writer| write_order(writer, purchase, status))
    }

    fn paid(&self, purchase: &Purchase) -> RawResponse {
        match order::unpaid(purchase) {
            None => self.created(purchase),
            Some((failure, status)) => self.answer(failure.code, &failure.describe, |writer| {
                write_order(writer, purchase, status);
            }),
        }
    }
}

fn write_order(writer: &mut Writer, purchase: &Purchase, status: OrderStatus) {
    order::write(writer, &purchase.order.id.get().to_string(), status, &order::voucher(purchase));
}

impl Sealer for Reply {
    fn seal(self: Box<Self>, outcome: Result<&Outcome, &Refusal>, _now: Timestamp) -> RawResponse {
        match outcome {
            Ok(outcome) => self.done(outcome).unwrap_or_else(|| self.refused(&Refusal::Internal)),
            Err(refusal) => self.refused(refusal),
        }
    }
}

/// What answers and notifications begin with.
pub(crate) fn write_head(writer: &mut Writer, code: Code, describe: &str, partner_id: i64) {
    writer.int("code", code.number());
    writer.text("describe", describe);
    writer.int("partnerId", partner_id);
}

fn pack(writer: Writer) -> RawResponse {
    let body = Bytes::from(writer.finish());
    RawResponse { status: 200, content_type: JSON, headers: Vec::new(), body }
}

/// Answers a request that could not be opened. Its body is looked into only if the caller had proven
/// itself: a stranger shall neither cost a look nor hear its words again.
pub(crate) fn refuse(operation: Option<Operation>, request: &RawRequest, refusal: &Refusal) -> RawResponse {
    let Some(operation) = operation else {
        return RawResponse { status: 404, content_type: "", headers: Vec::new(), body: Bytes::new() };
    };
    let partner_id = request.header(PARTNER_ID).and_then(partner_id_of).unwrap_or_default();
    let message = if Failure::of(refusal).judged { read(&request.body).ok() } else { None };
    let echo = message.as_ref().map(Echo::of).unwrap_or_default();
    Reply { operation, partner_id, echo }.refused(refusal)
}
