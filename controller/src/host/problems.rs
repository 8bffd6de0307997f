/// What is wrong in a host's database but does not stand in the way, as far as it is told.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Problems {
    told: Vec<String>,
    untold: usize,
}

/// The most that are told of one host at a time.
const MAX_PROBLEMS: usize = 16;
/// How much is told of a text that a host has, in characters.
const BRIEF: usize = 80;

impl Problems {
    pub(super) fn add(&mut self, problem: String) {
        if self.told.len() == MAX_PROBLEMS {
            self.untold += 1;
        } else if !self.told.contains(&problem) {
            self.told.push(problem);
        }
    }

    /// In words.
    pub fn told(&self) -> impl Iterator<Item = String> + '_ {
        let rest = (self.untold > 0).then(|| format!("and {} problems more", self.untold));
        self.told.iter().cloned().chain(rest)
    }
}

/// The beginning of a text that may be of any length.
pub(super) fn brief(text: &str) -> &str {
    let end = text.char_indices().nth(BRIEF).map_or(text.len(), |(index, _)| index);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_told_and_the_rest_is_counted() {
        let mut problems = Problems::default();
        (0..100_000).for_each(|number| problems.add(format!("problem {number}")));
        let told: Vec<_> = problems.told().collect();
        assert_eq!(told.len(), MAX_PROBLEMS + 1);
        assert_eq!(told[MAX_PROBLEMS], "and 99984 problems more");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(brief("short"), "short");
        assert_eq!(brief(&"ö".repeat(1000)), "ö".repeat(BRIEF));
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, number};
        check("OVSDB", &[("problems of one host that are told", number(MAX_PROBLEMS))]);
    }
}
