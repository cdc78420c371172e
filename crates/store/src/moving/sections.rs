//! The parts in which a gateway is moved.

macro_rules! sections {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A part of what a store holds. In the order in which parts are moved: what others refer to comes
        /// before them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Section {
            $($(#[$doc])* $variant,)+
        }

        impl Section {
            /// All, in their order.
            pub const ALL: &'static [Section] = &[$(Section::$variant),+];

            /// Its name, as it is shown and remembered.
            pub fn name(self) -> &'static str {
                match self { $(Section::$variant => $name),+ }
            }
        }
    };
}

sections! {
    /// Partners.
    Partners = "partners",
    /// Their keys, and with them who owns a key id.
    Credentials = "credentials",
    /// Their users.
    Users = "users",
    /// Their endpoints.
    Endpoints = "endpoints",
    /// The positions of their event streams.
    Streams = "streams",
    /// Orders, with what they buy.
    Orders = "orders",
    /// Payments.
    Payments = "payments",
    /// Refunds.
    Refunds = "refunds",
    /// What is kept of orders that have gone.
    PastOrders = "past_orders",
    /// What is kept of their refunds.
    PastRefunds = "past_refunds",
    /// Products.
    Products = "products",
    /// Skus.
    Skus = "skus",
    /// Stocks.
    Stocks = "stocks",
    /// Deposits.
    Deposits = "deposits",
    /// Vouchers.
    Vouchers = "vouchers",
    /// Their redemptions.
    Redemptions = "redemptions",
    /// Transfers, and with them the sums of accounts.
    Transfers = "transfers",
    /// Events.
    Events = "events",
    /// Tasks.
    Tasks = "tasks",
    /// What the gateway remembers about itself.
    Facts = "facts",
}

impl Section {
    /// Where a copy begins.
    pub const FIRST: Section = Section::Partners;

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Section> {
        Section::ALL.iter().copied().find(|section| section.name() == name)
    }

    /// The one after this.
    pub fn next(self) -> Option<Section> {
        let place = Section::ALL.iter().position(|section| *section == self)?;
        Section::ALL.get(place + 1).copied()
    }
}
