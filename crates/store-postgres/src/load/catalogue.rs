//! The questions after the catalogue, its stocks, prepaid balances, and those who want to hear of a change.

/// The partners that want to hear of one of these events. There are few endpoints, and seldom a change.
macro_rules! listeners {
    ($events:literal) => {
        concat!("SELECT e.partner FROM endpoints e WHERE e.events::jsonb ?| ", $events, "::text[]")
    };
}

/// The same, each once.
macro_rules! each_listener {
    () => {
        concat!("(SELECT DISTINCT l.partner FROM (", listeners!("$1"), ") AS l) AS w")
    };
}

macro_rules! balances {
    ($lock:literal) => {
        select!(
            balance_columns,
            "FROM accounts a WHERE a.partner = ANY($1) AND a.account = 'prepaid' \
             ORDER BY a.partner, a.account, a.currency",
            $lock
        )
    };
}

macro_rules! stocks {
    ($lock:literal) => {
        select!(
            stock_columns,
            "FROM unnest($1::bigint[], $2::bigint[]) AS k (sku, day) \
             JOIN stocks s ON s.sku = k.sku AND s.day = k.day ORDER BY s.sku, s.day",
            $lock
        )
    };
}

/// Primary key of streams, and all endpoints. Instead of [`super::LOCK_STREAMS`] where an event is for all who
/// listen ($8).
pub(crate) const LOCK_STREAMS_OF_LISTENERS: &str = concat!(
    "SELECT s.partner FROM (SELECT DISTINCT w.partner FROM ",
    wanted!(),
    " UNION SELECT unnest($7::bigint[]) UNION ",
    listeners!("$8"),
    ") AS p JOIN streams s ON s.partner = p.partner ORDER BY s.partner FOR NO KEY UPDATE OF s"
);
/// Primary key of endpoints, and all of them.
pub(crate) const LISTENING_ENDPOINTS: &str = select!(
    endpoint_columns,
    "FROM ",
    each_listener!(),
    " JOIN endpoints e ON e.partner = w.partner ORDER BY e.partner, e.id"
);
/// Primary key of partners, and all endpoints.
pub(crate) const LISTENING_PARTNERS: &str = select!(
    partner_columns,
    ", p.version FROM ",
    each_listener!(),
    " JOIN partners p ON p.id = w.partner ORDER BY p.id"
);
/// Primary key of streams, and all endpoints.
pub(crate) const LISTENING_STREAMS: &str =
    concat!("SELECT s.partner, s.last FROM ", each_listener!(), " JOIN streams s ON s.partner = w.partner");
/// Index products_id, for products ($1) and those of skus ($2), which are found by skus_id.
pub(crate) const PRODUCTS: &str = select!(
    product_columns,
    ", p.version FROM (SELECT unnest($1::bigint[]) AS id \
       UNION SELECT k.product FROM skus k WHERE k.id = ANY($2::bigint[])) AS w \
     JOIN products p ON p.id = w.id ORDER BY p.partner, p.id"
);
/// Index skus_id, for skus ($2), and products_id and skus_product for those of products ($1).
pub(crate) const SKUS: &str = select!(
    sku_columns,
    ", k.version FROM (SELECT s.partner, s.id FROM skus s WHERE s.id = ANY($2::bigint[]) \
       UNION SELECT s.partner, s.id FROM products p JOIN skus s ON s.partner = p.partner AND s.product = p.id \
         WHERE p.id = ANY($1::bigint[])) AS w \
     JOIN skus k ON k.partner = w.partner AND k.id = w.id ORDER BY k.partner, k.id"
);
/// Index skus_id and primary key of partners.
pub(crate) const SELLERS: &str = select!(
    partner_columns,
    ", p.version FROM (SELECT DISTINCT k.partner FROM skus k WHERE k.id = ANY($1)) AS w \
     JOIN partners p ON p.id = w.partner ORDER BY p.id"
);
/// Index deposits_number.
pub(crate) const DEPOSITS: &str = select!(
    deposit_columns,
    "FROM unnest($1::bigint[], $2::text[]) AS k (partner, number) \
     JOIN deposits d ON d.partner = k.partner AND d.number = k.number ORDER BY d.partner, d.id"
);
/// Primary key of accounts.
pub(crate) const BALANCES: &str = balances!("");
/// The same.
pub(crate) const BALANCES_LOCKED: &str = balances!(" FOR NO KEY UPDATE OF a");
/// Index stocks_sku.
pub(crate) const STOCKS: &str = stocks!("");
/// The same.
pub(crate) const STOCKS_LOCKED: &str = stocks!(" FOR NO KEY UPDATE OF s");
