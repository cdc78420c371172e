//! What must be told again of an order and has no place in the domain: kept with the order as a small
//! JSON object, absent when there is nothing.

use serde::{Deserialize, Serialize};
use tradewind_domain::Order;

use crate::goods::Goods;

/// The details of an order. Names are short because every order may carry them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    /// `MERCHANTPARA`, byte for byte.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none")]
    pub(crate) merchant_para: Option<String>,
    /// `DYNAMIC_ID_TYPE`.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub(crate) dynamic_id_type: Option<u32>,
    /// `subAppid`.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub(crate) sub_appid: Option<String>,
    /// `subOpenid`.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub(crate) sub_openid: Option<String>,
    /// `openId`.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub(crate) open_id: Option<String>,
    /// `GOODS_DETAIL`.
    #[serde(rename = "g", skip_serializing_if = "Vec::is_empty")]
    pub(crate) goods: Vec<Goods>,
}

impl Details {
    /// The form in which the order keeps them.
    pub(crate) fn into_text(self) -> Option<String> {
        if self == Details::default() {
            return None;
        }
        serde_json::to_string(&self).ok()
    }

    /// Those of an order.
    pub(crate) fn of(order: &Order) -> Details {
        let text = order.details.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
