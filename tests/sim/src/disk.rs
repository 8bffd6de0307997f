use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::random::Random;

/// A disk with one file. What was written is lost, or not, when the machine fails before it was
/// synced; what was synced is there.
#[derive(Clone, Debug, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// As of the last sync.
    synced: Vec<u8>,
    /// As those see it who have it open.
    current: Vec<u8>,
    /// What was done since the last sync.
    since: Vec<Operation>,
    /// Counts those who have had it open; only the last may write.
    opened: u64,
    /// Operations until one fails, and all after it.
    fails_in: Option<u64>,
    syncs: u64,
}

#[derive(Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// The file, opened.
#[derive(Debug)]
pub struct File {
    disk: Disk,
    number: u64,
}

impl Disk {
    /// Opens the file. Whoever had it open before has it no more.
    pub fn open(&self) -> File {
        let mut platter = self.lock();
        platter.opened += 1;
        platter.fails_in = None;
        let number = platter.opened;
        drop(platter);
        File { disk: self.clone(), number }
    }

    /// The machine fails: who has the file open can do nothing any more, and of what was not
    /// synced some is there and some is not.
    pub fn crash(&self, random: &mut Random) {
        let mut platter = self.lock();
        platter.opened += 1;
        let survives = random.below(3);
        for operation in std::mem::take(&mut platter.since) {
            let is_there = match survives {
                0 => false,
                1 => true,
                _ => random.percent(50),
            };
            if is_there {
                operation.repeat(&mut platter.synced);
            }
        }
        platter.current = platter.synced.clone();
    }

    /// The disk fails after so many more operations, until the file is opened anew.
    pub fn fail_in(&self, operations: u64) {
        self.lock().fails_in = Some(operations);
    }

    /// It will not fail any more.
    pub fn repair(&self) {
        self.lock().fails_in = None;
    }

    /// A disk of its own with what is on this one and cannot be lost any more.
    pub fn copy(&self) -> Self {
        let platter = self.lock();
        let (synced, current) = (platter.synced.clone(), platter.synced.clone());
        Self(Arc::new(Mutex::new(Platter { synced, current, ..Platter::default() })))
    }

    /// How often it was synced.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    fn platter(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let mut platter = self.disk.lock();
        if platter.opened != self.number {
            return Err(io::Error::other("the machine has failed"));
        }
        if let Some(left) = &mut platter.fails_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Err(io::Error::other("the disk has failed"));
            }
        }
        Ok(platter)
    }
}

impl Operation {
    fn repeat(self, file: &mut Vec<u8>) {
        match self {
            Self::Length(length) => file.resize(length, 0),
            Self::Write(at, bytes) => {
                // A file may have grown by a write whose own growth was lost.
                let end = at + bytes.len();
                file.resize(file.len().max(end), 0);
                file[at..end].copy_from_slice(&bytes);
            }
        }
    }
}

impl StorageBackend for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter()?.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter()?;
        let begin = offset as usize;
        let bytes = platter.current.get(begin..begin + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut platter = self.platter()?;
        platter.current.resize(len as usize, 0);
        platter.since.push(Operation::Length(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.platter()?;
        platter.syncs += 1;
        for operation in std::mem::take(&mut platter.since) {
            operation.repeat(&mut platter.synced);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut platter = self.platter()?;
        let (begin, end) = (offset as usize, offset as usize + data.len());
        let file = platter.current.get_mut(begin..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        file.copy_from_slice(data);
        platter.since.push(Operation::Write(begin, data.to_vec()));
        Ok(())
    }
}
