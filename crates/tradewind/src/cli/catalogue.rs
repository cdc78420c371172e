//! The command line of the catalogue, of prepaid money, of the gate and of reviews.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use tradewind_domain::Timestamp;

use super::Page;
use crate::when::parse_instant;

#[derive(Debug, Subcommand)]
pub(crate) enum Seller {
    /// Add a partner that sells and hands over, and does not call
    Add {
        /// Name for people
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Product {
    /// Add a product; skus say how it is sold
    Add {
        /// Whose: `par_...`
        #[arg(long)]
        seller: String,
        /// Its title
        name: String,
        #[command(flatten)]
        traits: ProductTraits,
    },
    /// Change a product
    Set {
        /// `prd_...`
        product: String,
        /// Its title
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        traits: ProductTraits,
    },
    /// Show a product with its skus
    Show {
        /// `prd_...`
        product: String,
    },
    /// List products with their skus
    List {
        /// Only those of this seller
        #[arg(long)]
        seller: Option<String>,
        #[command(flatten)]
        page: Page,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ProductTraits {
    /// Whether it can be bought
    #[arg(long, value_name = "BOOL")]
    pub(crate) on_sale: Option<bool>,
    /// The upstream system it comes from
    #[arg(long)]
    pub(crate) system: Option<String>,
    /// Address of a picture; may be given several times
    #[arg(long = "picture", value_name = "URL")]
    pub(crate) pictures: Option<Vec<String>>,
    /// Whom buyers can call, and when, for instance `400-1:09:00-18:00`; may be given several times
    #[arg(long = "contact", value_name = "PHONE:HOURS")]
    pub(crate) contacts: Option<Vec<String>>,
    /// Texts by name, a JSON object
    #[arg(long, value_name = "JSON", value_parser = super::json_object)]
    pub(crate) texts: Option<serde_json::Value>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sku {
    /// Add a way in which a product is sold
    Add {
        /// `prd_...`
        product: String,
        #[command(flatten)]
        rules: Box<SkuRules>,
    },
    /// Change how a product is sold; what has been sold keeps its terms
    Set {
        /// `sku_...`, or the number that partners know
        sku: String,
        #[command(flatten)]
        rules: Box<SkuRules>,
    },
    /// Show a sku
    Show {
        /// `sku_...`, or the number that partners know
        sku: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SkuRules {
    /// The list price
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) market: Option<String>,
    /// What partners take from buyers
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) sell: Option<String>,
    /// What partners pay
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cost: Option<String>,
    /// From when on it can be bought
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub(crate) sale_from: Option<Timestamp>,
    /// From when on it can no longer be bought
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub(crate) sale_until: Option<Timestamp>,
    /// The fewest units of an order [default: 1]
    #[arg(long, value_name = "COUNT")]
    pub(crate) order_min: Option<u32>,
    /// The most units of an order [default: 20]
    #[arg(long, value_name = "COUNT")]
    pub(crate) order_max: Option<u32>,
    /// Sold for a day of the calendar
    #[arg(long, value_name = "BOOL")]
    pub(crate) dated: Option<bool>,
    /// From when on it can be redeemed
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub(crate) valid_from: Option<Timestamp>,
    /// From when on it can no longer be redeemed
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    pub(crate) valid_until: Option<Timestamp>,
    /// For how many days a dated ticket can be redeemed [default: 1]
    #[arg(long, value_name = "DAYS")]
    pub(crate) valid_days: Option<u32>,
    /// Whole days that it must be bought ahead [default: 0]
    #[arg(long, value_name = "DAYS")]
    pub(crate) book_ahead: Option<u32>,
    /// How long after payment it can be redeemed first [default: 0]
    #[arg(long, value_name = "MINUTES")]
    pub(crate) usable_after: Option<u32>,
    /// Who has to be named: somebody to call, or one person for each ticket [default: contact]
    #[arg(long)]
    pub(crate) travellers: Option<Travellers>,
    /// Travellers need an identity document
    #[arg(long, value_name = "BOOL")]
    pub(crate) needs_document: Option<bool>,
    /// A code for each ticket, or one for the order [default: per-ticket]
    #[arg(long)]
    pub(crate) codes: Option<Codes>,
    /// Sold at the counter only
    #[arg(long, value_name = "BOOL")]
    pub(crate) counter_only: Option<bool>,
    /// Can be given back [default: true]
    #[arg(long, value_name = "BOOL")]
    pub(crate) refundable: Option<bool>,
    /// Only all that is left of an order can be given back
    #[arg(long, value_name = "BOOL")]
    pub(crate) whole_only: Option<bool>,
    /// Until when it can be given back: `any_time`, `never`, or minutes before the end of validity
    #[arg(long, value_name = "WHEN")]
    pub(crate) refund_until: Option<String>,
    /// Who approves refunds: `manual`, or the seconds after which they are approved by themselves
    #[arg(long, value_name = "WHO")]
    pub(crate) review: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Travellers {
    Contact,
    Each,
}

impl Travellers {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Travellers::Contact => "contact",
            Travellers::Each => "each",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Codes {
    PerTicket,
    PerOrder,
}

impl Codes {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codes::PerTicket => "per_ticket",
            Codes::PerOrder => "per_order",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stock {
    /// Lay down how much can be sold
    Set {
        /// `sku_...`, or the number that partners know
        sku: String,
        /// How many there are in all
        total: u32,
        /// The first day, yyyy-MM-dd; none for skus that are not sold by the day
        #[arg(long, value_name = "DAY")]
        day: Option<String>,
        /// The last of several days with the same stock
        #[arg(long, value_name = "DAY", requires = "day")]
        until: Option<String>,
        /// Sell nothing for now
        #[arg(long)]
        closed: bool,
        /// The day's own price, for instance 100,80,70
        #[arg(long, value_name = "MARKET,SELL,COST", value_delimiter = ',', num_args = 1..=3)]
        price: Option<Vec<String>>,
    },
    /// Show what can be sold and what has been
    List {
        /// `sku_...`, or the number that partners know
        sku: String,
        /// The first day [default: today]
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last day
        #[arg(long, value_name = "DAY")]
        until: Option<String>,
    },
    /// Lay down stocks from a table: sku,day,total,market,sell,cost,closed
    Import {
        /// A CSV file, `-` for standard input
        file: PathBuf,
        /// Write the good rows of a table that has bad ones too
        #[arg(long)]
        skip_bad: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deposit {
    /// Write down money that a partner has paid in advance, or got back
    Add {
        /// `par_...` or a key id
        partner: String,
        /// Your own number of it, for instance the bank's; the same number counts once
        number: String,
        /// How much; below zero when it was paid out
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// What for
        #[arg(long)]
        note: Option<String>,
    },
    /// List the deposits of a partner
    List {
        /// `par_...` or a key id
        partner: String,
        #[command(flatten)]
        page: Page,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ticket {
    /// Show what a code is good for, and what it was used for
    Show {
        /// The sixteen digits; spaces and hyphens do not matter
        code: String,
    },
    /// Redeem a code at the gate
    Redeem {
        /// The sixteen digits; spaces and hyphens do not matter
        code: String,
        /// How many uses
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// Who redeems: `par_...` or a key id [default: the seller]
        #[arg(long)]
        by: Option<String>,
        /// At which gate
        #[arg(long)]
        device: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Refund {
    /// List the applications that wait for review
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Give the units back
    Approve(RefundName),
    /// Let the units be used again
    Reject(RefundName),
}

#[derive(Debug, Args)]
pub(crate) struct RefundName {
    /// `ref_...`
    pub(crate) refund: String,
    /// Whose: `par_...` or a key id
    #[arg(long)]
    pub(crate) partner: String,
    /// `ord_...`
    #[arg(long)]
    pub(crate) order: String,
    /// Why; the partner is told. Needed to reject
    #[arg(long)]
    pub(crate) reason: Option<String>,
}
