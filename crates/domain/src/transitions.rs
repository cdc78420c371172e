//! The tables of the state machines, made by running [`decide`] over every pair of a state and a command.
//!
//! The documents print them and the tests compare them with what the rules are meant to be. States and
//! commands are listed by matches without a wildcard, so a new one does not compile until it has its row
//! or its column.

mod purchases;
mod scenes;
mod vouchers;

use std::fmt;

use crate::{
    ChannelReport, Command, DeliveryResult, IdSource, Money, NewOrder, NewRefund, NodeId, Order, OrderRef,
    Payment, PaymentState, RefundKind, RefundReport, RevokeMode, Rules, TaskCommand, Timestamp, View, decide,
    needs,
};
use scenes::{
    ATTEMPTS, EXPIRES, NOW, ORDER, PARTNER, PAYMENT, REFUND, REFUND_WINDOW, Scene, TASK, bills, chain, yuan,
};

/// One table: what every command does to every state.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it is about.
    pub title: &'static str,
    /// The states.
    pub rows: Vec<String>,
    /// The commands.
    pub columns: Vec<String>,
    /// A list for each state with a cell for each command.
    pub cells: Vec<Vec<Cell>>,
}

/// What a command does to a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Accepted.
    Accepted {
        /// The new state; `None` when it stays the same.
        state: Option<String>,
        /// Money that came too late goes back to the payer.
        returned: bool,
    },
    /// Refused, by the name of the refusal.
    Refused(&'static str),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Accepted { state, returned } => {
                match state {
                    Some(state) => write!(f, "**{state}**")?,
                    None => f.write_str("stays")?,
                }
                if *returned { f.write_str(", money returned") } else { Ok(()) }
            }
            Cell::Refused(name) => write!(f, "`{name}`"),
        }
    }
}

/// All tables.
pub fn tables() -> Vec<Table> {
    let payment_reports = || channel_reports().into_iter().map(report_payment);
    let refund_reports = || refund_reports().into_iter().map(report_refund);
    vec![
        table(
            "Orders: reports of the payment, and time",
            scenes::orders(),
            payment_reports().chain([lapse("due", EXPIRES), lapse("not due", NOW)]).collect(),
            order_state,
        ),
        table(
            "Orders: refunds",
            scenes::orders(),
            [
                refund("a part", |_| yuan(1)),
                refund("the rest", Scene::rest),
                refund("too much", |_| yuan(101)),
            ]
            .into_iter()
            .chain(refund_reports())
            .collect(),
            order_state,
        ),
        table(
            "Orders: placing and revoking",
            scenes::orders(),
            vec![
                column("", NOW, |_| place()),
                column("", NOW, |_| revoke(RevokeMode::Now)),
                column("", NOW, |_| revoke(RevokeMode::Application)),
                column("", NOW, |_| review(true)),
                column("", NOW, |_| review(false)),
            ],
            order_state,
        ),
        table("Payments", scenes::payments(), payment_reports().collect(), |view, _| {
            view.payment(PAYMENT).map(|payment| payment.state.name())
        }),
        table("Refunds", scenes::refunds(), refund_reports().collect(), |view, _| {
            view.refund(REFUND).map(|refund| refund.state.name())
        }),
        table("Tasks", scenes::tasks(), task_columns(), |view, _| {
            view.task(TASK).map(|task| task.state.name())
        }),
        table("Purchases", purchases::scenes(), purchases::columns(), purchases::state),
        table("Vouchers", vouchers::scenes(), vouchers::columns(), vouchers::state),
    ]
}

/// All tables as Markdown.
pub fn markdown() -> String {
    let mut text = String::new();
    for table in tables() {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = std::iter::once(String::new()).chain(table.columns.iter().cloned()).collect();
        let rule = std::iter::repeat_n("---".to_owned(), table.columns.len() + 1).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("### {}\n\n{}{}", table.title, line(head), line(rule));
        for (row, cells) in table.rows.iter().zip(&table.cells) {
            let cells = cells.iter().map(Cell::to_string);
            text += &line(std::iter::once(row.clone()).chain(cells).collect());
        }
    }
    text
}

struct Column {
    name: String,
    at: Timestamp,
    command: Box<dyn Fn(&Scene) -> Command>,
}

fn table(
    title: &'static str,
    scenes: Vec<Scene>,
    columns: Vec<Column>,
    state: fn(&View, Timestamp) -> Option<&'static str>,
) -> Table {
    let cells =
        scenes.iter().map(|scene| columns.iter().map(|column| run(scene, column, state)).collect()).collect();
    Table {
        title,
        rows: scenes.into_iter().map(|scene| scene.name).collect(),
        columns: columns.into_iter().map(|column| column.name).collect(),
        cells,
    }
}

fn run(scene: &Scene, column: &Column, state: fn(&View, Timestamp) -> Option<&'static str>) -> Cell {
    let command = (column.command)(scene);
    let mut view = View::default();
    view.fill(needs(&command), scene.rows());
    let before = state(&view, column.at);
    let ids = IdSource::new(NodeId::FIRST, NOW);
    match decide(&view, command, column.at, &ids, &Rules::standard(REFUND_WINDOW)) {
        Err(refusal) => Cell::Refused(refusal.name()),
        Ok((changes, _)) => {
            let returned = changes
                .refunds
                .iter()
                .any(|refund| refund.kind == RefundKind::LateSuccess && view.refund(refund.id).is_none());
            view.apply(changes);
            let after = state(&view, column.at);
            Cell::Accepted { state: after.filter(|_| after != before).map(worded), returned }
        }
    }
}

fn order_state(view: &View, at: Timestamp) -> Option<&'static str> {
    view.order(PARTNER, &OrderRef::Id(ORDER)).map(|order| order.standing(at, REFUND_WINDOW).name())
}

fn worded(name: &str) -> String {
    name.replace('_', " ")
}

fn column(detail: &str, at: Timestamp, command: impl Fn(&Scene) -> Command + 'static) -> Column {
    let example = scenes::orders_in(crate::OrderStanding::Paid);
    let verb = example.first().map_or("", |scene| verb(&command(scene)));
    let name = [verb, detail].join(" ").trim().to_owned();
    Column { name, at, command: Box::new(command) }
}

/// What a command is called at the head of its column. Those that move no order, payment, refund, task or
/// voucher have no column.
fn verb(command: &Command) -> &'static str {
    match command {
        Command::PlaceOrder(_) => "place",
        Command::ReportPayment { .. } => "payment",
        Command::LapseOrder { .. } => "lapse,",
        Command::RequestRefund(_) => "refund",
        Command::ReportRefund { .. } => "refund",
        Command::Revoke { mode: RevokeMode::Now, .. } => "revoke now",
        Command::Revoke { mode: RevokeMode::Application, .. } => "apply for revocation",
        Command::ReviewRevocation { approve: true, .. } => "approve",
        Command::ReviewRevocation { approve: false, .. } => "reject",
        Command::IssueVoucher(_) => "issue",
        Command::RedeemVoucher { .. } => "redeem",
        Command::CancelVoucher { .. } => "cancel",
        Command::RecordDelivery { .. } => "delivery",
        Command::Task { command: TaskCommand::Retry, .. } => "run again",
        Command::Task { command: TaskCommand::Cancel, .. } => "call off",
        Command::Task { command: TaskCommand::Settle, .. } => "settle",
        Command::Purchase(new) if new.pay.is_none() => "buy",
        Command::Purchase(_) => "buy and pay",
        Command::PayPurchase(_) => "pay",
        Command::ApplyRefund(_) => "give back",
        Command::ReviewRefund { approve: true, .. } => "approve",
        Command::ReviewRefund { approve: false, .. } => "reject",
        Command::ResendCodes { .. } => "send codes",
        Command::Add(_)
        | Command::PatchPartner { .. }
        | Command::RotateCredential { .. }
        | Command::SetUserState { .. }
        | Command::RecordSignIn { .. }
        | Command::SaveProduct(_)
        | Command::SaveSku(_)
        | Command::PlanStock { .. }
        | Command::Deposit(_)
        | Command::Remember(_)
        | Command::Forget(_)
        | Command::RemoveEndpoint { .. } => "",
    }
}

fn channel_reports() -> Vec<ChannelReport> {
    use ChannelReport as R;
    let paid = R::Paid { channel_number: "C".into(), payer: None, bills: bills(yuan(100)) };
    chain(paid, |report| match report {
        R::Paid { .. } => Some(R::Declined { reason: "no".into() }),
        R::Declined { .. } => Some(R::Waiting),
        R::Waiting => Some(R::Cancelled),
        R::Cancelled => Some(R::NotFound),
        R::NotFound => Some(R::NoAnswer { reason: "silence".into() }),
        R::NoAnswer { .. } => None,
    })
}

fn report_payment(report: ChannelReport) -> Column {
    let name = match &report {
        ChannelReport::Paid { .. } => "paid",
        ChannelReport::Declined { .. } => "declined",
        ChannelReport::Waiting => "waiting",
        ChannelReport::Cancelled => "cancelled",
        ChannelReport::NotFound => "not found",
        ChannelReport::NoAnswer { .. } => "no answer",
    };
    column(name, NOW, move |_| Command::ReportPayment {
        partner: PARTNER,
        order: ORDER,
        payment: PAYMENT,
        report: report.clone(),
        attempts: Some(ATTEMPTS),
    })
}

fn refund_reports() -> Vec<RefundReport> {
    use RefundReport as R;
    let succeeded = R::Succeeded { channel_number: "C".into(), bills: Vec::new() };
    chain(succeeded, |report| match report {
        R::Succeeded { .. } => Some(R::Refused { reason: "no".into() }),
        R::Refused { .. } => Some(R::Pending),
        R::Pending => Some(R::NotFound),
        R::NotFound => Some(R::NoAnswer { reason: "silence".into() }),
        R::NoAnswer { .. } => None,
    })
}

fn report_refund(report: RefundReport) -> Column {
    let name = match &report {
        RefundReport::Succeeded { .. } => "succeeded",
        RefundReport::Refused { .. } => "refused",
        RefundReport::Pending => "pending",
        RefundReport::NotFound => "not found",
        RefundReport::NoAnswer { .. } => "no answer",
    };
    column(name, NOW, move |_| Command::ReportRefund {
        partner: PARTNER,
        order: ORDER,
        refund: REFUND,
        report: report.clone(),
        attempts: Some(ATTEMPTS),
    })
}

fn lapse(detail: &str, at: Timestamp) -> Column {
    column(detail, at, |scene| Command::LapseOrder {
        partner: PARTNER,
        order: ORDER,
        stock: scene.order.as_ref().and_then(|order| order.line.as_ref()).map(|line| line.stock()),
    })
}

fn refund(detail: &str, amount: fn(&Scene) -> Money) -> Column {
    column(detail, NOW, move |scene| {
        Command::RequestRefund(Box::new(NewRefund {
            id: crate::RefundId::first_at(EXPIRES),
            partner: PARTNER,
            order: OrderRef::Id(ORDER),
            number: Some("another".into()),
            fingerprint: 2,
            amount: amount(scene),
            subject: "Sample".into(),
            operator: String::new(),
        }))
    })
}

fn place() -> Command {
    let order: Order = scenes::order();
    let payment: Payment = scenes::payment(PaymentState::Unknown);
    Command::PlaceOrder(Box::new(NewOrder { order, payment, follow_up_at: EXPIRES }))
}

fn revoke(mode: RevokeMode) -> Command {
    Command::Revoke { partner: PARTNER, order: OrderRef::Id(ORDER), mode }
}

fn review(approve: bool) -> Command {
    Command::ReviewRevocation { partner: PARTNER, order: ORDER, approve }
}

fn task_columns() -> Vec<Column> {
    use DeliveryResult as R;
    let due = R::Failed { reason: "refused".into(), next: Some(EXPIRES) };
    let last = R::Failed { reason: "refused".into(), next: None };
    let results = chain(R::Acknowledged, |result| match result {
        R::Acknowledged => Some(R::Postponed { until: EXPIRES }),
        R::Postponed { .. } => Some(due.clone()),
        R::Failed { next: Some(_), .. } => Some(last.clone()),
        R::Failed { next: None, .. } => None,
    });
    let delivery = |detail: &str, attempt: u32, result: DeliveryResult| {
        column(detail, NOW, move |_| Command::RecordDelivery { key: TASK, attempt, result: result.clone() })
    };
    let named = |result: DeliveryResult| {
        let detail = match &result {
            R::Acknowledged => "acknowledged",
            R::Postponed { .. } => "postponed",
            R::Failed { next: Some(_), .. } => "failed",
            R::Failed { next: None, .. } => "failed for the last time",
        };
        delivery(detail, ATTEMPTS + 1, result)
    };
    let commands = chain(TaskCommand::Retry, |command| match command {
        TaskCommand::Retry => Some(TaskCommand::Cancel),
        TaskCommand::Cancel => Some(TaskCommand::Settle),
        TaskCommand::Settle => None,
    });
    let commands = commands
        .into_iter()
        .map(|command| column("", NOW, move |_| Command::Task { key: TASK, command, reason: None }));
    let overtaken = delivery("acknowledged, attempt overtaken", ATTEMPTS, R::Acknowledged);
    results.into_iter().map(named).chain([overtaken]).chain(commands).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrderStanding, RefundState, Refusal};

    #[test]
    fn every_scene_of_a_standing_has_that_standing() {
        for standing in OrderStanding::ALL {
            for scene in scenes::orders_in(standing) {
                let order = scene.order.as_ref().unwrap();
                assert_eq!(order.standing(NOW, REFUND_WINDOW), standing, "{}", scene.name);
            }
        }
    }

    #[test]
    fn lists_and_chains_agree() {
        let count = |title: &str| tables().into_iter().find(|table| table.title == title).unwrap().rows.len();
        assert_eq!(count("Refunds"), 4 * RefundState::ALL.len());
        for state in PaymentState::ALL {
            assert!(scenes::payments().iter().any(|scene| scene.payment.state == state), "{state:?}");
        }
        let listed: usize =
            OrderStanding::ALL.iter().map(|standing| scenes::orders_in(*standing).len()).sum();
        assert_eq!(scenes::orders().len(), listed + 1, "a standing is missing in one of the lists");
    }

    #[test]
    fn no_pair_breaks_a_rule_that_must_hold() {
        for table in tables() {
            for (row, cells) in table.rows.iter().zip(&table.cells) {
                for (column, cell) in table.columns.iter().zip(cells) {
                    assert_ne!(
                        *cell,
                        Cell::Refused(Refusal::Internal.name()),
                        "{}: {row} / {column}",
                        table.title
                    );
                }
            }
        }
    }
}
