//! Moving a whole gateway from one database to another, whichever stores they are.
//!
//! The source gives out what it holds in [`Section`]s, a [`Chunk`] at a time, as rows to insert. The
//! target takes a chunk in as any other batch: one transaction through a lane, together with a fact
//! that says how far the copy has come. So a chunk is there once or not at all, whatever is killed
//! when, and a copy that is started again goes on after the last chunk that is there.
//!
//! Account sums are not read from the source: they are what the transfers of a chunk add up to. Nobody
//! may work with either database meanwhile; [`before_serving`] keeps a gateway from a target that is
//! not complete, and [`copy`] notices a gateway that has worked with the source between two runs.

mod mark;
mod sections;

use std::ops::ControlFlow;

use tradewind_domain::{Account, Fact, WriteSet};

use crate::{BoxFuture, Lane, Result, Store, StoreError, Verification};

pub use sections::Section;

use mark::{Mark, Place};

/// In the target: how far the copy has come.
const MARK_FACT: &str = "copy";
/// In the source: a token of the copy that is being made of it; taken back by a gateway that starts.
const TOKEN_FACT: &str = "copied_as";
/// In the source: it was given up for a copy.
const RETIRED_FACT: &str = "retired";

/// A store that can give out everything it holds.
pub trait Movable: Store {
    /// Rows of a section in the order of their keys, after `after`, which is the [`Chunk::next`] of an
    /// earlier call; at most `limit`, at least one as long as there are any.
    fn export(&self, section: Section, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Chunk>>;

    /// How many other processes work with the database at the moment.
    fn others(&self) -> BoxFuture<'_, Result<u64>>;
}

/// Rows of one section.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// The rows, all of them to be inserted; no sums of accounts among them.
    pub rows: WriteSet,
    /// How many there are.
    pub count: u64,
    /// Where the next chunk begins, in the store's own words; `None` at the end of the section.
    pub next: Option<String>,
}

/// Which of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that is copied.
    Source,
    /// The one that the copy is made in.
    Target,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            End::Source => "source",
            End::Target => "target",
        })
    }
}

/// Why a copy was not begun or not finished.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A database did not do what it was asked; the copy can be started again.
    #[error("the {0} cannot be used")]
    Store(End, #[source] StoreError),
    /// Others work with a database.
    #[error("{1} running gateways work with the {0}: stop them first")]
    InUse(End, u64),
    /// The target has rows that are not of a copy.
    #[error("the target is not empty")]
    NotEmpty,
    /// The target has a part of a copy that this one cannot go on with.
    #[error(
        "the target holds a part of another copy, or a gateway has worked with the source since: begin with an empty target"
    )]
    OtherCopy,
    /// The target has a whole copy already, and not of the source as it is.
    #[error(
        "the target holds a copy that is complete, of another source or of this one before a gateway worked with it"
    )]
    Complete,
    /// The source is a copy that was never completed.
    #[error("the source is itself a copy that was not completed")]
    SourceIncomplete,
    /// The source was given up for a copy.
    #[error("the source was retired after it had been copied")]
    SourceRetired,
    /// The caller had it stopped; the copy can be started again.
    #[error("stopped")]
    Stopped,
}

/// Why no gateway may be started on a database.
#[derive(Debug, thiserror::Error)]
pub enum NotServable {
    /// It is a copy that was not completed.
    #[error("this database is a copy that was not completed: run `tradewind copy` again")]
    Incomplete,
    /// It was given up for a copy.
    #[error("this database was retired: its gateway was moved to another")]
    Retired,
    /// It did not answer.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
}

/// How to copy.
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Names this copy, should it be a new one: any text without a line feed that was never used.
    pub token: String,
    /// Rows in a chunk, and so in a transaction.
    pub chunk_rows: u32,
}

/// What there was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// Rows, or at least the declaration that none is missing.
    Now,
    /// Nothing: the same copy was completed before.
    Before,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being copied.
    pub section: Section,
    /// Rows of the section that are there.
    pub rows: u64,
    /// The section is complete.
    pub complete: bool,
}

/// Copies everything, or goes on with a copy that was interrupted. When it returns, all rows are in the
/// target, and [`complete`] is what is left to do once the target has been verified, also where all of
/// it was done before. `tell` hears of each chunk and can stop the copy.
pub async fn copy(
    source: &dyn Movable,
    target: &dyn Movable,
    options: &CopyOptions,
    tell: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> std::result::Result<Copied, CopyError> {
    let (from, to) = (at(End::Source), at(End::Target));
    for (end, store) in [(End::Source, source), (End::Target, target)] {
        match store.others().await.map_err(at(end))? {
            0 => {}
            others => return Err(CopyError::InUse(end, others)),
        }
    }
    let mut mark = begin(source, target, options).await?;
    let mut lane = target.open_lane().await.map_err(to)?;
    while let Place::In { section, rows, after } = mark.place.clone() {
        let chunk = source.export(section, after, options.chunk_rows.max(1)).await.map_err(from)?;
        let (count, complete) = (rows + chunk.count, chunk.next.is_none());
        mark.place = match (chunk.next, section.next()) {
            (Some(next), _) => Place::In { section, rows: count, after: Some(next) },
            (None, Some(following)) => Place::In { section: following, rows: 0, after: None },
            (None, None) => Place::Copied,
        };
        take_in(lane.as_mut(), chunk.rows, &mark).await.map_err(to)?;
        if tell(Progress { section, rows: count, complete }).is_break() && mark.place != Place::Copied {
            return Err(CopyError::Stopped);
        }
    }
    // Somebody who began meanwhile has found nothing that kept it from changing what was read.
    match source.others().await.map_err(from)? {
        0 if mark.place == Place::Complete => Ok(Copied::Before),
        0 => Ok(Copied::Now),
        others => Err(CopyError::InUse(End::Source, others)),
    }
}

/// Declares a copy complete, so that gateways may be started on it. With `retire`, none can be started
/// on the source any more. May be repeated.
pub async fn complete(
    source: &dyn Movable,
    target: &dyn Movable,
    retire: bool,
) -> std::result::Result<(), CopyError> {
    let (from, to) = (at(End::Source), at(End::Target));
    let Some(mut mark) = read_mark(target).await?.filter(Mark::is_whole) else {
        return Err(CopyError::OtherCopy);
    };
    mark.place = Place::Complete;
    if retire {
        // First, so that there is never a moment in which both can be started.
        remember(source, RETIRED_FACT, mark.token.clone()).await.map_err(from)?;
    }
    remember(target, MARK_FACT, mark.to_string()).await.map_err(to)
}

/// In what a copy differs from its source by the verifications of both; empty when in nothing.
pub fn differences(source: &Verification, target: &Verification) -> Vec<String> {
    let mut differences = Vec::new();
    let count = |verified: &Verification, what| {
        verified.checked.iter().find(|(name, _)| *name == what).map_or(0, |(_, count)| *count)
    };
    let names = source.checked.iter().chain(&target.checked).map(|(what, _)| *what);
    for what in names.collect::<std::collections::BTreeSet<_>>() {
        let (here, there) = (count(source, what), count(target, what));
        if here != there {
            differences.push(format!("{what}: {here} in the source, {there} in the target"));
        }
    }
    let new = target.findings.iter().filter(|finding| !source.findings.contains(finding));
    differences.extend(new.map(|finding| format!("only in the target: {finding}")));
    differences
}

/// To be called before a gateway works with `store`: refuses what is half a copy or was given up, and
/// lets a copy that is being made of it know that it is outdated.
pub async fn before_serving(store: &dyn Store) -> std::result::Result<(), NotServable> {
    if let Some(fact) = store.fact(MARK_FACT.into()).await? {
        let complete = Mark::parse(&fact.value).is_some_and(|mark| mark.place == Place::Complete);
        if !complete {
            return Err(NotServable::Incomplete);
        }
    }
    if store.fact(RETIRED_FACT.into()).await?.is_some() {
        return Err(NotServable::Retired);
    }
    if token(store).await?.is_some() {
        remember(store, TOKEN_FACT, String::new()).await?;
    }
    Ok(())
}

/// Finds out where to go on, or begins.
async fn begin(
    source: &dyn Movable,
    target: &dyn Movable,
    options: &CopyOptions,
) -> std::result::Result<Mark, CopyError> {
    let (from, to) = (at(End::Source), at(End::Target));
    let mark = read_mark(target).await?;
    if let Some(retired) = source.fact(RETIRED_FACT.into()).await.map_err(from)? {
        // Whoever was killed between retiring the source and completing the copy has this left to do.
        let ours = mark.filter(|mark| mark.token == retired.value && mark.is_whole());
        return ours.ok_or(CopyError::SourceRetired);
    }
    let origin = source.fact(MARK_FACT.into()).await.map_err(from)?;
    let incomplete = |fact: Fact| Mark::parse(&fact.value).is_none_or(|mark| mark.place != Place::Complete);
    if origin.is_some_and(incomplete) {
        return Err(CopyError::SourceIncomplete);
    }
    let known = token(source).await.map_err(from)?;
    if let Some(mark) = mark {
        return match mark.place {
            _ if known.as_ref() == Some(&mark.token) => Ok(mark),
            Place::Complete => Err(CopyError::Complete),
            Place::In { .. } | Place::Copied => Err(CopyError::OtherCopy),
        };
    }
    // Everything else belongs to a partner, but for facts, which the copy overwrites.
    if !target.list_partners(None, 1).await.map_err(to)?.partners.is_empty() {
        return Err(CopyError::NotEmpty);
    }
    // Always a new name: a target that is begun now is no part of an older copy.
    let mark = Mark {
        token: options.token.clone(),
        place: Place::In { section: Section::FIRST, rows: 0, after: None },
    };
    remember(source, TOKEN_FACT, mark.token.clone()).await.map_err(from)?;
    remember(target, MARK_FACT, mark.to_string()).await.map_err(to)?;
    Ok(mark)
}

/// Writes a chunk and how far the copy has come with it.
async fn take_in(lane: &mut dyn Lane, mut rows: WriteSet, mark: &Mark) -> Result<()> {
    // What the source says of copies made of it, or into it, is not about the target.
    rows.facts.retain(|fact| ![MARK_FACT, TOKEN_FACT, RETIRED_FACT].contains(&fact.name.as_str()));
    rows.facts.push(Fact { name: MARK_FACT.into(), value: mark.to_string() });
    for transfer in &rows.transfers {
        let currency = transfer.amount.currency();
        let key = |account: &Account| (transfer.partner, account.clone(), currency.code().to_owned());
        rows.accounts.entry(key(&transfer.debit)).or_default().debit(transfer);
        rows.accounts.entry(key(&transfer.credit)).or_default().credit(transfer);
    }
    lane.commit(&rows).await
}

async fn read_mark(target: &dyn Movable) -> std::result::Result<Option<Mark>, CopyError> {
    let Some(fact) = target.fact(MARK_FACT.into()).await.map_err(at(End::Target))? else { return Ok(None) };
    // A mark that cannot be read was written by another version of this program.
    Mark::parse(&fact.value).map(Some).ok_or(CopyError::OtherCopy)
}

async fn token(store: &dyn Store) -> Result<Option<String>> {
    let fact = store.fact(TOKEN_FACT.into()).await?;
    Ok(fact.map(|fact| fact.value).filter(|token| !token.is_empty()))
}

async fn remember(store: &dyn Store, name: &str, value: String) -> Result<()> {
    let fact = Fact { name: name.into(), value };
    store.open_lane().await?.commit(&WriteSet { facts: vec![fact], ..WriteSet::default() }).await
}

fn at(end: End) -> impl Fn(StoreError) -> CopyError + Copy {
    move |error| CopyError::Store(end, error)
}
