//! `tickets-load`: buyers of one item, in a process of their own.
//!
//! Each connection asks for the next buyer's 1 to 5 tickets with `newOrder` when the answer to the one
//! before has arrived. Buyers take turns, and so do the distributors through whom they buy. What was
//! bought is counted from the answers, per distributor, so that the books can be compared with it.

use crate::clock::wall_ms;
use crate::engine::{AfterLoss, Answer, Ended, Engine, Workload};
use crate::histogram::{Histogram, Sparse};
use crate::http::address;
use crate::lianhe::{Deal, Distributor, Entry, Request, Wish, order_body};
use crate::process::cpu_seconds;
use crate::random::Random;
use crate::sosopay::Member;
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Tickets of one order at most.
pub(crate) const QUANTITY_MAX: u32 = 5;
/// Answers that are still due when sending ends are waited for this long.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const LOST_MAX: u64 = 1000;

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct TicketsLoadArgs {
    /// The server, as http://ADDRESS:PORT.
    #[arg(long)]
    url: String,
    /// Post the same requests to the bare server that sends bodies back.
    #[arg(long)]
    echo: bool,
    /// Connections, each with one request in flight.
    #[arg(long)]
    connections: usize,
    /// Seconds to send for.
    #[arg(long)]
    duration: f64,
    /// Seconds of warm-up before it, sold and booked, but not in the figures.
    #[arg(long, default_value_t = 0.5)]
    warmup: f64,
    /// Buyers, and distributors through whom they buy.
    #[arg(long)]
    buyers: usize,
    #[arg(long)]
    distributors: usize,
    /// `LHDealId` and `travelDate`.
    #[arg(long)]
    deal: String,
    #[arg(long)]
    day: String,
    /// `sellPrice`.
    #[arg(long)]
    sell: String,
    /// Every ticket has a code of its own.
    #[arg(long)]
    per_ticket: bool,
    /// Seed of the quantities.
    #[arg(long)]
    seed: u64,
    /// The process whose processor time is reported as the server's.
    #[arg(long)]
    server_pid: u32,
}

/// The figures of one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sold {
    pub seconds: f64,
    /// Orders that were answered with success, and their tickets, in the measured time.
    pub orders: u64,
    pub tickets: u64,
    /// Every other answer, by code, warm-up included.
    pub other: BTreeMap<String, u64>,
    /// Requests whose connection broke or that were not answered, warm-up included.
    pub lost: u64,
    pub cpu_seconds: f64,
    pub server_cpu_seconds: f64,
    /// Tickets bought through each distributor, warm-up included.
    pub bought: Vec<u64>,
    pub histogram: Sparse,
}

/// Buys and prints what was bought as JSON.
pub(crate) fn command(args: &TicketsLoadArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.connections > 0 && args.buyers > 0 && args.distributors > 0,
        "nobody would buy without connections, buyers and distributors"
    );
    let server = address(&args.url)?;
    let mut engine = Engine::connect(server, args.connections)
        .with_context(|| format!("could not connect {} times to {server}", args.connections))?;
    let mut buying = Buying::new(args, server);
    buying.phase(&mut engine, args.warmup)?;
    buying.start_counting();
    let own = cpu_seconds(std::process::id())?;
    let servers = cpu_seconds(args.server_pid)?;
    let begun_at = Instant::now();
    buying.phase(&mut engine, args.duration)?;
    let sold = Sold {
        seconds: buying.finished_at.duration_since(begun_at).as_secs_f64(),
        orders: buying.orders,
        tickets: buying.tickets,
        cpu_seconds: cpu_seconds(std::process::id())? - own,
        server_cpu_seconds: cpu_seconds(args.server_pid)? - servers,
        histogram: buying.latency.sparse(),
        other: buying.other,
        lost: buying.lost,
        bought: buying.bought,
    };
    println!("{}", serde_json::to_string(&sold)?);
    Ok(ExitCode::SUCCESS)
}

struct Buying<'a> {
    args: &'a TicketsLoadArgs,
    server: SocketAddr,
    distributors: Vec<Distributor>,
    deal: Deal,
    prefix: String,
    random: Random,
    sent: usize,
    until: Instant,
    finished_at: Instant,
    /// What each connection has asked for: the distributor and the quantity.
    asked: Vec<(usize, u32)>,
    body: Vec<u8>,
    body_bytes: usize,
    members: [Member; 3],
    orders: u64,
    tickets: u64,
    other: BTreeMap<String, u64>,
    lost: u64,
    bought: Vec<u64>,
    latency: Histogram,
}

impl<'a> Buying<'a> {
    fn new(args: &'a TicketsLoadArgs, server: SocketAddr) -> Self {
        let now = Instant::now();
        Self {
            args,
            server,
            distributors: (0..args.distributors).map(Distributor::added).collect(),
            deal: Deal { number: args.deal.clone(), day: args.day.clone(), sell: args.sell.clone() },
            prefix: format!("T{:x}p{:x}", wall_ms(), std::process::id()),
            random: Random::new(args.seed),
            sent: 0,
            until: now,
            finished_at: now,
            asked: vec![(0, 0); args.connections],
            body: Vec::with_capacity(512),
            body_bytes: 0,
            members: ["code", "orderStatus", "voucher"].map(Member::new),
            orders: 0,
            tickets: 0,
            other: BTreeMap::new(),
            lost: 0,
            bought: vec![0; args.distributors],
            latency: Histogram::default(),
        }
    }

    fn phase(&mut self, engine: &mut Engine, seconds: f64) -> anyhow::Result<()> {
        let duration = Duration::try_from_secs_f64(seconds).context("that is no number of seconds")?;
        self.until = Instant::now() + duration;
        if let Ended::Unanswered(count) = engine.run(self, duration + ANSWER_LIMIT)? {
            self.lost += count as u64;
        }
        ensure!(self.lost < LOST_MAX, "{} connections broke; is the server gone?", self.lost);
        Ok(())
    }

    /// From here on it is measured.
    fn start_counting(&mut self) {
        self.orders = 0;
        self.tickets = 0;
        self.latency = Histogram::default();
    }

    /// What is wrong with an answer; a sale has as many codes as were to be issued.
    fn fault(&self, answer: Answer<'_>, quantity: u32) -> Option<String> {
        if answer.status != 200 {
            return Some(format!("HTTP {}", answer.status));
        }
        if self.args.echo {
            let same = answer.body.len().abs_diff(self.body_bytes) < 16;
            return (!same).then(|| format!("{} bytes came back", answer.body.len()));
        }
        let [code, status, voucher] = self.members.each_ref().map(|member| member.find(answer.body));
        if code != Some(b"10000") || status != Some(b"4") {
            let shown = |it: Option<&[u8]>| String::from_utf8_lossy(it.unwrap_or(b"none")).into_owned();
            return Some(format!("code {}, status {}", shown(code), shown(status)));
        }
        let codes = voucher.map_or(0, |codes| codes.split(|byte| *byte == b',').count());
        let expected = if self.args.per_ticket { quantity as usize } else { 1 };
        (codes != expected).then(|| format!("{codes} codes instead of {expected}"))
    }
}

impl Workload for Buying<'_> {
    fn next(&mut self, slot: usize, now: Instant, out: &mut Vec<u8>) -> bool {
        if now >= self.until {
            return false;
        }
        let buyer = self.sent % self.args.buyers;
        let through = buyer % self.distributors.len();
        let quantity = 1 + self.random.below(u64::from(QUANTITY_MAX)) as u32;
        let order = format!("{}n{:010}", self.prefix, self.sent);
        self.sent += 1;
        self.asked[slot] = (through, quantity);
        self.body.clear();
        order_body(&mut self.body, &order, None, &self.deal, Wish { buyer, quantity });
        let entry = if self.args.echo { Entry::Echo } else { Entry::Gateway };
        let call = Request { entry, operation: "newOrder", body: &self.body, now_ms: wall_ms() };
        // All envelopes have one length, but for a digit more or less.
        self.body_bytes = self.body.len() + r#"{"partnerId":7000000,"body":}"#.len();
        self.distributors[through].post(out, &call, self.server);
        true
    }

    fn answered(&mut self, slot: usize, answer: Answer<'_>, took: Duration) {
        let (through, quantity) = self.asked[slot];
        self.finished_at = Instant::now();
        match self.fault(answer, quantity) {
            None => {
                self.orders += 1;
                self.tickets += u64::from(quantity);
                self.bought[through] += u64::from(quantity);
                self.latency.record(took);
            }
            Some(fault) => *self.other.entry(fault).or_default() += 1,
        }
    }

    fn lost(&mut self, _: usize) -> AfterLoss {
        self.lost += 1;
        if self.lost < LOST_MAX { AfterLoss::Reconnect } else { AfterLoss::GiveUp }
    }
}
