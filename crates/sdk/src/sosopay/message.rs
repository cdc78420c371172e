//! What messages hold: reading their fields, and the values they share.

use std::fmt;

use tradewind_dialect::codec::{Format, Message, Object, Value, Writer, date};
use tradewind_domain::Timestamp;

use crate::Amount;

/// Why a message cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) String);

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Problem {
        Problem(error.to_string())
    }
}

/// The fields inside the message's one outermost name; a message without it is taken as it is.
pub(crate) fn unwrapped<'m>(message: Message<'m>, root: &str) -> Result<Object<'m>, Problem> {
    match message.format {
        Format::Json => Ok(message.members.unwrap_only(root).unwrap_or_else(|bare| bare)),
        Format::Xml if message.root.as_deref() == Some(root) => Ok(message.members),
        Format::Xml => Err(Problem(format!("its root element is not {root}"))),
    }
}

/// Reads fields. Absent, `null` and empty are the same.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'m>(pub(crate) &'m Object<'m>);

impl<'m> Fields<'m> {
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'m str>, Problem> {
        let scalar = self.0.get(name).map_or(Ok(None), Value::scalar);
        scalar.map_err(|error| Problem(format!("{name}: {error}")))
    }

    pub(crate) fn owned(&self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A field whose name is written in several cases (section 8).
    pub(crate) fn owned_any_case(&self, name: &str) -> Result<Option<String>, Problem> {
        let own = self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or(name, |(own, _)| own);
        self.owned(own)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Problem> {
        let number = self.text(name)?.map(|text| text.trim().parse());
        number.transpose().map_err(|_| Problem(format!("{name} is no number")))
    }

    /// An amount in cents.
    pub(crate) fn cents(&self, name: &str) -> Result<Option<Amount>, Problem> {
        let cents = self.text(name)?.map(|text| text.trim().parse().map(Amount::from_cents));
        cents.transpose().map_err(|_| Problem(format!("{name} is no amount in cents")))
    }

    /// An amount in yuan.
    pub(crate) fn yuan(&self, name: &str) -> Result<Option<Amount>, Problem> {
        let amount = self.text(name)?.map(|text| text.trim().parse());
        amount.transpose().map_err(|error| Problem(format!("{name}: {error}")))
    }

    /// A date. One that cannot be read is left out: no decision hangs on it, and it stands in the raw text.
    pub(crate) fn date(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        Ok(self.text(name)?.and_then(|text| date::parse_datetime_gmt8(text.trim())))
    }

    /// The members of an object; none when it is absent.
    pub(crate) fn object(&self, name: &str) -> Option<Fields<'m>> {
        match self.0.get(name) {
            Some(Value::Object(object)) => Some(Fields(object)),
            _ => None,
        }
    }

    /// The entries of a list in any of the shapes of section 2.3: an array, an object or element that
    /// holds them under `entry`, one bare entry where a list of one was collapsed, or repeated elements.
    pub(crate) fn entries(&self, name: &str, entry: &str) -> Result<Vec<Fields<'m>>, Problem> {
        let mut found = Vec::new();
        for value in self.0.all(name) {
            collect(value, entry, &mut found)
                .map_err(|()| Problem(format!("{name} is no list of objects")))?;
        }
        Ok(found)
    }
}

fn collect<'m>(value: &'m Value<'m>, entry: &str, found: &mut Vec<Fields<'m>>) -> Result<(), ()> {
    match value {
        Value::Null => Ok(()),
        Value::Text(text) if text.trim_ascii().is_empty() => Ok(()),
        Value::List(values) => values.iter().try_for_each(|value| match value {
            Value::Object(object) => {
                found.push(Fields(object));
                Ok(())
            }
            _ => Err(()),
        }),
        Value::Object(object) if object.get(entry).is_some() => {
            object.all(entry).try_for_each(|value| collect(value, entry, found))
        }
        Value::Object(object) if object.iter().all(|(_, value)| matches!(value, Value::Object(_))) => {
            object.iter().try_for_each(|(_, value)| collect(value, entry, found))
        }
        Value::Object(object) => {
            found.push(Fields(object));
            Ok(())
        }
        _ => Err(()),
    }
}

/// A field that the answer makes no sense without.
pub(crate) fn required<T>(name: &str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem(format!("{name} is missing")))
}

/// Something that is bought (section 6.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// Product number. `GOOD_ID`.
    pub id: String,
    /// Product name. `GOOD_NAME`.
    pub name: String,
    /// Classification. `GOOD_CLASS`.
    pub class: String,
    /// Price of one. `GOOD_PRICE`.
    pub price: Option<Amount>,
    /// Description. `GOOD_SUBJECT`.
    pub subject: String,
    /// How many, at least 1. `GOOD_QUANTITY`.
    pub quantity: u32,
    /// Where it is shown. `GOOD_SHOWURL`.
    pub show_url: Option<String>,
}

impl Goods {
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let absent = [
            ("GOOD_ID", self.id.is_empty()),
            ("GOOD_NAME", self.name.is_empty()),
            ("GOOD_CLASS", self.class.is_empty()),
            ("GOOD_PRICE", self.price.is_none()),
            ("GOOD_SUBJECT", self.subject.is_empty()),
            ("GOOD_QUANTITY", self.quantity == 0),
        ];
        absent.into_iter().find(|(_, absent)| *absent).map(|(name, _)| name)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.text("GOOD_ID", &self.id);
        writer.text("GOOD_NAME", &self.name);
        writer.text("GOOD_CLASS", &self.class);
        writer.text("GOOD_PRICE", &self.price.unwrap_or(Amount::ZERO).to_string());
        writer.text("GOOD_SUBJECT", &self.subject);
        writer.text("GOOD_QUANTITY", &self.quantity.to_string());
        writer.text_if("GOOD_SHOWURL", self.show_url.as_deref());
    }

    pub(crate) fn list(fields: Fields<'_>) -> Result<Vec<Goods>, Problem> {
        fields.entries("GOODS_DETAIL", "GOODS_INFO")?.into_iter().map(Goods::read).collect()
    }

    fn read(fields: Fields<'_>) -> Result<Goods, Problem> {
        let text = |name| fields.owned(name).map(Option::unwrap_or_default);
        Ok(Goods {
            id: text("GOOD_ID")?,
            name: text("GOOD_NAME")?,
            class: text("GOOD_CLASS")?,
            price: fields.yuan("GOOD_PRICE")?,
            subject: text("GOOD_SUBJECT")?,
            quantity: fields.number("GOOD_QUANTITY")?.unwrap_or_default(),
            show_url: fields.owned("GOOD_SHOWURL")?,
        })
    }
}

/// Where money came from or goes back to (section 2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundBill {
    /// How much. `AMOUNT`.
    pub amount: Amount,
    /// The source by its code of section 6.2, for instance `10` for the Alipay balance. `FUND_CHANNEL`.
    pub channel: String,
}

impl FundBill {
    pub(crate) fn list(fields: Fields<'_>) -> Result<Vec<FundBill>, Problem> {
        fields.entries("FUND_BILL_LIST", "TRADEFUNDBILL")?.into_iter().map(FundBill::read).collect()
    }

    fn read(fields: Fields<'_>) -> Result<FundBill, Problem> {
        Ok(FundBill {
            amount: required("AMOUNT", fields.yuan("AMOUNT")?)?,
            channel: fields.owned("FUND_CHANNEL")?.unwrap_or_default(),
        })
    }
}

/// `STATE` of an order, or of a refund when a query was for one (section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// 0: waiting to be paid.
    Pending,
    /// 1: paid.
    Paid,
    /// 2: revoked.
    Revoked,
    /// 3: revocation applied for.
    RevocationApplied,
    /// 4: partly refunded.
    PartlyRefunded,
    /// 5: refunded.
    Refunded,
    /// 6: closed.
    Closed,
    /// 8: a refund is under way.
    Refunding,
    /// 9: a refund failed.
    RefundFailed,
    /// 10, of a refund: to be done.
    RefundPending,
    /// 11, of a refund: done.
    RefundDone,
    /// 12, of a refund: cancelled.
    RefundCancelled,
    /// 13, of a refund: refused.
    RefundRefused,
    /// 14, of a refund: it belongs to a revocation, which was done.
    RevocationDone,
    /// A number that this library does not know.
    Other(u32),
}

const STATES: [(u32, State); 14] = [
    (0, State::Pending),
    (1, State::Paid),
    (2, State::Revoked),
    (3, State::RevocationApplied),
    (4, State::PartlyRefunded),
    (5, State::Refunded),
    (6, State::Closed),
    (8, State::Refunding),
    (9, State::RefundFailed),
    (10, State::RefundPending),
    (11, State::RefundDone),
    (12, State::RefundCancelled),
    (13, State::RefundRefused),
    (14, State::RevocationDone),
];

impl State {
    /// The state of a number.
    #[must_use]
    pub fn of_number(number: u32) -> State {
        STATES.iter().find(|(own, _)| *own == number).map_or(State::Other(number), |(_, state)| *state)
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            State::Other(number) => number,
            known => STATES.iter().find(|(_, state)| *state == known).map_or(0, |(number, _)| *number),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.number())
    }
}

/// The channels of section 6.1 by their numbers.
#[must_use]
pub fn channel_name(channel_type: u32) -> Option<&'static str> {
    let mut rows = tradewind_sosopay::CHANNELS.iter();
    rows.find(|channel| channel.code == channel_type).map(|channel| channel.name)
}
