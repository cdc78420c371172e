//! Orders that have gone before the audit: what is kept of them is what their transfers, which are all
//! there, come to.

use tradewind_domain::{Account, Money, OrderId, PastOrder, Purpose, Transfer, TransferKind};

use super::{Audit, Family, settles};

impl Audit {
    /// Judges what is kept of an order that has gone, and that nothing else is.
    pub(super) fn past_order(&mut self, id: OrderId, past: &PastOrder, family: &Family) {
        self.count("past_orders", family.past_orders.len());
        let mut judge = Judge { audit: self, past, family };
        judge.remains(id);
        judge.sums();
        judge.holds();
    }
}

struct Judge<'a> {
    audit: &'a mut Audit,
    past: &'a PastOrder,
    family: &'a Family,
}

impl Judge<'_> {
    fn find(&mut self, finding: &str) {
        let past = self.past;
        self.audit.find(format!("{} of {}, which has gone: {finding}", past.order, past.partner));
    }

    fn remains(&mut self, id: OrderId) {
        let (past, family) = (self.past, self.family);
        if let Some(stranger) = family.partners().find(|partner| *partner != past.partner) {
            self.find(&format!("something that belongs to it stands in the books of {stranger}"));
        }
        if family.past_orders.len() > 1 {
            self.find("it went more than once");
        }
        if past.gone_at < id.made_at() {
            self.find("it went before it was there");
        }
        for (what, rows) in [
            ("payments", family.payments.len()),
            ("refunds", family.refunds.len()),
            ("tasks", family.tasks.len()),
            ("vouchers", family.vouchers.len()),
            ("redemptions", family.redemptions.len()),
        ] {
            if rows > 0 {
                self.find(&format!("{rows} of its {what} have stayed"));
            }
        }
    }

    /// What came in, went back and was kept is what its transfers say.
    fn sums(&mut self) {
        let (past, family) = (self.past, self.family);
        let counts = |transfer: &&Transfer| match transfer.kind {
            TransferKind::Posted | TransferKind::Posts(_) => true,
            TransferKind::Pending | TransferKind::Voids(_) => false,
        };
        let sum = |purpose: Purpose| {
            let of = family.transfers.iter().filter(counts).filter(|transfer| transfer.purpose == purpose);
            of.map(|transfer| i128::from(transfer.amount.micros())).sum::<i128>()
        };
        let kept = sum(Purpose::Fee) - sum(Purpose::FeeReturn);
        for (what, said, found) in [
            ("came in", past.collected, sum(Purpose::Payment)),
            ("went back", past.returned, sum(Purpose::Refund)),
            ("was kept as a fee", past.fee, kept),
        ] {
            if i128::from(said.micros()) != found {
                self.find(&format!("{found} millionths {what} by its transfers, it says {said}"));
            }
        }
        let currency = past.collected.currency();
        let amounts = family.transfers.iter().map(|transfer| transfer.amount);
        if let Some(other) = amounts.map(Money::currency).find(|other| *other != currency) {
            self.find(&format!("it was over {currency:?}, and a transfer of it is over {other:?}"));
        }
        let in_suspense = family.transfers.iter().filter(counts).map(|transfer| {
            let side = |account: &Account| i128::from(*account == Account::Suspense);
            (side(&transfer.credit) - side(&transfer.debit)) * i128::from(transfer.amount.micros())
        });
        let in_suspense: i128 = in_suspense.sum();
        if in_suspense != 0 {
            self.find(&format!("{in_suspense} millionths of it are in suspense"));
        }
    }

    /// Each reservation is that of a refund whose number is kept, and was settled once.
    fn holds(&mut self) {
        let family = self.family;
        let transfers = &family.transfers;
        for transfer in transfers {
            match transfer.kind {
                TransferKind::Posted => {}
                TransferKind::Pending => {
                    let kept = family.past_refunds.iter().filter(|refund| refund.hold == transfer.id).count();
                    if kept != 1 {
                        self.find(&format!("{} is pending and {kept} past refunds held it", transfer.id));
                    }
                    let settled = transfers.iter().filter(|other| match other.kind {
                        TransferKind::Posts(hold) | TransferKind::Voids(hold) => hold == transfer.id,
                        TransferKind::Posted | TransferKind::Pending => false,
                    });
                    let settled = settled.count();
                    if settled != 1 {
                        self.find(&format!("{} is pending and was settled {settled} times", transfer.id));
                    }
                }
                TransferKind::Posts(hold) | TransferKind::Voids(hold) => {
                    if !settles(transfer, hold, transfers) {
                        self.find(&format!(
                            "{} settles {hold}, which is no pending transfer like it",
                            transfer.id
                        ));
                    }
                }
            }
        }
        for refund in &family.past_refunds {
            if !transfers.iter().any(|held| held.id == refund.hold && held.kind == TransferKind::Pending) {
                self.find(&format!("past refund {:?} has no pending transfer", refund.number));
            }
        }
    }
}
