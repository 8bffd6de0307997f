use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHasher;
use tokio::time::Instant;

/// Everything that happens in a run: all of it as a sum, the latest of it in words.
#[derive(Clone, Debug)]
pub struct Trace {
    begun: Instant,
    record: Arc<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    sum: u64,
    events: u64,
    holds: u64,
    latest: VecDeque<String>,
    is_loud: bool,
    /// What should not have happened, the first of it.
    wrong: Option<String>,
}

impl Trace {
    /// The time begins now. A loud one says in words what happens, when it does.
    pub(crate) fn new(is_loud: bool) -> Self {
        let record = Record { is_loud, ..Record::default() };
        Self { begun: Instant::now(), record: Arc::new(Mutex::new(record)) }
    }

    /// Time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Adds something to the sum that is not worth words.
    pub(crate) fn add(&self, what: impl Hash) {
        let at = self.elapsed();
        let mut record = self.lock();
        let mut hasher = FxHasher::default();
        (record.sum, at, what).hash(&mut hasher);
        (record.sum, record.events) = (hasher.finish(), record.events + 1);
    }

    /// Something happened that explains what comes of it.
    pub(crate) fn say(&self, what: impl fmt::Display) {
        let line = format!("{:10.3} s  {what}", self.elapsed().as_secs_f64());
        self.add(&line);
        let mut record = self.lock();
        if record.is_loud {
            eprintln!("{line}");
        }
        if record.latest.len() == LATEST {
            record.latest.pop_front();
        }
        record.latest.push_back(line);
    }

    /// Something happened that never should.
    pub(crate) fn wrong(&self, what: impl fmt::Display) {
        self.say(format_args!("WRONG: {what}"));
        self.lock().wrong.get_or_insert_with(|| what.to_string());
    }

    /// An error when something has happened that never should.
    pub(crate) fn is_right(&self) -> Result<(), String> {
        self.lock().wrong.clone().map_or(Ok(()), Err)
    }

    /// A number that any difference in what happened, or when, changes.
    pub(crate) fn sum(&self) -> (u64, u64) {
        let record = self.lock();
        (record.sum, record.events)
    }

    /// Flows were held, and as they were said to be.
    pub(crate) fn held(&self) {
        self.lock().holds += 1;
    }

    /// How often flows were held.
    pub(crate) fn holds(&self) -> u64 {
        self.lock().holds
    }

    /// What happened last, in words.
    pub(crate) fn latest(&self) -> String {
        self.lock().latest.iter().flat_map(|line| [line, "\n"]).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines that are kept.
const LATEST: usize = 60;
