//! A lab's name and run directory, by which what it left behind is found and removed.

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::netns::{HANDLES, Netns};

/// What the names of all labs' namespaces and run directories start with.
const PREFIX: &str = "weft-lab-";

/// The file of a run directory that says whose the lab is.
const OWNER: &str = "owner";

/// What that file holds when nobody is waiting for the lab's end.
const DETACHED: &str = "detached";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A lab's name on this machine: its owner's process id and a count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LabId(String);

impl LabId {
    /// A name no other lab has, with its run directory.
    pub(crate) fn claim() -> Result<Self> {
        let pid = std::process::id();
        let id = Self(format!("{pid}-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        // A directory of that name can only be of an owner that had this process id before.
        id.remove()?;
        let dir = id.run_dir();
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let birth = birth(pid).context("cannot read this process's start time from /proc")?;
        id.set_owner(&format!("{pid} {birth}"))?;
        Ok(id)
    }

    /// The lab of that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find(name: &str) -> Result<Self> {
        let id = Self(name.to_owned());
        if !id.run_dir().is_dir() {
            bail!("no lab {name}; `weft-lab status` lists those that are up");
        }
        Ok(id)
    }

    /// Where the lab keeps its files.
    pub fn run_dir(&self) -> PathBuf {
        std::env::temp_dir().join(format!("{PREFIX}{}", self.0))
    }

    /// The full name of the lab's namespace `node`.
    pub(crate) fn netns_name(&self, node: &str) -> String {
        format!("{PREFIX}{}-{node}", self.0)
    }

    /// The lab's namespaces: the node's name and the namespace.
    ///
    /// # Errors
    ///
    /// When the directory of namespace handles cannot be read.
    pub fn nodes(&self) -> Result<Vec<(String, Netns)>> {
        let prefix = self.netns_name("");
        let names = names(HANDLES.into())?;
        let nodes = names.into_iter().filter_map(|name| {
            let node = name.strip_prefix(&prefix)?.to_owned();
            Some((node, Netns::existing(name)))
        });
        Ok(nodes.collect())
    }

    /// Leaves the lab up when its owner ends.
    pub(crate) fn detach(&self) -> Result<()> {
        self.set_owner(DETACHED)
    }

    /// Whether the process that made the lab is there to remove it.
    pub fn owner(&self) -> Owner {
        let Ok(owner) = fs::read_to_string(self.run_dir().join(OWNER)) else {
            // Without the file, the process id in the name is all there is to go by.
            let pid = self.0.split('-').next().and_then(|pid| pid.parse().ok());
            return if pid.and_then(birth).is_some() { Owner::Alive } else { Owner::Gone };
        };
        if owner == DETACHED {
            return Owner::Detached;
        }
        let alive = owner.split_once(' ').is_some_and(|(pid, born)| {
            pid.parse().ok().and_then(birth).is_some_and(|birth| birth == born)
        });
        if alive { Owner::Alive } else { Owner::Gone }
    }

    /// Ends every process of the lab and removes its namespaces and its run directory.
    ///
    /// # Errors
    ///
    /// When something could not be removed; everything else is.
    pub fn remove(&self) -> Result<()> {
        // Two labs that start at once both clean up: the second waits here for the first.
        let owner = File::open(self.run_dir().join(OWNER)).ok();
        owner.as_ref().map(File::lock).transpose().context("cannot lock a lab's owner file")?;
        let mut result = Ok(());
        for (_, netns) in self.nodes()? {
            result = result.and(netns.remove());
        }
        let dir = self.run_dir();
        if dir.exists() {
            let removed = fs::remove_dir_all(&dir);
            result =
                result.and(removed.with_context(|| format!("cannot remove {}", dir.display())));
        }
        result
    }

    fn set_owner(&self, owner: &str) -> Result<()> {
        let path = self.run_dir().join(OWNER);
        fs::write(&path, owner).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl fmt::Display for LabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether somebody will remove a lab.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// The process that made it runs.
    Alive,
    /// It was left up on purpose.
    Detached,
    /// The process that made it is gone without having removed it.
    Gone,
}

/// Every lab on this machine.
///
/// # Errors
///
/// When the directories that tell cannot be read.
pub fn labs() -> Result<Vec<LabId>> {
    let mut ids: Vec<String> = names(std::env::temp_dir())?
        .iter()
        .filter_map(|name| name.strip_prefix(PREFIX))
        .map(str::to_owned)
        .collect();
    // Namespaces whose run directory somebody removed.
    for name in names(HANDLES.into())? {
        let parts = name.strip_prefix(PREFIX).map(|rest| rest.splitn(3, '-').collect::<Vec<_>>());
        if let Some([pid, count, _]) = parts.as_deref() {
            ids.push(format!("{pid}-{count}"));
        }
    }
    ids.retain(|id| is_lab_id(id));
    ids.sort_unstable();
    ids.dedup();
    Ok(ids.into_iter().map(LabId).collect())
}

/// Removes the labs whose owners are gone; those left up on purpose only if asked.
///
/// # Errors
///
/// When one could not be removed; the others are.
pub fn clean(detached: bool) -> Result<Vec<LabId>> {
    let unwanted = |id: &LabId| match id.owner() {
        Owner::Alive => false,
        Owner::Detached => detached,
        Owner::Gone => true,
    };
    let leftovers: Vec<_> = labs()?.into_iter().filter(unwanted).collect();
    remove_all(&leftovers)?;
    Ok(leftovers)
}

/// Removes the labs that this process made, for when it is told to end.
///
/// # Errors
///
/// When one could not be removed; the others are.
pub fn remove_own() -> Result<()> {
    let prefix = format!("{}-", std::process::id());
    let own: Vec<_> = labs()?.into_iter().filter(|id| id.0.starts_with(&prefix)).collect();
    remove_all(&own)
}

/// Removes all of them, and returns the first error.
fn remove_all(ids: &[LabId]) -> Result<()> {
    let mut result = Ok(());
    for id in ids {
        result = result.and(id.remove());
    }
    result
}

fn is_lab_id(id: &str) -> bool {
    id.split_once('-').is_some_and(|(pid, count)| {
        [pid, count].iter().all(|part| part.parse::<u32>().is_ok_and(|n| n.to_string() == **part))
    })
}

/// The names in a directory; none where there is no such directory.
fn names(dir: PathBuf) -> Result<Vec<String>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.collect())
}

/// When a process was started, in the kernel's ticks since boot; with it, a process id that was
/// given out again is told from the one before. `None` when there is no such process.
fn birth(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    // Field 22; `rest` begins with field 3.
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_lab_could_have_are_taken_for_one() {
        assert!(is_lab_id("4711-0"));
        for other in ["4711", "4711-0-h1", "-0", "x-1", "4711-00", "+1-0"] {
            assert!(!is_lab_id(other), "{other}");
        }
    }

    #[test]
    fn a_process_is_told_from_another_that_had_its_id() {
        let own = birth(std::process::id()).unwrap();
        assert!(own.parse::<u64>().unwrap() > 0);
        assert_eq!(birth(u32::MAX), None);
    }
}
