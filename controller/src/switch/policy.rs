use std::num::NonZeroUsize;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;

/// What is done about what others have changed while a host was connected: flows, meters and other
/// settings of its switch, and rows of its database.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// It is put right.
    #[default]
    Heal,
    /// It is counted and reported, and left as it is until switch or database connect anew.
    Observe,
}

/// What is done about flows that are not ours.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ForeignFlows {
    /// They stay.
    #[default]
    Keep,
    /// They go.
    Remove,
}

/// How switches are kept as they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// What is done about what others have changed.
    pub drift: OnDrift,
    /// What is done about flows that are not ours.
    pub foreign: ForeignFlows,
    /// How often the flows of a switch are read back that does not tell of changes by itself.
    pub read_back_interval: Duration,
    /// How many switches are read back, and sent what they lack, at a time.
    pub parallel_read_backs: NonZeroUsize,
    /// Flow-mods in a part of what a switch lacks. What changes meanwhile waits for two of them at
    /// most.
    pub part: NonZeroUsize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            drift: OnDrift::default(),
            foreign: ForeignFlows::default(),
            read_back_interval: Duration::from_secs(3),
            parallel_read_backs: NonZeroUsize::new(8).expect("8 is not 0"),
            part: NonZeroUsize::new(512).expect("512 is not 0"),
        }
    }
}
