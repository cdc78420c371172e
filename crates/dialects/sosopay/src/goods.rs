//! `GOODS_DETAIL` (sections 2.3 and 6.6): accepted in several shapes, kept and written in one.

use serde::{Deserialize, Serialize};
use tradewind_dialect::codec::{ListShape, Message, Object, Writer};
use tradewind_domain::{Currency, Money, Refusal};

use crate::amount::yuan;
use crate::fields::{Fields, ID_CHARS_MAX, SUBJECT_CHARS_MAX, URL_CHARS_MAX, missing, wrong};
use crate::lists;

/// How many entries one order may have.
pub(crate) const GOODS_MAX: usize = 256;

const LIST: &str = "GOODS_DETAIL";
const ALIAS: &str = "goodsInfos";

/// One entry, with names that are short at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Goods {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "c")]
    class: String,
    #[serde(rename = "p")]
    price: String,
    #[serde(rename = "s")]
    subject: String,
    #[serde(rename = "q")]
    quantity: String,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    show_url: Option<String>,
}

/// Reads the entries under either name. Prices stay texts until [`check_prices`], because a wrong
/// amount is told after everything else that is wrong.
pub(crate) fn read(message: &Message<'_>, fields: &Object<'_>) -> Result<Vec<Goods>, Refusal> {
    let name = if fields.get(LIST).is_some_and(|value| !lists::is_absent(value)) { LIST } else { ALIAS };
    let entries = lists::entries(message.format, fields, name)?;
    if entries.len() > GOODS_MAX {
        return Err(wrong(name, format!("has more than {GOODS_MAX} entries")));
    }
    entries.into_iter().map(|entry| Goods::read(Fields(entry))).collect()
}

impl Goods {
    fn read(fields: Fields<'_>) -> Result<Goods, Refusal> {
        let text = |name: &str, chars_max| fields.text_required(name, chars_max).map(str::to_owned);
        let quantity = fields.number("GOOD_QUANTITY")?.ok_or_else(|| missing("GOOD_QUANTITY"))?;
        if quantity == 0 {
            return Err(wrong("GOOD_QUANTITY", "must be positive"));
        }
        Ok(Goods {
            id: text("GOOD_ID", ID_CHARS_MAX)?,
            name: text("GOOD_NAME", SUBJECT_CHARS_MAX)?,
            class: text("GOOD_CLASS", SUBJECT_CHARS_MAX)?,
            price: text("GOOD_PRICE", ID_CHARS_MAX)?,
            subject: text("GOOD_SUBJECT", SUBJECT_CHARS_MAX)?,
            quantity: quantity.to_string(),
            show_url: fields.text("GOOD_SHOWURL", URL_CHARS_MAX)?.map(str::to_owned),
        })
    }
}

/// Checks the prices and brings them to two digits. A price may be nothing, unlike an amount to pay:
/// something may be free.
pub(crate) fn check_prices(goods: &mut [Goods]) -> Result<(), Refusal> {
    for entry in goods {
        let price = Money::parse(&entry.price, 2, Currency::CNY).ok().filter(|price| price.micros() >= 0);
        let price =
            price.ok_or_else(|| Refusal::Amount { problem: "GOOD_PRICE: not an amount in yuan".into() })?;
        entry.price = yuan(price);
    }
    Ok(())
}

/// Writes the entries, when there are any.
pub(crate) fn write(writer: &mut Writer, goods: &[Goods]) {
    if goods.is_empty() {
        return;
    }
    writer.list(LIST, "GOODS_INFO", ListShape::Array, goods.iter(), |writer, entry| {
        writer.text("GOOD_ID", &entry.id);
        writer.text("GOOD_NAME", &entry.name);
        writer.text("GOOD_CLASS", &entry.class);
        writer.text("GOOD_PRICE", &entry.price);
        writer.text("GOOD_SUBJECT", &entry.subject);
        writer.text("GOOD_QUANTITY", &entry.quantity);
        writer.text_if("GOOD_SHOWURL", entry.show_url.as_deref());
    });
}
