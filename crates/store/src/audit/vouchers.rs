//! Vouchers before the audit: what was redeemed is what they say was used, by those who may.

use tradewind_domain::{
    Event, EventKind, PartnerId, Redemption, Task, TaskKind, Voucher, VoucherId, VoucherState,
};

use super::Audit;

/// A voucher and all that belongs to it, each list in the order of its ids.
#[derive(Clone, Debug, Default)]
pub struct VoucherFamily {
    /// The voucher; `None` when there are only rows that refer to it.
    pub voucher: Option<Voucher>,
    /// Its redemptions.
    pub redemptions: Vec<Redemption>,
    /// Its events.
    pub events: Vec<Event>,
    /// Its tasks.
    pub tasks: Vec<Task>,
}

impl VoucherFamily {
    /// Empties the lists and keeps their memory for the next family.
    pub fn clear(&mut self) {
        self.voucher = None;
        self.redemptions.clear();
        self.events.clear();
        self.tasks.clear();
    }

    /// In whose books its rows stand.
    fn partners(&self) -> impl Iterator<Item = PartnerId> {
        let redemptions = self.redemptions.iter().map(|redemption| redemption.partner);
        let events = self.events.iter().map(|event| event.partner);
        let tasks = self.tasks.iter().map(|task| task.key.partner);
        redemptions.chain(events).chain(tasks)
    }
}

impl Audit {
    /// Judges the family of the voucher of this id; each id is to be shown once.
    pub fn voucher_family(&mut self, id: VoucherId, family: &VoucherFamily) {
        self.count("redemptions", family.redemptions.len());
        self.count("events", family.events.len());
        self.count("tasks", family.tasks.len());
        for redemption in &family.redemptions {
            self.tally_redemption(redemption);
        }
        let Some(voucher) = &family.voucher else {
            let partner = family.partners().next().map_or("nobody".to_owned(), |partner| partner.to_string());
            self.find(format!("{id} of {partner} is referred to but not there"));
            return;
        };
        self.count("vouchers", 1);
        let judge = Judge { audit: self, voucher, family };
        judge.all();
    }
}

/// One voucher before the audit.
struct Judge<'a> {
    audit: &'a mut Audit,
    voucher: &'a Voucher,
    family: &'a VoucherFamily,
}

impl Judge<'_> {
    fn all(mut self) {
        self.facts();
        self.uses();
        self.shares();
        self.events();
        self.tasks();
    }

    fn find(&mut self, finding: &str) {
        let voucher = self.voucher;
        self.audit.find(format!("{} of {}: {finding}", voucher.id, voucher.partner));
    }

    fn facts(&mut self) {
        let voucher = self.voucher;
        if let Some(stranger) = self.family.partners().find(|partner| *partner != voucher.partner) {
            self.find(&format!("something that belongs to it stands in the books of {stranger}"));
        }
        if (voucher.state == VoucherState::Cancelled) != voucher.cancelled_at.is_some() {
            self.find("its state and the time of its cancellation do not agree");
        }
    }

    /// What was ordered is what was used and what was not.
    fn uses(&mut self) {
        let voucher = self.voucher;
        let redeemed = self.redeemed(|_| true);
        if redeemed != u64::from(voucher.used) {
            self.find(&format!("its redemptions sum to {redeemed} uses, it says {}", voucher.used));
        }
        let Voucher { ordered, used, refunded, locked, .. } = *voucher;
        if sum([used, refunded, locked]) > u64::from(ordered) {
            self.find(&format!(
                "{used} of its {ordered} uses were used, {refunded} given back, {locked} are locked"
            ));
        }
        // Those of an order count for the order as a whole.
        if voucher.order.is_none() {
            for finding in miscounted(&self.family.redemptions, ordered, refunded) {
                self.find(&finding);
            }
        }
        for redemption in &self.family.redemptions {
            if redemption.count == 0 {
                self.find(&format!("{} is of no use", redemption.id));
            }
            if !voucher.concerns(redemption.by) {
                self.find(&format!("{} was made by {}, who may not", redemption.id, redemption.by));
            }
        }
    }

    fn shares(&mut self) {
        let voucher = self.voucher;
        for share in &voucher.shares {
            let redeemed = self.redeemed(|by| share.partners.contains(&by));
            if redeemed != u64::from(share.used) {
                let said = share.used;
                self.find(&format!("redemptions of a share sum to {redeemed} uses, it says {said}"));
            }
            if share.used > share.quota {
                self.find(&format!("a share has used {} of its {}", share.used, share.quota));
            }
        }
    }

    fn redeemed(&self, by: impl Fn(PartnerId) -> bool) -> u64 {
        let made = self.family.redemptions.iter().filter(|redemption| by(redemption.by));
        made.map(|redemption| u64::from(redemption.count)).sum()
    }

    /// Each redemption was told once, and nothing else. What is redeemed of an order is told of the order.
    fn events(&mut self) {
        let family = self.family;
        let told_here = self.voucher.order.is_none();
        for redemption in family.redemptions.iter().filter(|_| told_here) {
            let tells = |event: &&Event| {
                event.kind == EventKind::VoucherRedeemed && event.redemption == Some(redemption.id)
            };
            let told = family.events.iter().filter(tells).count();
            let made_at = Some(redemption.id.made_at());
            let forgotten = told == 0 && self.audit.may_be_forgotten(redemption.partner, made_at);
            if told != 1 && !forgotten {
                self.find(&format!("{} was told {told} times instead of 1", redemption.id));
            }
        }
        for event in &family.events {
            let known = family.redemptions.iter().any(|made| event.redemption == Some(made.id));
            if !known || !told_here {
                self.find(&format!("event {} tells a redemption that is not there", event.number));
            }
        }
    }

    /// Each task tells an event that is there.
    fn tasks(&mut self) {
        for task in &self.family.tasks {
            let tells = match task.kind {
                TaskKind::Deliver { event, .. } => self.family.events.iter().any(|told| told.number == event),
                TaskKind::FollowPayment(_)
                | TaskKind::FollowRefund(_)
                | TaskKind::LapseOrder
                | TaskKind::ApproveRefund(_)
                | TaskKind::SendCodes => false,
            };
            if !tells {
                let (id, kind) = (task.key.id, task.kind.name());
                self.find(&format!("{id} ({kind}) is about nothing that is there or open"));
            }
        }
    }
}

/// What is wrong with the numbers that redemptions took down: each counts on from the one before it, and
/// what it says was left is what was neither used nor given back by then. Their ids need not tell which
/// came first, because several processes make them; `used_so_far` does.
pub(super) fn miscounted(redemptions: &[Redemption], ordered: u32, refunded: u32) -> Vec<String> {
    let mut made: Vec<&Redemption> = redemptions.iter().collect();
    made.sort_unstable_by_key(|redemption| (redemption.used_so_far, redemption.id));
    let mut findings = Vec::new();
    let (mut used, mut given_back) = (0, 0);
    for redemption in made {
        let Redemption { id, count, used_so_far, left, .. } = *redemption;
        if u64::from(used_so_far) != used + u64::from(count) {
            findings.push(format!("{id} is the use of {count} and says {used_so_far} so far, after {used}"));
        }
        used = u64::from(used_so_far);
        let gone = u64::from(ordered).checked_sub(sum([used_so_far, left]));
        match gone {
            Some(gone) if gone >= given_back && gone <= u64::from(refunded) => given_back = gone,
            _ => findings.push(format!(
                "{id} says that {left} were left when {used_so_far} of {ordered} had been used, {refunded} were given back"
            )),
        }
    }
    findings
}

/// Adds without end.
pub(super) fn sum(counts: impl IntoIterator<Item = u32>) -> u64 {
    counts.into_iter().map(u64::from).sum()
}
