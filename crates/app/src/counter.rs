//! The other side of the counter: what a seller's people and the operator's clerks do with the catalogue,
//! with prepaid money, and at the gate.

use tradewind_domain::{
    Command, Decided, Deposit, DepositId, Money, Need, Order, OrderRef, PartnerId, Product, ProductId,
    Purchase, RedeemCall, Redemption, Refusal, Sku, SkuId, StockPlan, Voucher, VoucherCode,
};

use crate::App;
use crate::purchases::purchase_in;

/// Redemptions of one voucher that are shown at most.
const REDEMPTIONS_SHOWN: u32 = 100;

/// A voucher as it is shown at the gate.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The voucher.
    pub voucher: Voucher,
    /// What has been redeemed of it, newest first.
    pub redemptions: Vec<Redemption>,
    /// The order that bought it, if one did.
    pub order: Option<Order>,
}

impl App {
    /// An id for a product that is about to be added.
    pub fn new_product_id(&self) -> ProductId {
        ProductId::make(&self.ids, self.now())
    }

    /// An id for a sku that is about to be added.
    pub fn new_sku_id(&self) -> SkuId {
        SkuId::make(&self.ids, self.now())
    }

    /// Adds a product, or changes the one of its id. When it was changed is filled in here.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn save_product(&self, product: Product) -> Result<Product, Refusal> {
        let product = Product { changed_at: self.now(), ..product };
        self.submit(Command::SaveProduct(Box::new(product.clone()))).await?;
        Ok(product)
    }

    /// Adds a sku, or changes the one of its id. When it was changed is filled in here.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn save_sku(&self, sku: Sku) -> Result<Sku, Refusal> {
        let sku = Sku { changed_at: self.now(), ..sku };
        self.submit(Command::SaveSku(Box::new(sku.clone()))).await?;
        Ok(sku)
    }

    /// Lays down stocks of a sku: all of them, or none.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn plan_stock(
        &self,
        seller: PartnerId,
        sku: SkuId,
        plans: Vec<StockPlan>,
    ) -> Result<(), Refusal> {
        self.submit(Command::PlanStock { seller, sku, plans }).await.map(drop)
    }

    /// Writes down money that a partner has paid in advance, or got back when it is negative.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn deposit(
        &self,
        partner: PartnerId,
        number: String,
        amount: Money,
        note: String,
        operator: String,
    ) -> Result<Deposit, Refusal> {
        let id = DepositId::make(&self.ids, self.now());
        let deposit = Deposit { id, partner, number, amount, note, operator };
        match self.submit(Command::Deposit(Box::new(deposit))).await? {
            Decided::Deposit(deposit) => Ok(*deposit),
            _ => Err(Refusal::Internal),
        }
    }

    /// The voucher of a code as the gate sees it, whoever's it is.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or that the database cannot be read.
    pub async fn ticket(&self, code: VoucherCode) -> Result<Ticket, Refusal> {
        let view = self.view(vec![Need::VoucherCode(code)]).await?;
        let voucher = view.voucher_by_code(code).cloned().ok_or(Refusal::NotFound { what: "voucher" })?;
        let redemptions = self.store.redemptions_of(voucher.partner, voucher.id, REDEMPTIONS_SHOWN).await;
        let redemptions = redemptions.map_err(|error| self.storage(&error))?;
        let order = match voucher.order {
            None => None,
            Some(order) => {
                let view = self.view(vec![Need::Order(voucher.partner, order)]).await?;
                view.order(voucher.partner, &OrderRef::Id(order)).cloned()
            }
        };
        Ok(Ticket { voucher, redemptions, order })
    }

    /// Redeems uses of a voucher in the name of `by`.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn redeem(&self, by: PartnerId, call: RedeemCall) -> Result<(Voucher, Redemption), Refusal> {
        match self.redeem_voucher(by, RedeemCall { confirm: true, ..call }).await? {
            tradewind_domain::Outcome::Redeemed(voucher, redemption) => Ok((*voucher, *redemption)),
            _ => Err(Refusal::Internal),
        }
    }

    /// A purchase with all that belongs to it, by the order's id; `None` when there is no such purchase.
    ///
    /// # Errors
    /// That the database cannot be read.
    pub async fn purchase_of_order(
        &self,
        partner: PartnerId,
        order: tradewind_domain::OrderId,
    ) -> Result<Option<Purchase>, Refusal> {
        let view = self.view(vec![Need::VouchersOf(partner, order)]).await?;
        Ok(view.order(partner, &OrderRef::Id(order)).and_then(|order| purchase_in(&view, order)))
    }
}
