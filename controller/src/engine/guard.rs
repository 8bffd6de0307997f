use topology::model::Timestamp;

/// What a host would lose that this controller knows no reason for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Removal {
    /// Flows of ours whose whole block the host should not have.
    pub flows: u64,
    /// Flows of ours that the host has.
    pub of: u64,
}

/// How much a host may lose when this controller sees it for the first time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RemovalLimit {
    /// Of the host's flows, in percent; 100 for all of them.
    pub percent: u8,
    /// So many flows may go whatever their share is.
    pub floor: u64,
}

/// Flows that stay until somebody says that they may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hold {
    /// The flows, and those they are a part of.
    pub removal: Removal,
    /// Since when.
    pub since: Timestamp,
}

/// What one host has to do with the guard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guard {
    /// What was to go when the host was seen for the first time.
    first: Removal,
    /// This process has brought the host to what it should have, or was told that it may: from
    /// then on everything that goes was deleted through this process.
    trusted: bool,
    hold: Option<Hold>,
}

impl Guard {
    pub(super) fn first(&self) -> Removal {
        self.first
    }

    pub(super) fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// Whether the host may lose these flows, where `others` is what all other hosts together
    /// were to lose when they were seen for the first time.
    pub(super) fn judge(
        &mut self,
        removal: Removal,
        others: Removal,
        limit: RemovalLimit,
        now: Timestamp,
    ) -> bool {
        if self.trusted {
            return true;
        }
        self.first = removal;
        let all = removal + others;
        let is_held = removal.flows > 0 && (limit.is_exceeded(removal) || limit.is_exceeded(all));
        let since = self.hold.map_or(now, |hold| hold.since);
        self.hold = is_held.then_some(Hold { removal, since });
        self.trusted = !is_held;
        self.trusted
    }

    /// Whatever is held may go; false when nothing was.
    pub(super) fn release(&mut self) -> bool {
        let was_held = self.hold.take().is_some();
        self.trusted |= was_held;
        was_held
    }
}

impl RemovalLimit {
    fn is_exceeded(self, Removal { flows, of }: Removal) -> bool {
        flows > self.floor && flows * 100 > of * u64::from(self.percent)
    }
}

impl Default for RemovalLimit {
    fn default() -> Self {
        Self { percent: 50, floor: 500 }
    }
}

impl std::ops::Add for Removal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { flows: self.flows + other.flows, of: self.of + other.of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(7);
    const NONE: Removal = Removal { flows: 0, of: 0 };

    fn removal(flows: u64, of: u64) -> Removal {
        Removal { flows, of }
    }

    fn judge(guard: &mut Guard, it: Removal, others: Removal) -> bool {
        guard.judge(it, others, RemovalLimit::default(), NOW)
    }

    #[test]
    fn most_of_a_hosts_flows_do_not_go_at_first_sight() {
        let mut guard = Guard::default();
        assert!(!judge(&mut guard, removal(900, 1000), NONE));
        assert_eq!(guard.hold(), Some(Hold { removal: removal(900, 1000), since: NOW }));
        // Nor when it connects again.
        assert!(!judge(&mut guard, removal(900, 1000), NONE));
        assert!(guard.release());
        assert!(!guard.release());
        assert!(judge(&mut guard, removal(900, 1000), NONE));
        assert_eq!(guard.hold(), None);
    }

    #[test]
    fn a_small_share_or_a_small_number_goes_and_so_does_what_was_deleted_here() {
        for it in [removal(500, 1000), removal(500, 500), removal(0, 9000)] {
            let mut guard = Guard::default();
            assert!(judge(&mut guard, it, NONE), "{it:?}");
            // The host was as it should be: what goes now was deleted meanwhile.
            assert!(judge(&mut guard, removal(9000, 9000), NONE));
        }
        let all = RemovalLimit { percent: 100, floor: 0 };
        assert!(Guard::default().judge(removal(900, 900), NONE, all, NOW));
    }

    #[test]
    fn what_is_little_on_each_host_and_much_on_all_is_held() {
        let (mut others, mut held) = (NONE, 0);
        for _ in 0..100 {
            let mut guard = Guard::default();
            held += usize::from(!judge(&mut guard, removal(100, 110), others));
            others = others + guard.first();
        }
        assert_eq!(held, 95);
        // A host of which nothing is to go is not concerned.
        assert!(judge(&mut Guard::default(), removal(0, 110), others));
    }
}
